/* SPDX-License-Identifier: Apache-2.0 */
/* What processes are said to have, by a /proc of files. */
#define _GNU_SOURCE
#include "survey.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "memory_device.h"
#include "suites.h"

enum { KIB = 1024 };

static char proc[64];
static int proc_fd;
static struct survey s;

static void put(const char *process, const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s/%s", proc, process, name);
	f = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs(text, f);
	fclose(f);
}

/* Two processes, each of which has the same. */
static void begin(void)
{
	static const char *const processes[] = { "10", "20" };
	char smaps[1024];

	snprintf(smaps, sizeof(smaps),
		 "1000-2000 rw-p 00000000 00:00 0 \n"
		 "Pss:      10 kB\nSwapPss:   2 kB\nAnonymous: 10 kB\n"
		 "2000-3000 rw-s 00000000 %02x:%02x 7 /dev/zero (deleted)\n"
		 "Pss:      20 kB\nAnonymous: 20 kB\n"
		 "3000-4000 rw-p 00000000 fe:fe 5 /a file\n"
		 "Pss:      40 kB\nAnonymous:  3 kB\nPrivate_Hugetlb: 5 kB\n",
		 major(memory_device()), minor(memory_device()));
	snprintf(proc, sizeof(proc), "/tmp/survey-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(proc));
	for (int i = 0; i < 2; i++) {
		char path[128];

		snprintf(path, sizeof(path), "%s/%s", proc, processes[i]);
		CU_ASSERT_EQUAL_FATAL(mkdir(path, 0700), 0);
		put(processes[i], "status",
		    "Name:\tx\nState:\tS (sleeping)\nVmSize:\t  400 kB\nVmData:\t 60 kB\n"
		    "VmRSS:\t 1 kB\nRssAnon:\t 100 kB\nRssShmem:\t 50 kB\nVmPTE:\t 4 kB\n"
		    "VmSwap:\t 7 kB\nThreads:\t3\nSigIgn:\t0000000000000000\n");
		put(processes[i], "stat",
		    "1 (a) S 1) S 1 2 3 4 5 6 70 80 900 1000 11 12 13 14 15\n");
		put(processes[i], "smaps", smaps);
	}
	proc_fd = open(proc, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CU_ASSERT_TRUE_FATAL(proc_fd >= 0);
}

static void end(void)
{
	static const char *const names[] = { "10/status", "10/stat", "10/smaps", "20/status",
					     "20/stat",	  "20/smaps" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlinkat(proc_fd, names[i], 0);
	unlinkat(proc_fd, "10", AT_REMOVEDIR);
	unlinkat(proc_fd, "20", AT_REMOVEDIR);
	close(proc_fd);
	CU_ASSERT_EQUAL(rmdir(proc), 0);
}

static void at_a_glance(void)
{
	begin();
	survey_begin(&s, SURVEY_GLANCE);
	CU_ASSERT_EQUAL(survey_step(&s, proc_fd, UINT64_MAX), 0);
	CU_ASSERT_EQUAL(s.sums.processes, 2);
	CU_ASSERT_EQUAL(s.sums.own, 2 * 107 * KIB);
	CU_ASSERT_EQUAL(s.sums.shared, 2 * 50 * KIB);
	CU_ASSERT_EQUAL(s.sums.tables, 2 * 4 * KIB);
	CU_ASSERT_EQUAL(s.sums.tasks, 6);
	CU_ASSERT_EQUAL(s.sums.data, 60 * KIB);
	CU_ASSERT_EQUAL(s.sums.faults, 2 * (70 + 80));
	CU_ASSERT_EQUAL(s.sums.system, 2 * (12 + 14));
	CU_ASSERT_EQUAL(s.sums.newest, 20);
	CU_ASSERT_EQUAL(s.sums.unread, 0);
	CU_ASSERT_FALSE(s.sums.unwaited);
	put("20", "status", "Name:\tx\nVmRSS:\t 1 kB\nThreads:\t1\nSigIgn:\t0000000000010000\n");
	survey_begin(&s, SURVEY_GLANCE);
	CU_ASSERT_EQUAL(survey_step(&s, proc_fd, UINT64_MAX), 0);
	CU_ASSERT_TRUE(s.sums.unwaited); /* SIGCHLD */
	end();
}

static void exactly(void)
{
	begin();
	survey_begin(&s, SURVEY_EXACT);
	CU_ASSERT_EQUAL(survey_step(&s, proc_fd, UINT64_MAX), 0);
	CU_ASSERT_EQUAL(s.sums.own, 2 * (12 + 3 + 5) * KIB);
	CU_ASSERT_EQUAL(s.sums.shared, 2 * 20 * KIB);
	CU_ASSERT_EQUAL(s.sums.largest, 40 * KIB);
	CU_ASSERT_EQUAL(s.sums.mappings, 6);
	CU_ASSERT_EQUAL(s.sums.shared_mappings, 2);
	CU_ASSERT_EQUAL(s.sums.unread, 0);
	end();
}

/* Whoever was at it is gone: the process counts as at a glance, and the next one exactly. */
static void who_was_at_it_is_gone(void)
{
	begin();
	survey_begin(&s, SURVEY_EXACT);
	CU_ASSERT_EQUAL_FATAL(survey_step(&s, proc_fd, 0), 1);
	CU_ASSERT_TRUE_FATAL(s.smaps >= 0);
	close(s.smaps);
	s.waits = 250000000;
	survey_skip(&s);
	CU_ASSERT_EQUAL(survey_patience(&s), 50000000);
	CU_ASSERT_EQUAL(survey_step(&s, proc_fd, UINT64_MAX), 0);
	CU_ASSERT_EQUAL(s.sums.own, (107 + 12 + 3 + 5) * KIB);
	CU_ASSERT_EQUAL(s.sums.shared, (50 + 20) * KIB);
	CU_ASSERT_EQUAL(s.sums.unread, 1);
	CU_ASSERT_EQUAL(s.sums.locked, (107 + 50) * KIB);
	/* The rest at a glance, and none of it as if it were exact. */
	survey_begin(&s, SURVEY_EXACT);
	CU_ASSERT_EQUAL_FATAL(survey_step(&s, proc_fd, 0), 1);
	close(s.smaps);
	survey_skip(&s);
	survey_give_up(&s);
	CU_ASSERT_EQUAL(survey_step(&s, proc_fd, UINT64_MAX), 0);
	CU_ASSERT_EQUAL(s.sums.own, 2 * 107 * KIB);
	CU_ASSERT_EQUAL(s.sums.unread, 2);
	end();
}

/* The other end of a FIFO: it writes when its parent has waited for a while. */
static void __attribute__((noreturn)) write_late(const char *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	char stat[64];
	char text[512];
	char *state;

	snprintf(stat, sizeof(stat), "/proc/%d/stat", (int)getppid());
	do {
		if (fd_read_text(AT_FDCWD, stat, text, sizeof(text)) <= 0)
			_exit(1);
		state = strrchr(text, ')');
	} while (state && state[2] != 'S');
	usleep(2 * SURVEY_IMPATIENCE_NS / 1000);
	_exit(write(fd, "Pss: 1 kB\n", 10) == 10 ? 0 : 1);
}

/* Its mappings are locked: of that one a glance, and nobody takes it for all there is. */
static void who_is_locked(void)
{
	char path[128];
	int status = -1;
	pid_t pid;

	begin();
	snprintf(path, sizeof(path), "%s/20/smaps", proc);
	CU_ASSERT_EQUAL_FATAL(unlink(path) == 0 && mkfifo(path, 0600) == 0, 1);
	pid = fork();
	if (pid == 0)
		write_late(path);
	survey_begin(&s, SURVEY_EXACT);
	s.waited = SURVEY_PATIENCE_NS;
	CU_ASSERT_EQUAL(survey_step(&s, proc_fd, UINT64_MAX), 0);
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT_EQUAL(status, 0);
	CU_ASSERT_EQUAL(s.sums.own, (107 + 12 + 3 + 5) * KIB);
	CU_ASSERT_EQUAL(s.sums.shared, (50 + 20) * KIB);
	CU_ASSERT_EQUAL(s.sums.unread, 1);
	CU_ASSERT_EQUAL(s.sums.locked, (107 + 50) * KIB);
	CU_ASSERT_TRUE(s.waited >= SURVEY_PATIENCE_NS + SURVEY_IMPATIENCE_NS);
	end();
}

static void patience_ends(void)
{
	survey_begin(&s, SURVEY_EXACT);
	CU_ASSERT_EQUAL(survey_patience(&s), SURVEY_PATIENCE_NS);
	s.waited = SURVEY_PATIENCE_NS - SURVEY_IMPATIENCE_NS - 1;
	CU_ASSERT_EQUAL(survey_patience(&s), SURVEY_IMPATIENCE_NS + 1);
	s.waited = UINT64_MAX / 2;
	CU_ASSERT_EQUAL(survey_patience(&s), SURVEY_IMPATIENCE_NS);
}

CU_TestInfo survey_tests[] = {
	{ "at a glance", at_a_glance },
	{ "exactly", exactly },
	{ "who was at it is gone", who_was_at_it_is_gone },
	{ "who is locked", who_is_locked },
	{ "patience ends", patience_ends },
	CU_TEST_INFO_NULL,
};
