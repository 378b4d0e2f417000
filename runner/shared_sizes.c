/* SPDX-License-Identifier: Apache-2.0 */
#include "shared_sizes.h"

#include <stdint.h>

void shared_sizes_add(struct shared_sizes *s, uint64_t size)
{
	unsigned int at = s->n < SHARED_SIZES_MOST ? s->n++ : SHARED_SIZES_MOST - 1;

	if (at == SHARED_SIZES_MOST - 1 && s->size[at] >= size)
		return;
	for (; at > 0 && s->size[at - 1] < size; at--)
		s->size[at] = s->size[at - 1];
	s->size[at] = size;
}

uint64_t shared_sizes_most(const struct shared_sizes *s, uint64_t n)
{
	uint64_t rest = s->n == SHARED_SIZES_MOST ? s->size[s->n - 1] : SHARED_SIZES_SMALL;
	uint64_t sum = 0;

	for (uint64_t i = 0; i < n; i++) {
		uint64_t size = i < s->n ? s->size[i] : rest;

		if (size > UINT64_MAX - sum)
			return UINT64_MAX;
		sum += size;
	}
	return sum;
}
