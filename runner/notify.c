/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "notify.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../seccomp/policy.h"
#include "denials.h"
#include "layer/filter.h"

static void read_comm(pid_t pid, char comm[16])
{
	char path[32];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	n = read(fd, comm, 15);
	close(fd);
	comm[n > 0 ? n : 0] = '\0';
	comm[strcspn(comm, "\n")] = '\0';
}

/* What makes a kind, and whose place it takes, is the table's to say. */
static void record(const struct seccomp_notif *n, int listener, int error, int layer,
		   struct denials *table)
{
	struct denial *d = denials_count(table, n->data.nr, n->data.arch,
					 (const uint64_t *)n->data.args, error, layer);

	if (!d)
		return;
	d->pid = (pid_t)n->pid;
	read_comm(d->pid, d->comm);
	/* The name is only this process's if it still waits for us. */
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &n->id) < 0)
		d->comm[0] = '\0';
}

/* Not refused: it is only to be known. What is asked for is in registers, and stays so. */
static void let_pass(int listener, const struct seccomp_notif *n, struct seccomp_notif_resp *resp,
		     struct shared_sizes *sizes)
{
	shared_sizes_add(sizes, n->data.args[1]);
	resp->id = n->id;
	resp->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, resp);
}

bool notify_answer(int listener, const struct plan *plan, struct shared_sizes *sizes,
		   struct outcome *o)
{
	/* The kernel may want these larger than our headers know; it checks for zeros. */
	union {
		struct seccomp_notif notif;
		char room[512];
	} in = { .room = { 0 } };
	union {
		struct seccomp_notif_resp resp;
		char room[512];
	} out = { .room = { 0 } };
	uint32_t answer;
	int error = EPERM;

	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &in.notif) < 0)
		return false;
	answer = bpf_run(plan->verdict.filter, plan->verdict.len, &in.notif.data);
	switch (answer & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
	case SECCOMP_RET_LOG: let_pass(listener, &in.notif, &out.resp, sizes); return false;
	case SECCOMP_RET_ERRNO: error = (int)(answer & POLICY_ERRNO); break;
	case SECCOMP_RET_KILL_PROCESS:
	case SECCOMP_RET_KILL_THREAD:
		/* It waits for an answer that never comes; the tree is ended instead. */
		record(&in.notif, listener, 0, filter_layer(plan, answer), &o->denials);
		return true;
	}
	record(&in.notif, listener, error, filter_layer(plan, answer), &o->denials);
	out.resp.id = in.notif.id;
	out.resp.error = -error;
	(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &out.resp); /* ENOENT: it died meanwhile */
	return false;
}
