/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree: the processes of a sandbox, read from its own /proc.
 *
 * The mount lists its pid namespace only, so the cost is that of the sandbox,
 * not of the host. It can be read after init's death, too: then it must be empty.
 */
#ifndef RUNNER_TREE_H
#define RUNNER_TREE_H

#include <stdbool.h>
#include <stdint.h>

/** How many processes are there? -1 when it cannot be read. */
int tree_count(int proc_fd);

struct tree_cpu {
	uint64_t user_ns;
	uint64_t system_ns;
};

/** Time of all of them and of those they waited for; in the kernel's ticks. */
struct tree_cpu tree_cpu(int proc_fd);

#endif
