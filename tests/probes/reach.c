/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reach: what a process can do to another.
 *
 *     reach 1          to init
 *     reach child      to a child of its own, which must not mind: the control
 *     reach thread     to itself and to a thread of its own
 *
 * Prints a line for each attempt: its name and 0, or the errno it got. Then it says
 * "done" and waits to be ended, so that somebody outside can look at the target.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { IOPRIO_WHO_PROCESS = 1, IOPRIO_WHO_PGRP, IOPRIO_WHO_USER, IOPRIO_IDLE = 3 << 13 };

static volatile char variable = 'x';

static void say(const char *name, long r)
{
	printf("%s %d\n", name, r < 0 ? errno : 0);
	fflush(stdout);
}

#define TRY(name, call, ...) say(name, syscall(SYS_##call, __VA_ARGS__))

static void schedule(long pid)
{
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t deadline[3];
	} attr = { .size = 48, .policy = SCHED_IDLE };
	struct sched_param none = { 0 };
	unsigned long cpus[16] = { 0 };

	TRY("sched_setscheduler", sched_setscheduler, pid, SCHED_IDLE, &none);
	TRY("sched_setparam", sched_setparam, pid, &none);
	TRY("sched_setattr", sched_setattr, pid, &attr, 0);
	TRY("setpriority", setpriority, PRIO_PROCESS, pid, 19);
	TRY("ioprio_set", ioprio_set, IOPRIO_WHO_PROCESS, pid, IOPRIO_IDLE);
	syscall(SYS_sched_getaffinity, pid, sizeof(cpus), cpus);
	/* One CPU only. */
	cpus[0] &= -cpus[0];
	TRY("sched_setaffinity", sched_setaffinity, pid, sizeof(cpus), cpus);
}

/* To a group or a user it may belong to; what it does to the caller is no matter. */
static void schedule_many(void)
{
	syscall(SYS_setpriority, PRIO_PGRP, getpgid(1), 19);
	syscall(SYS_setpriority, PRIO_PGRP, 0, 19);
	syscall(SYS_setpriority, PRIO_USER, 0, 19);
	syscall(SYS_setpriority, PRIO_USER, getuid(), 19);
	syscall(SYS_ioprio_set, IOPRIO_WHO_PGRP, 0, IOPRIO_IDLE);
	syscall(SYS_ioprio_set, IOPRIO_WHO_USER, getuid(), IOPRIO_IDLE);
}

static void send_signals(long pid)
{
	siginfo_t info = { .si_signo = SIGCONT, .si_code = SI_QUEUE };
	long fd = syscall(SYS_pidfd_open, pid, 0);

	TRY("kill", kill, pid, SIGCONT);
	TRY("tkill", tkill, pid, SIGCONT);
	TRY("tgkill", tgkill, pid, pid, SIGCONT);
	TRY("rt_sigqueueinfo", rt_sigqueueinfo, pid, SIGCONT, &info);
	TRY("rt_tgsigqueueinfo", rt_tgsigqueueinfo, pid, pid, SIGCONT, &info);
	TRY("pidfd_send_signal", pidfd_send_signal, fd, SIGCONT, NULL, 0);
	TRY("pidfd_getfd", pidfd_getfd, fd, 0, 0);
}

static void look_into(long pid)
{
	char byte = 'y';
	struct iovec here = { &byte, 1 };
	struct iovec there = { (void *)(uintptr_t)&variable, 1 };
	/* As it is on most hosts; who may set it may also set it to 0. */
	unsigned long limit[2] = { RLIM_INFINITY, RLIM_INFINITY };

	TRY("prlimit64", prlimit64, pid, RLIMIT_CPU, limit, NULL);
	TRY("setpgid", setpgid, pid, 0);
	TRY("process_vm_readv", process_vm_readv, pid, &here, 1, &there, 1, 0);
	TRY("process_vm_writev", process_vm_writev, pid, &here, 1, &there, 1, 0);
	TRY("kcmp", kcmp, pid, pid, 0, 0, 0);
	TRY("move_pages", move_pages, pid, 0, NULL, NULL, NULL, 0);
	TRY("ptrace", ptrace, PTRACE_SEIZE, pid, 0, 0);
}

static void open_files(long pid)
{
	static const struct {
		const char *name;
		int flags;
	} files[] = {
		{ "mem", O_RDWR },
		{ "environ", O_RDONLY },
		{ "maps", O_RDONLY },
		{ "auxv", O_RDONLY },
		{ "pagemap", O_RDONLY },
		{ "io", O_RDONLY },
		{ "clear_refs", O_WRONLY },
		{ "oom_score_adj", O_WRONLY },
		{ "autogroup", O_WRONLY },
		{ "coredump_filter", O_WRONLY },
		{ "comm", O_WRONLY },

		{ "fd/0", O_PATH },
		{ "root", O_PATH },
		{ "cwd", O_PATH },
		{ "exe", O_PATH },
		{ "ns/user", O_RDONLY },
		{ "ns/mnt", O_RDONLY },
		{ "map_files", O_DIRECTORY },
	};

	for (unsigned int i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char path[64];
		char what[64];
		char byte;
		long r;

		snprintf(path, sizeof(path), "/proc/%ld/%s", pid, files[i].name);
		snprintf(what, sizeof(what), "/%s", files[i].name);
		r = open(path, files[i].flags);
		/* Some ask when they are read. */
		if (r >= 0 && strcmp(files[i].name, "io") == 0)
			r = read((int)r, &byte, 1);
		say(what, r);
	}
}

static void __attribute__((noreturn)) * wait_for_ever(void *arg)
{
	*(volatile long *)arg = syscall(SYS_gettid);
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	const char *target = argc > 1 ? argv[1] : "1";
	volatile long tid = 0;
	long pid = atol(target);
	pthread_t thread;

	if (strcmp(target, "child") == 0) {
		pid = fork();
		if (pid == 0)
			prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (pid == 0)
			wait_for_ever((void *)(uintptr_t)&tid);
	}
	if (strcmp(target, "thread") == 0) {
		pthread_create(&thread, NULL, wait_for_ever, (void *)(uintptr_t)&tid);
		while (!tid)
			sched_yield();
		schedule(0);
		schedule(tid);
	} else {
		schedule(pid);
		send_signals(pid);
		open_files(pid);
		look_into(pid);
		if (pid == 1)
			schedule_many();
	}
	puts("done");
	fflush(stdout);
	for (;;)
		pause();
}
