#!/bin/bash
# Snapshots by name and by Date, their address in publications, and what is said
# of those whose Valid-Until has passed.
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=tests/integration/lib-publish.sh
. "$TESTS/lib-publish.sh"

need_fuse
need apt-get gpg
MNT=$T/mnt
UP=$T/up

# --- names made of Date -------------------------------------------------------------

upstream "$UP" aa/1.0 "Date: $(date_of '2026-01-02 03:04:05')"
run suitefs mirror create --keyring="$KEYS/up.gpg" m "file:$UP" stable
expect_line 1 'never been updated' suitefs snapshot create from mirror m
expect_line 1 'no mirror is named x' suitefs snapshot create from mirror x
run suitefs mirror update m
run suitefs snapshot create from mirror m
grep -q 20260102T030405Z "$T/err" || fail "the name is not told"
expect_line 1 'snapshotted already, as 20260102T030405Z' \
	suitefs snapshot create from mirror m
# A name of one's own is still to be had.
run suitefs snapshot create one from mirror m
run suitefs snapshot create from empty
upstream "$UP" aa/1.1 "Date: $(date_of '2026-01-03 00:00:00')"
run suitefs mirror update m
run suitefs snapshot rename one 20260103T000000Z
expect_line 1 '20260103T000000Z.*another state: name the new one' \
	suitefs snapshot create from mirror m
run suitefs snapshot create two from mirror m
expect_output '20260102T030405Z 20260103T000000Z from two' \
	bash -c "'$SUITEFS' snapshot list | cut -d' ' -f1 | paste -sd' '"
# An archive without a Date has no name to give.
mkdir "$T/flat"
cp "$DEBS"/aa_1.0_all.deb "$T/flat"
make_flat_archive "$T/flat" key=up 'Date: '
run suitefs mirror create --keyring="$KEYS/up.gpg" flat "file:$T/flat" ./
run suitefs mirror update flat
expect_line 1 'no Date' suitefs snapshot create from mirror flat
run suitefs snapshot create flat from mirror flat

# --- where apt finds them -------------------------------------------------------------

mount_store
URL=http://mirror.example.org/snapshots/@SNAPSHOTID@/
nothing_changes 2 '@SNAPSHOTID@' suitefs publish snapshot \
	--snapshots-url=http://mirror.example.org/ two
nothing_changes 2 'none of http, https' suitefs publish snapshot \
	--snapshots-url=rsync://mirror.example.org/@SNAPSHOTID@ two
nothing_changes 2 'blank' suitefs publish snapshot \
	--snapshots-url="http://mirror.example.org/ @SNAPSHOTID@" two
nothing_changes 2 'verbatim' suitefs publish snapshot --verbatim \
	--snapshots-url="$URL" two
publish snapshot --snapshots-url="${URL%/}" two
equal "$(field "$PUBLISHED/Release" Snapshots)" "$URL" 'the field Snapshots'
run suitefs --json publish show stable
equal "$(json 'j["snapshots_url"]')" "$URL" 'snapshots_url'
run suitefs publish show stable
grep -qx "Snapshots:  *$URL" "$T/out" || fail "publish show lacks Snapshots"
publish switch stable 20260102T030405Z
equal "$(field "$PUBLISHED/Release" Snapshots)" "$URL" 'Snapshots after a switch'
publish snapshot --distribution=without two
equal "$(field "$PUBLISHED/Release" Snapshots)" '' 'Snapshots not asked for'
run suitefs --json publish show without
equal "$(json 'j["snapshots_url"]')" None 'snapshots_url'

# --- Valid-Until ------------------------------------------------------------------------

told() {
	run suitefs "$@"
	grep -q 'check-valid-until=no' "$T/out" &&
		grep -q 'Acquire::Check-Valid-Until "false"' "$T/out"
}
expired() {
	run suitefs --json "$@"
	json "$EXPIRED"
}

upstream "$UP" aa/1.2 "Date: $(date_of '10 days ago')" \
	"Valid-Until: $(date_of '3 days ago')"
run suitefs mirror update --ignore-valid-until m
run suitefs snapshot create old from mirror m
run suitefs publish snapshot --verbatim --prefix=old old
EXPIRED='j["expired"]'
told snapshot show old || fail "snapshot show does not help with Valid-Until"
told publish show --prefix=old stable || fail "publish show does not"
told mirror show m || fail "mirror show does not"
equal "$(expired snapshot show old)" True 'expired of the snapshot'
equal "$(expired publish show --prefix=old stable)" True 'expired, published'
! told snapshot show two || fail "what has no Valid-Until counts as expired"
equal "$(expired snapshot show two)" False 'expired of another one'
EXPIRED='j["state"]["expired"]'
equal "$(expired mirror show m)" True 'expired of the mirror'
# When, by which key and against which keyring it was verified.
run suitefs --json snapshot show old
equal "$(json 'j["signed_by"]')" "$(cat "$KEYS/up.fpr")" 'signed_by'
equal "$(json 'j["keyrings"]')" "$KEYS/up.gpg" 'keyrings'
[[ $(json 'j["verified"]') == "$(date -u +%Y-%m-)"* ]] || fail "verified when?"
hash=$(sha256sum <"$KEYS/up.gpg")
equal "$(json 'j["keyring_sha256"]')" "${hash%% *}" 'the SHA-256 of the keyring'
run suitefs --json mirror show m
equal "$(json 'j["state"]["keyring_sha256"]')" "${hash%% *}" \
	'the SHA-256 of the mirror'"'"'s keyring'
# It is of the file that was read, whatever stands there now.
cp "$KEYS/up.gpg" "$T/up.gpg"
make_key another
cat "$KEYS/another.gpg" >>"$KEYS/up.gpg"
for noun in 'snapshot show old' 'mirror show m'; do
	# shellcheck disable=SC2086 # words
	run suitefs $noun
	grep -q "^Verified with: *$KEYS/up.gpg\$" "$T/out" ||
		fail "$noun does not tell the keyring"
	grep -q "^ *SHA-256 ${hash%% *}\$" "$T/out" ||
		fail "$noun does not tell the keyring's SHA-256"
done
cp "$T/up.gpg" "$KEYS/up.gpg"
# apt agrees.
apt_private "$T/apt"
apt_source "deb [signed-by=$KEYS/up.gpg] file:$MNT/snapshots/old stable main"
expect 100 'expired' apt-get update
apt_source "deb [signed-by=$KEYS/up.gpg check-valid-until=no] \
file:$MNT/snapshots/old stable main"
apt_update
apt_source "deb [signed-by=$KEYS/up.gpg] file:$MNT/snapshots/old stable main"
run apt-get -o Acquire::Check-Valid-Until=false update
# A Release of our own is made anew instead.
publish snapshot --distribution=fresh --valid-for=7d old
apt_source "deb [signed-by=$MNT/keyring.gpg] file:$MNT fresh main"
apt_update
run umount "$MNT"
