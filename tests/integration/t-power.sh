#!/bin/bash
# The power fails: whatever of a command's writes has reached the disk, all that
# was whole is whole, and the command run again succeeds.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=tests/integration/lib-faults.sh
. "$TESTS/lib-faults.sh"

need_faults
fault_store
[[ ! -w /dev/fuse ]] || SOME_SCENES+=' mount'
# shellcheck disable=SC2086 # words
faults power 12 3 ${SCENES:-$SOME_SCENES}

# What finds nothing there finds a program that never flushes anything.
scene update
OPTIONS+=(--forget-syncs)
if (faults_in update power 30 20) >"$T/out" 2>&1; then
	show_output
	fail "a program that flushes nothing is not found out"
fi
grep -q 'power fails after' "$T/out" || { show_output && fail "it did not run"; }
