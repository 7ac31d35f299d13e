#!/bin/bash
# The disk is full, or gives errors, at any operation on files, once or from then
# on: the command says so, nothing is lost, and run again it succeeds.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=tests/integration/lib-faults.sh
. "$TESTS/lib-faults.sh"

need_faults
fault_store
# shellcheck disable=SC2086 # words
faults fail 8 3 ${SCENES:-$SOME_SCENES}
