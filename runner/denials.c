/* SPDX-License-Identifier: Apache-2.0 */
#include "denials.h"

#include <string.h>

#include "../seccomp/bpf.h"
#include "denial.h"

/* Whose share it takes: the call's own, or the one of all that is no call we know. */
static unsigned int share_of(int nr, uint32_t arch)
{
	return arch == BPF_NATIVE_ARCH && nr >= 0 && nr < DENIAL_CALLS ? (unsigned int)nr
								       : DENIAL_OTHER;
}

static bool is_kind(const struct denial *row, const struct denial *call)
{
	return row->nr == call->nr && row->arch == call->arch && row->error == call->error &&
	       row->layer == call->layer && denial_same_kind(row->nr, row->args, call->args);
}

static void count_again(struct denial *row, const struct denial *call)
{
	row->count++;
	row->varied = row->varied || !denial_same_values(row->nr, row->args, call->args);
}

/* NULL: there is no room for another kind of this call. */
static struct denial *new_row(struct denials *d, unsigned int share)
{
	bool first = share != DENIAL_OTHER && d->kinds[share] == 0;

	if (!first) {
		if (d->kinds[share] == DENIAL_MAX_KINDS || d->n_more == DENIAL_MORE_KINDS)
			return NULL;
		d->n_more++;
	}
	d->kinds[share]++;
	return &d->row[d->n++];
}

struct denial *denials_count(struct denials *d, int nr, uint32_t arch, const uint64_t args[6],
			     int error, int layer)
{
	struct denial call = { .nr = nr, .arch = arch, .error = error, .layer = layer, .count = 1 };
	struct denial *row;

	memcpy(call.args, args, sizeof(call.args));
	if (error == 0 && d->ending.count == 0) {
		d->ending = call;
		return &d->ending;
	}
	for (unsigned int i = 0; i < d->n; i++)
		if (is_kind(&d->row[i], &call)) {
			count_again(&d->row[i], &call);
			return NULL;
		}
	row = new_row(d, share_of(nr, arch));
	if (row)
		*row = call;
	else
		d->dropped++;
	return row;
}
