/* SPDX-License-Identifier: Apache-2.0 */
#include "limits.h"

#include <string.h>

#define FIELD(f) offsetof(struct spec_limits, f)

const struct limit limit_table[LIMITS] = {
	{ "wall_time", LIMIT_MS, FIELD(wall_ms), 1, INT64_MAX, "a run needs some time", false },
	{ "cpu_time", LIMIT_MS, FIELD(cpu_ms), 1, INT64_MAX, "a run needs some CPU time", false },
	{ "memory", LIMIT_BYTES, FIELD(memory), 1 << 20, INT64_MAX, "below 1 MiB no program starts",
	  false },
	{ "memory_high", LIMIT_BYTES, FIELD(memory_high), 1 << 20, INT64_MAX,
	  "below 1 MiB no program starts", false },
	{ "pids", LIMIT_COUNT, FIELD(pids), 1, 4194304,
	  "the payload itself is one; the kernel knows at most 4194304", false },
	{ "cpus", LIMIT_MILLI_CPUS, FIELD(cpus_milli), 1, 4096000, "0.001 to 4096 CPUs", false },
	{ "output", LIMIT_BYTES, FIELD(output), 0, INT64_MAX, "", false },
	{ "open_files", LIMIT_COUNT, FIELD(open_files), 8, 1048576,
	  "a program needs a few; the kernel gives at most 1048576", false },
	{ "file_size", LIMIT_BYTES, FIELD(file_size), 0, INT64_MAX, "", false },
	{ "grace", LIMIT_MS, FIELD(grace_ms), 0, 3600000, "0 to 1h, or the run might never end",
	  true },
	{ "drain", LIMIT_MS, FIELD(drain_ms), 0, 3600000, "0 to 1h, or the run might never end",
	  true },
};

int limit_parse(const struct limit *l, const char *text, uint64_t *ret)
{
	if (strcmp(text, "unlimited") == 0) {
		*ret = UNLIMITED;
		return 0;
	}
	switch (l->unit) {
	case LIMIT_MS: return text_duration(text, ret);
	case LIMIT_BYTES: return text_size(text, ret);
	case LIMIT_MILLI_CPUS: return text_cpus(text, ret);
	case LIMIT_COUNT: break;
	}
	return text_number(text, 0, INT64_MAX, ret);
}

const char *limit_example(const struct limit *l)
{
	switch (l->unit) {
	case LIMIT_MS: return "a time such as 30s, 500ms or 2m (a bare number is seconds)";
	case LIMIT_BYTES: return "a size such as 512m or 1g (a bare number is bytes)";
	case LIMIT_MILLI_CPUS: return "a number of CPUs such as 0.5 or 2";
	case LIMIT_COUNT: break;
	}
	return "a whole number";
}
