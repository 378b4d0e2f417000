/* SPDX-License-Identifier: Apache-2.0 */
/*
 * express: `runner exec` without the start-up of a large C library.
 *
 * glibc asks the processor what it is before main (43 CPUID instructions); in a
 * virtual machine each one traps to the hypervisor, and together they cost more
 * than all namespaces but the network's. musl asks nothing. So the rooms that
 * `runner exec` needs with built-in profiles are compiled a second time, against
 * musl, linked to one object whose symbols are all local, and entered first.
 *
 * What needs a library (profiles and policies of a user's, a run without a layer,
 * doctor, profile) is declined before anything has been done: entry.S then goes on to glibc's
 * _start with the stack untouched, and the same code runs there.
 *
 * musl's own __libc_start_main() would run the constructors of the whole program,
 * which belong to the other library; therefore the two calls below.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "base/visible.h"
#include "cmd.h"
#include "policy_file.h"
#include "profile.h"

void __init_libc(char **envp, char *name); /* musl: auxv, thread pointer, stack guard */
int __init_tp(void *thread);
void __init_tls(size_t *auxv);
void express_main(long *stack);

/*
 * musl would look for the program's thread-local variables and find glibc's, which are
 * not for here: three pages that nothing else touches. What it has of its own for the
 * one thread there is (struct pthread) takes less than half of this.
 */
void __init_tls(size_t *auxv)
{
	static char thread[1024] __attribute__((aligned(64)));

	(void)auxv;
	if (__init_tp(thread + sizeof(thread) / 2) < 0)
		__builtin_trap();
}

/* A value that is a file rather than the name of something built in. */
static bool names_file(const char *word, const char *value)
{
	const char *equals = strchr(word, '=');

	value = equals ? equals + 1 : value;
	return value && text_is_path(value);
}

static bool declines(char **argv)
{
	if (!argv[0] || !argv[1] || strcmp(argv[1], "exec") != 0)
		return true;
	/* More words than options is harmless: only the long way costs more. */
	for (char **word = argv + 2; *word && strcmp(*word, "--") != 0; word++)
		if ((text_after(*word, "--profile") || text_after(*word, "--seccomp")) &&
		    names_file(*word, word[1]))
			return true;
		/* Perhaps of the filter's: then that is compiled anew. */
		else if (text_after(*word, "--without"))
			return true;
	return false;
}

/* Apart, or every run had the words on its stack: a page more, copied for init. */
__attribute__((noinline, cold)) static int no_copy(void)
{
	struct err e = { 0 };

	err_set(&e, ENOMEM, "cannot copy the arguments: %s", strerror(ENOMEM));
	return cmd_fail(&e);
}

/* Apart: a stack guard needs the thread pointer, which express_main() begins without. */
__attribute__((noinline)) static int run(char **argv, char **envp)
{
	return visible_move(argv, envp) == 0 ? cmd_exec(argv + 1, envp) : no_copy();
}

void express_main(long *stack)
{
	long argc = stack[0];
	char **argv = (char **)(stack + 1);
	char **envp = argv + argc + 1;

	if (declines(argv))
		return;
	__init_libc(envp, argv[0]);
	_exit(run(argv, envp)); /* what went through stdio is flushed where it was written */
}

/* Never reached: declines() has seen to it. They fail closed all the same. */
int profile_load_file(struct spec *s, const char *path, struct err *e)
{
	(void)s;
	return err_set(e, ENOTSUP, "profile '%s': needs the long way", path);
}

int policy_load(const char *name, unsigned int blocks, struct sock_fprog *filter,
		struct sock_fprog *verdict, struct err *e)
{
	(void)blocks;
	(void)filter;
	(void)verdict;
	return err_set(e, ENOTSUP, "seccomp policy '%s': needs the long way", name ? name : "");
}
