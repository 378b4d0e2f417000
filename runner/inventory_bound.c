/* SPDX-License-Identifier: Apache-2.0 */
#include "inventory.h"

enum {
	PIPE_BYTES = 64 << 10,	 /* F_SETPIPE_SZ is refused */
	STREAM_BYTES = 16 << 20, /* tcp(7): buffers grow by themselves */
	DESCRIPTOR_BYTES = 1024, /* and what it stands for: eventfd, timerfd, pidfd */
	MAPPING_BYTES = 400,	 /* vm_area_struct, anon_vma, and their place in the tree */
	LINK_BYTES = 64,	 /* of a mapping to an ancestor it shares pages with */
	WATCH_BYTES = 256,
	LOCK_BYTES = 256,
};

uint64_t inventory_bound(const struct inventory *i, const struct socket_sums *sockets_)
{
	uint64_t unlisted = i->private + i->closed.refused;

	if (!i->mapped || !i->complete || sockets_->may == UINT64_MAX)
		return UINT64_MAX;
	/* What is under way can be anything. */
	if (i->sent || (sockets_->queued && !i->says_sent))
		return UINT64_MAX;
	return sockets_->may + unlisted * STREAM_BYTES + i->pipes * PIPE_BYTES +
	       i->descriptors * DESCRIPTOR_BYTES + i->watches * WATCH_BYTES +
	       i->mappings * (MAPPING_BYTES + 2 * i->processes * LINK_BYTES) +
	       i->locks * LOCK_BYTES;
}
