/* SPDX-License-Identifier: Apache-2.0 */
#include "verdict.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "fake_host.h"
#include "layer/layer.h"
#include "profile.h"
#include "suites.h"

static struct spec spec;
static struct plan plan;
static struct outcome o;
static char limit[32]; /* the name of the plan's first one */

static struct cgroup_usage counted; /* what the kernel counted, for decide() */
static struct outcome left;	    /* and what did not end */

static enum reason decide(struct board b, struct acts a)
{
	static const char *const command[] = { "true", NULL };
	static struct host host;
	struct err e = { 0 };
	uint64_t cpu_ms = spec.limits.cpu_ms;

	host = fake_host(true);
	memset(&o, 0, sizeof(o));
	o.cgroup = counted;
	o.init_ended = !left.survivors;
	o.survivors = left.survivors;
	memcpy(o.unended, left.unended, sizeof(o.unended));
	CU_ASSERT_EQUAL_FATAL(profile_load(&spec, "default", &e), 0);
	spec.limits.cpu_ms = cpu_ms ? cpu_ms : UNLIMITED;
	spec.command = SPEC_COMMAND_INSIDE;
	spec.argv = command;
	CU_ASSERT_EQUAL_FATAL(plan_build(&spec, &host, &plan, &e), 0);
	snprintf(limit, sizeof(limit), "%s", plan.rlimits[0].name);
	verdict(&plan, &b, &a, &o);
	plan_clear(&plan);
	spec_clear(&spec);
	return o.reason;
}

static void the_payloads_own_end(void)
{
	CU_ASSERT_EQUAL(decide((struct board){ .payload_ended = 1, .payload_status = 137 << 8 },
			       (struct acts){ 0 }),
			REASON_EXITED);
	CU_ASSERT_EQUAL(o.exit_code, 137);
	CU_ASSERT_EQUAL(o.status_exit, 137);
	CU_ASSERT_EQUAL(decide((struct board){ .payload_ended = 1, .payload_status = SIGKILL },
			       (struct acts){ 0 }),
			REASON_SIGNALED);
	CU_ASSERT_EQUAL(o.exit_code, 137);
	CU_ASSERT_EQUAL(o.signal, SIGKILL);
	CU_ASSERT_EQUAL(o.status_exit, -1);
}

static void our_own_acts(void)
{
	static const struct {
		enum reason why;
		int status;
	} rows[] = {
		{ REASON_WALL_TIME, 124 },
		{ REASON_CPU_TIME, 124 },
		{ REASON_OUTPUT, 137 },
		{ REASON_SECCOMP, 137 },
	};

	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct acts a = { .killed = true,
				  .kill_reason = rows[i].why,
				  .init_signal = SIGKILL };

		CU_ASSERT_EQUAL(decide((struct board){ 0 }, a), rows[i].why);
		CU_ASSERT_EQUAL(o.exit_code, rows[i].status);
		CU_ASSERT_NOT_EQUAL(o.message[0], '\0');
	}
}

static bool causes_are(enum reason first, enum reason second, unsigned int n)
{
	return o.n_causes == n && o.causes[0] == first && (n < 2 || o.causes[1] == second);
}

static void memory_by_the_kernels_word_only(void)
{
	struct acts none = { .init_signal = SIGKILL };
	struct board killed = { .payload_ended = 1, .payload_status = SIGKILL };

	/* No word of the kernel's: a signal, or somebody else's act. */
	counted = (struct cgroup_usage){ .valid = true };
	CU_ASSERT_EQUAL(decide(killed, none), REASON_SIGNALED);
	CU_ASSERT_EQUAL(decide((struct board){ 0 }, none), REASON_INTERNAL);
	/* This kernel does not say. */
	counted.oom_kill = UNLIMITED;
	CU_ASSERT_EQUAL(decide(killed, none), REASON_SIGNALED);
	/* Init died with the rest, or had just the time to say how the payload ended. */
	counted.oom_kill = 3;
	counted.oom = 0;
	CU_ASSERT_EQUAL(decide(killed, none), REASON_MEMORY);
	CU_ASSERT_PTR_NOT_NULL(strstr(o.message, "limit memory was not reached"));
	counted.oom = 1;
	CU_ASSERT_EQUAL(decide((struct board){ 0 }, none), REASON_MEMORY);
	CU_ASSERT_TRUE(causes_are(REASON_MEMORY, 0, 1));
	CU_ASSERT_EQUAL(o.exit_code, 137);
	CU_ASSERT_PTR_NOT_NULL(strstr(o.message, "oom_kill 3"));
	CU_ASSERT_EQUAL(decide(killed, none), REASON_MEMORY);
	/* The payload had ended by itself; an orphan was killed after that. */
	CU_ASSERT_EQUAL(
		decide((struct board){ .payload_ended = 1, .payload_status = 1 << 8 }, none),
		REASON_EXITED);
	CU_ASSERT_TRUE(causes_are(REASON_EXITED, REASON_MEMORY, 2));
	counted = (struct cgroup_usage){ 0 };
}

static void of_two_causes_the_first_one_decides(void)
{
	struct board b = { 0 };
	struct acts a = { .killed = true, .kill_reason = REASON_WALL_TIME, .init_signal = SIGKILL };

	counted = (struct cgroup_usage){ .valid = true, .oom_kill = 2 };
	CU_ASSERT_EQUAL(decide(b, a), REASON_WALL_TIME);
	CU_ASSERT_TRUE(causes_are(REASON_WALL_TIME, REASON_MEMORY, 2));
	a.oom_before = true;
	CU_ASSERT_EQUAL(decide(b, a), REASON_MEMORY);
	CU_ASSERT_TRUE(causes_are(REASON_MEMORY, REASON_WALL_TIME, 2));
	counted = (struct cgroup_usage){ 0 };
}

static void the_watchdogs_kill(void)
{
	struct acts a = { .killed = true,
			  .kill_reason = REASON_MEMORY,
			  .memory_used = 600u << 20,
			  .init_signal = SIGKILL };

	CU_ASSERT_EQUAL(decide((struct board){ 0 }, a), REASON_MEMORY);
	CU_ASSERT_PTR_NOT_NULL(strstr(o.message, "600 MiB"));
	CU_ASSERT_TRUE(causes_are(REASON_MEMORY, 0, 1));
}

static void the_caller_has_ended(void)
{
	struct acts a = { .killed = true, .kill_reason = REASON_CANCELED, .caller_gone = true };

	CU_ASSERT_EQUAL(decide((struct board){ 0 }, a), REASON_CANCELED);
	CU_ASSERT_STRING_EQUAL(o.message, "the process that started runner has ended");
}

/* What the whole host says may be a neighbour's: only a cgroup knows. */
static void a_neighbour_may_be_to_blame(void)
{
	struct acts a = { .killed = true, .kill_reason = REASON_MEMORY };

	CU_ASSERT_EQUAL(decide((struct board){ 0 }, a), REASON_MEMORY);
	CU_ASSERT_PTR_NULL(strstr(o.hint, "cgroup"));
	a.memory_rests_on = HELD_HOST;
	CU_ASSERT_EQUAL(decide((struct board){ 0 }, a), REASON_MEMORY);
	CU_ASSERT_PTR_NOT_NULL(strstr(o.hint, "with a cgroup"));
}

/* It had already ended when our kill came: then that was its end. */
static void a_kill_that_came_too_late(void)
{
	struct acts a = { .killed = true, .kill_reason = REASON_WALL_TIME };

	CU_ASSERT_EQUAL(decide((struct board){ .payload_ended = 1 }, a), REASON_EXITED);
	CU_ASSERT_EQUAL(o.exit_code, 0);
	/* But SIGKILL is what we had sent. */
	CU_ASSERT_EQUAL(decide((struct board){ .payload_ended = 1, .payload_status = SIGKILL }, a),
			REASON_WALL_TIME);
	CU_ASSERT_EQUAL(o.exit_code, 124);
}

/* Neither a number nor its absence passes for an end. */
static void what_does_not_end_is_said(void)
{
	struct acts a = { .killed = true, .kill_reason = REASON_WALL_TIME };

	left = (struct outcome){ .survivors = 2, .unended = "DZ" };
	CU_ASSERT_EQUAL(decide((struct board){ 0 }, a), REASON_INTERNAL);
	CU_ASSERT_EQUAL(o.exit_code, 125);
	CU_ASSERT_TRUE(causes_are(REASON_INTERNAL, REASON_WALL_TIME, 2));
	CU_ASSERT_PTR_NOT_NULL(strstr(o.message, "limit wall_time, but 2 processes"));
	CU_ASSERT_PTR_NOT_NULL(strstr(o.message, "(state DZ)"));
	CU_ASSERT_PTR_NOT_NULL(strstr(o.hint, "frozen"));
	left = (struct outcome){ .survivors = 1, .unended = "Z" };
	CU_ASSERT_EQUAL(decide((struct board){ .payload_ended = 1 }, (struct acts){ 0 }),
			REASON_INTERNAL);
	CU_ASSERT_EQUAL(o.exit_code, 125);
	CU_ASSERT_EQUAL(o.status_exit, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(o.message, "the payload ended, but one process"));
	CU_ASSERT_PTR_NOT_NULL(strstr(o.hint, "TracerPid"));
	left = (struct outcome){ .survivors = -1 };
	CU_ASSERT_EQUAL(decide((struct board){ 0 }, a), REASON_INTERNAL);
	CU_ASSERT_EQUAL(o.exit_code, 125);
	CU_ASSERT_PTR_NOT_NULL(strstr(o.message, "the processes of the sandbox could not"));
	CU_ASSERT_EQUAL(decide((struct board){ .error = EIO }, a), REASON_INTERNAL);
	CU_ASSERT_EQUAL(o.exit_code, 125);
	left = (struct outcome){ 0 };
}

static void canceled_by_a_signal(void)
{
	struct acts a = { .cancel_signal = SIGTERM };

	CU_ASSERT_EQUAL(decide((struct board){ .payload_ended = 1 }, a), REASON_CANCELED);
	CU_ASSERT_EQUAL(o.exit_code, 143);
	a.killed = true;
	a.kill_reason = REASON_CANCELED;
	CU_ASSERT_EQUAL(decide((struct board){ 0 }, a), REASON_CANCELED);
	CU_ASSERT_EQUAL(o.exit_code, 143);
	CU_ASSERT_STRING_EQUAL(o.message, "runner was sent signal 15 (Terminated)");
}

static void rlimit_cpu_only_when_it_was_due(void)
{
	struct board b = { .payload_ended = 1,
			   .payload_status = SIGKILL,
			   .payload_usage = { .user_s = 2 } };

	spec.limits.cpu_ms = 1500;
	CU_ASSERT_EQUAL(decide(b, (struct acts){ 0 }), REASON_CPU_TIME);
	b.payload_usage.user_s = 1;
	spec.limits.cpu_ms = 1500;
	CU_ASSERT_EQUAL(decide(b, (struct acts){ 0 }), REASON_SIGNALED);
}

static void a_failed_set_up_names_its_layer(void)
{
	struct board b = {
		.error = EPERM, .stage = BOARD_ENTER, .layer = LAYER_LANDLOCK, .item = 0
	};

	CU_ASSERT_EQUAL(decide(b, (struct acts){ 0 }), REASON_SETUP_FAILED);
	CU_ASSERT_EQUAL(o.exit_code, 125);
	CU_ASSERT_STRING_EQUAL(o.message,
			       "layer 'landlock' cannot be set up: /: Operation not permitted");
	CU_ASSERT_PTR_NOT_NULL(strstr(o.hint, "--without landlock"));
	b = (struct board){ .error = EACCES,
			    .stage = BOARD_PROVE,
			    .layer = LAYER_SECCOMP,
			    .what = "clone3(2) was not answered by the filter" };
	decide(b, (struct acts){ 0 });
	CU_ASSERT_STRING_EQUAL(o.message,
			       "layer 'seccomp' does not hold: clone3(2) was not answered "
			       "by the filter; nothing was run");
	CU_ASSERT_FALSE(o.started);
}

static const struct {
	struct board b;
	const char *words;
} items[] = {
	{ { .error = EPERM, .stage = BOARD_ENTER, .layer = LAYER_LANDLOCK, .item = 1 << 20 },
	  "layer 'landlock' cannot be set up: landlock_create_ruleset(2): Operation not permitted" },
	{ { .error = EPERM, .stage = BOARD_ENTER, .layer = LAYER_LANDLOCK, .item = (1 << 20) + 1 },
	  "layer 'landlock' cannot be set up: landlock_restrict_self(2): Operation not permitted" },
	{ { .error = EINVAL, .stage = BOARD_ENTER, .layer = LAYER_RLIMITS, .item = 0 },
	  "layer 'rlimits' cannot be set up: %s: Invalid argument" },
	{ { .error = EACCES,
	    .stage = BOARD_PROVE,
	    .layer = LAYER_RLIMITS,
	    .item = 0,
	    .what = "it is high" },
	  "layer 'rlimits' does not hold: '%s': it is high; nothing was run" },
	{ { .error = EACCES,
	    .stage = BOARD_PROVE,
	    .layer = LAYER_NOEXEC,
	    .item = 0,
	    .what = "it is bad" },
	  "layer 'noexec' does not hold: 'tmp': it is bad; nothing was run" },
	{ { .error = EMFILE, .stage = BOARD_PROVE, .layer = LAYER_NETWORK_NS, .item = -1 },
	  "layer 'network_ns' does not hold: its proof could not be made: Too many open files; "
	  "nothing was run" },
};

static void a_failure_names_its_item(void)
{
	char words[256];

	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
		CU_ASSERT_EQUAL(decide(items[i].b, (struct acts){ 0 }), REASON_SETUP_FAILED);
		snprintf(words, sizeof(words), items[i].words, limit);
		CU_ASSERT_STRING_EQUAL(o.message, words);
		CU_ASSERT_EQUAL(o.exit_code, 125);
	}
}

static void a_command_that_is_not_there(void)
{
	struct board b = { .error = ENOENT, .stage = BOARD_EXEC };

	CU_ASSERT_EQUAL(decide(b, (struct acts){ 0 }), REASON_SETUP_FAILED);
	CU_ASSERT_EQUAL(o.exit_code, 127);
	b.error = EACCES;
	decide(b, (struct acts){ 0 });
	CU_ASSERT_EQUAL(o.exit_code, 126);
}

/* Numbers out of range, as a broken writer might leave them, are not followed. */
static void a_broken_board_is_survived(void)
{
	struct board b = { .error = EIO, .stage = BOARD_ENTER, .layer = 1000, .item = -7 };

	CU_ASSERT_EQUAL(decide(b, (struct acts){ 0 }), REASON_SETUP_FAILED);
	b = (struct board){
		.error = EIO, .stage = BOARD_ENTER, .layer = LAYER_ROOT, .item = 99999
	};
	CU_ASSERT_EQUAL(decide(b, (struct acts){ 0 }), REASON_SETUP_FAILED);
	b = (struct board){ .error = EIO, .stage = 77 };
	CU_ASSERT_EQUAL(decide(b, (struct acts){ 0 }), REASON_SETUP_FAILED);
	CU_ASSERT_EQUAL(o.exit_code, 125);
}

static void init_killed_by_somebody_else(void)
{
	struct acts a = { .init_signal = SIGKILL };

	CU_ASSERT_EQUAL(decide((struct board){ 0 }, a), REASON_INTERNAL);
	CU_ASSERT_EQUAL(o.exit_code, 125);
}

CU_TestInfo verdict_tests[] = {
	{ "the payload's own end", the_payloads_own_end },
	{ "our own acts", our_own_acts },
	{ "memory by the kernel's word only", memory_by_the_kernels_word_only },
	{ "of two causes the first one decides", of_two_causes_the_first_one_decides },
	{ "the watchdog's kill", the_watchdogs_kill },
	{ "the caller has ended", the_caller_has_ended },
	{ "a neighbour may be to blame", a_neighbour_may_be_to_blame },
	{ "a kill that came too late", a_kill_that_came_too_late },
	{ "what does not end is said", what_does_not_end_is_said },
	{ "canceled by a signal", canceled_by_a_signal },
	{ "RLIMIT_CPU only when it was due", rlimit_cpu_only_when_it_was_due },
	{ "a failed set-up names its layer", a_failed_set_up_names_its_layer },
	{ "a failure names its item", a_failure_names_its_item },
	{ "a command that is not there", a_command_that_is_not_there },
	{ "a broken board is survived", a_broken_board_is_survived },
	{ "init killed by somebody else", init_killed_by_somebody_else },
	CU_TEST_INFO_NULL,
};
