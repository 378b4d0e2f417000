#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The tests that need no compiler, in the machine: one line per suite, and at the end
# the row of the table in docs/kernel-requirements.md.
set -u
export BUILD=build PYTHONDONTWRITEBYTECODE=1 RUNNER_SWEEP=131 RUNNER_SLOW=1
failed=0
all=/tmp/results
table=/tmp/table
export RUNNER_TABLE=$table
: >$all
show()
{
	echo "== $1"
	grep ' passed, ' "$2" >>$all
	# What failed, whole; of the rest only what was skipped.
	if grep -q ' 0 failed' "$2"; then
		grep -E ' passed, |^skipped: ' "$2"
	else
		failed=1
		cat "$2"
	fi
}
# These two are long, and neither counts processes or measures CPUs: side by side.
first=tests/e2e/test_memory.py
second=tests/security/test_selftest.py
for t in tests/e2e/test_*.py tests/security/test_*.py; do
	[ $t != $second ] || continue
	[ $t != $first ] || /usr/bin/python3 -W ignore $second >/tmp/two 2>&1 &
	/usr/bin/python3 -W ignore "$t" >/tmp/one 2>&1
	show "$t" /tmp/one
	wait
	[ $t != $first ] || show $second /tmp/two
done
# What stops each attack here: to be compared with the table of another kernel.
echo "== runner selftest --ablate"
cat $table
layers=$(build/runner doctor --json | python3 -c '
import json, sys
d = json.load(sys.stdin)
weak = [n for n, l in d["layers"].items() if l["state"] != "ok"]
print("%s | %s" % (d["landlock_abi"], ", ".join(weak) or "none"))')
awk -v kernel="$(uname -r)" -v layers="$layers" '
	{ passed += $1; failed += $3; skipped += $5 }
	END { printf "| %s | %s | %d | %d | %d |\n", kernel, layers, passed, failed, skipped }' $all
exit $failed
