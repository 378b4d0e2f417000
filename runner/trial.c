/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "trial.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "layer/layer.h"
#include "remedy.h"

extern char **environ;

/* What the probe 'succeed' says when it could run. */
static const char answer[] = "0\n";

/* Where there is no /proc, the name we were started by has to do. */
static void find_self(char *ret, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", ret, size - 1);

	if (n < 0)
		snprintf(ret, size, "%s", (const char *)getauxval(AT_EXECFN));
	else
		ret[n] = '\0';
}

/* Above the standard streams, which may be closed: then these would get their numbers. */
static int make_pipe(int ret[2])
{
	int p[2];
	int r = 0;

	if (pipe2(p, O_CLOEXEC) < 0)
		return -errno;
	for (int i = 0; i < 2; i++) {
		ret[i] = fcntl(p[i], F_DUPFD_CLOEXEC, 3);
		if (ret[i] < 0)
			r = -errno;
		close(p[i]);
	}
	return r;
}

static void read_all(int fd, char *ret, size_t size)
{
	size_t n = 0;
	ssize_t r;

	do {
		r = read(fd, ret + n, size - 1 - n);
		n += r > 0 ? (size_t)r : 0;
	} while (n < size - 1 && (r > 0 || (r < 0 && errno == EINTR)));
	ret[n] = '\0';
}

/* One line of "runner: words" or "runner: hint: words". */
static void take_line(const char *text, const char *prefix, char *ret, size_t size)
{
	const char *line = text;
	size_t length = strlen(prefix);

	while (line && strncmp(line, prefix, length) != 0) {
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	if (line)
		snprintf(ret, size, "%.*s", (int)strcspn(line + length, "\n"), line + length);
}

/* exec names the layer it failed in as 'name'. */
static int find_layer(const char *message)
{
	const char *at = strstr(message, "layer '");
	char name[32];

	if (!at)
		return -1;
	at += strlen("layer '");
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(at, "'"), at);
	return layer_find(name);
}

static int spawn(const char *self, const int in[2], const int out[2], const int err[2],
		 pid_t *ret_pid)
{
	const char *const probe[] = { "runner", "exec", self, "__probe", "succeed", NULL };
	const char *const command[] = { "runner", "exec", "--", "echo", "0", NULL };
	/* One that may be executed only cannot be handed in. */
	const char *const *argv = access(self, R_OK) == 0 ? probe : command;
	posix_spawn_file_actions_t actions;
	int r;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in[0], 0);
	posix_spawn_file_actions_adddup2(&actions, out[1], 1);
	posix_spawn_file_actions_adddup2(&actions, err[1], 2);
	r = posix_spawn(ret_pid, self, &actions, NULL, (char *const *)(uintptr_t)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

void trial_run(const struct host *host, struct trial *t)
{
	int in[2] = { -1, -1 };
	int out[2] = { -1, -1 };
	int err[2] = { -1, -1 };
	char self[4096] = "";
	char said[16] = "";
	char words[4096] = "";
	int status = -1;
	pid_t pid;
	int r;

	*t = (struct trial){ .layer = -1 };
	signal(SIGCHLD, SIG_DFL); /* an ignored one would leave no status */
	find_self(self, sizeof(self));
	r = make_pipe(in);
	if (r == 0)
		r = make_pipe(out);
	if (r == 0)
		r = make_pipe(err);
	if (r == 0)
		r = spawn(self, in, out, err, &pid);
	fd_close(&in[0]);
	fd_close(&in[1]);
	fd_close(&out[1]);
	fd_close(&err[1]);
	if (r == 0) {
		read_all(out[0], said, sizeof(said));
		read_all(err[0], words, sizeof(words));
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		t->works = WIFEXITED(status) && WEXITSTATUS(status) == 0 &&
			   strcmp(said, answer) == 0;
	}
	fd_close(&out[0]);
	fd_close(&err[0]);
	if (t->works)
		return;
	if (r < 0) {
		snprintf(t->message, sizeof(t->message), "'%.500s' cannot be started: %s", self,
			 strerror(-r));
		(void)remedy_find(host, -1, -r, t->hint, sizeof(t->hint));
	} else {
		snprintf(t->message, sizeof(t->message),
			 "the trial run ended with status %d and no reason",
			 WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	}
	take_line(words, "runner: ", t->message, sizeof(t->message));
	take_line(words, "runner: hint: ", t->hint, sizeof(t->hint));
	t->layer = find_layer(t->message);
}
