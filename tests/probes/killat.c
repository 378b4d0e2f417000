/* SPDX-License-Identifier: Apache-2.0 */
/*
 * killat: kill a program at one of its system calls, or hold it there.
 *
 *     killat N COMMAND [ARG...]         at the Nth call that anybody makes
 *     killat NAME:N COMMAND [ARG...]    at the Nth call of that name
 *     killat hold:NAME:N COMMAND ...    hold who makes it, if it is not COMMAND itself
 *
 * Counts the system calls of COMMAND and of everything it starts; on entry to the one
 * named, whoever makes it, COMMAND itself gets SIGKILL. Prints "killed", or "ended N"
 * with the number there were. So every step of a set-up can be the last one.
 *
 * One that is held stays there until it is killed; the others go on. Says "held N" on
 * stderr, with the number of how often that was, and exits as COMMAND did.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	OPTIONS = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
		  PTRACE_O_TRACEVFORK,
};

static struct {
	int hold;
	long nr; /* -1: any */
	long n;
} wanted = { .nr = -1 };

#define CALL(name) \
	{ \
#name, SYS_##name \
	}

static const struct {
	const char *name;
	long nr;
} calls[] = {
	CALL(capset),
	CALL(clone),
	CALL(clone3),
	CALL(close_range),
	CALL(execve),
	CALL(exit_group),
	CALL(fsconfig),
	CALL(fsmount),
	CALL(fsopen),
	CALL(keyctl),
	CALL(landlock_create_ruleset),
	CALL(landlock_restrict_self),
	CALL(linkat),
	CALL(mount),
	CALL(mount_setattr),
	CALL(move_mount),
	CALL(open_tree),
	CALL(pidfd_open),
	CALL(pipe2),
	CALL(pivot_root),
	CALL(ppoll),
	CALL(prctl),
	CALL(prlimit64),
	CALL(recvmsg),
	CALL(renameat),
	CALL(seccomp),
	CALL(sendmsg),
	CALL(setgroups),
	CALL(setns),
	CALL(setpriority),
	CALL(setresgid),
	CALL(setresuid),
	CALL(setsid),
	CALL(signalfd4),
	CALL(socketpair),
	CALL(umount2),
	CALL(unshare),
	CALL(wait4),
	CALL(waitid),
};

static long number(const char *name, size_t length)
{
	for (unsigned int i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (strlen(calls[i].name) == length && strncmp(calls[i].name, name, length) == 0)
			return calls[i].nr;
	fprintf(stderr, "killat: there is no call %s here\n", name);
	exit(2);
}

static void parse(const char *word)
{
	const char *colon;

	if (strncmp(word, "hold:", 5) == 0) {
		wanted.hold = 1;
		word += 5;
	}
	colon = strchr(word, ':');
	if (colon)
		wanted.nr = number(word, (size_t)(colon - word));
	wanted.n = atol(colon ? colon + 1 : word);
}

/* A stop at a system call: is it one that counts? */
static int counts(pid_t pid, pid_t first)
{
	struct __ptrace_syscall_info info;

	/* Entry and exit both stop; half of them are enough to tell steps apart. */
	if (wanted.nr < 0)
		return 1;
	if (wanted.hold && pid == first)
		return 0;
	memset(&info, 0, sizeof(info));
	return ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) > 0 &&
	       info.op == PTRACE_SYSCALL_INFO_ENTRY && (long)info.entry.nr == wanted.nr;
}

int main(int argc, char **argv)
{
	long count = 0;
	long held = 0;
	pid_t first;
	int status;

	if (argc < 3)
		return 2;
	parse(argv[1]);
	first = fork();
	if (first == 0) {
		raise(SIGSTOP);
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	if (waitpid(first, &status, WUNTRACED) < 0 || ptrace(PTRACE_SEIZE, first, 0, OPTIONS) < 0 ||
	    kill(first, SIGCONT) < 0) {
		perror("killat");
		return 2;
	}
	for (;;) {
		pid_t pid = waitpid(-1, &status, __WALL);
		int sig = 0;

		if (pid < 0)
			break;
		if (WIFEXITED(status) || WIFSIGNALED(status)) {
			if (pid == first)
				break;
			continue;
		}
		sig = WSTOPSIG(status);
		if (sig == (SIGTRAP | 0x80)) {
			sig = 0;
			if (counts(pid, first) && ++count == wanted.n) {
				if (wanted.hold) {
					held++;
					continue;
				}
				kill(first, SIGKILL);
				puts("killed");
				return 0; /* the others go on: they are let go */
			}
		} else if (status >> 16) {
			/* A group-stop or an event. A stopped new task just goes on. */
			sig = 0;
		}
		ptrace(PTRACE_SYSCALL, pid, 0, sig);
	}
	if (wanted.hold) {
		fprintf(stderr, "held %ld\n", held);
		return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
	printf("ended %ld\n", count);
	return 0;
}
