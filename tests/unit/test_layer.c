/* SPDX-License-Identifier: Apache-2.0 */
#include "layer/layer.h"

#include <string.h>

#include "suites.h"

static void every_row_is_complete(void)
{
	for (int i = 0; i < LAYER_COUNT; i++) {
		const struct layer *l = layer_table[i];

		CU_ASSERT_PTR_NOT_NULL_FATAL(l);
		CU_ASSERT_STRING_EQUAL(l->name, layer_names[i]);
		CU_ASSERT_EQUAL(layer_find(l->name), i);
		CU_ASSERT_PTR_NOT_NULL(l->summary);
		CU_ASSERT_PTR_NOT_NULL(l->why_here);
		/* A row that does nothing in either process confines nothing. */
		CU_ASSERT_TRUE(l->plan || l->enter || l->prove);
	}
	CU_ASSERT_PTR_NULL(layer_names[LAYER_COUNT]);
	CU_ASSERT_EQUAL(layer_find("none"), -1);
	CU_ASSERT_TRUE((int)LAYER_COUNT <= (int)PLAN_MAX_LAYERS);
}

/* The order is the security argument: what it rests on, as facts. */
static void the_order_holds(void)
{
	CU_ASSERT_TRUE(LAYER_MOUNT_NS < LAYER_ROOT);
	CU_ASSERT_TRUE(LAYER_PIVOT_ROOT < LAYER_IDENTITY);
	CU_ASSERT_TRUE(LAYER_BINDS < LAYER_PIVOT_ROOT);
	CU_ASSERT_TRUE(LAYER_IDENTITY < LAYER_CAPABILITIES);
	CU_ASSERT_TRUE(LAYER_USERNS_LIMIT < LAYER_CAPABILITIES);
	CU_ASSERT_TRUE(LAYER_CAPABILITIES < LAYER_LANDLOCK);
	CU_ASSERT_TRUE(LAYER_NO_NEW_PRIVS < LAYER_LANDLOCK);
	CU_ASSERT_EQUAL(LAYER_SECCOMP, LAYER_COUNT - 1);
	/* What init enters, the payload inherits: no row of init's after the payload's first. */
	for (int i = LAYER_IDENTITY; i < LAYER_COUNT; i++)
		CU_ASSERT_EQUAL(layer_table[i]->actor, BY_PAYLOAD);
	for (int i = 0; i < LAYER_IDENTITY; i++)
		CU_ASSERT_EQUAL(layer_table[i]->actor, BY_INIT);
}

CU_TestInfo layer_tests[] = {
	{ "every row is complete", every_row_is_complete },
	{ "the order holds", the_order_holds },
	CU_TEST_INFO_NULL,
};
