/* SPDX-License-Identifier: Apache-2.0 */
#include "denial.h"

#include <string.h>
#include <sys/syscall.h>

#include "suites.h"

static const char *target(int nr, uint64_t a0, uint64_t a1)
{
	static char text[160];
	struct denial d = { .nr = nr, .args = { a0, a1 } };

	denial_target(&d, text, sizeof(text));
	return text;
}

static void arguments_are_decoded(void)
{
	CU_ASSERT_STRING_EQUAL(target(SYS_unshare, 0x10020000, 0),
			       "flags=CLONE_NEWNS|CLONE_NEWUSER");
	CU_ASSERT_STRING_EQUAL(target(SYS_clone, 17, 0), "flags=0x11");
	CU_ASSERT_STRING_EQUAL(target(SYS_socket, 16, 0), "domain=AF_NETLINK");
	CU_ASSERT_STRING_EQUAL(target(SYS_socket, 99, 0), "domain=0x63");
	CU_ASSERT_STRING_EQUAL(target(SYS_ioctl, 0, 0x100005412), "request=TIOCSTI");
	CU_ASSERT_STRING_EQUAL(target(SYS_reboot, 1, 2), "");
	/* Every flag at once still fits. */
	CU_ASSERT_TRUE(strlen(target(SYS_unshare, UINT64_MAX, 0)) < 160);
}

static void kinds(void)
{
	uint64_t a[6] = { 16 };
	uint64_t b[6] = { 17 };
	uint64_t c[6] = { 16, 5 };

	CU_ASSERT_FALSE(denial_same_kind(SYS_socket, a, b));
	CU_ASSERT_TRUE(denial_same_kind(SYS_socket, a, c));
	CU_ASSERT_TRUE(denial_same_kind(SYS_reboot, a, b));
}

static void names_and_remedies(void)
{
	struct denial d = { .nr = SYS_clone };
	char room[24];

	CU_ASSERT_STRING_EQUAL(denial_name(SYS_unshare, room), "unshare");
	CU_ASSERT_STRING_EQUAL(denial_name(99999, room), "syscall 99999");
	CU_ASSERT_STRING_EQUAL(denial_name(-1, room), "syscall -1");
	CU_ASSERT_PTR_NOT_NULL(strstr(denial_remedy(&d, "no-fork"), "--profile default"));
	CU_ASSERT_PTR_NOT_NULL(strstr(denial_remedy(&d, "default"), "--seccomp"));
}

CU_TestInfo denial_tests[] = {
	{ "arguments are decoded", arguments_are_decoded },
	{ "kinds", kinds },
	{ "names and remedies", names_and_remedies },
	CU_TEST_INFO_NULL,
};
