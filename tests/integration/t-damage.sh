#!/bin/bash
# Entries of every table are spoiled: nothing crashes, db check finds it, and no
# other bytes are served than before.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=tests/integration/lib-faults.sh
. "$TESTS/lib-faults.sh"

need_faults
fault_store
mkdir "$T/work"
"$PYTHON" "$TOP/tests/fault/damage.py" --base "$T/base" --work "$T/work" \
	--suitefs "$SUITEFS" --walk "$WALK" --damage "${WALK%/*}/damage" \
	--rounds "${ROUNDS:-130}" --seconds "${SECONDS_EACH:-40}" \
	${SEED:+--seed "$SEED"} || fail "damage does harm"
