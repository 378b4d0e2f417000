/* SPDX-License-Identifier: Apache-2.0 */
/* runner exec: spec → plan → launch → supervise → report. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "cmd.h"
#include "host.h"
#include "launch.h"
#include "layer/network.h"
#include "limits.h"
#include "options.h"
#include "plan_print.h"
#include "remedy.h"
#include "report.h"
#include "supervise.h"

static void help(void)
{
	fputs("Usage: runner exec [OPTIONS] SCRIPT|PROGRAM [ARGS...]\n"
	      "       runner exec [OPTIONS] -- COMMAND [ARGS...]\n"
	      "\n"
	      "Run a file of yours, or a command found inside, in a sandbox. A .py file runs\n"
	      "with the profile's interpreter.\n"
	      "\n"
	      "Options:\n",
	      stdout);
	options_help(stdout);
	fputs("  --help                         show this text\n"
	      "\n"
	      "Exit status: the payload's own; 128+N when signal N ended it; 124 a time limit;\n"
	      "125 runner could not do it; 126 found but not executable; 127 not found.\n"
	      "See runner(1) and runner-profile(5).\n",
	      stdout);
}

/*
 * What a careless caller hands down: a closed stdin (whose number the next file
 * we open would get), an ignored SIGCHLD, blocked signals. And from here on no
 * process of our user may look into us.
 */
static int be_clean(struct err *e)
{
	sigset_t all;

	/*
	 * The lowest free number is the one that is closed. To be read only: a report
	 * that is to go to a closed descriptor is refused, as any number not open is.
	 */
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) < 0)
			return err_set(e, errno, "/dev/null: %s", strerror(errno));
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	signal(SIGCHLD, SIG_DFL);
	/* Ours are read from a signalfd; the rest must not end us half-way. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	return 0;
}

static int dry_run(const struct plan *plan, struct err *e)
{
	struct jout j = { 0 };
	int r;

	plan_print(plan, &j);
	r = jout_finish(&j);
	if (r == 0)
		r = fd_write_all(1, j.text, j.length);
	jout_clear(&j);
	return r < 0 ? err_set(e, -r, "cannot print the plan: %s", strerror(-r)) : 0;
}

/*
 * What a run needs, in the order of its pages: each used one costs a fault, and
 * what is written while init has a copy of it costs another. Large, but only the
 * used pages are ever touched.
 */
struct exec {
	struct network_early network;
	struct running running;
	struct streams streams;
	struct outcome outcome;
	struct spec spec __attribute__((aligned(4096)));
	struct host host;
	struct plan plan;
};

/* Where nothing better is known: a limit of the caller's, or a call that is not there. */
__attribute__((cold, noinline)) static void add_remedy(const struct exec *x, struct err *e)
{
	const char *words = NULL;

	if (e->hint[0])
		return;
	if (e->code == EMFILE || e->code == ENFILE || e->code == ENOMEM)
		words = remedy_of_limit(e->code);
	if (words)
		err_hint(e, "%s", words);
	/* Of the kernel's, or of a filter's around us. */
	else if (e->code == ENOSYS)
		(void)remedy_find(&x->host, -1, e->code, e->hint, sizeof(e->hint));
}

/* A run that was refused still gets its report. (Its words are not on a run's stack.) */
__attribute__((cold, noinline)) static int reject(struct exec *x, struct report *report,
						  struct err *why)
{
	struct outcome *o = &x->outcome; /* it is large, and the stack may not be */
	struct err e = { 0 };

	add_remedy(x, why);
	o->reason = REASON_REJECTED;
	o->exit_code = why->status;
	o->status_exit = -1;
	o->survivors = -1;
	snprintf(o->message, sizeof(o->message), "%s", why->text);
	snprintf(o->hint, sizeof(o->hint), "%s", why->hint);
	if (report_write(report, &x->spec, NULL, NULL, o, &e) < 0)
		cmd_fail(&e);
	return cmd_fail(why);
}

/*
 * A command line that makes no sense says where its report goes all the same; what an
 * earlier run left there must not be taken for this one's.
 */
__attribute__((cold, noinline)) static int reject_options(struct exec *x, struct report *report,
							  char **argv, struct err *why)
{
	struct spec *spec = &x->spec;
	const char *where = options_report(argv);
	struct err e = { 0 };

	add_remedy(x, why);
	if (!where)
		return cmd_fail(why);
	if (report_open(report, where, &e) < 0) {
		cmd_fail(&e);
		return cmd_fail(why);
	}
	/* Nothing of it holds: what there is, is the command line. */
	spec_clear(spec);
	for (int i = 0; i < LIMITS; i++)
		*limit_field(&spec->limits, &limit_table[i]) = UNLIMITED;
	spec->argv = (const char *const *)argv;
	return reject(x, report, why);
}

static int run(struct exec *x, struct report *report, struct err *e)
{
	struct outcome *o = &x->outcome;
	int r;

	report_remove_old(report);
	if (launch(&x->plan, &x->network, &x->running, e) < 0)
		return reject(x, report, e);
	supervise(&x->plan, &x->running, &x->streams, o);
	report->wait_ms = x->spec.limits.drain_ms;
	report->wake = x->running.signals;
	r = report_write(report, &x->spec, &x->plan, &x->running.board, o, e);
	streams_drain(&x->streams, &x->running, x->spec.limits.drain_ms, o);
	report_human(o, &x->spec);
	return r < 0 ? cmd_fail(e) : o->exit_code;
}

int cmd_exec(char **argv, char **envp)
{
	static struct exec x __attribute__((aligned(4096)));
	struct report report = { .fd = -1, .dir_fd = -1, .wake = -1 };
	struct err e = { 0 };
	int status;
	int r = cmd_check_stack(&e);

	if (r == 0)
		r = be_clean(&e);
	if (r == 0)
		r = options_parse(&x.spec, argv, (const char *const *)envp, &e);
	if (r == OPTIONS_HELP) {
		help();
		return cmd_printed(0);
	}
	if (r < 0)
		return reject_options(&x, &report, argv, &e);
	if (report_open(&report, x.spec.report, &e) < 0) {
		add_remedy(&x, &e);
		return cmd_fail(&e);
	}
	host_probe(&x.host);
	running_init(&x.running);
	network_start(&x.network, &x.spec, &x.host);
	cgroup_probe(&x.host.cgroup, x.host.privileged);
	if (plan_build(&x.spec, &x.host, &x.plan, &e) < 0 ||
	    report_check(&report, &x.plan, &e) < 0) {
		status = reject(&x, &report, &e);
	} else if (x.spec.dry_run) {
		status = dry_run(&x.plan, &e) < 0 ? cmd_fail(&e) : 0;
	} else {
		status = run(&x, &report, &e);
	}
	network_finish(&x.network);
	running_clear(&x.running);
	report_close(&report);
	/* The spec and the plan go with the process, which is cheaper. */
	return status;
}
