/* SPDX-License-Identifier: Apache-2.0 */
/*
 * killat: kill a program at its Nth system call.
 *
 *     killat N COMMAND [ARG...]
 *
 * Counts the system calls of COMMAND and of everything it starts; on entry to the
 * Nth, whoever makes it, COMMAND itself gets SIGKILL. Prints "killed", or "ended N"
 * with the number there were. So every step of a set-up can be the last one.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	OPTIONS = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
		  PTRACE_O_TRACEVFORK,
};

int main(int argc, char **argv)
{
	long wanted = argc > 2 ? atol(argv[1]) : 0;
	long count = 0;
	pid_t first;
	int status;

	if (argc < 3)
		return 2;
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
			/* Entry and exit both stop; half of them are enough to tell steps apart. */
			if (++count == wanted) {
				kill(first, SIGKILL);
				puts("killed");
				return 0; /* the others go on: they are let go */
			}
			sig = 0;
		} else if (status >> 16) {
			/* A group-stop or an event. A stopped new task just goes on. */
			sig = 0;
		}
		ptrace(PTRACE_SYSCALL, pid, 0, sig);
	}
	printf("ended %ld\n", count);
	return 0;
}
