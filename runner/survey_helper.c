/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "survey_helper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/raw.h"
#include "helper.h"

enum { MOST_HELPERS = 16 }; /* for one look */

struct survey_share {
	struct survey survey;
	uint64_t cost; /* the helper's CPU time so far, in ns */
	int result;
	int done; /* and the result holds */
};

/* -- the helper --------------------------------------------------------------------- */

static void __attribute__((noreturn)) help(pid_t parent, int proc_fd, struct survey_share *share)
{
	long own;

	if (!raw_die_with(parent))
		raw_exit_group(1);
	/* Of its own: where it is in the directory is kept with what is open. */
	raw3(SYS_dup3, proc_fd, 0, 0);
	raw3(SYS_close_range, 1, ~0u, 0);
	own = raw4(SYS_openat, 0, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	share->result = own < 0 ? (int)own : survey_step(&share->survey, (int)own, UINT64_MAX);
	if (own < 0)
		share->survey.what = "list of processes";
	share->cost = raw_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	__atomic_store_n(&share->done, 1, __ATOMIC_RELEASE);
	raw_exit_group(0);
}

static int make(struct survey_helper *h, int proc_fd, uint64_t now)
{
	pid_t parent = getpid();
	long pid;

	h->share->done = 0;
	h->share->cost = 0;
	pid = helper_clone("look", 0, &h->pid_fd);
	if (pid == 0)
		help(parent, proc_fd, h->share);
	if (pid < 0)
		return (int)pid;
	h->pid = (pid_t)pid;
	h->reads = h->share->survey.reads;
	h->heard = now;
	h->killed = false;
	h->made++;
	return 0;
}

/* -- ours --------------------------------------------------------------------------- */

/* False: it has not ended. */
static bool reap(struct survey_helper *h)
{
	siginfo_t info = { .si_pid = 0 };

	if (h->pid_fd < 0)
		return true;
	if (raw5(SYS_waitid, P_PIDFD, h->pid_fd, &info, WEXITED | WNOHANG, NULL) == 0 &&
	    info.si_pid == 0)
		return false;
	fd_close(&h->pid_fd);
	h->pid = 0;
	return true;
}

/* Nobody goes on for us: what is left counts as at a glance. */
static void go_on_alone(struct survey_helper *h)
{
	h->alone = true;
	survey_skip(&h->share->survey);
	survey_give_up(&h->share->survey);
}

static void go_on(struct survey_helper *h, int proc_fd, uint64_t now)
{
	h->cost += h->share->cost;
	survey_skip(&h->share->survey);
	if (h->made >= MOST_HELPERS || make(h, proc_fd, now) < 0)
		go_on_alone(h);
}

void survey_helper_init(struct survey_helper *h)
{
	*h = (struct survey_helper){ .pid_fd = -1 };
}

void survey_helper_begin(struct survey_helper *h, int proc_fd, uint64_t now)
{
	void *share;

	h->alone = false;
	h->made = 0;
	h->cost = 0;
	if (!h->share) {
		share = mmap(NULL, sizeof(*h->share), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (share == MAP_FAILED)
			return;
		h->share = share;
	}
	survey_begin(&h->share->survey, SURVEY_EXACT);
	/* One that was killed and is not gone yet. */
	if (!reap(h) || make(h, proc_fd, now) < 0)
		go_on_alone(h);
}

int survey_helper_step(struct survey_helper *h, int proc_fd, uint64_t now, uint64_t deadline,
		       struct survey *ret)
{
	struct survey *s;
	int r = 1;

	if (!h->share)
		return -ENOMEM;
	s = &h->share->survey;
	if (h->alone) {
		(void)reap(h);
		r = survey_step(s, proc_fd, deadline);
	} else if (__atomic_load_n(&h->share->done, __ATOMIC_ACQUIRE)) {
		h->cost += h->share->cost;
		(void)reap(h);
		r = h->share->result;
	} else if (reap(h)) {
		/* Killed, by us or by somebody else. */
		go_on(h, proc_fd, now);
	} else if (__atomic_load_n(&s->reads, __ATOMIC_RELAXED) != h->reads ||
		   helper_is_running(h->pid)) {
		h->reads = __atomic_load_n(&s->reads, __ATOMIC_RELAXED);
		h->heard = now;
	} else if (now - h->heard > survey_patience(s) && !h->killed) {
		raw4(SYS_pidfd_send_signal, h->pid_fd, SIGKILL, NULL, 0);
		s->waits = now - h->heard;
		h->killed = true;
		h->heard = now;
	} else if (h->killed && now - h->heard > SURVEY_PATIENCE_NS) {
		go_on_alone(h);
	}
	*ret = *s;
	/* A number of the helper's; alone, nobody reads mappings any more. */
	ret->smaps = -1;
	return r;
}

void survey_helper_tidy(struct survey_helper *h)
{
	(void)reap(h);
}

void survey_helper_kill(struct survey_helper *h)
{
	if (h->pid_fd >= 0)
		raw4(SYS_pidfd_send_signal, h->pid_fd, SIGKILL, NULL, 0);
}

void survey_helper_end(struct survey_helper *h)
{
	survey_helper_kill(h);
	(void)reap(h);
	fd_close(&h->pid_fd);
	if (h->share)
		munmap(h->share, sizeof(*h->share));
	h->share = NULL;
}
