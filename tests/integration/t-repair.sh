#!/bin/bash
# db check --repair makes damaged records again: of other records, of indexes that
# are kept, and of those that the archive still has; and says what can't be had.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=tests/integration/lib-faults.sh
. "$TESTS/lib-faults.sh"

need_faults
DAMAGE=${WALK%/*}/damage
fault_store

# --- each kind of damage ------------------------------------------------------------

mkdir "$T/work"
"$PYTHON" "$TOP/tests/fault/repair.py" --base "$T/base" --work "$T/work" \
	--suitefs "$SUITEFS" --walk "$WALK" --damage "$DAMAGE" \
	--rounds "${ROUNDS:-70}" --seconds "${SECONDS_EACH:-10}" \
	${SEED:+--seed "$SEED"} || fail "damage is not repaired"

# --- what the archive still has -------------------------------------------------------

# tree: what the mount would show, without the times.
tree() {
	"$WALK" "$SUITEFS_STORE" | cut -f 1,3,5
}

fresh() {
	rm -rf "$T/store"
	cp -r "$T/base" "$T/store"
	rm -f "$T/store/db/lock.mdb"
}

export SUITEFS_STORE=$T/store
fresh
tree >"$T/before"
# The kept indexes are lost too.
indexes=0
while read -r file; do
	case $(od -An -tx1 -N2 "$file") in
	' 1f 8b' | ' fd 37')
		rm -f "$file"
		indexes=$((indexes + 1))
		;;
	esac
done < <(find "$SUITEFS_STORE/blobs/sha256" -type f)
[[ $indexes -gt 0 ]] || fail "no index is kept"
run "$DAMAGE" "$SUITEFS_STORE" lists gone 1
run "$DAMAGE" "$SUITEFS_STORE" heavy bit 7
expect 3 '' suitefs --quiet db check --repair
run suitefs --quiet db check --blobs
tree >"$T/after"
same "$T/before" "$T/after" "the tree before and after"

# --- what can't be had -----------------------------------------------------------------

fresh
run "$DAMAGE" "$SUITEFS_STORE" states bit 1
expect 3 '' suitefs --quiet --json db check --repair
equal "$(json '[f["repaired"] for f in j["findings"]]')" False 'findings'
[[ $(json 'len(j["lost"])') -gt 0 ]] || { show_output && fail "nothing is lost"; }
expect 3 '' suitefs --quiet db check --repair
grep -qE '^(snapshot|mirror|publication) .*: can.t be had: its state' "$T/out" ||
	{ show_output && fail "who lacks it is not told"; }
fresh
run suitefs --quiet db check --repair
[[ ! -s $T/out ]] || { show_output && fail "damage where there is none"; }

# --- a dictionary ------------------------------------------------------------------------

# As many stanzas as a dictionary is made for, in an archive of indexes alone.
"$PYTHON" - "$T/flat" <<-'END'
	import gzip, hashlib, os, random, sys
	r = random.Random(1)
	text = "".join(
	    "Package: p%d\nVersion: %d\nArchitecture: all\nFilename: ./p%d.deb\n"
	    "Size: %d\nSHA256: %064x\nDescription: %040x\n\n" % (
	        i, r.getrandbits(20), i, i + 1, r.getrandbits(256),
	        r.getrandbits(160)) for i in range(7000)).encode()
	os.mkdir(sys.argv[1])
	packed = gzip.compress(text, 1)
	open(sys.argv[1] + "/Packages.gz", "wb").write(packed)
	lines = "".join(" %s %d %s\n" % (hashlib.sha256(b).hexdigest(), len(b), n)
	                for b, n in ((text, "Packages"), (packed, "Packages.gz")))
	open(sys.argv[1] + "/Release", "w").write(
	    "Date: Thu, 01 Jan 2026 00:00:00 UTC\nSHA256:\n" + lines)
END
SUITEFS_STORE=$T/dict
run suitefs mirror create --allow-unsigned flat "file:$T/flat" ./
run suitefs --quiet mirror update flat
tree >"$T/before"
run "$DAMAGE" "$SUITEFS_STORE" dicts bit 1
expect 3 '' suitefs --quiet db check
expect 3 '' suitefs --quiet db check --repair
run suitefs --quiet db check --blobs
tree >"$T/after"
same "$T/before" "$T/after" "the tree before and after"
# The new dictionary serves the next update.
run suitefs --json db stats
equal "$(json 'j["tables"]["dicts"]["entries"]')" 1 'dictionaries'

# --- stopped ------------------------------------------------------------------------------

# Killed at any moment, it is run again, and done.
for delay in 0.05 0.2; do
	run "$DAMAGE" "$SUITEFS_STORE" dicts bit 1
	timeout -s KILL "$delay" "$SUITEFS" --quiet db check --repair \
		>"$T/out" 2>&1 || :
	status=0
	suitefs --quiet db check --repair >"$T/out" 2>"$T/err" || status=$?
	[[ $status == [03] ]] || { show_output && fail "status $status"; }
	run suitefs --quiet db check --blobs
	tree >"$T/after"
	same "$T/before" "$T/after" "the tree before and after"
done
