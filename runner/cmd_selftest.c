/* SPDX-License-Identifier: Apache-2.0 */
/* runner selftest: are the claims true on this kernel? */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "selftest.h"

static void help(void)
{
	fputs("Usage: runner selftest [--ablate] [--report FILE] [--junit FILE] [--html FILE]\n"
	      "\n"
	      "Try attacks inside the sandbox, each with a control that shows it working.\n"
	      "  --ablate       which layers stop each attack alone\n"
	      "  --report FILE  the results as JSON; - is standard output\n"
	      "  --junit FILE   the results for a CI system\n"
	      "  --html FILE    the table as a page\n"
	      "Exit status: 0 every attack is contained; 1 one is not, or works nowhere; 125 it "
	      "cannot be run.\n",
	      stdout);
}

struct wanted {
	bool ablate;
	const char *report, *junit, *html;
};

static int parse(char **argv, struct wanted *w, struct err *e)
{
	const struct {
		const char *name;
		const char **value;
	} files[] = { { "--report", &w->report },
		      { "--junit", &w->junit },
		      { "--html", &w->html } };

	for (int i = 1; argv[i]; i++) {
		size_t k = 0;

		if (strcmp(argv[i], "--ablate") == 0) {
			w->ablate = true;
			continue;
		}
		while (k < 3 && strcmp(argv[i], files[k].name) != 0)
			k++;
		if (k == 3) {
			err_set(e, EINVAL, "unknown option '%.100s'", argv[i]);
			return err_hint(e, "try 'runner selftest --help'%s", "");
		}
		if (!argv[i + 1])
			return err_set(e, EINVAL, "%s needs a value: FILE", argv[i]);
		*files[k].value = argv[++i];
	}
	return 0;
}

/* Before a minute of work is done for a file that cannot be written. */
static int check_places(const struct wanted *w, struct err *e)
{
	const char *const places[] = { w->report, w->junit, w->html };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		int fd;

		if (!places[i] || strcmp(places[i], "-") == 0)
			continue;
		fd = open(places[i], O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
		if (fd < 0)
			return err_set(e, errno, "'%s': %s", places[i], strerror(errno));
		close(fd);
	}
	return 0;
}

int cmd_selftest(char **argv, char **envp)
{
	static struct selftest s;
	struct wanted w = { 0 };
	struct err e = { 0 };

	(void)envp;
	if (argv[1] && strcmp(argv[1], "--help") == 0) {
		help();
		return 0;
	}
	if (parse(argv, &w, &e) < 0 || check_places(&w, &e) < 0 ||
	    selftest_run(&s, w.ablate, &e) < 0)
		return cmd_fail(&e);
	if (!w.report || strcmp(w.report, "-") != 0)
		selftest_write_text(&s, stdout);
	fflush(stdout);
	if ((w.report && selftest_write_json(&s, w.report, &e) < 0) ||
	    (w.junit && selftest_write_junit(&s, w.junit, &e) < 0) ||
	    (w.html && selftest_write_html(&s, w.html, &e) < 0))
		return cmd_fail(&e);
	return s.failed || s.vacuous ? 1 : 0;
}
