/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "remedy.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/raw.h"
#include "layer/layer.h"

#ifndef CLONE_NEWCGROUP
#define CLONE_NEWCGROUP 0x02000000
#endif
enum { RAW_STATX_ATTR_MOUNT_ROOT = 0x2000 }; /* linux/stat.h */

/* -- what may be the matter ------------------------------------------------ */

static bool has_no_proc(void)
{
	return access("/proc/self/ns", F_OK) < 0;
}

/* Not every chroot shows: one on a mount point of its own looks like a root. */
static bool is_in_chroot(void)
{
	/* struct statx, which not every libc has: stx_attributes is word 1, its mask 7. */
	uint64_t st[32] = { 0 };

	return raw5(SYS_statx, AT_FDCWD, "/", 0, 0, st) == 0 &&
	       (st[7] & RAW_STATX_ATTR_MOUNT_ROOT) && !(st[1] & RAW_STATX_ATTR_MOUNT_ROOT);
}

static bool has_setfcap(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];

	return raw2(SYS_capget, &header, data) == 0 && (data[0].effective & (1u << CAP_SETFCAP));
}

/* Of somebody's outside: we make none before the payload's. */
static bool is_under_filter(void)
{
	char text[4096];
	const char *at;

	if (fd_read_text(AT_FDCWD, "/proc/self/status", text, sizeof(text)) < 0)
		return false;
	at = strstr(text, "\nSeccomp:\t");
	return at && at[10] == '2';
}

/* The calls of each layer's set-up that containers' filters are known to refuse. */
static const char *calls_of(int layer)
{
	if (layer >= LAYER_GUARD || layer == LAYER_MEMFD)
		return "seccomp(2)";
	switch (layer) {
	case -1: return "clone3(2) and openat2(2)";
	case LAYER_USER_NS:
	case LAYER_PID_NS:
	case LAYER_IPC_NS: return "clone3(2)";
	case LAYER_MOUNT_NS: return "clone3(2) and mount(2)";
	case LAYER_UTS_NS: return "clone3(2) and sethostname(2)";
	case LAYER_CGROUP_NS: return "clone3(2) and unshare(2)";
	case LAYER_NETWORK_NS: return "unshare(2) and setns(2)";
	case LAYER_IDENTITY: return "unshare(2)";
	case LAYER_ROOT:
	case LAYER_DEVICES:
	case LAYER_PROC:
	case LAYER_TMPFS:
	case LAYER_BINDS:
		return "fsopen(2), fsconfig(2), fsmount(2), open_tree(2), move_mount(2), "
		       "mount_setattr(2) and openat2(2)";
	case LAYER_PIVOT_ROOT: return "pivot_root(2), umount2(2) and mount_setattr(2)";
	case LAYER_KEYRING: return "keyctl(2)";
	case LAYER_LANDLOCK: return "the calls of Landlock";
	default: return "the calls of this layer";
	}
}

static bool is_namespace(int layer)
{
	return layer == LAYER_USER_NS || layer == LAYER_PID_NS || layer == LAYER_MOUNT_NS ||
	       layer == LAYER_IPC_NS || layer == LAYER_UTS_NS || layer == LAYER_CGROUP_NS ||
	       layer == LAYER_NETWORK_NS || layer == LAYER_IDENTITY;
}

/* -- words ----------------------------------------------------------------- */

const char *remedy_of_limit(int error)
{
	switch (error) {
	case EAGAIN:
		return "the limit of processes is reached: raise RLIMIT_NPROC (ulimit -u) or the "
		       "pids.max of the caller's cgroup";
	case EMFILE:
		return "the limit of open files is reached: raise RLIMIT_NOFILE (ulimit -n), which "
		       "runner needs some 20 of";
	case EFBIG:
		return "the caller's RLIMIT_FSIZE is below the few kilobytes that the set-up "
		       "writes: raise it (ulimit -f)";
	case ENFILE: return "the host has no open file left: raise sysctl fs.file-max";
	case ENOMEM:
		return "there is no memory for it: raise RLIMIT_AS and RLIMIT_DATA (ulimit -v, "
		       "-d) or the memory.max of the caller's cgroup";
	default: return NULL;
	}
}

static bool of_probe(const struct host *host, int layer, char *ret, size_t size)
{
	struct finding f = { .state = FINDING_OK };

	if (layer < 0 || !layer_table[layer]->probe)
		return false;
	layer_table[layer]->probe(host, &f);
	/* What is weak explains no failure, but for what AppArmor says of user namespaces. */
	if ((f.state != FINDING_MISSING && layer != LAYER_USER_NS) || !f.remedy[0])
		return false;
	snprintf(ret, size, "%s: %s", f.detail, f.remedy);
	return true;
}

static const char *of_namespaces(const struct host *host, int error)
{
	if (error == ENOSPC || error == EUSERS)
		return "a limit of /proc/sys/user, here or in a user namespace above, is reached: "
		       "raise it there; or 32 user namespaces are nested";
	if (error == EINVAL)
		return "this kernel lacks a kind of namespace: one with CONFIG_NAMESPACES and its "
		       "options";
	if (error != EPERM && error != EACCES)
		return NULL;
	if (host->privileged)
		return "a security module forbids namespaces to runner: allow it them";
	return "a security module, or a chroot on a mount point, forbids user namespaces to "
	       "ordinary users: allow them to runner, leave the chroot, or run as root";
}

bool remedy_find(const struct host *host, int layer, int error, char *ret, size_t size)
{
	const char *words = NULL;
	bool denied = error == EPERM || error == ENOSYS; /* as filters do; not EACCES */

	if (error == ENOENT && has_no_proc())
		words = "no /proc is mounted where runner runs: mount -t proc proc /proc";
	else if (denied && is_under_filter()) {
		snprintf(ret, size,
			 "runner is under a seccomp filter, such as a container's, and this needs "
			 "%s: allow that there (docker and podman: --security-opt seccomp=PROFILE, "
			 "or "
			 "unconfined)",
			 calls_of(layer));
		return true;
	} else if (denied && is_namespace(layer) && !host->privileged && is_in_chroot())
		words = "in a chroot the kernel makes no user namespaces: run runner as root, or "
			"enter the directory by pivot_root(2), as 'bwrap --bind DIR /' and "
			"'systemd-nspawn -D DIR' do";
	else if (layer == LAYER_MOUNT_NS && error == EINVAL)
		words = "the root directory of runner is not in its mount namespace (was it "
			"unmounted?): start runner from one that is";
	else if (layer == LAYER_CGROUP && !remedy_of_limit(error))
		words = "the caller's cgroup takes no process into one below it: see 'runner "
			"doctor', or go without this layer: --without cgroup";
	else if (layer == LAYER_USER_NS && error == EPERM && host->uid == 0 && !has_setfcap())
		words = "the kernel maps root's own id only for who has CAP_SETFCAP "
			"(user_namespaces(7)): keep that capability, or run as an ordinary user";
	else if (layer == LAYER_PROC && error == EPERM)
		words = "rootless, the kernel mounts a /proc only where one is fully visible: in a "
			"container, unmask its /proc (podman: --security-opt unmask=ALL, docker: "
			"systempaths=unconfined), or run as its real root";
	else if ((layer == LAYER_USERNS_LIMIT || layer == LAYER_MEMFD) &&
		 (error == EROFS || error == EACCES || denied)) {
		snprintf(
			ret, size,
			"/proc/sys is read-only, as in a container: mount it writable (podman: "
			"--security-opt unmask=ALL, docker: systempaths=unconfined), or go without "
			"this layer: --without %s",
			layer_table[layer]->name);
		return true;
	} else if (layer == LAYER_DEVICES && error == ENOENT)
		words = "an ordinary user's devices are the host's own, and this /dev has not all "
			"of "
			"null, zero, full, random and urandom: mount a whole one, or run as root";
	else if (of_probe(host, layer, ret, size))
		return true;
	else if (is_namespace(layer) || layer == -1)
		words = of_namespaces(host, error);
	if (!words)
		words = remedy_of_limit(error);
	if (words)
		snprintf(ret, size, "%s", words);
	return words != NULL;
}

/* -- which namespace ------------------------------------------------------- */

static bool is_made(uint64_t flags)
{
	struct raw_clone_args args = { .flags = flags, .exit_signal = SIGCHLD };
	long pid = raw2(SYS_clone3, &args, sizeof(args));

	if (pid == 0)
		raw_exit_group(0);
	if (pid > 0)
		waitpid((pid_t)pid, NULL, 0);
	return pid > 0;
}

int remedy_refused_layer(const struct plan *plan, bool in_cgroup)
{
	static const struct {
		uint64_t flag;
		int layer;
	} kinds[] = { { CLONE_NEWUSER, LAYER_USER_NS }, { CLONE_NEWPID, LAYER_PID_NS },
		      { CLONE_NEWNS, LAYER_MOUNT_NS },	{ CLONE_NEWIPC, LAYER_IPC_NS },
		      { CLONE_NEWUTS, LAYER_UTS_NS },	{ CLONE_NEWCGROUP, LAYER_CGROUP_NS } };
	/* Rootless, the others are made below a user namespace of our own. */
	uint64_t below = plan->clone_flags & CLONE_NEWUSER;

	if (!is_made(0))
		return -1;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if ((plan->clone_flags & kinds[i].flag) && !is_made(kinds[i].flag | below))
			return kinds[i].layer;
	return in_cgroup ? LAYER_CGROUP : -1;
}
