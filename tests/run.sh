#!/bin/bash
# Runs all unit tests in the directory $1 and all integration tests; the last
# line is "N passed, N failed".
set -eu
cd "${0%/*}"
mapfile -t unit < <(find "$(cd "$1" && pwd)" -name 'test_*' -type f -perm -u+x | sort)
exec integration/run.sh -j "$(nproc)" "${unit[@]}" integration/t-*.sh
