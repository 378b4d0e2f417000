/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/raw.h"

const char *const host_ns_names[HOST_NS_COUNT] = { "user", "pid", "mnt",   "net",
						   "ipc",  "uts", "cgroup" };

/* PROC_USER_INIT_INO in include/linux/proc_ns.h: the same on every kernel. */
#define INIT_USER_NS "user:[4026531837]"

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#endif

void host_ns_name(enum host_ns ns, char ret[HOST_NS_NAME])
{
	char path[32] = "/proc/self/ns/";
	ssize_t n;

	strcat(path, host_ns_names[ns]);
	n = readlink(path, ret, HOST_NS_NAME - 1);
	ret[n > 0 ? n : 0] = '\0';
}

/*
 * Everything the set-up does with privileges of the initial user namespace:
 * mounts, the change of identity, a read of files only their owner may read, and to
 * end what has another id then.
 */
static bool has_capabilities(bool *ret_ptrace)
{
	static const int needed[] = { CAP_SYS_ADMIN,	CAP_SETUID,  CAP_SETGID, CAP_CHOWN,
				      CAP_DAC_OVERRIDE, CAP_SETPCAP, CAP_KILL };
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];

	if (raw2(SYS_capget, &header, data) < 0)
		return false;
	for (unsigned int i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!(data[needed[i] / 32].effective & (1u << (needed[i] % 32))))
			return false;
	*ret_ptrace = data[0].effective & (1u << CAP_SYS_PTRACE);
	return true;
}

/*
 * swapoff(2) asks for CAP_SYS_ADMIN in the initial user namespace before it looks
 * at its path: ENOENT says that we have it, in a fiftieth of the time the first
 * look into /proc/self takes. Any other answer (a container's filter, a kernel
 * without swap) leaves it to the name.
 */
static bool in_initial_user_ns(void)
{
	char name[HOST_NS_NAME];

	if (raw1(SYS_swapoff, "") == -ENOENT)
		return true;
	host_ns_name(HOST_NS_USER, name);
	return strcmp(name, INIT_USER_NS) == 0;
}

static void probe_privileges(struct host *h)
{
	h->privileged = false;
	if (h->uid != 0)
		h->unprivileged_because = "not root";
	else if (!in_initial_user_ns())
		h->unprivileged_because = "root of a nested user namespace";
	else if (!has_capabilities(&h->may_join))
		h->unprivileged_because = "root without the capabilities the set-up needs";
	else
		h->privileged = true;
}

static void probe_links(struct host *h)
{
	/* Not lib32 and libx32: programs of foreign architectures are not for here. */
	static const char *const paths[HOST_LINKS] = { "/bin", "/sbin", "/lib", "/lib64" };

	for (int i = 0; i < HOST_LINKS; i++) {
		struct host_link *l = &h->links[i];
		ssize_t n = readlink(paths[i], l->target, sizeof(l->target) - 1);
		struct stat st;

		l->name = paths[i] + 1;
		l->target[n > 0 ? n : 0] = '\0';
		l->is_directory = n < 0 && stat(paths[i], &st) == 0 && S_ISDIR(st.st_mode);
	}
}

static void probe_etc(struct host *h)
{
	static const struct host_etc entries[HOST_ETC] = {
		{ .path = "/etc/alternatives" }, /* Debian's libblas.so.3 and the like */
		{ .path = "/etc/ld.so.cache" },	 /* where the loader finds libraries */
		/* Not looked up: they are optional where they are used at all. */
		{ .path = "/etc/ssl", .with_network = true, .exists = true, .is_directory = true },
		{ .path = "/etc/resolv.conf", .with_network = true, .exists = true },
		{ .path = "/etc/ca-certificates.conf", .with_network = true, .exists = true },
	};

	for (int i = 0; i < HOST_ETC; i++) {
		struct stat st;

		h->etc[i] = entries[i];
		if (entries[i].with_network)
			continue;
		h->etc[i].exists = stat(entries[i].path, &st) == 0;
		h->etc[i].is_directory = h->etc[i].exists && S_ISDIR(st.st_mode);
	}
}

static uint64_t hard_limit(int resource)
{
	struct rlimit limit;

	return getrlimit(resource, &limit) == 0 ? limit.rlim_max : 0;
}

/*
 * '|' matters where RLIMIT_CORE cannot be 1, '@' from Linux 6.16 on. Landlock's ABI
 * tells how old a kernel is for nothing: 7 came with 6.15; 0 tells nothing.
 */
static void probe_core_pattern(struct host *h)
{
	char text[2] = "";

	if (h->core != 0 && h->landlock_abi > 0 && h->landlock_abi < 7)
		return;
	fd_read_text(AT_FDCWD, "/proc/sys/kernel/core_pattern", text, sizeof(text));
	h->core_pattern = text[0];
}

void host_probe(struct host *h)
{
	long abi = raw3(SYS_landlock_create_ruleset, 0, 0, 1);

	*h = (struct host){ 0 };
	h->uid = geteuid();
	h->gid = getegid();
	h->pid = (uint32_t)getpid();
	h->caller = (int32_t)getppid();
	h->landlock_abi = abi > 0 ? (int)abi : 0;
	raw3(SYS_sched_getaffinity, 0, sizeof(h->cpu_mask), h->cpu_mask);
	for (unsigned int i = 0; i < 16; i++)
		h->cpus += (unsigned int)__builtin_popcountll(h->cpu_mask[i]);
	h->open_files = hard_limit(RLIMIT_NOFILE);
	h->core = hard_limit(RLIMIT_CORE);
	h->spread = *(const unsigned char *)getauxval(AT_RANDOM);
	probe_core_pattern(h);
	probe_privileges(h);
	/* Only the privileged may set it. */
	h->memfd_noexec = h->privileged && access("/proc/sys/vm/memfd_noexec", F_OK) == 0;
	probe_links(h);
	probe_etc(h);
}
