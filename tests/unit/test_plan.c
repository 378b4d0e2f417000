/* SPDX-License-Identifier: Apache-2.0 */
#include "plan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "builtin.h"
#include "fake_host.h"
#include "layer/layer.h"
#include "plan_print.h"
#include "profile.h"
#include "suites.h"

static struct spec spec;
static struct plan plan;
static struct err err;
static const char *const command[] = { "true", "x", NULL };

static void begin(const char *profile)
{
	memset(&err, 0, sizeof(err));
	CU_ASSERT_EQUAL_FATAL(profile_load(&spec, profile, &err), 0);
	spec.command = SPEC_COMMAND_INSIDE;
	spec.argv = command;
}

static int build(const struct host *host)
{
	memset(&err, 0, sizeof(err));
	plan_clear(&plan);
	return plan_build(&spec, host, &plan, &err);
}

static void end(void)
{
	plan_clear(&plan);
	spec_clear(&spec);
}

/* What every profile becomes on one fixed machine; a difference is to be read. */
static void golden_plans(void)
{
	for (const struct builtin_profile *p = builtin_profiles; p->name; p++)
		for (int privileged = 0; privileged < 2; privileged++) {
			struct host host = fake_host(privileged);
			struct jout j = { 0 };
			char path[1024];
			cleanup_free char *expected = NULL;
			cleanup_fd int fd = -1;
			size_t n = 0;
			unsigned int kept = 0;

			begin(p->name);
			/* Binds are looked up on the real machine, which is not fixed. */
			for (unsigned int i = 0; i < spec.n_mounts; i++)
				if (spec.mounts[i].type == SPEC_MOUNT_TMPFS)
					spec.mounts[kept++] = spec.mounts[i];
			spec.n_mounts = kept;
			CU_ASSERT_EQUAL_FATAL(build(&host), 0);
			plan_print(&plan, &j);
			jout_finish(&j);
			snprintf(path, sizeof(path), "%s/golden/%s-%s.json", tests_dir, p->name,
				 privileged ? "root" : "user");
			if (update_golden) {
				fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
				CU_ASSERT_EQUAL(fd_write_all(fd, j.text, j.length), 0);
			} else {
				fd = open(path, O_RDONLY);
				CU_ASSERT_TRUE_FATAL(fd >= 0);
				CU_ASSERT_EQUAL(fd_read_all(fd, 1 << 20, &expected, &n), 0);
				if (!expected || strcmp(expected, j.text) != 0)
					fprintf(stderr, "%s differs; see 'make golden'\n", path);
				CU_ASSERT_TRUE(expected && strcmp(expected, j.text) == 0);
			}
			jout_clear(&j);
			end();
		}
}

static void no_landlock_is_refused_unless_left_out(void)
{
	struct host host = fake_host(true);

	host.landlock_abi = 0;
	begin("default");
	CU_ASSERT_EQUAL(build(&host), -ENOSYS);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "layer 'landlock'"));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.hint, "--without landlock"));
	spec_add_without(&spec, "landlock", &err);
	CU_ASSERT_EQUAL(build(&host), 0);
	CU_ASSERT_FALSE(plan_has(&plan, LAYER_LANDLOCK));
	end();
}

static void landlock_asks_for_what_the_abi_knows(void)
{
	static const struct {
		int abi;
		uint64_t fs, net, scope;
	} known[] = {
		{ 1, 0x1fff, 0, 0 }, { 2, 0x3fff, 0, 0 },  { 3, 0x7fff, 0, 0 },
		{ 4, 0x7fff, 3, 0 }, { 5, 0xffff, 3, 0 },  { 6, 0xffff, 3, 3 },
		{ 8, 0xffff, 3, 3 }, { 9, 0x1ffff, 3, 3 }, { 99, 0x1ffff, 3, 3 },
	};
	struct host host = fake_host(false);

	for (unsigned int i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		begin("default");
		host.landlock_abi = known[i].abi;
		CU_ASSERT_EQUAL_FATAL(build(&host), 0);
		CU_ASSERT_EQUAL(plan.landlock_fs, known[i].fs);
		CU_ASSERT_EQUAL(plan.landlock_net, known[i].net);
		CU_ASSERT_EQUAL(plan.landlock_scope, known[i].scope);
		end();
	}
}

static void memfd_needs_a_sysctl_or_a_filter(void)
{
	struct host host = fake_host(true);

	begin("default");
	CU_ASSERT_EQUAL_FATAL(build(&host), 0);
	CU_ASSERT_FALSE(plan.memfd_filter);
	host.memfd_noexec = false;
	CU_ASSERT_EQUAL_FATAL(build(&host), 0);
	CU_ASSERT_TRUE(plan.memfd_filter);
	spec_add_without(&spec, "seccomp", &err);
	CU_ASSERT_EQUAL(build(&host), 0);
	for (int i = LAYER_GUARD; i < LAYER_SECCOMP; i++)
		if (i != LAYER_UNCOUNTED)
			spec_add_without(&spec, layer_names[i], &err);
	CU_ASSERT_EQUAL(build(&host), -EINVAL);
	end();
}

static void not_with_roots_capabilities(void)
{
	for (int root = 0; root < 2; root++) {
		struct host host = fake_host(root);

		begin("default");
		spec_add_without(&spec, "capabilities", &err);
		CU_ASSERT_EQUAL(build(&host), 0);
		spec_add_without(&spec, "user_ns", &err);
		CU_ASSERT_EQUAL(build(&host), -EINVAL);
		CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "be left out"));
		end();
	}
}

static void no_crash_reaches_the_host(void)
{
	struct host host = fake_host(false);

	begin("default");
	CU_ASSERT_EQUAL_FATAL(build(&host), 0);
	CU_ASSERT_EQUAL(plan.core_limit, 1);
	/* A pipe asks the limit, and so does a file. */
	host.core_pattern = '|';
	CU_ASSERT_EQUAL_FATAL(build(&host), 0);
	CU_ASSERT_EQUAL(plan.core_limit, 1);
	host.core = 0;
	CU_ASSERT_EQUAL(build(&host), -EPERM);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "starts a program of the host"));
	host.core_pattern = 'c';
	CU_ASSERT_EQUAL_FATAL(build(&host), 0);
	CU_ASSERT_EQUAL(plan.core_limit, 0);
	/* A socket does not (Linux 6.16). */
	host.core = UNLIMITED;
	host.core_pattern = '@';
	CU_ASSERT_EQUAL(build(&host), -EPERM);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "a socket of the host"));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.hint, "--without coredump"));
	spec_add_without(&spec, "coredump", &err);
	CU_ASSERT_EQUAL(build(&host), 0);
	end();
}

static void no_fork_needs_room_for_its_descriptor(void)
{
	struct host host = fake_host(false);

	begin("strategy");
	CU_ASSERT_EQUAL_FATAL(build(&host), 0);
	CU_ASSERT_EQUAL(plan.exec_fd, 4095);
	host.open_files = 4095;
	CU_ASSERT_EQUAL(build(&host), -EMFILE);
	host.open_files = 65536;
	spec.limits.open_files = 5000;
	CU_ASSERT_EQUAL(build(&host), -EINVAL);
	spec.limits.open_files = 1024;
	spec_add_without(&spec, "rlimits", &err);
	CU_ASSERT_EQUAL(build(&host), -EINVAL);
	end();
}

static bool may_execute(const char *path)
{
	for (unsigned int i = 0; i < plan.n_rules; i++)
		if (strcmp(plan.rules[i].path, path) == 0 && (plan.rules[i].access & 1))
			return true;
	return false;
}

/* Of this machine's own /usr: what "sh" is differs, that there is one does not. */
static void programs_are_files(void)
{
	struct host host = fake_host(true);
	bool shell = false;

	begin("default");
	CU_ASSERT_EQUAL_FATAL(build(&host), 0);
	CU_ASSERT_FALSE(plan_has(&plan, LAYER_PROGRAMS));
	CU_ASSERT_TRUE(may_execute("/usr"));
	CU_ASSERT_EQUAL(spec_add_program(&spec, "sh", &err), 0);
	CU_ASSERT_EQUAL_FATAL(build(&host), 0);
	CU_ASSERT_TRUE(plan_has(&plan, LAYER_PROGRAMS));
	CU_ASSERT_FALSE(may_execute("/usr"));
	for (unsigned int i = 0; i < plan.n_programs; i++) {
		char path[300];

		snprintf(path, sizeof(path), "/%s", plan.programs[i].target);
		CU_ASSERT_EQUAL(may_execute(path), plan.programs[i].exec);
		/* Only /usr/bin/dash and the like, not the link. */
		shell |= plan.programs[i].exec && strstr(path, "sh") != NULL;
		CU_ASSERT_STRING_NOT_EQUAL(path, "/bin/sh");
	}
	CU_ASSERT_TRUE(shell);
	CU_ASSERT_EQUAL(spec_add_program(&spec, "/usr/share", &err), 0);
	CU_ASSERT_EQUAL(build(&host), -EACCES);
	end();
}

static void destinations_are_checked(void)
{
	static const struct {
		const char *tmpfs;
		const char *bind;
		const char *words;
	} bad[] = {
		{ "/", NULL, "--rootfs" },
		{ "/proc/x", NULL, "runner's own" },
		{ "/app", NULL, "runner's own" },
		{ "/dev", NULL, "runner's own" },
		{ "/usr/x", NULL, "inside another mount" },
		{ "/tmp/x", NULL, "inside another mount" },
		{ NULL, "/tmp", "would hide" },
		{ NULL, "/dev/x", "runner's own" },
	};
	struct host host = fake_host(false);

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct spec_mount m = { .type = bad[i].tmpfs ? SPEC_MOUNT_TMPFS : SPEC_MOUNT_BIND,
					.source = "/usr",
					.size = 4096,
					.inodes = 9 };
		struct err e = { 0 };

		begin("default");
		m.destination = bad[i].tmpfs ? bad[i].tmpfs : bad[i].bind;
		if (bad[i].bind && strcmp(bad[i].bind, "/tmp") == 0) {
			/* A bind over the parent of a tmpfs. */
			struct spec_mount t = { .type = SPEC_MOUNT_TMPFS,
						.destination = "/a/b",
						.size = 4096,
						.inodes = 9 };

			spec_add_mount(&spec, &t, &e);
			m.destination = "/a";
		}
		CU_ASSERT_EQUAL_FATAL(spec_add_mount(&spec, &m, &e), 0);
		CU_ASSERT_EQUAL(build(&host), -EINVAL);
		CU_ASSERT_PTR_NOT_NULL(strstr(err.text, bad[i].words));
		end();
	}
}

static void cpus_become_whole_ones(void)
{
	struct host host = fake_host(false);

	begin("default");
	spec.limits.cpus_milli = 1500;
	CU_ASSERT_EQUAL_FATAL(build(&host), 0);
	CU_ASSERT_TRUE(plan.cpu_mask_set);
	CU_ASSERT_EQUAL(__builtin_popcountll(plan.cpu_mask[0]), 2);
	CU_ASSERT_EQUAL(plan.cpu_mask[0] & ~host.cpu_mask[0], 0);
	spec.limits.cpus_milli = 4000;
	CU_ASSERT_EQUAL_FATAL(build(&host), 0);
	CU_ASSERT_FALSE(plan.cpu_mask_set);
	end();
}

static void two_runs_never_share_an_id(void)
{
	struct host a = fake_host(true);
	struct host b = fake_host(true);
	uint32_t first;

	b.pid = a.pid + 1;
	begin("default");
	CU_ASSERT_EQUAL_FATAL(build(&a), 0);
	first = plan.host_uid;
	CU_ASSERT_EQUAL_FATAL(build(&b), 0);
	CU_ASSERT_NOT_EQUAL(first, plan.host_uid);
	CU_ASSERT_TRUE(first >= 0x70000000u && first <= 0x7fffffffu);
	end();
}

CU_TestInfo plan_tests[] = {
	{ "golden plans", golden_plans },
	{ "no Landlock is refused unless left out", no_landlock_is_refused_unless_left_out },
	{ "Landlock asks for what the ABI knows", landlock_asks_for_what_the_abi_knows },
	{ "memfd needs a sysctl or a filter", memfd_needs_a_sysctl_or_a_filter },
	{ "not with root's capabilities", not_with_roots_capabilities },
	{ "no crash reaches the host", no_crash_reaches_the_host },
	{ "no-fork needs room for its descriptor", no_fork_needs_room_for_its_descriptor },
	{ "programs are files", programs_are_files },
	{ "destinations are checked", destinations_are_checked },
	{ "cpus become whole ones", cpus_become_whole_ones },
	{ "two runs never share an id", two_runs_never_share_an_id },
	CU_TEST_INFO_NULL,
};
