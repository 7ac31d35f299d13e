#!/bin/bash
# Commands that are killed between any two of their operations on files leave
# all whole, and run again they succeed.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=tests/integration/lib-faults.sh
. "$TESTS/lib-faults.sh"

need_faults
fault_store
# shellcheck disable=SC2086 # words
faults kill 8 3 ${SCENES:-$SOME_SCENES}
