/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "verdict.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "../seccomp/bpf.h"
#include "denial.h"

const char *const reason_names[REASON_COUNT] = {
	[REASON_EXITED] = "exited",
	[REASON_SIGNALED] = "signaled",
	[REASON_WALL_TIME] = "wall_time",
	[REASON_CPU_TIME] = "cpu_time",
	[REASON_MEMORY] = "memory",
	[REASON_OUTPUT] = "output",
	[REASON_SECCOMP] = "seccomp",
	[REASON_REJECTED] = "rejected",
	[REASON_SETUP_FAILED] = "setup_failed",
	[REASON_CANCELED] = "canceled",
	[REASON_INTERNAL] = "internal",
};

/* -- it ran ---------------------------------------------------------------- */

static const char *seconds(uint64_t ms, char room[32])
{
	snprintf(room, 32, "%" PRIu64 ".%03u s", ms / 1000, (unsigned int)(ms % 1000));
	return room;
}

#define MEMORY_HINT "--memory allows more"
#define CPU_TIME_HINT "--cpu-time gives it more"

static void add_cause(struct outcome *o, enum reason why)
{
	for (unsigned int i = 0; i < o->n_causes; i++)
		if (o->causes[i] == why)
			return;
	if (o->n_causes < OUTCOME_MAX_CAUSES)
		o->causes[o->n_causes++] = why;
}

static bool kernel_killed_for_memory(const struct outcome *o)
{
	return o->cgroup.valid && o->cgroup.oom_kill != UNLIMITED && o->cgroup.oom_kill > 0;
}

static void out_of_memory(const struct plan *plan, struct outcome *o)
{
	o->reason = REASON_MEMORY;
	o->exit_code = EXIT_SIGNAL + SIGKILL;
	o->signal = SIGKILL;
	/* A kill for a limit above ours, or for the host's own need, counts here, too. */
	if (o->cgroup.oom == 0) {
		snprintf(o->message, sizeof(o->message),
			 "ended by the kernel for want of memory outside: limit memory was not "
			 "reached (memory.events: oom 0, oom_kill %" PRIu64 ")",
			 o->cgroup.oom_kill);
		snprintf(o->hint, sizeof(o->hint),
			 "the host, or a cgroup above the run's, is out of memory");
		return;
	}
	snprintf(o->message, sizeof(o->message),
		 "ended by the kernel for reaching %" PRIu64 " MiB: limit memory (memory.events: "
		 "oom_kill %" PRIu64 ")",
		 plan->spec->limits.memory >> 20, o->cgroup.oom_kill);
	snprintf(o->hint, sizeof(o->hint), MEMORY_HINT);
}

/* Either there was no room for the descriptors, or a look at the tree found none. */
static void cannot_watch(const struct acts *a, struct outcome *o)
{
	o->exit_code = EXIT_RUNNER;
	if (!a->blind_error) {
		snprintf(o->message, sizeof(o->message),
			 "ended: the descriptors to watch it with did not arrive");
		snprintf(o->hint, sizeof(o->hint),
			 "runner needs more open files: ulimit -n 64 or more");
		return;
	}
	snprintf(o->message, sizeof(o->message),
		 "ended: limit memory could not be watched any more: '%s' of a process cannot be "
		 "read: %s",
		 a->blind_at, strerror(a->blind_error));
	if (a->blind_error == EMFILE || a->blind_error == ENFILE)
		snprintf(o->hint, sizeof(o->hint),
			 "runner needs more open files: raise the hard limit (ulimit -Hn)");
}

/* What the sum rests on is said, because it may be no fault of the run's. */
static void killed_for_memory(const struct spec_limits *l, const struct acts *a, struct outcome *o)
{
	snprintf(o->message, sizeof(o->message),
		 "ended with %" PRIu64 " MiB in use%s: limit memory is %" PRIu64
		 " MiB (seen by the watchdog%s)",
		 a->memory_used >> 20,
		 a->memory_rests_on & HELD_HOST ? ", kernel memory among it" : "", l->memory >> 20,
		 a->memory_rests_on & HELD_HOST	    ? "; what the kernel holds was measured "
						      "on the whole host"
		 : a->memory_rests_on & HELD_LARGE  ? "; too many mappings to look at exactly"
		 : a->memory_rests_on & HELD_HIDDEN ? "; a process let nobody look at it exactly"
						    : "");
	snprintf(o->hint, sizeof(o->hint), "%s%s", MEMORY_HINT,
		 a->memory_rests_on & HELD_HOST
			 ? "; with a cgroup a neighbour's kernel memory is not taken for "
			   "its own ('runner doctor')"
			 : "");
}

static void killed_by_us(const struct plan *plan, const struct acts *a, struct outcome *o)
{
	const struct spec_limits *l = &plan->spec->limits;
	const struct denial *d = &o->denials.ending;
	char room[32];

	o->reason = a->kill_reason;
	o->exit_code = EXIT_SIGNAL + SIGKILL;
	switch (a->kill_reason) {
	case REASON_WALL_TIME:
		o->exit_code = EXIT_TIME;
		snprintf(o->message, sizeof(o->message), "ended after %s: limit wall_time",
			 seconds(l->wall_ms, room));
		snprintf(o->hint, sizeof(o->hint), "--timeout gives it more time");
		break;
	case REASON_CPU_TIME:
		o->exit_code = EXIT_TIME;
		snprintf(o->message, sizeof(o->message),
			 "ended after %s of CPU time: limit cpu_time",
			 seconds(a->cpu_used_ns / 1000000, room));
		snprintf(o->hint, sizeof(o->hint), CPU_TIME_HINT);
		break;
	case REASON_MEMORY: killed_for_memory(l, a, o); break;
	case REASON_OUTPUT:
		snprintf(o->message, sizeof(o->message),
			 "ended after more than %" PRIu64 " bytes of output: limit output",
			 l->output);
		snprintf(o->hint, sizeof(o->hint), "--output-limit allows more");
		break;
	case REASON_SECCOMP:
		if (d->arch != BPF_NATIVE_ARCH)
			snprintf(o->message, sizeof(o->message),
				 "ended for a system call of a foreign architecture (number %d)",
				 d->nr);
		else
			snprintf(o->message, sizeof(o->message),
				 "ended for a system call the policy answers with a kill (%s)",
				 denial_name(d->nr, d->arch, room));
		break;
	case REASON_CANCELED:
		if (a->caller_gone) {
			snprintf(o->message, sizeof(o->message),
				 "the process that started runner has ended");
			snprintf(o->hint, sizeof(o->hint), "start it with nohup(1) to go on alone");
			break;
		}
		o->exit_code = EXIT_SIGNAL + a->cancel_signal;
		snprintf(o->message, sizeof(o->message), "runner was sent signal %d (%s)",
			 a->cancel_signal, strsignal(a->cancel_signal));
		break;
	case REASON_INTERNAL: cannot_watch(a, o); break;
	default: break;
	}
}

/* RLIMIT_CPU is the kernel's own act; the usage shows that it was due. */
static bool cpu_limit_was_due(const struct plan *plan, const struct board *b)
{
	const struct board_rusage *u = &b->payload_usage;
	uint64_t ms =
		(uint64_t)((u->user_s + u->system_s) * 1000 + (u->user_us + u->system_us) / 1000);
	int sig = WTERMSIG(b->payload_status);

	return plan->spec->limits.cpu_ms != UNLIMITED && (sig == SIGKILL || sig == SIGXCPU) &&
	       ms >= plan->spec->limits.cpu_ms;
}

/*
 * Without a cgroup the limit is RLIMIT_DATA: the payload is told ENOMEM, deals with it
 * in its own way, and nothing is left but how much it had. That is no cause, so the
 * reason stays; it is worth a line where the payload failed.
 */
static void near_the_memory_limit(const struct plan *plan, struct outcome *o)
{
	uint64_t limit = plan->spec->limits.memory;
	uint64_t most = o->held.memory > o->maxrss_bytes ? o->held.memory : o->maxrss_bytes;

	if (o->cgroup.valid || limit == UNLIMITED || o->exit_code == 0 || most < limit / 10 * 9)
		return;
	snprintf(o->hint, sizeof(o->hint),
		 "it had %" PRIu64 " MiB in use of the %" PRIu64
		 " MiB of limit memory, beyond which allocations fail; " MEMORY_HINT,
		 most >> 20, limit >> 20);
}

static void ended_itself(const struct plan *plan, const struct board *b, const struct acts *a,
			 struct outcome *o)
{
	if (WIFEXITED(b->payload_status)) {
		o->reason = REASON_EXITED;
		o->status_exit = WEXITSTATUS(b->payload_status);
		o->exit_code = o->status_exit;
	} else {
		o->signal = WTERMSIG(b->payload_status);
		o->exit_code = EXIT_SIGNAL + o->signal;
		o->reason = REASON_SIGNALED;
		snprintf(o->message, sizeof(o->message), "the payload died of signal %d (%s)",
			 o->signal, strsignal(o->signal));
		if (cpu_limit_was_due(plan, b)) {
			o->reason = REASON_CPU_TIME;
			o->exit_code = EXIT_TIME;
			snprintf(o->message, sizeof(o->message),
				 "ended by RLIMIT_CPU: limit cpu_time");
			snprintf(o->hint, sizeof(o->hint), CPU_TIME_HINT);
		} else if (o->signal == SIGXFSZ && plan->spec->limits.file_size != UNLIMITED) {
			/* It may have sent the signal itself: no cause, but worth a line. */
			snprintf(o->hint, sizeof(o->hint),
				 "limit file_size is %" PRIu64 " bytes; --file-size allows more",
				 plan->spec->limits.file_size);
		}
	}
	near_the_memory_limit(plan, o);
	/* We asked it to end, and it did. */
	if (a->cancel_signal) {
		o->reason = REASON_CANCELED;
		o->exit_code = EXIT_SIGNAL + a->cancel_signal;
		snprintf(o->message, sizeof(o->message), "runner was sent signal %d (%s)",
			 a->cancel_signal, strsignal(a->cancel_signal));
	}
}

/* Init was waited for, and nothing is in the sandbox's /proc, where we have it. */
static bool all_ended(const struct outcome *o)
{
	return o->init_ended && (o->survivors == 0 || (o->survivors < 0 && !o->started));
}

/* Whatever else is true: the run is not over, and nobody may take it for that. */
static void not_ended(struct outcome *o)
{
	enum reason why = o->reason;
	char before[200];
	char count[32] = "the processes";

	snprintf(before, sizeof(before), "%.199s",
		 o->message[0] ? o->message : "the payload ended");
	if (o->survivors == 1)
		snprintf(count, sizeof(count), "one process");
	else if (o->survivors > 0)
		snprintf(count, sizeof(count), "%d processes", o->survivors);
	o->reason = REASON_INTERNAL;
	o->exit_code = EXIT_RUNNER;
	snprintf(o->message, sizeof(o->message),
		 "%s, but %s of the sandbox could not be ended%s%s%s", before, count,
		 o->unended[0] ? " (state " : "", o->unended, o->unended[0] ? ")" : "");
	snprintf(o->hint, sizeof(o->hint), "%s",
		 strchr(o->unended, 'D')
			 ? "state D: it waits inside the kernel, for a device that does not "
			   "answer or because its cgroup is frozen; it ends when that does"
		 : strchr(o->unended, 'Z')
			 ? "state Z: it is dead, but a process outside traces it and has not let "
			   "go (TracerPid in /proc/PID/status)"
			 : "look for them on the host: they are in init's pid namespace");
	add_cause(o, REASON_INTERNAL);
	add_cause(o, why);
}

/* SIGKILL after we had sent it was ours, whoever of us was the first. */
static bool ended_before_us(const struct board *b, const struct acts *a)
{
	return b->payload_ended && !(a->killed && WIFSIGNALED(b->payload_status) &&
				     WTERMSIG(b->payload_status) == SIGKILL);
}

void verdict(const struct plan *plan, const struct board *b, const struct acts *a,
	     struct outcome *o)
{
	o->status_exit = -1;
	o->prove_ns = b->prove_ns;
	if (b->error) {
		o->started = false;
		/* Told to stop while setting up: that is not the layer's failure. */
		verdict_setup_failed(plan, b, o);
		if (!all_ended(o))
			not_ended(o);
		add_cause(o, o->reason);
		return;
	}
	/*
	 * The kernel ends the whole cgroup at once, init too; what the payload itself
	 * did to end with SIGKILL leaves no trace in memory.events.
	 */
	if (kernel_killed_for_memory(o) && (!a->killed || a->oom_before) &&
	    (!b->payload_ended ||
	     (WIFSIGNALED(b->payload_status) && WTERMSIG(b->payload_status) == SIGKILL))) {
		out_of_memory(plan, o);
	} else if (ended_before_us(b, a)) {
		ended_itself(plan, b, a, o);
	} else if (a->killed) {
		killed_by_us(plan, a, o);
	} else {
		o->reason = REASON_INTERNAL;
		o->exit_code = EXIT_RUNNER;
		snprintf(o->message, sizeof(o->message),
			 "the sandbox's init ended before the payload (signal %d): somebody "
			 "outside, or "
			 "the kernel's out-of-memory killer, ended it",
			 a->init_signal);
	}
	if (!all_ended(o))
		not_ended(o);
	add_cause(o, o->reason);
	if (a->killed)
		add_cause(o, a->kill_reason);
	if (kernel_killed_for_memory(o))
		add_cause(o, REASON_MEMORY);
}
