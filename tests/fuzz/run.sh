#!/bin/sh
# usage: run.sh SECONDS FUZZER...
# Runs each fuzz target for so long, beginning with its corpus.  What it finds
# on the way is thrown away; an input that breaks it is left beside it, under
# the name that is printed.
set -eu

seconds=$1
shift
corpus=$(dirname "$0")/corpus
found=$(mktemp -d)
trap 'rm -rf "$found"' EXIT INT TERM
failed=0

for fuzzer; do
	name=$(basename "$fuzzer")
	name=${name#fuzz_}
	echo "$name"
	mkdir "$found/$name"
	if ! "$fuzzer" -max_total_time="$seconds" -artifact_prefix="$fuzzer-" \
		"$found/$name" "$corpus/$name" >"$found/log" 2>&1; then
		cat "$found/log"
		failed=1
	fi
done
exit $failed
