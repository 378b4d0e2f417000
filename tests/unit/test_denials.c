/* SPDX-License-Identifier: Apache-2.0 */
#include "denials.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#include "../seccomp/bpf.h"
#include "suites.h"

static struct denials table;

static struct denial *count(int nr, uint64_t a0, int error)
{
	uint64_t args[6] = { a0 };

	return denials_count(&table, nr, BPF_NATIVE_ARCH, args, error, 0);
}

static uint64_t all_counts(void)
{
	uint64_t sum = table.dropped + table.ending.count;

	for (unsigned int i = 0; i < table.n; i++)
		sum += table.row[i].count;
	return sum;
}

static const struct denial *row_of(int nr)
{
	for (unsigned int i = 0; i < table.n; i++)
		if (table.row[i].nr == nr)
			return &table.row[i];
	return NULL;
}

static void the_same_kind_is_one_row(void)
{
	table = (struct denials){ 0 };
	CU_ASSERT_PTR_NOT_NULL(count(SYS_socket, 16, EAFNOSUPPORT));
	CU_ASSERT_PTR_NULL(count(SYS_socket, 16, EAFNOSUPPORT));
	CU_ASSERT_PTR_NOT_NULL(count(SYS_socket, 17, EAFNOSUPPORT));
	CU_ASSERT_PTR_NOT_NULL(count(SYS_socket, 16, EPERM));
	CU_ASSERT_EQUAL(table.n, 3);
	CU_ASSERT_EQUAL(table.row[0].count, 2);
	CU_ASSERT_FALSE(table.row[0].varied);
	CU_ASSERT_PTR_NOT_NULL(count(SYS_socket, 200, EAFNOSUPPORT));
	CU_ASSERT_PTR_NULL(count(SYS_socket, 201, EAFNOSUPPORT));
	CU_ASSERT_TRUE(table.row[3].varied);
	CU_ASSERT_EQUAL(all_counts(), 6);
}

/* As many kinds as can be made, of every call; then one that was not there yet. */
static void no_flood_takes_another_calls_place(void)
{
	uint64_t calls = 0;

	table = (struct denials){ 0 };
	for (int nr = 0; nr < DENIAL_CALLS; nr++)
		for (int error = 1; nr != SYS_reboot && error < 100; error++, calls++)
			count(nr, 0, error);
	CU_ASSERT_EQUAL(table.n, DENIAL_CALLS - 1 + DENIAL_MORE_KINDS);
	CU_ASSERT_EQUAL(all_counts(), calls);
	CU_ASSERT_PTR_NOT_NULL(count(SYS_reboot, 0, EPERM));
	CU_ASSERT_PTR_NULL(count(SYS_reboot, 0, EPERM));
	CU_ASSERT_PTR_NOT_NULL_FATAL(row_of(SYS_reboot));
	CU_ASSERT_EQUAL(row_of(SYS_reboot)->count, 2);
	CU_ASSERT_EQUAL(table.n, DENIAL_CALLS + DENIAL_MORE_KINDS);
	/* One more of any sort only counts. */
	CU_ASSERT_PTR_NULL(count(SYS_reboot, 0, EACCES));
	CU_ASSERT_EQUAL(all_counts(), calls + 3);
}

static void one_call_has_its_share_only(void)
{
	table = (struct denials){ 0 };
	for (int error = 1; error <= 1000; error++)
		count(SYS_socket, 16, error);
	CU_ASSERT_EQUAL(table.n, DENIAL_MAX_KINDS);
	CU_ASSERT_EQUAL(table.dropped, 1000 - DENIAL_MAX_KINDS);
	/* Numbers that are no calls have one share together. */
	for (int nr = 1000; nr < 2000; nr++)
		count(nr, 0, EPERM);
	count(-1, 0, EPERM);
	CU_ASSERT_EQUAL(table.n, 2 * DENIAL_MAX_KINDS);
	CU_ASSERT_EQUAL(all_counts(), 2001);
	CU_ASSERT_PTR_NOT_NULL(count(SYS_mount, 0, EPERM));
}

static void the_call_that_ends_the_run_has_its_own_place(void)
{
	table = (struct denials){ 0 };
	for (int nr = 0; nr < DENIAL_CALLS; nr++)
		for (int error = 1; error < 20; error++)
			count(nr, 0, error);
	CU_ASSERT_PTR_EQUAL(count(SYS_ptrace, 16, 0), &table.ending);
	CU_ASSERT_EQUAL(table.ending.nr, SYS_ptrace);
	CU_ASSERT_EQUAL(table.ending.args[0], 16);
	/* A later one does not replace it. */
	CU_ASSERT_PTR_NULL(count(SYS_bpf, 0, 0));
	CU_ASSERT_EQUAL(table.ending.nr, SYS_ptrace);
	CU_ASSERT_EQUAL(all_counts(), DENIAL_CALLS * 19 + 2);
}

static void a_foreign_number_is_no_call_of_ours(void)
{
	uint64_t args[6] = { 0 };

	table = (struct denials){ 0 };
	denials_count(&table, SYS_mount, BPF_NATIVE_ARCH ^ 1, args, EPERM, 0);
	CU_ASSERT_PTR_NOT_NULL(count(SYS_mount, 0, EPERM));
	CU_ASSERT_EQUAL(table.n, 2);
	CU_ASSERT_EQUAL(table.n_more, 1);
}

CU_TestInfo denials_tests[] = {
	{ "the same kind is one row", the_same_kind_is_one_row },
	{ "no flood takes another call's place", no_flood_takes_another_calls_place },
	{ "one call has its share only", one_call_has_its_share_only },
	{ "the call that ends the run has its own place",
	  the_call_that_ends_the_run_has_its_own_place },
	{ "a foreign number is no call of ours", a_foreign_number_is_no_call_of_ours },
	CU_TEST_INFO_NULL,
};
