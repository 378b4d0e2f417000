/* SPDX-License-Identifier: Apache-2.0 */
/*
 * idmap: a user namespace that serves as the map of an id-mapped mount
 * (mount_setattr(2), MOUNT_ATTR_IDMAP). Parent side, needs root.
 */
#ifndef RUNNER_IDMAP_H
#define RUNNER_IDMAP_H

#include <stdint.h>

#include "base/err.h"

/**
 * Map the owner on disk (fs_uid, fs_gid) to what the payload is on the host
 * (host_uid, host_gid). Returns the namespace's descriptor, or -errno.
 */
int idmap_open(uint32_t fs_uid, uint32_t fs_gid, uint32_t host_uid, uint32_t host_gid,
	       struct err *e);

#endif
