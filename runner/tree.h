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

/**
 * Bytes of memory of all of them: anonymous and shared, with what tree_memfds()
 * said. What several share counts once; that costs the kernel a walk through all
 * their pages, some 0.1 ms for 8 MiB. Not seen: what the kernel holds for them, and
 * files of the sandbox's tmpfs, which have limits of their own.
 */
uint64_t tree_memory(int proc_fd, uint64_t memfds);

/** The same at a glance, but what n processes share counts n times. */
uint64_t tree_memory_at_most(int proc_fd, uint64_t memfds);

/** Page faults without input or output, theirs and of those they waited for. */
uint64_t tree_faults(int proc_fd);

/** Bytes in their open files of memfd_create(2), which need not be mapped. */
uint64_t tree_memfds(int proc_fd);

#endif
