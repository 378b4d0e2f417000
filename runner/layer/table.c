/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "layer/layer.h"

/* In the order of entry; each row's why_here says why it stands there. */
const struct layer *const layer_table[LAYER_COUNT] = {
	[LAYER_CGROUP] = &layer_cgroup,
	[LAYER_USER_NS] = &layer_user_ns,
	[LAYER_PID_NS] = &layer_pid_ns,
	[LAYER_MOUNT_NS] = &layer_mount_ns,
	[LAYER_IPC_NS] = &layer_ipc_ns,
	[LAYER_UTS_NS] = &layer_uts_ns,
	[LAYER_CGROUP_NS] = &layer_cgroup_ns,
	[LAYER_MEMFD] = &layer_memfd,
	[LAYER_ROOT] = &layer_root,
	[LAYER_DEVICES] = &layer_devices,
	[LAYER_PROC] = &layer_proc,
	[LAYER_PROC_SUBSET] = &layer_proc_subset,
	[LAYER_TMPFS] = &layer_tmpfs,
	[LAYER_NOEXEC] = &layer_noexec,
	[LAYER_BINDS] = &layer_binds,
	[LAYER_PROGRAMS] = &layer_programs,
	[LAYER_PIVOT_ROOT] = &layer_pivot_root,
	[LAYER_NETWORK_NS] = &layer_network_ns,
	[LAYER_NO_NEW_PRIVS] = &layer_no_new_privs,
	[LAYER_IDENTITY] = &layer_identity,
	[LAYER_USERNS_LIMIT] = &layer_userns_limit,
	[LAYER_KEYRING] = &layer_keyring,
	[LAYER_CAPABILITIES] = &layer_capabilities,
	[LAYER_LANDLOCK] = &layer_landlock,
	[LAYER_SESSION] = &layer_session,
	[LAYER_RLIMITS] = &layer_rlimits,
	[LAYER_ENVIRONMENT] = &layer_environment,
	[LAYER_FDS] = &layer_fds,
	[LAYER_COREDUMP] = &layer_coredump,
	[LAYER_SPECIAL_FILES] = &layer_special_files,
	[LAYER_INIT_GUARD] = &layer_init_guard,
	[LAYER_FILTER_ATTACH] = &layer_filter_attach,
	[LAYER_UNIX_SOCKETS] = &layer_unix_sockets,
	[LAYER_UNCOUNTED] = &layer_uncounted,
	[LAYER_SECCOMP] = &layer_seccomp,
};

const char *const layer_names[LAYER_COUNT + 1] = {
	"cgroup",	"user_ns",	 "pid_ns",	 "mount_ns",	 "ipc_ns",
	"uts_ns",	"cgroup_ns",	 "memfd",	 "root",	 "devices",
	"proc",		"proc_subset",	 "tmpfs",	 "noexec",	 "binds",
	"programs",	"pivot_root",	 "network_ns",	 "no_new_privs", "identity",
	"userns_limit", "keyring",	 "capabilities", "landlock",	 "session",
	"rlimits",	"environment",	 "fds",		 "coredump",	 "special_files",
	"init_guard",	"filter_attach", "unix_sockets", "uncounted",	 "seccomp",
	NULL,
};

int layer_find(const char *name)
{
	for (int i = 0; i < LAYER_COUNT; i++)
		if (strcmp(layer_table[i]->name, name) == 0)
			return i;
	return -1;
}
