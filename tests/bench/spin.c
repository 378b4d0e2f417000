/* SPDX-License-Identifier: Apache-2.0 */
/* spin: a fixed amount of arithmetic; prints the nanoseconds it took, and when it ended. */
#include <stdint.h>
#include <stdio.h>
#include <time.h>

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int main(void)
{
	uint64_t before = now();
	volatile uint64_t x = 1;

	for (int i = 0; i < 40000000; i++)
		x = x * 6364136223846793005u + 1442695040888963407u;
	printf("%llu %llu\n", (unsigned long long)(now() - before), (unsigned long long)now());
	return 0;
}
