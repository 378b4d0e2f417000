/* SPDX-License-Identifier: Apache-2.0 */
/*
 * survey: what the processes of a sandbox have of memory, read from its own /proc.
 *
 * A tree can be made so large that reading it takes seconds, and the supervisor has
 * other things to do: so it goes in steps, each as long as it was given, and takes up
 * where it left off.
 *
 * It asks a thread, not a process: when the first thread has ended, nothing is said of
 * the process's memory under its own number while the others live on with it.
 *
 * A glance (SURVEY_GLANCE) reads `status` and counts what several share for each. The
 * exact look reads `smaps`, mapping by mapping: what n share counts a n-th for each, and
 * what is a file's on the sandbox's own tmpfs is left to tmpfs_use(), who counts it. It
 * may have to wait for those it looks at, so it is survey_helper.h that does it.
 */
#ifndef RUNNER_SURVEY_H
#define RUNNER_SURVEY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum survey_kind { SURVEY_GLANCE, SURVEY_EXACT };

/* So long an exact look waits for who has its mappings locked: all of them together, ... */
#define SURVEY_PATIENCE_NS 300000000ull
/* ... and for each when that is used up. */
#define SURVEY_IMPATIENCE_NS 20000000ull

/* Bytes, unless it says otherwise. */
struct survey_sums {
	uint64_t own;	  /* anonymous, swapped, of huge pages */
	uint64_t shared;  /* of files of memory: at a glance also those on a tmpfs */
	uint64_t largest; /* by an exact look: own and shared of the one that has most */
	uint64_t tables;  /* page tables */
	unsigned int processes;
	unsigned int waiting;	  /* of these, in the kernel: perhaps in vfork(2), see watchdog.c */
	uint64_t tasks;		  /* how many threads they have */
	uint64_t mappings;	  /* how many; only by an exact look, as the next */
	uint64_t shared_mappings; /* of memory that has no name; each may keep more than it maps */
	uint64_t faults;	  /* without input or output, of all and of whom they waited for */
	uint64_t system;	  /* their time in the kernel, in ticks, likewise */
	uint64_t newest;	  /* the highest number of a process */
	bool unwaited;		  /* one ignores SIGCHLD: nobody has its children's time */
	uint64_t data;		  /* the most that one of them has reserved (RLIMIT_DATA) */
	unsigned int unread;	  /* could not be looked at exactly: counted as at a glance */
	uint64_t locked;	  /* of these, what those have who were busy with their mappings */
};

struct survey {
	enum survey_kind kind;
	struct survey_sums sums;
	const char *what; /* the file that could not be read */

	/* where it is */
	int64_t position;  /* in the directory of processes */
	int smaps;	   /* of the one it is at, or -1 */
	unsigned int kept; /* bytes of a line whose end is not read yet */
	bool mapping;	   /* the values below are of one */
	bool plain, memory_file;
	bool inside;	 /* it is at one, whose values at a glance are below */
	bool given_up;	 /* the rest is looked at by glance */
	bool locked;	 /* the last read of it had to wait longer than there was patience */
	uint64_t waits;	 /* in reads of the one it is at, in ns ... */
	uint64_t waited; /* ... and of those that were given up for it */
	uint64_t reads;	 /* how many there were: does it go on? */
	uint64_t pss, anonymous, huge;
	uint64_t own, shared;		    /* of the one it is at, at a glance */
	uint64_t before_own, before_shared; /* what all before it had */
};

/** How long it waits for the one it is at. */
static inline uint64_t survey_patience(const struct survey *s)
{
	return s->waited + SURVEY_IMPATIENCE_NS < SURVEY_PATIENCE_NS
		       ? SURVEY_PATIENCE_NS - s->waited
		       : SURVEY_IMPATIENCE_NS;
}

void survey_begin(struct survey *s, enum survey_kind kind);

/**
 * Go on until `deadline` (CLOCK_MONOTONIC, ns). 1: there is more to do. 0: done.
 * Or -errno, and s->what says of which file: then nothing is known of the tree.
 */
int survey_step(struct survey *s, int proc_fd, uint64_t deadline);

/** What had it in hand is gone, without its descriptors: go on behind the process it was at. */
void survey_skip(struct survey *s);

/** The rest at a glance. */
void survey_give_up(struct survey *s);

/** Leave it where it is. */
void survey_end(struct survey *s);

#endif
