#!/bin/bash
# usage: run.sh SECONDS FUZZER...
# Runs each fuzz target for so long, as many at once as there are processors.
# Where FUZZ_END is set, seconds since 1970, each gets as much less as ends all by
# then, but a quarter of it at least.
# Each begins with its corpus.  What it finds on the way is thrown away; an input
# that breaks it is left beside it, under the name that is printed.
set -eu

seconds=$1
shift
corpus=$(dirname "$0")/corpus
found=$(mktemp -d)
trap 'rm -rf "$found"' EXIT
trap 'exit 130' INT TERM

if [[ ${FUZZ_END-} ]]; then
	turns=$((($# + $(nproc) - 1) / $(nproc)))
	left=$(((FUZZ_END - EPOCHSECONDS) / turns))
	((left >= seconds / 4)) || left=$((seconds / 4))
	((left >= seconds)) || seconds=$left
fi
printf '%s fuzzers, %s s each\n' "$#" "$seconds"

run_one() {
	local fuzzer=$1 name=${1##*/fuzz_}

	echo "$name"
	mkdir "$found/$name"
	"$fuzzer" -max_total_time="$seconds" -artifact_prefix="$fuzzer-" \
		"$found/$name" "$corpus/$name" >"$found/$name.log" 2>&1 || {
		cat "$found/$name.log"
		return 1
	}
}

failed=0
running=0
for fuzzer; do
	if ((running == $(nproc))); then
		wait -n || failed=1
		running=$((running - 1))
	fi
	run_one "$fuzzer" &
	running=$((running + 1))
done
while ((running > 0)); do
	wait -n || failed=1
	running=$((running - 1))
done
exit $failed
