#!/bin/bash
# Queries mean what a second, slow implementation says they mean: made-up ones
# over made-up packages.  SEED and COUNT choose others, or more.
. "$(dirname "$0")/lib.sh" || exit

need dpkg
SEED=${SEED:-1}
COUNT=${COUNT:-150}

for seed in "$SEED" $((SEED + 1)) $((SEED + 2)); do
	run "$PYTHON" "$TESTS/query_oracle.py" archive "$T/up$seed" "$seed"
	run suitefs mirror create --allow-unsigned --source --udeb "m$seed" \
		"file:$T/up$seed" stable
	run suitefs --quiet mirror update "m$seed"
	run "$PYTHON" "$TESTS/query_oracle.py" random "$T/up$seed" "$seed" \
		"$COUNT" "$SUITEFS" mirror search "m$seed"
	cat "$T/out"
done
