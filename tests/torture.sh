#!/bin/bash
# Faults and races, many more of them than in "make check": see README.md here.
#
#   torture.sh [TEST...]	by default all that look at TORTURE_ROUNDS
#
# In the environment: SUITEFS, TORTURE_ROUNDS and TORTURE_SECONDS.
set -u
cd "${0%/*}/integration" || exit
: "${TORTURE_ROUNDS:=1000}" "${TORTURE_SECONDS:=600}"
export TORTURE_ROUNDS TORTURE_SECONDS
(($#)) || set -- t-power.sh t-kill.sh t-kill-mount.sh t-fail.sh t-fail-mount.sh \
	t-memory.sh t-damage.sh t-repair.sh t-races.sh
failed=0
begun=$SECONDS
for test; do
	printf '%s\n' "$test"
	bash "$test" || failed=$((failed + 1))
done
printf '%d tests in %d s, %d failed\n' $# $((SECONDS - begun)) "$failed"
[[ $failed == 0 ]]
