/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "host_memory.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"

/* What a CPU can fill while it is in the kernel, in bytes per second. */
#define FILLS_PER_SECOND (4ull << 30)

static uint64_t line_of(const char *text, const char *key)
{
	const char *p = strstr(text, key);

	return p ? strtoull(p + strlen(key), NULL, 10) * 1024 : 0;
}

/* All but what is free, is somebody's page, or is given back when it is wanted. */
uint64_t host_memory_kernel(const char *text)
{
	static const char *const others[] = {
		"\nMemFree:",	"\nBuffers:",	   "\nCached:",	 "\nSwapCached:",
		"\nAnonPages:", "\nKReclaimable:", "\nHugetlb:", "\nBalloon:",
	};
	uint64_t all = line_of(text, "MemTotal:");
	uint64_t sum = 0;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		sum += line_of(text, others[i]);
	return all > sum ? all - sum : 0;
}

/*
 * To free memory takes half of the time to fill it, but it takes time: what the host
 * loses while the run is not in the kernel is not the run's. The clock of the kernel's
 * time goes in ticks and can be late by one look: what could not be laid to the run in
 * this interval may still be in the next.
 */
void host_part_look(struct host_part *p, uint64_t now, uint64_t could)
{
	uint64_t grown = now > p->last ? now - p->last : 0;
	uint64_t lost = now < p->last ? p->last - now : 0;
	uint64_t taken = grown + p->grown < could ? grown + p->grown : could;
	uint64_t given = lost + p->lost < 2 * could ? lost + p->lost : 2 * could;

	p->grown = taken < grown ? grown - taken : 0;
	p->lost = given < lost ? lost - given : 0;
	p->laid += taken;
	p->laid -= given < p->laid ? given : p->laid;
	p->last = now;
}

/*
 * Free pages that wait on a CPU's own list are not in MemFree, and they are many after
 * much was freed: /proc/zoneinfo has how many, "count:" for each CPU and zone.
 */
static uint64_t waiting_pages(void)
{
	static const char key[] = "count:";
	char text[8192];
	uint64_t pages = 0;
	size_t kept = 0;
	ssize_t n;
	cleanup_fd int fd = open("/proc/zoneinfo", O_RDONLY | O_CLOEXEC);

	while (fd >= 0 && (n = read(fd, text + kept, sizeof(text) - 1 - kept)) > 0) {
		char *line = text, *end;

		text[kept + (size_t)n] = '\0';
		for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
			line += strspn(line, " ");
			if (strncmp(line, key, sizeof(key) - 1) == 0)
				pages += strtoull(line + sizeof(key) - 1, NULL, 10);
		}
		kept = strlen(line) < sizeof(text) / 2 ? strlen(line) : 0;
		memmove(text, line, kept);
	}
	return pages;
}

static bool read_text(const struct host_memory *h, char *text, size_t size)
{
	ssize_t n = h->fd < 0 ? -1 : pread(h->fd, text, size - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

static uint64_t kernel_now(const char *text)
{
	uint64_t kernel = host_memory_kernel(text);
	uint64_t waiting = waiting_pages() * (uint64_t)sysconf(_SC_PAGESIZE);

	return kernel > waiting ? kernel - waiting : 0;
}

static void host_memory_start(struct host_memory *h)
{
	char text[4096];

	h->fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
	h->begun = true;
	if (!read_text(h, text, sizeof(text)))
		return;
	h->kernel.first = h->kernel.last = kernel_now(text);
	h->shared.first = h->shared.last = line_of(text, "\nShmem:");
}

void host_memory_look(struct host_memory *h, uint64_t system, uint64_t faults, uint64_t unseen)
{
	uint64_t pages = faults > h->faults ? faults - h->faults : 0;
	uint64_t ticks = system > h->system ? system - h->system : 0;
	uint64_t could = ticks * (FILLS_PER_SECOND / (uint64_t)sysconf(_SC_CLK_TCK)) +
			 unseen / 1000 * (FILLS_PER_SECOND / 1000000);
	char text[4096];

	if (!h->begun)
		host_memory_start(h);
	if (!read_text(h, text, sizeof(text)))
		return;
	host_part_look(&h->kernel, kernel_now(text), could);
	host_part_look(&h->shared, line_of(text, "\nShmem:"),
		       could + pages * (uint64_t)sysconf(_SC_PAGESIZE));
	h->system = system;
	h->faults = faults;
}

void host_memory_end(struct host_memory *h)
{
	fd_close(&h->fd);
}
