#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What `make demo` shows: one strategy, run in the sandbox, and what is said of it.
set -eu

runner=${BUILD:-build}/runner
script=docs/examples/strategy.py
report=$(mktemp)
trap 'rm -f "$report"' EXIT INT TERM

echo "\$ runner exec --profile strategy --report report.json $script"
"$runner" exec --profile strategy --report "$report" "$script"
echo
echo "\$ cat report.json    # how it begins, and what was denied; all of it: --report FILE"
sed -n '1,/"wall_ms"/p; /^  "denials": \[/,/^  \]/p' "$report"
