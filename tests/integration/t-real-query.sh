#!/bin/bash
# Queries over Debian's own bookworm main, packages and sources: search finds
# what the indexes say, read a second time.
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=tests/integration/lib-real.sh
. "$TESTS/lib-real.sh"

"$PYTHON" -c 'import apt_pkg' 2>/dev/null || skip "no python3-apt"
real_upstream amd64 --sources
run suitefs mirror create --arch=amd64 --source --keyring="$DEBIAN" m \
	"file:$REAL" bookworm main
run suitefs --quiet mirror update m
for path in binary-amd64/Packages source/Sources; do
	xz -dc "$REAL/dists/bookworm/main/$path.xz" >"$T/${path##*/}"
done
run "$PYTHON" "$TESTS/query_oracle.py" fixed "$T/Packages" "$T/Sources" -- \
	"$SUITEFS" mirror search m
cat "$T/out"
