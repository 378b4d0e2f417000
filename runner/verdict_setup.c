/* SPDX-License-Identifier: Apache-2.0 */
/* The payload never started: which row, which item, and what to do about it. */
#include <errno.h>
#include <linux/limits.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "layer/layer.h"
#include "remedy.h"
#include "verdict.h"

static const char *const start_words[] = {
	[BOARD_START_PROC] = "open /proc of the host",
	[BOARD_START_PAYLOAD] = "start the payload's process",
	[BOARD_START_STDIO] = "give the payload its standard streams",
	[BOARD_START_CWD] = "enter the working directory",
	[BOARD_START_PROGRAM] = "open the program",
	[BOARD_START_HAND_UP] = "hand the supervisor what it needs",
	[BOARD_START_INIT] = "become init",
	[BOARD_START_TURN] = "give the payload an ordinary scheduling class",
};

static void start_failed(const struct plan *plan, const struct board *b, struct outcome *o)
{
	const char *what =
		b->item >= 0 && b->item <= BOARD_START_TURN ? start_words[b->item] : "start";

	snprintf(o->message, sizeof(o->message), "cannot %s: %s", what, strerror(b->error));
	if (b->item != BOARD_START_CWD && b->item != BOARD_START_PROGRAM)
		(void)remedy_find(plan->host, -1, b->error, o->hint, sizeof(o->hint));
	if (b->item == BOARD_START_CWD) {
		snprintf(o->message, sizeof(o->message), "cannot enter cwd '%s': %s", plan->cwd,
			 strerror(b->error));
		snprintf(o->hint, sizeof(o->hint), "it must be a directory inside the sandbox");
	}
	if (b->item == BOARD_START_PROGRAM && b->error == ENOENT)
		o->exit_code = EXIT_NOT_FOUND;
}

/* Where the errno of a row has one likely cause. */
static const struct {
	int layer;
	int error;
	const char *hint;
} enter_hints[] = {
	{ LAYER_BINDS, ELOOP,
	  "a part of the path became a link while the sandbox was being set up" },
	{ LAYER_BINDS, ENOENT,
	  "inside another bind the mount point must exist; runner makes none in a user's "
	  "directory" },
};

static void enter_failed(const struct plan *plan, const struct board *b, struct outcome *o)
{
	const struct layer *l = layer_table[b->layer];
	const char *item = l->item ? l->item(plan, b->item) : NULL;

	snprintf(o->message, sizeof(o->message), "layer '%s' cannot be set up: %s%s%s", l->name,
		 item ? item : "", item ? ": " : "", strerror(b->error));
	for (size_t i = 0; i < sizeof(enter_hints) / sizeof(enter_hints[0]); i++)
		if (enter_hints[i].layer == b->layer && enter_hints[i].error == b->error) {
			snprintf(o->hint, sizeof(o->hint), "%s", enter_hints[i].hint);
			return;
		}
	if (b->layer == LAYER_BINDS && b->error == EINVAL && b->item >= 0 &&
	    (unsigned int)b->item < plan->n_binds && plan->binds[b->item].idmap_fd >= 0)
		snprintf(o->hint, sizeof(o->hint),
			 "as root a writable bind is id-mapped, and not every file system can be: "
			 "bind it read-only, or run as an ordinary user");
	else if (b->error == ESTALE)
		snprintf(o->hint, sizeof(o->hint),
			 "the file was replaced while the sandbox was being set up");
	else if (remedy_find(plan->host, b->layer, b->error, o->hint, sizeof(o->hint)))
		return;
	else if (l->kept_because)
		snprintf(o->hint, sizeof(o->hint), "see 'runner doctor' for what this host lacks");
	else
		snprintf(o->hint, sizeof(o->hint),
			 "see 'runner doctor' for what this host lacks; to run without this layer: "
			 "--without %s",
			 l->name);
}

static void not_proved(const struct plan *plan, const struct board *b, struct outcome *o)
{
	const struct layer *l = layer_table[b->layer];
	const char *item = l->item ? l->item(plan, b->item) : NULL;

	if (b->what[0])
		snprintf(o->message, sizeof(o->message),
			 "layer '%s' does not hold: %s%.300s%s%.111s; nothing was run", l->name,
			 item ? "'" : "", item ? item : "", item ? "': " : "", b->what);
	else
		snprintf(o->message, sizeof(o->message),
			 "layer '%s' does not hold: its proof could not be made: %s; nothing was "
			 "run",
			 l->name, strerror(b->error));
	snprintf(o->hint, sizeof(o->hint),
		 "this is a defect of runner or of this kernel; "
		 "please report it with 'runner doctor --json'");
}

/* The user's mount that holds this path: its place in the spec, or NULL. */
static const struct spec_mount *mount_of(const struct spec *spec, const char *path)
{
	const struct spec_mount *found = NULL;

	for (unsigned int i = 0; i < spec->n_mounts; i++) {
		const struct spec_mount *m = &spec->mounts[i];

		if (text_path_below(path, m->destination) &&
		    (!found || text_path_below(m->destination, found->destination)))
			found = m;
	}
	return found;
}

/* What to write so that programs may be executed from there. */
static void noexec_hint(const struct plan *plan, const char *path, struct outcome *o)
{
	const struct spec_mount *m;
	char full[PATH_MAX];

	snprintf(full, sizeof(full), "%s%s%s", path[0] == '/' ? "" : plan->cwd,
		 path[0] == '/' ? "" : "/", strncmp(path, "./", 2) == 0 ? path + 2 : path);
	m = mount_of(plan->spec, full);
	if (!m)
		snprintf(o->hint, sizeof(o->hint),
			 "it lies on a mount without programs (noexec); hand it in as a file: "
			 "runner exec FILE");
	else if (m->type == SPEC_MOUNT_TMPFS)
		snprintf(o->hint, sizeof(o->hint),
			 "'%.200s' is mounted without programs (noexec); to allow them: --tmpfs "
			 "%.200s:SIZE:exec",
			 m->destination, m->destination);
	else
		snprintf(o->hint, sizeof(o->hint),
			 "'%.150s' is mounted without programs (noexec); to allow them: %s "
			 "%.200s:%.150s:exec",
			 m->destination, m->read_only ? "--ro-bind" : "--bind", m->source,
			 m->destination);
}

static void not_permitted(const struct plan *plan, const struct board *b, const char *name,
			  struct outcome *o)
{
	bool known = b->item >= 0 && (unsigned int)b->item < plan->n_candidates;

	if (b->because == BOARD_NOT_FILE)
		snprintf(o->hint, sizeof(o->hint), "it is no regular file");
	else if (b->because == BOARD_NOT_MODE)
		snprintf(o->hint, sizeof(o->hint),
			 "chmod +x it, or name its interpreter: runner exec -- sh %.200s", name);
	else if (plan->spec->only_programs)
		snprintf(o->hint, sizeof(o->hint),
			 "only the programs that are named may be executed: --program %.100s",
			 name);
	else if (b->because == BOARD_NOT_NOEXEC && known)
		noexec_hint(plan, plan->candidates[b->item], o);
}

static void not_found(const struct plan *plan, const struct board *b, const char *name,
		      struct outcome *o)
{
	o->exit_code = EXIT_NOT_FOUND;
	/* A command's word does not say which place of PATH it was found in. */
	if (b->because != BOARD_NOT_KNOWN && b->item >= 0 &&
	    (unsigned int)b->item < plan->n_candidates)
		name = plan->candidates[b->item];
	if (b->because == BOARD_NOT_CR) {
		snprintf(o->message, sizeof(o->message),
			 "'%.200s' cannot be executed: its #! line ends with CR LF, and the CR "
			 "belongs "
			 "to the interpreter's name",
			 name);
		snprintf(o->hint, sizeof(o->hint),
			 "save it with plain line ends: sed -i 's/\\r$//' FILE");
		return;
	}
	if (b->because == BOARD_NOT_THERE) {
		snprintf(o->message, sizeof(o->message),
			 "'%.200s' cannot be executed: its interpreter is not found inside the "
			 "sandbox",
			 name);
		snprintf(o->hint, sizeof(o->hint),
			 "what its #! line names (or, of a program, its dynamic loader) must exist "
			 "there, too");
		return;
	}
	snprintf(o->message, sizeof(o->message), "'%.200s': not found inside the sandbox", name);
	snprintf(o->hint, sizeof(o->hint), "the sandbox has its own PATH and file system");
}

static void exec_failed(const struct plan *plan, const struct board *b, struct outcome *o)
{
	const char *name =
		plan->delivered && !plan->spec->interpreter ? plan->delivered : plan->argv[0];

	o->exit_code = EXIT_NOT_EXEC;
	if (b->error == ENOENT && plan->exec_fd >= 0) {
		/* execveat(2): a script by a descriptor that the exec closes. */
		snprintf(o->message, sizeof(o->message),
			 "'%.200s' cannot be executed: it needs an interpreter (#!), and seccomp "
			 "policy '%.100s' lets one program start",
			 name, plan->spec->seccomp);
		snprintf(o->hint, sizeof(o->hint),
			 "name the interpreter and bind the script: runner exec --ro-bind "
			 "FILE:/run/FILE ... -- sh /run/FILE; or a profile that lets programs "
			 "start: "
			 "--profile default");
		return;
	}
	if (b->error == ENOENT) {
		not_found(plan, b, name, o);
		return;
	}
	snprintf(o->message, sizeof(o->message), "'%.200s' cannot be executed: %s", name,
		 strerror(b->error));
	if (b->error == EACCES)
		not_permitted(plan, b, name, o);
	if (b->error == ENOEXEC)
		snprintf(o->hint, sizeof(o->hint),
			 "it is no program for this machine and has no #! line");
}

void verdict_setup_failed(const struct plan *plan, const struct board *b, struct outcome *o)
{
	o->reason = REASON_SETUP_FAILED;
	o->exit_code = EXIT_RUNNER;
	if (b->layer < 0 || b->layer >= LAYER_COUNT)
		return;
	switch (b->stage) {
	case BOARD_START: start_failed(plan, b, o); break;
	case BOARD_ENTER: enter_failed(plan, b, o); break;
	case BOARD_PROVE: not_proved(plan, b, o); break;
	case BOARD_EXEC: exec_failed(plan, b, o); break;
	}
}
