#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The tests that need no compiler, in the machine: one line per suite, and at the end
# the row of the table in docs/kernel-requirements.md.
set -u
export BUILD=build PYTHONDONTWRITEBYTECODE=1 RUNNER_SWEEP=131 RUNNER_SLOW=1
all=/tmp/results
table=/tmp/table
export RUNNER_TABLE=$table
: >$all
# One suite: its line, what was skipped, and what failed, whole. The machine has two
# CPUs, and no suite counts others' processes or expects a time: two at once.
cat >/tmp/one <<'END'
log=/tmp/log-$(basename "$1")
/usr/bin/python3 -W ignore "$1" >"$log" 2>&1
exec 9>/tmp/one.lock
flock 9
echo "== $1"
grep ' passed, ' "$log" >>/tmp/results || echo "0 passed, 1 failed, 0 skipped" >>/tmp/results
if grep -q ' passed, 0 failed' "$log"; then
	grep -E ' passed, |^skipped: ' "$log"
else
	cat "$log"
fi
END
# The longest first.
first="tests/security/test_selftest.py tests/e2e/test_memory.py"
{
	printf '%s\n' $first
	for t in tests/e2e/test_*.py tests/security/test_*.py; do
		case " $first " in *" $t "*) ;; *) echo $t ;; esac
	done
} | xargs -P 2 -n 1 sh /tmp/one
failed=$(awk '{ n += $3 } END { print n > 0 }' $all)
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
