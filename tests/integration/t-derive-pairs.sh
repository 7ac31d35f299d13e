#!/bin/bash
# merge and diff of made-up archives against an implementation that is slow and
# plain.  PAIRS is how many (150), SEED which (1).
. "$(dirname "$0")/lib.sh" || exit

need_fuse
: "${PAIRS:=150}" "${SEED:=1}"
mkdir "$T/mnt" "$T/up"
run suitefs snapshot create empty empty
run suitefs mount "$T/mnt"
"$PYTHON" "$TESTS/pairs.py" "$T/up" "$T/mnt" "$PAIRS" "$SEED" ||
	fail "PAIRS=$PAIRS SEED=$SEED"
run suitefs db check
