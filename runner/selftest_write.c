/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/jout.h"
#include "../seccomp/bpf.h"
#include "denial.h"
#include "selftest.h"
#include "version.h"

static const char *const state_names[] = { "contained", "FAILED", "VACUOUS", "absent" };

static const char *error_name(int error)
{
	const char *name = error > 0 ? strerrorname_np(error) : NULL;

	return error == NO_ANSWER ? "no answer" : error == 0 ? "it worked" : name ? name : "?";
}

/* The same for machines. */
static const char *state_word(const struct selftest *s, unsigned int i)
{
	static const char *const words[] = { "contained", "failed", "vacuous", "absent" };

	return words[selftest_state(s, i)];
}

static const char *kernel(void)
{
	static struct utsname u;

	uname(&u);
	return u.release;
}

/* The columns of the table: layers that stop something. */
static layer_set columns(const struct selftest *s)
{
	layer_set any = 0;

	for (unsigned int i = 0; i < s->n; i++)
		any |= s->attempts[i].stopped_by;
	return any;
}

static unsigned int score(const struct selftest *s, int layer, bool alone)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < s->n; i++)
		n += (s->attempts[i].stopped_by & LAYER_BIT(layer)) &&
		     (!alone || selftest_walls(&s->attempts[i]) == 1);
	return n;
}

/* -- text -------------------------------------------------------------------- */

static void write_walls(const struct attempt *a, FILE *out)
{
	const char *comma = "";

	for (int i = 0; i < LAYER_COUNT; i++)
		if (a->stopped_by & LAYER_BIT(i)) {
			fprintf(out, "%s%s", comma, layer_table[i]->name);
			comma = ", ";
		}
	if (a->base_stops)
		fprintf(out, "%swhat cannot be left out", comma);
	if (selftest_walls(a) == 0)
		fputs("no layer alone: several together", out);
}

static void write_calls(const struct calls *c, FILE *out)
{
	char room[24];

	fprintf(out, "\nsystem calls: %u refused by name, %u unknown, %u not as the policy says\n",
		c->refused, c->unknown, c->wrong);
	for (int nr = 0; nr < CALLS; nr++)
		if (c->expected[nr] >= 0 && c->got[nr] != c->expected[nr])
			fprintf(out, "FAILED     %-28s %s; expected %s\n", denial_name(nr, BPF_NATIVE_ARCH, room),
				error_name(c->got[nr]), error_name(c->expected[nr]));
}

void selftest_write_text(const struct selftest *s, FILE *out)
{
	fprintf(out, "runner %s, kernel %s\n", RUNNER_VERSION, kernel());
	for (unsigned int i = 0; i < s->n; i++) {
		const struct attack *a = &selftest_attacks[i];
		const struct attempt *t = &s->attempts[i];
		enum selftest_state state = selftest_state(s, i);

		if (i == 0 || a->group != a[-1].group)
			fprintf(out, "\n%s\n", a->group);
		fprintf(out, "%-10s %-28s ", state_names[state], a->name);
		if (state == SELFTEST_FAILED)
			fprintf(out, "%s; expected %s", error_name(t->full), error_name(a->expect));
		else if (state == SELFTEST_VACUOUS)
			fprintf(out, "works nowhere, so it proves nothing: %s",
				error_name(t->control));
		else if (state == SELFTEST_ABSENT)
			fprintf(out, "not on this kernel: %s", error_name(t->control));
		else if (s->ablated)
			write_walls(t, out);
		else
			fprintf(out, "%s", error_name(t->full));
		fputs(s->ablated && state == SELFTEST_CONTAINED && selftest_walls(t) == 1
			      ? "  (one wall)\n"
			      : "\n",
		      out);
	}
	if (s->ablated) {
		fputs("\nlayer            stops  alone\n", out);
		for (int l = 0; l < LAYER_COUNT; l++)
			if (columns(s) >> l & 1)
				fprintf(out, "%-16s %5u  %5u\n", layer_table[l]->name,
					score(s, l, false), score(s, l, true));
	}
	write_calls(&s->calls, out);
	fprintf(out, "%u contained, %u failed, %u vacuous, %u not on this kernel", s->contained,
		s->failed, s->vacuous, s->absent);
	if (s->ablated)
		fprintf(out, ", %u with one wall only", s->single);
	fprintf(out, "; %u.%01u s\n", (unsigned int)(s->ms / 1000),
		(unsigned int)(s->ms % 1000 / 100));
}

/* -- files ------------------------------------------------------------------- */

static int close_file(FILE *f, const char *path, struct err *e)
{
	bool bad = ferror(f) != 0;

	if (fclose(f) != 0 || bad)
		return err_set(e, EIO, "'%s' cannot be written", path);
	return 0;
}

static FILE *open_file(const char *path, struct err *e)
{
	FILE *f = strcmp(path, "-") == 0 ? fdopen(1, "w") : fopen(path, "we");

	if (!f)
		err_set(e, errno, "'%s': %s", path, strerror(errno));
	return f;
}

static void write_attempt(struct jout *j, const struct selftest *s, unsigned int i)
{
	const struct attempt *t = &s->attempts[i];

	jout_object(j, NULL);
	jout_string(j, "group", selftest_attacks[i].group);
	jout_string(j, "attack", selftest_attacks[i].name);
	jout_string(j, "state", state_word(s, i));
	jout_string(j, "inside", error_name(t->full));
	jout_string(j, "expected",
		    error_name(selftest_state(s, i) == SELFTEST_FAILED ? selftest_attacks[i].expect
								       : t->full));
	jout_string(j, "control", error_name(t->control));
	if (s->ablated) {
		jout_array(j, "stopped_by");
		for (int l = 0; l < LAYER_COUNT; l++)
			if (t->stopped_by & LAYER_BIT(l))
				jout_string(j, NULL, layer_table[l]->name);
		jout_end_array(j);
		jout_bool(j, "stopped_by_what_cannot_be_left_out", t->base_stops);
		jout_bool(j, "single_point_of_failure", selftest_walls(t) == 1);
	}
	jout_end_object(j);
}

/* Those that the policy names, and what is not as it says. */
static void write_calls_json(struct jout *j, const struct calls *c)
{
	char room[24];

	jout_object(j, "system_calls");
	jout_uint(j, "refused", c->refused);
	jout_uint(j, "unknown", c->unknown);
	jout_uint(j, "wrong", c->wrong);
	jout_array(j, "calls");
	for (int nr = 0; nr < CALLS; nr++) {
		if (c->expected[nr] < 0 ||
		    (c->expected[nr] == ENOSYS && c->got[nr] == c->expected[nr]))
			continue;
		jout_object(j, NULL);
		jout_string(j, "name", denial_name(nr, BPF_NATIVE_ARCH, room));
		jout_int(j, "number", nr);
		jout_string(j, "inside", error_name(c->got[nr]));
		jout_string(j, "expected", error_name(c->expected[nr]));
		jout_bool(j, "shown", c->shown[nr]);
		jout_end_object(j);
	}
	jout_end_array(j);
	jout_end_object(j);
}

int selftest_write_json(const struct selftest *s, const char *path, struct err *e)
{
	struct jout j = { 0 };
	FILE *f;

	jout_object(&j, NULL);
	jout_string(&j, "version", RUNNER_VERSION);
	jout_string(&j, "kernel", kernel());
	jout_bool(&j, "ablated", s->ablated);
	jout_uint(&j, "contained", s->contained);
	jout_uint(&j, "failed", s->failed);
	jout_uint(&j, "vacuous", s->vacuous);
	jout_uint(&j, "absent", s->absent);
	jout_uint(&j, "ms", s->ms);
	write_calls_json(&j, &s->calls);
	jout_array(&j, "attacks");
	for (unsigned int i = 0; i < s->n; i++)
		write_attempt(&j, s, i);
	jout_end_array(&j);
	jout_end_object(&j);
	if (jout_finish(&j) < 0) {
		jout_clear(&j);
		return err_set(e, ENOMEM, "out of memory");
	}
	f = open_file(path, e);
	if (f)
		fwrite(j.text, 1, j.length, f);
	jout_clear(&j);
	return f ? close_file(f, path, e) : -e->code;
}

/* The one format every CI reads; names are ours and need no escape but these. */
static void put_escaped(const char *text, FILE *f)
{
	for (; *text; text++)
		if (*text == '&' || *text == '<' || *text == '>' || *text == '"' || *text == '\'')
			fprintf(f, "&#%d;", *text);
		else
			fputc(*text, f);
}

int selftest_write_junit(const struct selftest *s, const char *path, struct err *e)
{
	FILE *f = open_file(path, e);

	if (!f)
		return -e->code;
	fprintf(f,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<testsuite name=\"runner selftest\" tests=\"%u\" failures=\"%u\" skipped=\"%u\" "
		"time=\"%u.%03u\">\n",
		s->n + 1, s->failed + s->vacuous, s->absent, (unsigned int)(s->ms / 1000),
		(unsigned int)(s->ms % 1000));
	for (unsigned int i = 0; i < s->n; i++) {
		enum selftest_state state = selftest_state(s, i);

		fputs("  <testcase classname=\"selftest\" name=\"", f);
		put_escaped(selftest_attacks[i].name, f);
		if (state == SELFTEST_FAILED)
			fprintf(f, "\"><failure message=\"%s; expected %s\"/></testcase>\n",
				error_name(s->attempts[i].full),
				error_name(selftest_attacks[i].expect));
		else if (state == SELFTEST_VACUOUS)
			fputs("\"><failure message=\"works nowhere, so it proves nothing\"/>"
			      "</testcase>\n",
			      f);
		else if (state == SELFTEST_ABSENT)
			fputs("\"><skipped message=\"not on this kernel\"/></testcase>\n", f);
		else
			fputs("\"/>\n", f);
	}
	fputs("  <testcase classname=\"selftest\" name=\"every system call\"", f);
	if (s->calls.wrong)
		fprintf(f, "><failure message=\"%u are not as the policy says\"/></testcase>\n",
			s->calls.wrong);
	else
		fputs("/>\n", f);
	fputs("</testsuite>\n", f);
	return close_file(f, path, e);
}

/* -- html -------------------------------------------------------------------- */

static const char style[] =
	"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
	"<title>runner selftest</title><style>\n"
	"body{font:15px/1.45 system-ui,sans-serif;margin:2rem;color:#1a1f24;background:#fff}\n"
	"h1{font-size:1.35rem;margin:0 0 .2rem}p{margin:.2rem 0 1rem;color:#4a545e}\n"
	"table{border-collapse:collapse}td{white-space:nowrap}\n"
	"th,td{padding:.28rem .5rem;border-bottom:1px solid #e3e7eb;text-align:left}\n"
	"thead th{position:sticky;top:0;background:#fff;vertical-align:bottom}\n"
	"th.l{height:8.5rem;width:1.9rem;padding:0 .2rem .4rem}\n"
	"th.l span{writing-mode:vertical-rl;transform:rotate(180deg);font-weight:500}\n"
	"td.c{text-align:center;width:1.9rem}\n"
	".on{background:#cfe8d5}.one{background:#f6dca8}.bad{background:#f3b9b4}\n"
	".none{color:#87919b}.k{display:inline-block;padding:0 .5rem;margin-right:.6rem}\n"
	".g td{font-weight:600;padding-top:1rem;border-bottom-color:#aab3bb}\n"
	"tfoot td{font-weight:600;border-bottom:0}\n"
	"</style></head><body>\n";

static void html_row(const struct selftest *s, unsigned int i, layer_set shown, FILE *f)
{
	const struct attempt *t = &s->attempts[i];
	enum selftest_state state = selftest_state(s, i);
	const char *mark = selftest_walls(t) == 1 ? "one" : "on";
	static const char *const classes[] = { "", "bad", "bad", "none" };

	if (i == 0 || selftest_attacks[i].group != selftest_attacks[i - 1].group)
		fprintf(f, "<tr class=\"g\"><td colspan=\"%d\">%s</td></tr>\n",
			3 + __builtin_popcountll(shown), selftest_attacks[i].group);
	fputs("<tr><td>", f);
	put_escaped(selftest_attacks[i].name, f);
	fprintf(f, "</td><td class=\"%s\">%s</td>", classes[state],
		state == SELFTEST_ABSENT    ? "not on this kernel"
		: state == SELFTEST_VACUOUS ? "works nowhere"
					    : error_name(t->full));
	for (int l = 0; s->ablated && l < LAYER_COUNT; l++)
		if (shown & LAYER_BIT(l))
			fprintf(f, "<td class=\"c %s\">%s</td>",
				t->stopped_by & LAYER_BIT(l) ? mark : "",
				t->stopped_by & LAYER_BIT(l) ? "&#9679;" : "");
	if (s->ablated)
		fprintf(f, "<td class=\"c %s\">%s</td>",
			t->base_stops && state == SELFTEST_CONTAINED ? mark : "",
			t->base_stops && state == SELFTEST_CONTAINED ? "&#9679;" : "");
	fputs("</tr>\n", f);
}

int selftest_write_html(const struct selftest *s, const char *path, struct err *e)
{
	FILE *f = open_file(path, e);
	layer_set shown = columns(s);

	if (!f)
		return -e->code;
	fputs(style, f);
	fprintf(f,
		"<h1>runner selftest: %s</h1><p>runner %s on Linux %s &middot; %u attacks: %u "
		"contained, %u failed, %u vacuous, %u not on this kernel",
		s->failed ? "FAILED" : "contained", RUNNER_VERSION, kernel(), s->n, s->contained,
		s->failed, s->vacuous, s->absent);
	if (s->ablated)
		fprintf(f, ", %u held by one wall only", s->single);
	fprintf(f,
		"</p>\n<p%s>System calls: %u refused by name, %u unknown ones, %u not as the "
		"policy "
		"says</p>\n",
		s->calls.wrong ? " class=\"bad\"" : "", s->calls.refused, s->calls.unknown,
		s->calls.wrong);
	if (s->ablated)
		fputs("<p><span class=\"k on\">stops it alone</span><span class=\"k one\">the only "
		      "wall</span><span class=\"k bad\">not contained</span></p>\n",
		      f);
	fputs("<table><thead><tr><th>attack</th><th>inside</th>", f);
	for (int l = 0; s->ablated && l < LAYER_COUNT; l++)
		if (shown & LAYER_BIT(l))
			fprintf(f, "<th class=\"l\"><span>%s</span></th>", layer_table[l]->name);
	if (s->ablated)
		fputs("<th class=\"l\"><span>cannot be left out</span></th>", f);
	fputs("</tr></thead><tbody>\n", f);
	for (unsigned int i = 0; i < s->n; i++)
		html_row(s, i, shown, f);
	fputs("</tbody>", f);
	if (s->ablated) {
		fputs("<tfoot><tr><td>attacks it stops</td><td></td>", f);
		for (int l = 0; l < LAYER_COUNT; l++)
			if (shown & LAYER_BIT(l))
				fprintf(f, "<td class=\"c\">%u</td>", score(s, l, false));
		fputs("<td></td></tr></tfoot>", f);
	}
	fputs("</table></body></html>\n", f);
	return close_file(f, path, e);
}
