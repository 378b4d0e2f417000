/* SPDX-License-Identifier: Apache-2.0 */
/* What init shows of itself, to the last byte. */
#include "base/visible.h"

#include <string.h>

#include "suites.h"

/* However long the strings are: a title, cut where they end, and nothing of theirs. */
static void nothing_is_left(void)
{
	static const char title[] = "runner init";

	for (size_t all = 0; all < 64; all++)
		for (size_t arguments = 0; arguments <= all; arguments++) {
			char room[80];
			struct visible v = { room + 8, arguments, all };
			int left = 0;
			size_t shown = all ? all - 1 : 0;

			memset(room, 'x', sizeof(room));
			visible_hide(&v);
			for (size_t i = 0; i < sizeof(room); i++)
				left += (i < 8 || i >= 8 + all) ? room[i] != 'x' : room[i] == 'x';
			CU_ASSERT_EQUAL(left, 0);
			if (all == 0)
				continue;
			if (shown > strlen(title))
				shown = strlen(title);
			CU_ASSERT_EQUAL(memcmp(v.start, title, shown), 0);
			/* A dot says where the kernel is to stop; without it the last is NUL. */
			CU_ASSERT_TRUE(v.start[all - 1] == '\0' ||
				       (v.start[all - 1] == '.' && arguments == all));
		}
}

CU_TestInfo visible_tests[] = {
	{ "nothing is left", nothing_is_left },
	CU_TEST_INFO_NULL,
};
