#!/bin/bash
# snapshot fetch and mirror fetch: what they say, what they fetch, and that
# nothing of it is lost or wrong after kill -9 and on a full disk.
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=tests/integration/lib-publish.sh
. "$TESTS/lib-publish.sh"

need gpg
make_deb aa 1:1.0-1 all
pool_add "$T/up" main "$DEB"
make_deb bb 1.0 amd64
pool_add "$T/up" main "$DEB"
make_deb bb 1.0 arm64
pool_add "$T/up" main "$DEB"
for i in {1..12}; do
	DEB_SIZE=150000 make_deb "p$i" 1.0 amd64
	pool_add "$T/up" main "$DEB"
done
DEB_SIZE=3000000 make_deb big 1.0 amd64
pool_add "$T/up" main "$DEB"
make_source src 1.0-1
pool_add "$T/up" main "$DSC"
FILES=$(find "$T/up/pool" -type f | wc -l)
BYTES=$(find "$T/up/pool" -type f -printf '%s\n' | awk '{ n += $1 } END { print n }')
start_badserver "$T/up"
upstream "$T/up" sources=y arches=amd64,arm64
mirror_of m "$BAD_URL" --source
run suitefs snapshot create one from mirror m
run suitefs snapshot create two from mirror m
cp -a "$T/up/dists/stable" "$T/listed"

# missing NAME: how many of a snapshot's pool files are not present.
missing() {
	suitefs --json snapshot show "$1" >"$T/out"
	json 'j["pool"]["missing_files"]'
}

# whole_blobs: each file among the store's blobs is what its name says.
whole_blobs() {
	local file

	BLOBS=0
	while read -r file; do
		[[ $(sha256sum <"$file") == "${file##*/}  -" ]] ||
			fail "the blob ${file##*/} is something else"
		BLOBS=$((BLOBS + 1))
	done < <(find "$SUITEFS_STORE/blobs" -type f)
}

has() {
	local hash
	hash=$(sha256sum <"$1")
	cmp -s "$1" "$SUITEFS_STORE/blobs/sha256/${hash:0:2}/${hash%% *}"
}

size_of() {
	stat -c %s "$1"
}

# --- what is wanted -------------------------------------------------------------------

bad_clear
expect_line 0 "$FILES of $FILES files are missing, $BYTES of $BYTES bytes" \
	suitefs snapshot fetch --dry-run --no-indexes one
expect_line 0 "^suitefs: $FILES of $FILES files" \
	suitefs mirror fetch --dry-run --no-indexes m
run suitefs --quiet --json snapshot fetch --dry-run --no-indexes one
equal "$(json 'j["missing_files"], j["missing_bytes"], j["fetched_files"]')" \
	"$FILES $BYTES 0" 'what --json --dry-run says'
expect_line 0 '1 of 1 files.* [0-9]+ of [0-9]+ bytes' \
	suitefs snapshot fetch --dry-run one aa
expect_line 0 '2 of 2 files' suitefs snapshot fetch --dry-run one bb
expect_line 0 '1 of 1 files' suitefs snapshot fetch --dry-run one bb_1.0_arm64
expect_line 0 '1 of 1 files' suitefs snapshot fetch --dry-run one aa_1:1.0-1_all
expect_line 0 '3 of 3 files' suitefs snapshot fetch --dry-run one src
expect_line 0 '3 of 3 files' \
	suitefs snapshot fetch --dry-run one src_1.0-1_source
expect_line 0 '3 of 3 files' \
	suitefs snapshot fetch --dry-run --arch=source one
expect_line 0 '2 of 2 files' suitefs snapshot fetch --dry-run --arch=arm64 one
expect_line 1 'one has no such package: nothing' suitefs snapshot fetch one nothing
expect_line 1 'no such package' suitefs snapshot fetch one bb_2.0_arm64
expect_line 1 'no such package: nothing' suitefs snapshot fetch one aa nothing
expect_line 1 'no snapshot is named nine' suitefs snapshot fetch nine
expect_line 1 'no mirror is named nine' suitefs mirror fetch nine
equal "$(bad_count '*')" 0 'requests of those that only ask'
equal "$(missing one)" "$FILES" 'missing files so far'

# Without --no-indexes it is also what Release lists: no plain form, for that is
# made of another.
listed=$(awk '$3 ~ /[.][gx]z$/ { print $3 }' \
	<(release_list "$T/up/dists/stable/Release") | sort -u)
all=$(wc -l <<<"$listed")
come=$(grep -c '[.]xz$' <<<"$listed") # with the update
equal "$all $come" '6 3' 'compressed indexes that Release lists, and that are here'
expect_line 0 "$((FILES + 3)) of $((FILES + 6)) files are missing" \
	suitefs snapshot fetch --dry-run one
run suitefs --json snapshot show one
equal "$(json 'j["listed"]["files"], j["listed"]["missing_files"], j["missing_files"]')" \
	"6 3 $((FILES + 3))" 'files as show counts them'

# --- some, for all snapshots ----------------------------------------------------------------

run suitefs --json snapshot fetch one aa bb_1.0_arm64 src
equal "$(json 'j["files"], j["fetched_files"], j["failed_files"]')" '5 5 0' \
	'what --json says'
equal "$(bad_count '*')" 5 'requests for five files'
for file in aa_1.0-1_all.deb bb_1.0_arm64.deb src_1.0-1.dsc \
	src_1.0.orig.tar.xz; do
	has "$DEBS/$file" || fail "$file is not present"
done
! has "$DEBS/bb_1.0_amd64.deb" || fail "bb of amd64 was not asked for"
equal "$(missing two)" $((FILES - 5)) 'missing files of the other snapshot'
expect_line 0 '0 of 5 files are missing, 0 of' \
	suitefs mirror fetch m aa bb_1.0_arm64 src
equal "$(bad_count '*')" 5 'requests for what is present'

# --- in parallel ----------------------------------------------------------------------------

bad_clear
bad_rule '*/p[1-4]_*' delay seconds=1
start=${EPOCHREALTIME/./}
run suitefs snapshot fetch one p1 p2 p3 p4
took=$((${EPOCHREALTIME/./} - start))
((took < 3000000)) || fail "four files of one second each took $took us"

# --- a file that can't be had does not keep the others ------------------------------------------

bad_clear
bad_rule '*/p5_*' status code=404
bad_rule '*/p6_*' other
expect 1 'files could not be fetched' suitefs snapshot fetch one p5 p6 p7
for name in p5 p6; do
	grep -q "$BAD_URL/pool/main/p/$name/" "$T/err" ||
		fail "it does not say that $name is missing"
	! has "$DEBS/${name}_1.0_amd64.deb" || fail "$name is present"
done
has "$DEBS/p7_1.0_amd64.deb" || fail "p7 is not present"

# --- cut off: goes on where it was ----------------------------------------------------------------

BIG=$DEBS/big_1.0_amd64.deb
HASH=$(sha256sum <"$BIG")
PARTIAL=$SUITEFS_STORE/tmp/${HASH%% *}
has_part() {
	[[ -e $PARTIAL && $(size_of "$PARTIAL") -ge ${1-1000000} ]]
}
bad_clear
bad_rule '*/big_*' stall after=2000000
"$SUITEFS" snapshot fetch one big 2>/dev/null &
FETCH=$!
own_pid "$FETCH"
wait_for 10 has_part || fail "no partial file in tmp/"
kill -KILL "$FETCH"
wait "$FETCH" 2>/dev/null || :
HAVE=$(size_of "$PARTIAL")
bad_clear
run suitefs snapshot fetch one big
has "$BIG" || fail "big is not present"
grep -q " 206 ok bytes=$HAVE-" "$BAD_LOG" ||
	fail "it does not go on at $HAVE: $(cat "$BAD_LOG")"
[[ ! -e $PARTIAL ]] || fail "the partial file is left"
# SIGINT likewise, and it says so and goes at once.
DEB_SIZE=3000000 make_deb big 2.0 amd64
pool_add "$T/up" main "$DEB"
BIG=$DEB
HASH=$(sha256sum <"$BIG")
PARTIAL=$SUITEFS_STORE/tmp/${HASH%% *}
upstream "$T/up" sources=y arches=amd64,arm64
run suitefs mirror update m
bad_rule '*/big_2*' stall after=2000000
"$SUITEFS" mirror fetch m big 2>"$T/stopped" &
FETCH=$!
own_pid "$FETCH"
wait_for 10 has_part || fail "no partial file in tmp/"
# A command in the background has SIGINT ignored; SIGTERM means the same.
kill -TERM "$FETCH"
start=${EPOCHREALTIME/./}
status=0
wait "$FETCH" || status=$?
took=$((${EPOCHREALTIME/./} - start))
((took < 2000000)) || fail "it took $took us to stop"
equal "$status" 1 'the exit status of a fetch that is stopped'
grep -q stopped "$T/stopped" || fail "it does not say that it was stopped"
# A partial file of other bytes is found out, and does not stay in the way.
bad_clear
head -c 1500000 /dev/zero >"$PARTIAL"
run suitefs mirror fetch m big
has "$BIG" || fail "big 2.0 is not present"

# --- kill -9 at any moment ----------------------------------------------------------------------------

bad_clear
bad_rule '*/p*' trickle rate=400000
for i in {1..10}; do
	"$SUITEFS" snapshot fetch two >/dev/null 2>&1 &
	FETCH=$!
	own_pid "$FETCH"
	sleep "0.$((RANDOM % 40 + 1))"
	kill -KILL "$FETCH" 2>/dev/null || :
	wait "$FETCH" 2>/dev/null || :
	whole_blobs
	run suitefs --json snapshot show two
done
bad_clear
run suitefs snapshot fetch two
equal "$(missing two)" 0 'missing files at the end'
whole_blobs
while read -r file; do
	has "$file" || fail "$file is not present"
done < <(find "$T/up/pool" -type f ! -name 'big_2*')
equal "$(find "$SUITEFS_STORE/tmp" -type f | wc -l)" 0 'files left in tmp/'

# --- what Release lists -------------------------------------------------------------------------------

run suitefs --json snapshot show two
equal "$(json 'j["listed"]["missing_files"]')" 0 'listed files that are missing'
# Nothing is left to be asked for: the archive may go.
bad_clear
bad_rule '*' status code=404
expect_line 0 '0 of [0-9]+ files are missing' suitefs snapshot fetch two
equal "$(bad_count '*')" 0 'requests for what is pinned'
while read -r path; do
	has "$T/listed/$path" || fail "$path is not present"
done <<<"$listed"
# Another state, of which the archive lacks one file: a warning, and no more.
bad_clear
make_deb cc 1.0 arm64
pool_add "$T/up" main "$DEB" "$DSC"
make_source src 2.0
pool_add "$T/up" main "$DSC"
upstream "$T/up" sources=y arches=amd64,arm64
run suitefs mirror update m
bad_rule '*/main/binary-arm64/*' status code=404
bad_rule '*/main/source/*' status code=403
expect 0 '2 files that Release lists are not there, the first is .*: 40[34]' \
	suitefs mirror fetch m
run suitefs --json mirror fetch m
equal "$(json 'j["absent_files"], j["failed_files"], j["missing_files"]')" \
	'2 0 2' 'what is absent'
run suitefs --json mirror show m
equal "$(json '[j["state"]["listed"][w + "_files"] for w in ("gone", "remote")]')" \
	'1 1' 'what is known to be gone and what was refused'
# Another failure is one.
bad_clear
bad_rule '*/main/source/*' other
expect 1 '1 file could not be fetched' suitefs mirror fetch m
bad_clear
run suitefs mirror fetch m
run suitefs --json mirror fetch m
equal "$(json 'j["missing_files"]')" 0 'missing files at the end'
