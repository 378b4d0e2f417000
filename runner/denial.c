/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "denial.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "../seccomp/bpf.h"
#include "denial_words.h"
#include "layer/layer.h"

const char *denial_name(int nr, uint32_t arch, char room[24])
{
	if (arch == BPF_NATIVE_ARCH && nr >= 0 && (unsigned int)nr < builtin_syscall_count &&
	    builtin_syscall_names[nr])
		return builtin_syscall_names[nr];
	snprintf(room, 24, "syscall %d", nr);
	return room;
}

/* -- decoding -------------------------------------------------------------- */

/* The call's first row in the table, or the table's end. */
static const struct denial_argument *arguments_of(int nr)
{
	const struct denial_argument *a = denial_arguments;

	while (a < denial_arguments + denial_argument_count && a->nr != nr)
		a++;
	return a;
}

static bool is_of(const struct denial_argument *a, int nr)
{
	return a < denial_arguments + denial_argument_count && a->nr == nr;
}

/* Is this name part of how the value is shown? */
static bool fits(const struct denial_argument *a, const struct denial_word *w, uint64_t value)
{
	uint64_t mask = a->form == DENIAL_WORD					  ? a->mask
			: a->form == DENIAL_MODE && (w->value & DENIAL_FILE_TYPE) ? DENIAL_FILE_TYPE
										  : w->value;

	return (value & mask) == w->value;
}

/* The part of a value that has names: all of a word that has one, or the known flags. */
static uint64_t named_part(const struct denial_argument *a, uint64_t value, bool *ret_named)
{
	uint64_t part = 0;

	*ret_named = false;
	for (const struct denial_word *w = a->words; w && w->name; w++) {
		if (!fits(a, w, value))
			continue;
		part |= w->value;
		*ret_named = true;
	}
	return part;
}

bool denial_same_kind(int nr, const uint64_t *x, const uint64_t *y)
{
	for (const struct denial_argument *a = arguments_of(nr); is_of(a, nr); a++) {
		bool named[2];

		if (named_part(a, x[a->arg] & a->mask, &named[0]) !=
			    named_part(a, y[a->arg] & a->mask, &named[1]) ||
		    named[0] != named[1])
			return false;
	}
	return true;
}

bool denial_same_values(int nr, const uint64_t *x, const uint64_t *y)
{
	for (const struct denial_argument *a = arguments_of(nr); is_of(a, nr); a++)
		if ((x[a->arg] ^ y[a->arg]) & a->mask)
			return false;
	return true;
}

/* " label=VALUE" at ret; what does not fit is left out. Returns the length. */
static size_t decode(const struct denial_argument *a, uint64_t value, char *ret, size_t size)
{
	const char *separator = "";
	uint64_t shown = 0;
	size_t n = (size_t)snprintf(ret, size, "%s=", a->label);

	if (a->form == DENIAL_NUMBER) {
		snprintf(ret + n, size - n, "%" PRId32, (int32_t)value);
		return strlen(ret);
	}
	for (const struct denial_word *w = a->words; w && w->name; w++) {
		if (!fits(a, w, value & ~shown))
			continue;
		n += (size_t)snprintf(ret + n, size - n, "%s%s", separator, w->name);
		if (n >= size)
			return size - 1;
		separator = "|";
		shown |= w->value;
		if (a->form == DENIAL_WORD)
			break;
	}
	value &= ~shown;
	if (value != 0 || separator[0] == '\0')
		snprintf(ret + n, size - n, a->form == DENIAL_MODE ? "%s0%" PRIo64 : "%s0x%" PRIx64,
			 separator, value);
	return strlen(ret);
}

void denial_target(const struct denial *d, char ret[DENIAL_TARGET])
{
	size_t n = 0;

	ret[0] = '\0';
	if (d->arch != BPF_NATIVE_ARCH)
		return; /* its numbers mean other calls */
	for (const struct denial_argument *a = arguments_of(d->nr); is_of(a, d->nr); a++) {
		if (n > 0 && n + 1 < DENIAL_TARGET)
			ret[n++] = ' ';
		n += decode(a, d->args[a->arg] & a->mask, ret + n, DENIAL_TARGET - n);
	}
	if (d->varied && n + sizeof(" and others") <= DENIAL_TARGET)
		strcpy(ret + n, " and others");
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
	[LAYER_UNIX_SOCKETS - LAYER_GUARD] =
		"a filter cannot tell its own sockets from a server's in a bind: if it may use "
		"both, say sockets for that bind (--bind SRC:DST:sockets)",
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
