/* SPDX-License-Identifier: Apache-2.0 */
/* One rule of a policy: names, an action, comparisons, Docker's conditions. */
#include "policy_rule.h"

#include <errno.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "policy.h"

/* Newer than libseccomp 2.5; the same numbers on every architecture. */
static const struct {
	const char *name;
	unsigned int nr;
} newer[] = {
	{ "cachestat", 451 },	      { "fchmodat2", 452 },	   { "map_shadow_stack", 453 },
	{ "futex_wake", 454 },	      { "futex_wait", 455 },	   { "futex_requeue", 456 },
	{ "statmount", 457 },	      { "listmount", 458 },	   { "lsm_get_self_attr", 459 },
	{ "lsm_set_self_attr", 460 }, { "lsm_list_modules", 461 }, { "mseal", 462 },
	{ "setxattrat", 463 },	      { "getxattrat", 464 },	   { "listxattrat", 465 },
	{ "removexattrat", 466 },     { "open_tree_attr", 467 },   { "file_getattr", 468 },
	{ "file_setattr", 469 },
};

static const struct {
	const char *name;
	uint32_t action;
	bool takes_errno;
} actions[] = {
	{ "SCMP_ACT_ALLOW", SECCOMP_RET_ALLOW, false },
	{ "SCMP_ACT_ERRNO", SECCOMP_RET_ERRNO, true },
	/* An agent that would be asked is not there: refused. */
	{ "SCMP_ACT_NOTIFY", SECCOMP_RET_ERRNO, true },
	{ "SCMP_ACT_TRACE", SECCOMP_RET_ERRNO, true },
	{ "SCMP_ACT_KILL", SECCOMP_RET_KILL_PROCESS, false },
	{ "SCMP_ACT_KILL_THREAD", SECCOMP_RET_KILL_PROCESS, false },
	{ "SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS, false },
	{ "SCMP_ACT_TRAP", SECCOMP_RET_TRAP, false },
	{ "SCMP_ACT_LOG", SECCOMP_RET_LOG, false },
};

static const struct {
	const char *name;
	enum bpf_op op;
} ops[] = {
	{ "SCMP_CMP_EQ", BPF_OP_EQ },
	{ "SCMP_CMP_NE", BPF_OP_NE },
	{ "SCMP_CMP_LT", BPF_OP_LT },
	{ "SCMP_CMP_LE", BPF_OP_LE },
	{ "SCMP_CMP_GT", BPF_OP_GT },
	{ "SCMP_CMP_GE", BPF_OP_GE },
	{ "SCMP_CMP_MASKED_EQ", BPF_OP_MASKED_EQ },
	{ "ANY_BITS", BPF_OP_ANY_BITS },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* -1: known, but not on this architecture; -2: unknown. */
static int number_of(const char *name)
{
	int nr = seccomp_syscall_resolve_name(name);

	if (nr >= 0)
		return nr;
	for (size_t i = 0; i < COUNT(newer); i++)
		if (strcmp(newer[i].name, name) == 0)
			return (int)newer[i].nr;
	return nr == __NR_SCMP_ERROR ? -2 : -1;
}

const char *policy_newer_call(unsigned int nr)
{
	for (size_t i = 0; i < COUNT(newer); i++)
		if (newer[i].nr == nr)
			return newer[i].name;
	return NULL;
}

int policy_check_keys(const char *where, json_t *object, const char *const *known, struct err *e)
{
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value)
	{
		size_t i = 0;

		while (known[i] && strcmp(known[i], key) != 0)
			i++;
		if (!known[i])
			return err_set(e, EINVAL, "%s: unknown key '%s'", where, key);
	}
	return 0;
}

int policy_action(const char *where, json_t *rule, const char *key, const char *errno_key,
		  int least, uint32_t *ret, struct err *e)
{
	const char *name = json_string_value(json_object_get(rule, key));
	json_t *number = json_object_get(rule, errno_key);

	if (!name)
		return err_set(e, EINVAL, "%s.%s: an action is required", where, key);
	if (number && (!json_is_integer(number) || json_integer_value(number) < least ||
		       json_integer_value(number) > POLICY_ERRNO))
		return err_set(e, EINVAL, "%s.%s: must be an errno from %d to %d", where, errno_key,
			       least, POLICY_ERRNO);
	for (size_t i = 0; i < COUNT(actions); i++) {
		if (strcmp(actions[i].name, name) != 0)
			continue;
		*ret = actions[i].action;
		if (actions[i].takes_errno)
			*ret |= number ? (uint32_t)json_integer_value(number) : EPERM;
		return 0;
	}
	return err_set(e, EINVAL, "%s.%s: unknown action '%s'", where, key, name);
}

static int read_arg(const char *where, json_t *arg, struct bpf_arg *ret, struct err *e)
{
	static const char *const known[] = { "index", "value", "valueTwo", "op", NULL };
	json_t *index = json_object_get(arg, "index");
	json_t *value = json_object_get(arg, "value");
	json_t *two = json_object_get(arg, "valueTwo");
	const char *op = json_string_value(json_object_get(arg, "op"));

	if (!json_is_object(arg) || !json_is_integer(index) || !json_is_integer(value) || !op)
		return err_set(e, EINVAL, "%s: 'index', 'value' and 'op' are required", where);
	if (policy_check_keys(where, arg, known, e) < 0)
		return -EINVAL;
	if (json_integer_value(index) < 0 || json_integer_value(index) > 5)
		return err_set(e, EINVAL, "%s.index: must be 0 to 5", where);
	*ret = (struct bpf_arg){ .index = (unsigned int)json_integer_value(index),
				 .value = (uint64_t)json_integer_value(value),
				 .datum = two ? (uint64_t)json_integer_value(two) : 0 };
	for (size_t i = 0; i < COUNT(ops); i++) {
		if (strcmp(ops[i].name, op) != 0)
			continue;
		ret->op = ops[i].op;
		return 0;
	}
	return err_set(e, EINVAL, "%s.op: unknown comparison '%s'", where, op);
}

static bool list_has(json_t *list, const char *a, const char *b)
{
	size_t i;
	json_t *item;

	json_array_foreach(list, i, item)
	{
		const char *s = json_string_value(item);

		if (s && (strcmp(s, a) == 0 || strcmp(s, b) == 0))
			return true;
	}
	return false;
}

#if defined(__x86_64__)
#define ARCH_NAMES "amd64", "x86_64"
#else
#define ARCH_NAMES "arm64", "aarch64"
#endif

/* Docker's "includes" and "excludes". The payload holds no capability. */
static bool applies(json_t *rule)
{
	json_t *in = json_object_get(rule, "includes");
	json_t *out = json_object_get(rule, "excludes");
	const char *kernel = json_string_value(json_object_get(in, "minKernel"));
	json_t *arches = json_object_get(in, "arches");
	int want[2];
	int have[2];
	struct utsname u;

	if (json_array_size(json_object_get(in, "caps")) > 0)
		return false;
	if (json_array_size(arches) > 0 && !list_has(arches, ARCH_NAMES))
		return false;
	if (list_has(json_object_get(out, "arches"), ARCH_NAMES))
		return false;
	if (kernel && sscanf(kernel, "%d.%d", &want[0], &want[1]) == 2 && uname(&u) == 0 &&
	    sscanf(u.release, "%d.%d", &have[0], &have[1]) == 2)
		return have[0] > want[0] || (have[0] == want[0] && have[1] >= want[1]);
	return true;
}

static int add_names(const char *where, json_t *names, const struct bpf_rule *rule,
		     struct bpf_table *t, struct err *e)
{
	size_t i;
	json_t *item;

	if (json_array_size(names) == 0)
		return err_set(e, EINVAL, "%s.names: at least one name is required", where);
	json_array_foreach(names, i, item)
	{
		const char *name = json_string_value(item);
		int nr = name ? number_of(name) : -2;

		if (!name)
			return err_set(e, EINVAL, "%s.names[%zu]: must be a string", where, i);
		if (nr == -2)
			return err_set(e, EINVAL, "%s.names[%zu]: unknown system call '%s'", where,
				       i, name);
		if (nr >= 0 && bpf_table_add(t, (unsigned int)nr, rule, e) < 0)
			return err_wrap(e, "%s", where);
	}
	return 0;
}

int policy_add_rule(const char *where, json_t *item, unsigned int block, struct bpf_table *t,
		    struct err *e)
{
	static const char *const known[] = { "names",	"name",	    "action",	"errnoRet", "args",
					     "comment", "includes", "excludes", NULL };
	struct bpf_rule rule = { .next = -1 };
	json_t *args = json_object_get(item, "args");
	char place[256];
	size_t i;
	json_t *arg;

	if (!json_is_object(item))
		return err_set(e, EINVAL, "%s: must be an object", where);
	if (policy_check_keys(where, item, known, e) < 0 ||
	    policy_action(where, item, "action", "errnoRet", block ? 0 : 1, &rule.action, e) < 0)
		return -e->code;
	rule.action |= block << POLICY_BLOCK_SHIFT;
	if (json_array_size(args) > 6)
		return err_set(e, EINVAL, "%s.args: a call has six arguments", where);
	json_array_foreach(args, i, arg)
	{
		snprintf(place, sizeof(place), "%s.args[%zu]", where, i);
		if (read_arg(place, arg, &rule.args[rule.n_args++], e) < 0)
			return -e->code;
	}
	return applies(item) ? add_names(where, json_object_get(item, "names"), &rule, t, e) : 0;
}
