#!/bin/bash
# Debian's real bookworm and what it is some time later: merge and diff against
# an implementation that is slow and plain, and the listings of both on the mount.
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=tests/integration/lib-real.sh
. "$TESTS/lib-real.sh"

need_fuse
real_upstream amd64
make_key up
UP=$T/up
INDEX=dists/bookworm/main/binary-amd64

# later PER-MILLE SEED: the archive $UP with so much changed.
later() {
	rm -rf "$UP"
	mkdir -p "$UP/$INDEX"
	xz -dc "$REAL/$INDEX/Packages.xz" |
		"$PYTHON" "$TESTS/churn.py" "$1" "$2" >"$UP/$INDEX/Packages"
	(cd "$UP/dists/bookworm" && ftparchive release .) >"$T/release"
	release_head "$T/release" 'Suite: bookworm' 'Components: main' \
		'Architectures: amd64' "Date: $(date_of now)" \
		'No-Support-for-Architecture-all: Packages' \
		>"$UP/dists/bookworm/Release"
	sign_release "$UP/dists/bookworm" up
}

later 5 1
run suitefs mirror create --keyring="$KEYS/up.gpg" --no-indexes m "file:$UP" \
	bookworm
run suitefs mirror update m
run suitefs snapshot create one from mirror m
later 5 2
run suitefs mirror update m
run suitefs snapshot create two from mirror m
runs() {
	suitefs --json db stats | "$PYTHON" -c '
import json, sys
print(json.load(sys.stdin)["tables"]["runs"]["entries"])'
}
before=$(runs)
run suitefs snapshot merge replace one two
run suitefs snapshot merge --no-remove no-remove two one
run suitefs snapshot merge --latest latest two one
expect 3 '' suitefs --json snapshot diff --fields one two
mv "$T/out" "$T/rows"
# What is merged shares its runs with what it is made of.
((3 * ($(runs) - before) < before)) ||
	fail "merging made $(($(runs) - before)) runs beside $before"
mkdir "$T/mnt"
run suitefs mount "$T/mnt"
run "$PYTHON" - "$TESTS" "$T/mnt/snapshots" "$T/rows" <<'END'
import json
import sys

sys.path.insert(0, sys.argv[1])
import oracle

def load(name):
    return oracle.Snapshot(sys.argv[2] + "/" + name)

one, two = load("one"), load("two")
bad = oracle.check_diff(json.load(open(sys.argv[3])), one, two)
for mode, sources in (("replace", [one, two]), ("no-remove", [two, one]),
                      ("latest", [two, one])):
    bad += [mode + ": " + b[:500]
            for b in oracle.check_merge(load(mode), sources, mode)]
for line in bad[:20]:
    print(line, file=sys.stderr)
sys.exit(1 if bad else 0)
END
cd "$T/mnt/snapshots"
run suitefs --json snapshot diff two two
expect 1 '' diff -rq one/packages two/packages
equal() {
	[[ $1 == "$2" ]] || fail "$3 is '$1', not '$2'"
}
# Each row is a file on one side, or one on each.
equal "$(grep -c ^Only "$T/out")" "$("$PYTHON" -c '
import json, sys
print(sum(1 if r["change"] != "!" else 2 if r["old"] != r["new"] else 0
	for r in json.load(open(sys.argv[1]))))' "$T/rows")" \
	'number of files that diff -rq finds in one only'
