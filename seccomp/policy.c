/* SPDX-License-Identifier: Apache-2.0 */
#include "policy.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "policy_rule.h"

static int add_rules(const char *where, json_t *root, unsigned int block, struct bpf_table *t,
		     struct err *e)
{
	json_t *list = json_object_get(root, "syscalls");
	char place[160];
	size_t i;
	json_t *item;

	if (list && !json_is_array(list))
		return err_set(e, EINVAL, "%s: syscalls: must be an array", where);
	json_array_foreach(list, i, item)
	{
		snprintf(place, sizeof(place), "%s: syscalls[%zu]", where, i);
		if (policy_add_rule(place, item, block, t, e) < 0)
			return -e->code;
	}
	return 0;
}

/* -- the guard --------------------------------------------------------------- */

static json_t *guard_blocks(const char *text, json_t **ret_root, struct err *e)
{
	json_error_t error;
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	json_t *blocks = json_object_get(root, "blocks");

	*ret_root = root;
	if (!root && !error.text[0])
		err_set(e, ENOMEM, "guard: out of memory");
	else if (!root)
		err_set(e, EINVAL, "guard:%d:%d: %s", error.line, error.column, error.text);
	else if (!json_is_array(blocks) || json_array_size(blocks) > POLICY_MAX_BLOCKS)
		err_set(e, EINVAL, "guard: blocks: must be an array of at most %d",
			POLICY_MAX_BLOCKS);
	else
		return blocks;
	return NULL;
}

static int add_guard(const struct policy_guard *guard, struct bpf_table *t, struct err *e)
{
	static const char *const known[] = { "layer", "comment", "optional", "syscalls", NULL };
	json_t *root;
	json_t *blocks = guard_blocks(guard->text, &root, e);
	int r = blocks ? 0 : -EINVAL;
	char place[64];
	size_t i;
	json_t *block;

	json_array_foreach(blocks, i, block)
	{
		snprintf(place, sizeof(place), "guard: blocks[%zu]", i);
		if (r == 0)
			r = policy_check_keys(place, block, known, e);
		if (r == 0 && guard->blocks & POLICY_BLOCK(i))
			r = add_rules(place, block, (unsigned int)i + 1, t, e);
	}
	json_decref(root);
	return r;
}

int policy_guard_read(const char *text, unsigned int *ret_all, unsigned int *ret_optional,
		      struct err *e)
{
	json_t *root;
	json_t *blocks = guard_blocks(text, &root, e);
	int r = blocks ? 0 : -EINVAL;
	size_t i;
	json_t *block;

	*ret_all = *ret_optional = 0;
	json_array_foreach(blocks, i, block)
	{
		*ret_all |= POLICY_BLOCK(i);
		if (json_is_true(json_object_get(block, "optional")))
			*ret_optional |= POLICY_BLOCK(i);
	}
	json_decref(root);
	return r;
}

/* -- the policy -------------------------------------------------------------- */

static json_t *parse(const char *where, const char *text, struct err *e)
{
	static const char *const known[] = {
		"comment",	 "extends", "defaultAction", "defaultErrnoRet", "defaultErrno",
		"architectures", "archMap", "flags",	     "syscalls",	NULL
	};
	json_error_t error;
	bool deep = text_json_is_deep(text);
	json_t *root = deep ? NULL : json_loads(text, JSON_REJECT_DUPLICATES, &error);

	if (deep)
		err_set(e, EINVAL, "%s: more than 32 levels deep", where);
	else if (!root && !error.text[0])
		err_set(e, ENOMEM, "%s: out of memory", where);
	else if (!root)
		err_set(e, EINVAL, "%s:%d:%d: %s", where, error.line, error.column, error.text);
	if (!root)
		return NULL;
	if (!json_is_object(root))
		err_set(e, EINVAL, "%s: must be a JSON object", where);
	else if (policy_check_keys(where, root, known, e) == 0)
		return root;
	json_decref(root);
	return NULL;
}

/* First match wins, so the guard's rules come first. */
static int add_all(const char *where, json_t *root, const char *extends, json_t *base,
		   const struct policy_guard *guard, struct bpf_table *t, struct err *e)
{
	int r = guard ? add_guard(guard, t, e) : 0;

	if (r == 0)
		r = add_rules(where, root, 0, t, e);
	if (r == 0 && base)
		r = add_rules(extends, base, 0, t, e);
	return r;
}

int policy_table(const char *where, const char *text, policy_builtin builtin,
		 const struct policy_guard *guard, struct bpf_table *t, struct err *e)
{
	json_t *root = parse(where, text, e);
	json_t *base = NULL;
	const char *extends;
	char place[128];
	uint32_t otherwise;
	bool own;
	int r = -EINVAL;

	if (!root)
		return -EINVAL;
	extends = json_string_value(json_object_get(root, "extends"));
	if (extends) {
		const char *base_text = builtin(extends);

		if (!base_text && strchr(extends, '/')) {
			err_set(e, EINVAL,
				"%s: extends: a file ('%.100s') cannot be extended, only a "
				"built-in "
				"policy",
				where, extends);
			goto out;
		}
		if (!base_text) {
			err_set(e, ENOENT, "%s: extends: there is no built-in policy '%s'", where,
				extends);
			goto out;
		}
		base = parse(extends, base_text, e);
		if (!base)
			goto out;
	}
	snprintf(place, sizeof(place), "%s", where);
	/* Its own answer to all other calls is its to give, as in a profile its own values. */
	own = json_object_get(root, "defaultAction") || json_object_get(root, "defaultErrnoRet");
	r = policy_action(place, base && !own ? base : root, "defaultAction", "defaultErrnoRet", 1,
			  &otherwise, e);
	if (r < 0)
		goto out;
	bpf_table_init(t, otherwise);
	r = add_all(where, root, extends, base, guard, t, e);
out:
	json_decref(base);
	json_decref(root);
	return r;
}

uint32_t policy_notify(uint32_t action)
{
	uint32_t error;

	switch (action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ERRNO:
		error = action & POLICY_ERRNO;
		return error == ENOSYS || error == 0 ? SECCOMP_RET_ERRNO | error
						     : SECCOMP_RET_USER_NOTIF;
	case SECCOMP_RET_KILL_PROCESS:
	case SECCOMP_RET_KILL_THREAD: return SECCOMP_RET_USER_NOTIF;
	}
	return action;
}

static int compile(const struct bpf_table *t, uint32_t (*map)(uint32_t), struct sock_filter **ret,
		   unsigned int *ret_length, struct err *e)
{
	struct sock_filter *out = calloc(BPF_MAX_INSNS, sizeof(*out));
	int n;

	if (!out)
		return err_set(e, ENOMEM, "out of memory");
	n = bpf_compile(t, map, out, e);
	if (n < 0) {
		free(out);
		return n;
	}
	*ret = out;
	*ret_length = (unsigned int)n;
	return 0;
}

int policy_compile(const char *where, const char *text, policy_builtin builtin,
		   const struct policy_guard *guard, struct policy *ret, struct err *e)
{
	struct bpf_table *t = malloc(sizeof(*t));
	struct policy p = { 0 };
	int r;

	if (!t)
		return err_set(e, ENOMEM, "out of memory");
	r = policy_table(where, text, builtin, guard, t, e);
	if (r == 0)
		r = compile(t, policy_notify, &p.filter, &p.filter_length, e);
	if (r == 0)
		r = compile(t, NULL, &p.verdict, &p.verdict_length, e);
	free(t);
	if (r < 0) {
		policy_clear(&p);
		return r;
	}
	*ret = p;
	return 0;
}

void policy_clear(struct policy *p)
{
	free(p->filter);
	free(p->verdict);
	*p = (struct policy){ 0 };
}
