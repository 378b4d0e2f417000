/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench: time commands against each other, fairly.
 *
 *     bench [-n ROUNDS] [-p PARALLEL] [-j] NAME COMMAND... [--end NAME COMMAND...]...
 *
 * Every round runs each command once, in a fresh random order, so that what else
 * the machine does falls on all of them alike. The first command is what the
 * ratios are to: a ratio is the median of the rounds' own, because a machine's pace
 * drifts and neighbours in time share it. Times are from posix_spawn to the end, in
 * microseconds. With -p a round is twice that many runs of the same command, that
 * many at a time, and its time is divided by their number.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX = 16 };

struct entry {
	const char *name;
	char **argv;
	double *times; /* us */
	int failures;
};

extern char **environ;

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static pid_t start(struct entry *e)
{
	static posix_spawn_file_actions_t actions;
	static bool ready;
	pid_t pid;

	if (!ready) {
		posix_spawn_file_actions_init(&actions);
		posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
		posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
		ready = true;
	}
	if (posix_spawnp(&pid, e->argv[0], &actions, NULL, e->argv, environ) != 0) {
		perror(e->argv[0]);
		exit(1);
	}
	return pid;
}

static void finish(struct entry *e)
{
	int status;

	if (wait(&status) < 0 || status != 0)
		e->failures++;
}

/* Time for `per_round` runs with `parallel` at a time, divided by their number. */
static double one_round(struct entry *e, int per_round, int parallel)
{
	double before = now_us();
	int running = 0;

	for (int i = 0; i < per_round; i++) {
		if (running == parallel) {
			finish(e);
			running--;
		}
		start(e);
		running++;
	}
	while (running-- > 0)
		finish(e);
	return (now_us() - before) / per_round;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median_ratio(const struct entry *e, const struct entry *to, int rounds)
{
	double *ratios = calloc((size_t)rounds, sizeof(double));
	double median;

	for (int r = 0; r < rounds; r++)
		ratios[r] = e->times[r] / to->times[r];
	qsort(ratios, (size_t)rounds, sizeof(double), by_value);
	median = ratios[rounds / 2];
	free(ratios);
	return median;
}

static void print(const struct entry *e, int n, int rounds, bool json)
{
	double ratios[MAX];

	for (int i = 0; i < n; i++)
		ratios[i] = median_ratio(&e[i], &e[0], rounds);
	for (int i = 0; i < n; i++)
		qsort(e[i].times, (size_t)rounds, sizeof(double), by_value);
	if (!json)
		printf("%-28s %9s %9s %9s  %7s %7s\n", "", "min us", "p10 us", "median us", "ratio",
		       "failed");
	for (int i = 0; i < n; i++) {
		double median = e[i].times[rounds / 2];

		if (json)
			printf("{\"name\": \"%s\", \"min_us\": %.0f, \"p10_us\": %.0f, "
			       "\"median_us\": %.0f, "
			       "\"ratio\": %.3f, \"failed\": %d, \"rounds\": %d}\n",
			       e[i].name, e[i].times[0], e[i].times[rounds / 10], median, ratios[i],
			       e[i].failures, rounds);
		else
			printf("%-28s %9.0f %9.0f %9.0f  %7.3f %7d\n", e[i].name, e[i].times[0],
			       e[i].times[rounds / 10], median, ratios[i], e[i].failures);
	}
}

int main(int argc, char **argv)
{
	struct entry entries[MAX];
	int rounds = 200;
	int parallel = 1;
	bool json = false;
	int n = 0;
	int at;
	int o;

	while ((o = getopt(argc, argv, "+n:p:j")) != -1)
		switch (o) {
		case 'n': rounds = atoi(optarg); break;
		case 'p': parallel = atoi(optarg); break;
		case 'j': json = true; break;
		default: return 2;
		}
	for (at = optind; at < argc && n < MAX; n++) {
		entries[n] = (struct entry){ .name = argv[at],
					     .argv = &argv[at + 1],
					     .times = calloc((size_t)rounds, sizeof(double)) };
		while (at < argc && strcmp(argv[at], "--end") != 0)
			at++;
		if (at < argc)
			argv[at++] = NULL;
	}
	srand((unsigned int)getpid());
	for (int r = -1; r < rounds; r++) {
		int order[MAX];

		for (int i = 0; i < n; i++) {
			int k = rand() % (i + 1);

			order[i] = order[k];
			order[k] = i;
		}
		for (int i = 0; i < n; i++) {
			struct entry *e = &entries[order[i]];
			double t = one_round(e, parallel == 1 ? 1 : parallel * 2, parallel);

			if (r >= 0) /* the first round warms the caches */
				e->times[r] = t;
			else
				e->failures = 0;
		}
	}
	print(entries, n, rounds, json);
	for (int i = 0; i < n; i++)
		if (entries[i].failures)
			return 1;
	return 0;
}
