/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "denial.h"

#include <inttypes.h>
#include <linux/audit.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "layer/layer.h"

const char *denial_name(int nr, char room[24])
{
	if (nr >= 0 && (unsigned int)nr < builtin_syscall_count && builtin_syscall_names[nr])
		return builtin_syscall_names[nr];
	snprintf(room, 24, "syscall %d", nr);
	return room;
}

/* -- decoding -------------------------------------------------------------- */

struct word {
	uint64_t value;
	const char *name;
};

static const struct word clone_flags[] = {
	{ 0x20000, "CLONE_NEWNS" },
	{ 0x2000000, "CLONE_NEWCGROUP" },
	{ 0x4000000, "CLONE_NEWUTS" },
	{ 0x8000000, "CLONE_NEWIPC" },
	{ 0x10000000, "CLONE_NEWUSER" },
	{ 0x20000000, "CLONE_NEWPID" },
	{ 0x40000000, "CLONE_NEWNET" },
	{ 0x10000, "CLONE_THREAD" },
	{ 0x4000, "CLONE_VFORK" },
	{ 0x100, "CLONE_VM" },
	{ 0, NULL },
};
static const struct word families[] = {
	{ 1, "AF_UNIX" },     { 2, "AF_INET" },	   { 10, "AF_INET6" }, { 15, "AF_KEY" },
	{ 16, "AF_NETLINK" }, { 17, "AF_PACKET" }, { 21, "AF_RDS" },   { 31, "AF_BLUETOOTH" },
	{ 38, "AF_ALG" },     { 40, "AF_VSOCK" },  { 44, "AF_XDP" },   { 0, NULL },
};
static const struct word options[] = {
	{ 26, "SO_ATTACH_FILTER" },
	{ 50, "SO_ATTACH_BPF" },
	{ 51, "SO_ATTACH_REUSEPORT_CBPF" },
	{ 52, "SO_ATTACH_REUSEPORT_EBPF" },
	{ 0, NULL },
};
static const struct word requests[] = {
	{ 0x5412, "TIOCSTI" },
	{ 0x541c, "TIOCLINUX" },
	{ 0x5423, "TIOCSETD" },
	{ 0, NULL },
};

enum decoding { AS_FLAGS, AS_WORD, AS_HEX, AS_OCTAL };

/* Which arguments say what was tried: registers only, never pointers. */
static const struct decoder {
	int nr;
	const char *label;
	unsigned int arg;
	enum decoding as;
	uint64_t mask;
	const struct word *words;
} decoders[] = {
	{ SYS_unshare, "flags", 0, AS_FLAGS, UINT32_MAX, clone_flags },
	{ SYS_clone, "flags", 0, AS_FLAGS, UINT32_MAX, clone_flags },
	{ SYS_socket, "domain", 0, AS_WORD, UINT32_MAX, families },
	{ SYS_socketpair, "domain", 0, AS_WORD, UINT32_MAX, families },
	{ SYS_ioctl, "request", 1, AS_WORD, UINT32_MAX, requests },
	{ SYS_setns, "type", 1, AS_FLAGS, UINT32_MAX, clone_flags },
	{ SYS_memfd_create, "flags", 1, AS_HEX, UINT32_MAX, NULL },
	{ SYS_mknodat, "mode", 2, AS_OCTAL, UINT16_MAX, NULL },
	{ SYS_mkdirat, "mode", 2, AS_OCTAL, UINT16_MAX, NULL },
	{ SYS_openat, "mode", 3, AS_OCTAL, UINT16_MAX, NULL },
	{ SYS_fchmod, "mode", 1, AS_OCTAL, UINT16_MAX, NULL },
	{ SYS_fchmodat, "mode", 2, AS_OCTAL, UINT16_MAX, NULL },
	{ 452 /* fchmodat2 */, "mode", 2, AS_OCTAL, UINT16_MAX, NULL },
#ifdef SYS_open
	{ SYS_mknod, "mode", 1, AS_OCTAL, UINT16_MAX, NULL },
	{ SYS_mkdir, "mode", 1, AS_OCTAL, UINT16_MAX, NULL },
	{ SYS_open, "mode", 2, AS_OCTAL, UINT16_MAX, NULL },
	{ SYS_creat, "mode", 1, AS_OCTAL, UINT16_MAX, NULL },
	{ SYS_chmod, "mode", 1, AS_OCTAL, UINT16_MAX, NULL },
#endif
	{ SYS_renameat2, "flags", 4, AS_HEX, UINT32_MAX, NULL },
	{ SYS_setsockopt, "option", 2, AS_WORD, UINT32_MAX, options },
	{ SYS_prctl, "option", 0, AS_HEX, UINT32_MAX, NULL },
	{ SYS_prlimit64, "resource", 1, AS_HEX, UINT32_MAX, NULL },
	{ SYS_seccomp, "operation", 0, AS_HEX, UINT32_MAX, NULL },
	{ SYS_personality, "persona", 0, AS_HEX, UINT32_MAX, NULL },
	{ SYS_ptrace, "request", 0, AS_HEX, UINT32_MAX, NULL },
	{ SYS_bpf, "cmd", 0, AS_HEX, UINT32_MAX, NULL },
	{ SYS_keyctl, "operation", 0, AS_HEX, UINT32_MAX, NULL },
};

static const struct decoder *decoder_of(int nr)
{
	for (size_t i = 0; i < sizeof(decoders) / sizeof(decoders[0]); i++)
		if (decoders[i].nr == nr)
			return &decoders[i];
	return NULL;
}

bool denial_same_kind(int nr, const uint64_t *a, const uint64_t *b)
{
	const struct decoder *d = decoder_of(nr);

	return !d || ((a[d->arg] ^ b[d->arg]) & d->mask) == 0;
}

void denial_target(const struct denial *denial, char *ret, size_t size)
{
	const struct decoder *d = decoder_of(denial->nr);
	const char *separator = "";
	uint64_t value;
	int n;

	ret[0] = '\0';
	if (!d)
		return;
	value = denial->args[d->arg] & d->mask;
	n = snprintf(ret, size, "%s=", d->label);
	for (const struct word *w = d->words; w && w->name; w++) {
		if (d->as == AS_WORD ? value != w->value : !(value & w->value))
			continue;
		n += snprintf(ret + n, size - (size_t)n, "%s%s", separator, w->name);
		separator = "|";
		value &= ~w->value;
		if ((size_t)n + 24 > size)
			return;
	}
	if (value != 0 || separator[0] == '\0')
		snprintf(ret + n, size - (size_t)n,
			 d->as == AS_OCTAL ? "%s0%" PRIo64 : "%s0x%" PRIx64, separator, value);
}

/* -- remedies -------------------------------------------------------------- */

static const struct {
	int nr;
	const char *remedy;
} remedies[] = {
#ifdef SYS_fork
	{ SYS_fork, "a profile that lets processes start: --profile default" },
	{ SYS_vfork, "a profile that lets processes start: --profile default" },
#endif
	{ SYS_execve, "a profile that lets programs start: --profile default" },
	{ SYS_execveat, "a profile that lets programs start: --profile default" },
	{ SYS_socket, "no profile grants this family; for TCP and UDP see --network" },
	{ SYS_mount, "mount it for the payload instead: --bind, --ro-bind or --tmpfs" },
	{ SYS_memfd_create, "executable memfds are refused; drop MFD_EXEC or use MFD_NOEXEC_SEAL" },
	{ SYS_sched_setaffinity, "choose the number of CPUs from outside: --cpus" },
};

/* No policy grants what the guard refuses. */
static const char *const guard_remedies[] = {
	[LAYER_COREDUMP - LAYER_GUARD] =
		"RLIMIT_CORE is low already; to let crashes out of the sandbox: --without coredump",
	[LAYER_SPECIAL_FILES - LAYER_GUARD] =
		"leave such bits and devices out of the workspace; if whoever meets them on the "
		"host may: --without special_files",
	[LAYER_INIT_GUARD - LAYER_GUARD] =
		"set it on the caller's own processes only; see --cpus and --cpu-time",
	[LAYER_FILTER_ATTACH - LAYER_GUARD] =
		"if the program is to be trusted with it: --without filter_attach",
	[LAYER_UNCOUNTED - LAYER_GUARD] =
		"a host with cgroups, where it is counted; see 'runner doctor'",
};

const char *denial_remedy(const struct denial *d, const char *policy)
{
	if (d->layer >= LAYER_GUARD && d->layer < LAYER_SECCOMP)
		return guard_remedies[d->layer - LAYER_GUARD];
	/* clone is refused for new namespaces, or, by no-fork, for processes. */
	if (d->nr == SYS_clone && strcmp(policy, "no-fork") == 0)
		return "a profile that lets processes start: --profile default";
	for (size_t i = 0; i < sizeof(remedies) / sizeof(remedies[0]); i++)
		if (remedies[i].nr == d->nr)
			return remedies[i].remedy;
	return "if the program is to be trusted with it, a policy of your own: --seccomp FILE";
}
