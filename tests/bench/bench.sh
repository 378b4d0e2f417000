#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Speed, as ratios within one interleaved run. ROUNDS=200 by default.
set -eu

b=${BUILD:-build}
rounds=${ROUNDS:-200}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT INT TERM
printf 'import sys\nx = sum(range(10))\nprint(x)\n' >"$dir/three.py"
python=/usr/bin/python3

if command -v bwrap >/dev/null; then
	bwrap="bwrap --unshare-all --ro-bind / / --dev /dev --proc /proc --tmpfs /run"
	echo "a static true; ratio to bwrap (goal 0.36, must 0.5)"
	# shellcheck disable=SC2086
	"$b/t/bench" -n "$rounds" bwrap $bwrap "$b/t/true" \
		--end runner "$b/runner" exec "$b/t/true" \
		--end "no sandbox" "$b/t/true"
	echo
	echo "eight at once, microseconds per run; ratio to bwrap (must 0.5)"
	# shellcheck disable=SC2086
	"$b/t/bench" -n "$((rounds / 2))" -p 8 bwrap $bwrap "$b/t/true" \
		--end runner "$b/runner" exec "$b/t/true" \
		--end "no sandbox" "$b/t/true"
	echo
else
	echo "bwrap is not installed: no comparison with it (apt-get install bubblewrap)"
fi
echo "a three-line Python script; ratio to bare python (must 1.20)"
"$b/t/bench" -n "$rounds" "no sandbox" $python "$dir/three.py" \
	--end runner "$b/runner" exec "$dir/three.py"
