/* SPDX-License-Identifier: Apache-2.0 */
/* The sweep: is every call that the policy does not allow refused, one by one? */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "builtin.h"
#include "../seccomp/policy.h"
#include "selftest.h"

enum { TEXT = CALLS * 10, UNASKED = -1, ALLOWED = -2 };
_Static_assert((int)CALLS == (int)BPF_MAX_SYSCALL, "the table of numbers");

/*
 * The kernel's own trampolines for uprobes: it lets these two pass every filter
 * (kernel/seccomp.c, Linux 6.14 and 6.18). From elsewhere they answer SIGILL and ENXIO.
 */
static bool beyond_filters(int nr)
{
#if defined(__x86_64__)
	return nr == 335 /* uretprobe */ || nr == 336 /* uprobe */;
#else
	return nr < 0;
#endif
}

/* What the default policy says of each, with every bit of every argument set. */
static void decide(int expected[CALLS])
{
	/* What every run of it has in front: the first one that is compiled in. */
	const struct builtin_program *p = builtin_programs;

	while (strcmp(p->policy, "default") != 0)
		p++;

	for (int nr = 0; nr < CALLS; nr++) {
		struct seccomp_data d = { .nr = nr,
					  .arch = BPF_NATIVE_ARCH,
					  .args = { -1ull, -1ull, -1ull, -1ull, -1ull, -1ull } };
		uint32_t answer = bpf_run(p->verdict, p->verdict_length, &d);

		/* memfd_create: another errno where nobody counts memory; the attacks have it. */
		expected[nr] = beyond_filters(nr) || nr == SYS_memfd_create || (answer & SECCOMP_RET_ACTION_FULL) !=
							     SECCOMP_RET_ERRNO
				       ? ALLOWED
				       : (int)(answer & POLICY_ERRNO);
	}
}

/* "1,2,3" of those that are refused, or refused with a given errno. */
static void list(const int expected[CALLS], bool known, char *ret)
{
	*ret = '\0';
	for (int nr = 0; nr < CALLS; nr++)
		if (expected[nr] != ALLOWED && (!known || expected[nr] != ENOSYS))
			ret += sprintf(ret, "%d,", nr);
}

/* "1:38 2:1 ..." */
static void read_answers(const char *text, int got[CALLS])
{
	int nr, error, n;

	for (int i = 0; i < CALLS; i++)
		got[i] = UNASKED;
	for (; sscanf(text, "%d:%d %n", &nr, &error, &n) == 2; text += n)
		if (nr >= 0 && nr < CALLS)
			got[nr] = error;
}

void selftest_calls(struct calls *c)
{
	static char numbers[TEXT], text[TEXT];
	static int control[CALLS];

	*c = (struct calls){ 0 };
	decide(c->expected);
	list(c->expected, false, numbers);
	selftest_inside("calls", numbers, 0, false, text, sizeof(text));
	read_answers(text, c->got);
	list(c->expected, true, numbers);
	selftest_in_lab("calls", numbers, text, sizeof(text));
	read_answers(text, control);
	for (int nr = 0; nr < CALLS; nr++) {
		if (c->expected[nr] < 0)
			continue;
		c->unknown += c->expected[nr] == ENOSYS;
		c->refused += c->expected[nr] != ENOSYS;
		c->wrong += c->got[nr] != c->expected[nr];
		c->shown[nr] =
			control[nr] >= 0 && control[nr] != ENOSYS && control[nr] != c->expected[nr];
	}
}
