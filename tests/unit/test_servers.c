/* SPDX-License-Identifier: Apache-2.0 */
/* What the plan makes of binds in which servers' sockets may lie. */
#include "plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fake_host.h"
#include "layer/layer.h"
#include "profile.h"
#include "suites.h"

static struct spec spec;
static struct plan plan;
static struct err err;

static void begin(const char *profile)
{
	static const char *const command[] = { "true", NULL };

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

static void add_bind(const char *source, const char *destination, bool sockets)
{
	struct spec_mount m = { .type = SPEC_MOUNT_BIND,
				.read_only = true,
				.source = source,
				.destination = destination,
				.sockets = sockets };

	CU_ASSERT_EQUAL_FATAL(spec_add_mount(&spec, &m, &err), 0);
}

static bool is_not_needed(unsigned int layer)
{
	return plan.not_needed & LAYER_BIT(layer);
}

/* The rights of the rule for this path: 0, when there is none. */
static uint64_t access_at(const char *path)
{
	uint64_t access = 0;

	for (unsigned int i = 0; i < plan.n_rules; i++)
		if (strcmp(plan.rules[i].path, path) == 0)
			access |= plan.rules[i].access;
	return access;
}

static void a_bind_is_no_way_to_a_server(void)
{
	struct host host = fake_host(false);
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	char dir[sizeof(at.sun_path)];
	int fd;

	host.landlock_abi = 9;
	begin("default");
	CU_ASSERT_EQUAL_FATAL(build(&host), 0);
	CU_ASSERT_TRUE(is_not_needed(LAYER_UNIX_SOCKETS));
	CU_ASSERT_EQUAL(access_at("/tmp") & 0x10000, 0);
	add_bind("/usr/share", "/share", false);
	CU_ASSERT_EQUAL_FATAL(build(&host), 0);
	CU_ASSERT_TRUE(is_not_needed(LAYER_UNIX_SOCKETS));
	add_bind("/tmp", "/w", false);
	CU_ASSERT_EQUAL_FATAL(build(&host), 0);
	CU_ASSERT_TRUE(plan_has(&plan, LAYER_UNIX_SOCKETS));
	CU_ASSERT_EQUAL(access_at("/w") & 0x10000, 0);
	/* What is granted in one is not granted in the other. */
	add_bind("/var", "/var", true);
	CU_ASSERT_EQUAL(build(&host), -EACCES);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "bind '/var' grants sockets"));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "those in '/tmp'"));
	add_bind("/tmp", "/w", true);
	CU_ASSERT_EQUAL_FATAL(build(&host), 0);
	CU_ASSERT_TRUE(is_not_needed(LAYER_UNIX_SOCKETS));
	CU_ASSERT_EQUAL(plan.landlock_fs & 0x10000, 0x10000);
	CU_ASSERT_EQUAL(access_at("/w"), 0x10000);
	CU_ASSERT_EQUAL(access_at("/share"), 0);
	host.landlock_abi = 8;
	CU_ASSERT_EQUAL_FATAL(build(&host), 0);
	CU_ASSERT_EQUAL(access_at("/w"), 0);
	end();
	/* A socket itself: a right that a rule on a file may carry. */
	host.landlock_abi = 9;
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", "/tmp/plan-socket-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(at.sun_path));
	snprintf(dir, sizeof(dir), "%s", at.sun_path);
	strcat(at.sun_path, "/s");
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	CU_ASSERT_EQUAL_FATAL(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	begin("default");
	add_bind(at.sun_path, "/s", true);
	CU_ASSERT_EQUAL_FATAL(build(&host), 0);
	CU_ASSERT_EQUAL(access_at("/s"), 0x10000);
	end();
	close(fd);
	unlink(at.sun_path);
	CU_ASSERT_EQUAL(rmdir(dir), 0);
	/* As a whole: then nobody asks Landlock either. */
	host.landlock_abi = 9;
	begin("default");
	add_bind("/tmp", "/w", false);
	spec_add_without(&spec, "unix_sockets", &err);
	CU_ASSERT_EQUAL_FATAL(build(&host), 0);
	CU_ASSERT_FALSE(plan_has(&plan, LAYER_UNIX_SOCKETS));
	CU_ASSERT_EQUAL(plan.landlock_fs & 0x10000, 0);
	end();
	begin("default");
	spec.rootfs = "/";
	CU_ASSERT_EQUAL_FATAL(build(&host), 0);
	CU_ASSERT_TRUE(plan_has(&plan, LAYER_UNIX_SOCKETS));
	end();
	begin("default");
	spec_add_without(&spec, "devices", &err);
	CU_ASSERT_EQUAL_FATAL(build(&host), 0);
	CU_ASSERT_TRUE(plan_has(&plan, LAYER_UNIX_SOCKETS));
	end();
}

CU_TestInfo servers_tests[] = {
	{ "a bind is no way to a server", a_bind_is_no_way_to_a_server },
	CU_TEST_INFO_NULL,
};
