/* SPDX-License-Identifier: Apache-2.0 */
/* runner doctor: what this host offers per layer, what is missing, the remedy. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/display.h"
#include "base/jout.h"
#include "cmd.h"
#include "host.h"
#include "layer/layer.h"
#include "trial.h"
#include "version.h"

static const char *const states[] = { "ok", "weak", "missing" };

static void help(void)
{
	fputs("Usage: runner doctor [--json]\n"
	      "\n"
	      "Say what this host offers for each layer, what is missing, and how to mend it;\n"
	      "and try it: a run of a program that does nothing, with no option, as the one\n"
	      "who asks.\n"
	      "Exit status: 0 that run worked; 1 it was refused; 125 wrong usage.\n",
	      stdout);
}

/* Which of the capabilities the set-up uses are there: for root in a container. */
static void missing_capabilities(char *ret, size_t size)
{
	static const cap_value_t used[] = { CAP_SYS_ADMIN, CAP_SETUID,	     CAP_SETGID,
					    CAP_CHOWN,	   CAP_DAC_OVERRIDE, CAP_SETPCAP };
	cap_t now = cap_get_proc();
	size_t length = 0;

	ret[0] = '\0';
	for (size_t i = 0; now && i < sizeof(used) / sizeof(used[0]); i++) {
		cap_flag_value_t set = CAP_CLEAR;
		char *name;

		if (cap_get_flag(now, used[i], CAP_EFFECTIVE, &set) < 0 || set == CAP_SET)
			continue;
		name = cap_to_name(used[i]);
		length += (size_t)snprintf(ret + length, size - length, " %s", name ? name : "?");
		cap_free(name);
		if (length >= size)
			break;
	}
	cap_free(now);
}

/* What the trial found, in the row of the layer that it failed in. */
static void take_over(const struct trial *t, struct finding *findings)
{
	struct finding *f;

	if (t->works || t->layer < 0)
		return;
	f = &findings[t->layer];
	/* A probe that knew of it has the more exact words. */
	if (f->state == FINDING_MISSING)
		return;
	f->state = FINDING_MISSING;
	snprintf(f->detail, sizeof(f->detail), "%s", t->message);
	snprintf(f->remedy, sizeof(f->remedy), "%s", t->hint);
}

static void print_json(const struct host *host, const struct finding *findings,
		       const struct trial *trial)
{
	struct jout j = { 0 };
	struct utsname u;

	uname(&u);
	jout_object(&j, NULL);
	jout_string(&j, "version", RUNNER_VERSION);
	jout_string(&j, "kernel", u.release);
	jout_string(&j, "machine", u.machine);
	jout_bool(&j, "privileged", host->privileged);
	jout_string(&j, "unprivileged_because", host->unprivileged_because);
	jout_int(&j, "landlock_abi", host->landlock_abi);
	jout_bool(&j, "usable", trial->works);
	jout_object(&j, "trial");
	jout_bool(&j, "works", trial->works);
	jout_string(&j, "layer", trial->layer < 0 ? NULL : layer_table[trial->layer]->name);
	jout_string(&j, "message", trial->message[0] ? trial->message : NULL);
	jout_string(&j, "hint", trial->hint[0] ? trial->hint : NULL);
	jout_end_object(&j);
	jout_object(&j, "layers");
	for (int i = 0; i < LAYER_COUNT; i++) {
		jout_object(&j, layer_table[i]->name);
		jout_string(&j, "state", states[findings[i].state]);
		jout_string(&j, "summary", layer_table[i]->summary);
		jout_string(&j, "detail", findings[i].detail[0] ? findings[i].detail : NULL);
		jout_string(&j, "remedy", findings[i].remedy[0] ? findings[i].remedy : NULL);
		jout_end_object(&j);
	}
	jout_end_object(&j);
	jout_end_object(&j);
	if (jout_finish(&j) == 0)
		fwrite(j.text, 1, j.length, stdout);
	jout_clear(&j);
}

/* Columns of the terminal; 0: it is none, and lines stay whole for grep(1). */
static unsigned int terminal_width(void)
{
	struct winsize size;

	return isatty(1) && ioctl(1, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

/* "head text", the text folded at spaces below itself. */
static void print_row(const char *head, const char *text)
{
	unsigned int width = terminal_width();
	size_t indent = strlen(head);
	const char *before = head;

	while (width > indent + 20 && strlen(text) > width - indent) {
		size_t room = width - indent;
		size_t cut = room;

		while (cut > 0 && text[cut] != ' ')
			cut--;
		if (cut == 0)
			cut = room; /* a word that is too long */
		display_line(stdout, "%*s%.*s", (int)indent, before, (int)cut, text);
		text += cut + (text[cut] == ' ');
		before = "";
	}
	display_line(stdout, "%*s%s", (int)indent, before, text);
}

static void print_text(const struct host *host, const struct finding *findings,
		       const struct trial *trial)
{
	char missing[160];
	struct utsname u;
	bool in_part = false;
	char head[64];

	uname(&u);
	display_line(stdout, "kernel %s, %s, %s", u.release, u.machine,
		     host->privileged ? "root" : host->unprivileged_because);
	missing_capabilities(missing, sizeof(missing));
	if (host->uid == 0 && missing[0])
		display_line(stdout, "root lacks:%s", missing);
	for (int i = 0; i < LAYER_COUNT; i++) {
		in_part = in_part || findings[i].state == FINDING_WEAK;
		snprintf(head, sizeof(head), "%-8s %-14s ", states[findings[i].state],
			 layer_table[i]->name);
		print_row(head, findings[i].detail[0] ? findings[i].detail
						      : layer_table[i]->summary);
		snprintf(head, sizeof(head), "%-8s %-14s mend: ", "", "");
		if (findings[i].remedy[0])
			print_row(head, findings[i].remedy);
	}
	if (trial->works) {
		puts(in_part ? "a trial run worked; what is weak is said above and in the report"
			     : "a trial run worked, with every layer");
		return;
	}
	print_row("a trial run was refused: ", trial->message);
	if (trial->hint[0])
		print_row("mend: ", trial->hint);
}

int cmd_doctor(char **argv, char **envp)
{
	static struct finding findings[LAYER_COUNT];
	bool json = false;
	struct trial trial;
	struct host host;

	(void)envp;
	for (int i = 1; argv[i]; i++) {
		struct err e = { 0 };

		if (strcmp(argv[i], "--help") == 0) {
			help();
			return 0;
		}
		if (strcmp(argv[i], "--json") != 0) {
			err_set(&e, EINVAL, "unknown option '%.100s'", argv[i]);
			err_hint(&e, "try 'runner doctor --help'");
			return cmd_fail(&e);
		}
		json = true;
	}
	host_probe(&host);
	cgroup_probe(&host.cgroup, host.privileged);
	for (int i = 0; i < LAYER_COUNT; i++) {
		findings[i].state = FINDING_OK;
		if (layer_table[i]->probe)
			layer_table[i]->probe(&host, &findings[i]);
	}
	trial_run(&host, &trial);
	take_over(&trial, findings);
	if (json)
		print_json(&host, findings, &trial);
	else
		print_text(&host, findings, &trial);
	return trial.works ? 0 : 1;
}
