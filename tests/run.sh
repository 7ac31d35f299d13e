#!/bin/bash
# Runs all unit tests in the directory $1 and all integration tests; the last
# line is "N passed, N failed".
set -eu
mapfile -t unit < <(find "$(cd "$1" && pwd)" -name 'test_*' -type f -perm -u+x | sort)
[[ ${#unit[@]} -gt 0 ]] || {
	echo "$0: no unit tests in $1" >&2
	exit 1
}
cd "${0%/*}"
# Those that take longest begin, so that none goes on alone in the end.
long=(integration/t-{real-verbatim,64mb,real}.sh)
others=()
for test in integration/t-*.sh; do
	[[ " ${long[*]} " == *" $test "* ]] || others+=("$test")
done
exec integration/run.sh -j "$(nproc)" "${long[@]}" "${unit[@]}" "${others[@]}"
