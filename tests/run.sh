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
# Those that take longest begin, so that none goes on alone in the end: first the
# one that fetches Debian's archive, last those that need it too.
long=(integration/t-{real-verbatim,races,bad-server,history,db,64mb,real}.sh)
others=()
for test in integration/t-*.sh; do
	[[ " ${long[*]} " == *" $test "* ]] || others+=("$test")
done
# Most wait half of their time, for disks, clocks and servers.
exec integration/run.sh -j $(($(nproc) + 2)) "${long[@]}" "${unit[@]}" "${others[@]}"
