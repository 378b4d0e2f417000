/* SPDX-License-Identifier: Apache-2.0 */
/* runner: a table of verbs. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/visible.h"
#include "cmd.h"
#include "probe/probe.h"
#include "version.h"

static const struct {
	const char *name;
	const char *help;
	int (*run)(char **argv, char **envp);
} verbs[] = {
	{ "exec", "run a script or program in a sandbox", cmd_exec },
	{ "doctor", "say what this host offers for each layer", cmd_doctor },
	{ "selftest", "try attacks on this kernel, and what stops them", cmd_selftest },
	{ "profile", "list, show or check profiles", cmd_profile },
};
enum { VERBS = sizeof(verbs) / sizeof(verbs[0]) };

static void help(void)
{
	puts("Usage: runner VERB [OPTIONS]\n"
	     "\n"
	     "A sandbox for code nobody has read yet.\n");
	for (int i = 0; i < VERBS; i++)
		printf("  %-10s %s\n", verbs[i].name, verbs[i].help);
	puts("\n"
	     "  --help     show this text; 'runner VERB --help' for a verb\n"
	     "  --version  show the version");
}

/* The number of a closed one would go to the next file, and that would get our words. */
static void hold_stdio(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
			return;
}

int main(int argc, char **argv, char **envp)
{
	const char *names[VERBS + 1] = { NULL };
	const char *near;
	struct err e = { 0 };

	/* A copy of us that a probe made and could execute. */
	if (argc > 1 && strcmp(argv[0], PROBE_SELF) == 0)
		return probe_main(argc, argv);
	/* For selftest: inside the sandbox we are the payload. */
	if (argc > 2 && strcmp(argv[1], "__probe") == 0)
		return probe_main(argc - 1, argv + 1);
	if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		help();
		return cmd_printed(0);
	}
	if (argc > 1 && strcmp(argv[1], "--version") == 0) {
		puts("runner " RUNNER_VERSION);
		return cmd_printed(0);
	}
	if (cmd_check_stack(&e) < 0)
		return cmd_fail(&e);
	if (visible_move(argv, envp) < 0) {
		err_set(&e, ENOMEM, "cannot copy the arguments: %s", strerror(ENOMEM));
		return cmd_fail(&e);
	}
	/* exec has its own way: a report to a closed descriptor is refused. */
	if (argc > 1 && strcmp(argv[1], "exec") != 0)
		hold_stdio();
	for (int i = 0; argc > 1 && i < VERBS; i++) {
		names[i] = verbs[i].name;
		if (strcmp(verbs[i].name, argv[1]) == 0)
			return cmd_printed(verbs[i].run(argv + 1, envp));
	}
	if (argc > 1)
		err_set(&e, EINVAL, "there is no verb '%.100s'", argv[1]);
	else
		err_set(&e, EINVAL, "a verb is missing");
	near = argc > 1 ? text_nearest(argv[1], names) : NULL;
	err_hint(&e, near ? "did you mean '%s'?" : "try 'runner --help'%s", near ? near : "");
	return cmd_fail(&e);
}
