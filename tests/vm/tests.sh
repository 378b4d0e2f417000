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
# What asks the kernel, and what its limits rest on: under emulation minutes, where all
# of it is an hour. All of it: boot.py 6.12 "RUNNER_ALL=1 sh tests/vm/tests.sh"
suites="e2e/binds e2e/exec e2e/programs e2e/supervision
	security/attacks security/coredump security/denials security/displaced
	security/guard security/init security/landlock_rights security/mount_table
	security/outside security/pins security/policy security/replaced
	security/shell_denial security/sockets security/granted_sockets
	security/surroundings"
# These count the cgroups of all runs.
alone="e2e/callers e2e/limits"
# The longest first.
first="security/selftest e2e/memory"
if [ "${RUNNER_ALL:-}" ]; then
	suites=$(ls tests/e2e/test_*.py tests/security/test_*.py |
		sed 's,^tests/,,; s,test_,,; s,[.]py$,,' | grep -vE '^(security/selftest|e2e/memory|e2e/callers|e2e/limits)$')
fi
# One suite: its line, what was skipped, and what failed, whole. The machine has two
# CPUs, and no suite counts others' processes: two at once.
cat >/tmp/one <<'END'
log=/tmp/log-$(basename "$1")
began=$(date +%s)
/usr/bin/python3 -W ignore "tests/$(dirname "$1")/test_$(basename "$1").py" >"$log" 2>&1
took=$(($(date +%s) - began))
exec 9>/tmp/one.lock
flock 9
echo "== $1 ($took s)"
if grep -q ' passed, 0 failed' "$log"; then
	grep ' passed, ' "$log" >>/tmp/results
	grep -E ' passed, |^skipped: ' "$log"
else
	echo "$1" >>/tmp/again
	cat "$log"
fi
END
printf '%s\n' $alone >/tmp/again
printf '%s\n' $first $suites | xargs -P 2 -n 1 sh /tmp/one
# An emulated CPU is slower than a time that was meant to be long when another suite
# has the other one: what failed is asked again, with those, and then it counts.
mv /tmp/again /tmp/alone
while read -r suite; do
	echo "== $suite, alone"
	sh /tmp/one "$suite" </dev/null
	grep -q ' passed, 0 failed' "/tmp/log-$(basename "$suite")" ||
		{ grep ' passed, ' "/tmp/log-$(basename "$suite")" || echo "0 passed, 1 failed, 0 skipped"; } >>$all
done </tmp/alone
failed=$(awk '{ n += $3 } END { print (n > 0) }' $all)
# What stops each attack here: to be compared with the table of another kernel.
if [ -s $table ]; then
	echo "== runner selftest --ablate"
	cat $table
fi
layers=$(build/runner doctor --json | python3 -c '
import json, sys
d = json.load(sys.stdin)
weak = [n for n, l in d["layers"].items() if l["state"] != "ok"]
print("%s | %s" % (d["landlock_abi"], ", ".join(weak) or "none"))')
awk -v kernel="$(uname -r)" -v layers="$layers" '
	{ passed += $1; failed += $3; skipped += $5 }
	END { printf "| %s | %s | %d | %d | %d |\n", kernel, layers, passed, failed, skipped }' $all
exit $failed
