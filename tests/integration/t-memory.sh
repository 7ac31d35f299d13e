#!/bin/bash
# Memory is refused, at any allocation of the program: it says so and ends in an
# orderly way, nothing is lost, and run again it succeeds.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=tests/integration/lib-faults.sh
. "$TESTS/lib-faults.sh"

need_faults
fault_store
# shellcheck disable=SC2086 # words
faults malloc 8 3 ${SCENES:-$SOME_SCENES}
