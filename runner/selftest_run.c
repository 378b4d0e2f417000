/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/raw.h"
#include "selftest.h"

extern char **environ;

static char self[4096];

/* A layer that another rests on comes with it. */
static uint32_t needs(int layer)
{
	switch (layer) {
	case LAYER_SECCOMP:
	case LAYER_LANDLOCK: return 1u << LAYER_NO_NEW_PRIVS;
	case LAYER_IDENTITY:
	case LAYER_USERNS_LIMIT: return 1u << LAYER_USER_NS;
	default: return 0;
	}
}

/* The number a probe printed, or NO_ANSWER. */
static int answer(const char *text)
{
	char *end;
	long value = strtol(text, &end, 10);

	return end > text && *end == '\n' && value >= 0 ? (int)value : NO_ANSWER;
}

/* All it says, and its end. */
static void finish(pid_t pid, int fd, char *ret, size_t size)
{
	size_t n = 0;
	ssize_t r;

	while (n < size - 1 && (r = read(fd, ret + n, size - 1 - n)) > 0)
		n += (size_t)r;
	ret[n] = '\0';
	close(fd);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* Run a command with its words on a pipe; what it says else is nobody's concern. */
static void spawn(const char *const *argv, char *ret, size_t size)
{
	posix_spawn_file_actions_t actions;
	int p[2];
	pid_t pid;
	int r;

	ret[0] = '\0';
	if (pipe2(p, O_CLOEXEC) < 0)
		return;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, p[1], 1);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	r = posix_spawn(&pid, self, &actions, NULL, (char *const *)(uintptr_t)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(p[1]);
	if (r != 0)
		close(p[0]);
	else
		finish(pid, p[0], ret, size);
}

enum { MAX_WORDS = 2 * LAYER_COUNT + 16 };

/* runner exec [--report -] --without ... SELF __probe NAME ARGUMENT */
static void make_words(const char **argv, const struct attack *a, uint32_t without, bool report)
{
	int n = 0;

	argv[n++] = "runner";
	argv[n++] = "exec";
	argv[n++] = "--timeout";
	argv[n++] = "10s";
	if (report) {
		argv[n++] = "--report";
		argv[n++] = "-";
	}
	for (int i = 0; i < LAYER_COUNT; i++)
		if (without >> i & 1) {
			argv[n++] = "--without";
			argv[n++] = layer_table[i]->name;
		}
	argv[n++] = self;
	argv[n++] = "__probe";
	argv[n++] = a->probe;
	argv[n++] = a->arg;
	argv[n] = NULL;
}

/* Inside, without the layers of the mask. */
static int inside(const struct attack *a, uint32_t without)
{
	const char *argv[MAX_WORDS];
	char text[64];

	make_words(argv, a, without, false);
	spawn(argv, text, sizeof(text));
	return answer(text);
}

/* By the supervisor's own record of refused calls. */
static bool seccomp_refuses(const struct attack *a)
{
	static char text[65536];
	const char *argv[MAX_WORDS];

	make_words(argv, a, 0, true);
	spawn(argv, text, sizeof(text));
	return strstr(text, "\"layer\": \"seccomp\"") != NULL;
}

/* As root of fresh namespaces, where nothing can be broken but these. */
static int in_lab(const struct attack *a)
{
	char uid_map[32];
	char gid_map[32];
	char text[64];
	int p[2];
	pid_t pid;

	snprintf(uid_map, sizeof(uid_map), "0 %u 1\n", geteuid());
	snprintf(gid_map, sizeof(gid_map), "0 %u 1\n", getegid());
	if (pipe2(p, O_CLOEXEC) < 0)
		return NO_ANSWER;
	pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 0);
		dup2(p[1], 1);
		dup2(null, 2);
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC |
			    CLONE_NEWNET) == 0 &&
		    fd_write_text(AT_FDCWD, "/proc/self/setgroups", "deny") == 0 &&
		    fd_write_text(AT_FDCWD, "/proc/self/gid_map", gid_map) == 0 &&
		    fd_write_text(AT_FDCWD, "/proc/self/uid_map", uid_map) == 0)
			execl(self, "runner", "__probe", a->probe, a->arg, (char *)NULL);
		_exit(1);
	}
	close(p[1]);
	if (pid < 0) {
		close(p[0]);
		return NO_ANSWER;
	}
	finish(pid, p[0], text, sizeof(text));
	return answer(text);
}

static int bare(const struct attack *a)
{
	const char *const argv[] = { "runner", "__probe", a->probe, a->arg, NULL };
	char text[64];

	spawn(argv, text, sizeof(text));
	return answer(text);
}

static void ablate(struct selftest *s, const struct attack *a, struct attempt *t)
{
	t->base_stops = t->without_all > 0;
	if (t->base_stops) {
		/* Then no other layer shows by the result, only the filter by its record. */
		if (seccomp_refuses(a))
			t->stopped_by |= 1u << LAYER_SECCOMP;
		return;
	}
	for (int i = 0; i < LAYER_COUNT; i++)
		if ((s->removable >> i & 1) && inside(a, s->removable & ~(1u << i | needs(i))) > 0)
			t->stopped_by |= 1u << i;
}

/* Which layers this caller can leave out, all at once. */
static uint32_t removable(void)
{
	static const struct attack nothing = { "", "succeed", "", 0, CONTROL_BARE };
	uint32_t mask = 0;

	for (int i = 0; i < LAYER_COUNT; i++)
		if (!layer_table[i]->kept_because)
			mask |= 1u << i;
	/* Rootless, some cannot: take away the wish until the sandbox starts. */
	for (int i = 0; i < LAYER_COUNT && inside(&nothing, mask) != 0; i++)
		if ((mask >> i & 1) && inside(&nothing, mask & ~(1u << i)) == 0)
			mask &= ~(1u << i);
	return mask;
}

static void progress(unsigned int done, unsigned int all)
{
	if (!isatty(2))
		return;
	if (done < all)
		fprintf(stderr, "\r%u of %u attacks ", done, all);
	else
		fprintf(stderr, "\r%24s\r", "");
}

int selftest_run(struct selftest *s, bool with_ablation, struct err *e)
{
	static const struct attack nothing = { "", "succeed", "", 0, CONTROL_BARE };
	uint64_t before = raw_clock_ns(CLOCK_MONOTONIC);
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	unsigned int all = 0;

	if (length < 0)
		return err_set(e, errno, "/proc/self/exe: %s", strerror(errno));
	self[length] = '\0';
	*s = (struct selftest){ .ablated = with_ablation };
	if (inside(&nothing, 0) != 0) {
		err_set(e, ENOTSUP, "a harmless program does not run in the sandbox");
		return err_hint(e, "see 'runner doctor', and 'runner exec -- true'");
	}
	setenv("RUNNER_SELFTEST", "1", 1);
	s->removable = removable();
	while (selftest_attacks[all].name)
		all++;
	for (; s->n < all && s->n < SELFTEST_MAX; s->n++) {
		const struct attack *a = &selftest_attacks[s->n];
		struct attempt *t = &s->attempts[s->n];

		progress(s->n, all);
		t->full = inside(a, 0);
		t->without_all = inside(a, s->removable);
		t->control = a->control == CONTROL_BARE	 ? bare(a)
			     : a->control == CONTROL_LAB ? in_lab(a)
							 : t->without_all;
		if (with_ablation)
			ablate(s, a, t);
		switch (selftest_state(s, s->n)) {
		case SELFTEST_CONTAINED: s->contained++; break;
		case SELFTEST_FAILED: s->failed++; break;
		case SELFTEST_VACUOUS: s->vacuous++; break;
		}
		if (with_ablation && selftest_walls(t) == 1)
			s->single++;
	}
	progress(all, all);
	s->ms = (raw_clock_ns(CLOCK_MONOTONIC) - before) / 1000000;
	return 0;
}

enum selftest_state selftest_state(const struct selftest *s, unsigned int i)
{
	const struct attempt *t = &s->attempts[i];

	if (t->full != selftest_attacks[i].expect)
		return SELFTEST_FAILED;
	/* It works somewhere: in its control, or inside once the layers are gone. */
	return t->control == 0 || t->without_all == 0 ? SELFTEST_CONTAINED : SELFTEST_VACUOUS;
}

unsigned int selftest_walls(const struct attempt *a)
{
	return (unsigned int)__builtin_popcount(a->stopped_by) + a->base_stops;
}
