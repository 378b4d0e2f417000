/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "ending.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/raw.h"
#include "hold.h"

#define MS 1000000ull

/* What the kernel cannot end (D state, a tracer's zombie): say so, do not wait for ever. */
#define GIVE_UP_NS (10000 * MS)
#define EXPECTED_NS (100 * MS)
#define FIRST_PAUSE_NS (10 * MS)
#define LONGEST_PAUSE_NS (320 * MS)

void ending_init(struct ending *ret)
{
	*ret = (struct ending){ .next = UINT64_MAX,
				.give_up = UINT64_MAX,
				.pause = FIRST_PAUSE_NS,
				.fewest = INT32_MAX };
}

void ending_expect(struct ending *ending)
{
	uint64_t now = raw_clock_ns(CLOCK_MONOTONIC);

	if (ending->give_up != UINT64_MAX)
		return;
	ending->give_up = now + GIVE_UP_NS;
	ending->next = now + EXPECTED_NS;
}

static bool is_pid(const char *name)
{
	return name[0] >= '1' && name[0] <= '9';
}

/*
 * A directory of /proc stands for its process as a pidfd does (pidfd_send_signal(2)):
 * the number cannot have become another's.
 */
static void kill_one(int proc_fd, const char *name, void *arg)
{
	int *count = arg;
	int fd;

	if (!is_pid(name))
		return;
	++*count;
	fd = openat(proc_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	raw4(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
	close(fd);
}

/* Init first: it must not tell how the payload ended when that is our doing. */
static void kill_all(struct ending *ending, const struct running *run, int proc_fd)
{
	uint64_t now;
	int count = 0;

	raw4(SYS_pidfd_send_signal, run->init_fd, SIGKILL, NULL, 0);
	if (run->cgroup.fd >= 0)
		cgroup_kill(&run->cgroup);
	if (proc_fd < 0 || fd_each_entry(proc_fd, kill_one, &count) < 0)
		count = INT32_MAX;
	now = raw_clock_ns(CLOCK_MONOTONIC);
	/* A large tree takes its time: as long as it shrinks it is ending. */
	if (count < ending->fewest) {
		ending->fewest = count;
		ending->give_up = now + GIVE_UP_NS;
	}
	ending->next = now + ending->pause;
	if (ending->pause < LONGEST_PAUSE_NS)
		ending->pause *= 2;
}

void ending_kill(struct ending *ending, const struct running *run, int proc_fd)
{
	if (!ending->killed) {
		ending->killed = true;
		/* What is killed with its pid namespace is not added to init's usage. */
		if (run->cgroup.fd < 0 && proc_fd >= 0)
			ending->cpu = hold_cpu(proc_fd);
	}
	ending_expect(ending);
	kill_all(ending, run, proc_fd);
}

bool ending_step(struct ending *ending, const struct running *run, int proc_fd, uint64_t now)
{
	if (now >= ending->give_up)
		return false;
	if (now >= ending->next)
		ending_kill(ending, run, proc_fd);
	return true;
}

/* The third word of PID/stat; the second, in parentheses, may hold any character. */
static void add_state(int proc_fd, const char *name, void *arg)
{
	struct outcome *o = arg;
	size_t n = strlen(o->unended);
	char path[32];
	char text[512];
	const char *p;

	if (!is_pid(name))
		return;
	o->survivors++;
	snprintf(path, sizeof(path), "%.20s/stat", name);
	p = fd_read_text(proc_fd, path, text, sizeof(text)) > 0 ? strrchr(text, ')') : NULL;
	if (!p || p[1] != ' ' || !p[2] || strchr(o->unended, p[2]) || n + 1 >= sizeof(o->unended))
		return;
	o->unended[n] = p[2];
	o->unended[n + 1] = '\0';
}

void ending_count(bool init_ended, int proc_fd, struct outcome *ret)
{
	ret->init_ended = init_ended;
	ret->survivors = 0;
	ret->unended[0] = '\0';
	if (proc_fd < 0 || fd_each_entry(proc_fd, add_state, ret) < 0)
		ret->survivors = -1;
}
