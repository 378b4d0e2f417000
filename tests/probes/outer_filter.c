/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outer_filter ERRNO CALL[,CALL...] COMMAND [ARGS...]: run a command under a seccomp
 * filter that answers these calls with ERRNO, as a container's would.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CALL(name) \
	{ \
#name, SYS_##name \
	}

static const struct {
	const char *name;
	unsigned int nr;
} calls[] = {
	CALL(clone3), CALL(fsopen),	  CALL(fsmount), CALL(landlock_create_ruleset), CALL(mount),
	CALL(openat2), CALL(open_tree), CALL(pidfd_open), CALL(pivot_root),
	CALL(seccomp), CALL(setns), CALL(unshare),
};
enum { CALLS = sizeof(calls) / sizeof(calls[0]) };

static int find(const char *name)
{
	for (int i = 0; i < CALLS; i++)
		if (strcmp(calls[i].name, name) == 0)
			return (int)calls[i].nr;
	fprintf(stderr, "outer_filter: add '%s' to its table\n", name);
	exit(2);
}

int main(int argc, char **argv)
{
	struct sock_filter code[2 + 2 * CALLS] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	};
	struct sock_fprog program = { .len = 1, .filter = code };

	if (argc < 4)
		return 2;
	for (char *word = strtok(argv[2], ","); word && program.len < 2 * CALLS;
	     word = strtok(NULL, ",")) {
		code[program.len++] = (struct sock_filter)BPF_JUMP(
			BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)find(word), 0, 1);
		code[program.len++] = (struct sock_filter)BPF_STMT(
			BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned int)atoi(argv[1]));
	}
	code[program.len++] =
		(struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0) {
		perror("outer_filter");
		return 2;
	}
	execvp(argv[3], argv + 3);
	perror(argv[3]);
	return 127;
}
