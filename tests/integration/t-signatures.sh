#!/bin/bash
# Signatures and dates of Release: what is refused, and what then stays.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=lib-mirror.sh
. "$TESTS/lib-mirror.sh" || exit

need gpg
WWW=$T/www
DISTS=$WWW/dists/stable
IN=$DISTS/InRelease

export TMPDIR=$T/tmp
mkdir "$TMPDIR"
small_archive "$WWW"
make_key other
make_key old expired
make_key gone revoked
good_state "file:$WWW"
cp -r "$WWW/dists" "$T/good"
FPR_UP=$(cat "$KEYS/up.fpr")
FPR_OTHER=$(cat "$KEYS/other.fpr")

# again NAMES [HOW]: a Release that is a second newer, signed by keys.
AGE=0
again() {
	AGE=$((AGE + 1))
	rm -rf "$WWW/dists"
	cp -r "$T/good" "$WWW/dists"
	set_date "now + $AGE seconds"
	if [[ $1 == none ]]; then
		rm "$DISTS"/{InRelease,Release.gpg}
	else
		sign_release "$DISTS" "$@"
	fi
}

set_date() {
	sed -i "s/^Date:.*/Date: $(date_of "$1")/" "$DISTS/Release"
}

# with KEYRING... : mirror m has these keyrings from now on.
with() {
	local name options=()

	for name; do
		options+=("--keyring=$KEYS/$name.gpg")
	done
	run suitefs mirror edit "${options[@]}" m
	keep_state
}

# --- keys ---------------------------------------------------------------------

again other
bad_update "/InRelease: no good signature: $FPR_OTHER is not in the keyring"
again other detached
bad_update "/Release.gpg: no good signature: $FPR_OTHER is not in the keyring"
again none
bad_update '/Release has no signature'
again old
with old
bad_update '/InRelease: no good signature: .* has expired'
again old detached
bad_update '/Release.gpg: no good signature: .* has expired'
again gone
with gone
bad_update '/InRelease: no good signature: .* has been revoked'
again gone detached
bad_update '/Release.gpg: no good signature: .* has been revoked'
with up

# A signature that has expired, by a key that has not.
make_key lasting expired
run gpg --batch --no-tty --pinentry-mode loopback --passphrase '' \
	--quick-set-expire "$(cat "$KEYS/lasting.fpr")" never
gpg --batch --export "$(cat "$KEYS/lasting.fpr")" >"$KEYS/lasting.gpg"
again lasting
with lasting
good_update
again up
sign_with lasting --default-sig-expire 1d --clearsign --output "$IN" \
	"$DISTS/Release"
bad_update '/InRelease: no good signature: .* signature that has expired'
with up
# A digest of old.
again up
rm "$IN"
run gpg --batch --no-tty --pinentry-mode loopback --passphrase '' \
	--local-user "$FPR_UP" --digest-algo SHA1 --clearsign --output "$IN" \
	"$DISTS/Release"
bad_update '/InRelease: no good signature: .*(SHA1|refused)'

# Keys that we don't have do no harm beside one that we have.
again other,up
good_update
run suitefs mirror show m
grep -qx "Signed-By: *$FPR_UP" "$T/out" || fail "Signed-By: $(cat "$T/out")"
again up,other detached
good_update
with up other
again up,other
good_update
run suitefs mirror show m
grep -q "^Signed-By:.*$FPR_OTHER" "$T/out" || fail "Signed-By: $(cat "$T/out")"
# An expired one neither.
with up old
again up detached
for name in old up; do
	sign_with "$name" --detach-sign --output "$T/$name.sig" "$DISTS/Release"
done
cat "$T/old.sig" "$T/up.sig" >"$DISTS/Release.gpg"
good_update

# A key's worth ends with the keyring: the same Release is looked at anew.
with other
again up
bad_update 'not in the keyring'
with up
good_update
with other
bad_update 'not in the keyring'
with up
good_update

# --- a key that is gone tomorrow --------------------------------------------------

# What was taken in with it stays, and says by which key and keyring.
run suitefs snapshot create today from mirror m
hash=$(sha256sum <"$KEYS/up.gpg")
cp "$KEYS/up.gpg" "$T/up.gpg"
# It is taken out of the keyring, the keyring is lost, another takes its place.
cp "$KEYS/other.gpg" "$KEYS/up.gpg"
keep_state
bad_update "/InRelease: no good signature: $FPR_UP is not in the keyring"
rm "$KEYS/up.gpg"
bad_update "$KEYS/up.gpg: No such file"
cp "$KEYS/other.gpg" "$KEYS/up.gpg"
again other
expect_line 0 '' suitefs mirror update m
run suitefs snapshot create tomorrow from mirror m
expect_json "$FPR_UP ${hash%% *}" 'j["signed_by"] + j["keyring_sha256"]' \
	suitefs --json snapshot show today
hash=$(sha256sum <"$KEYS/up.gpg")
expect_json "$FPR_OTHER ${hash%% *}" 'j["signed_by"] + j["keyring_sha256"]' \
	suitefs --json snapshot show tomorrow
cp "$T/up.gpg" "$KEYS/up.gpg"
again up
good_update
# The same keyring, the same Release: nothing is looked at anew.
expect_json False 'j[0]["changed"]' suitefs --json mirror update m
keep_state

# --- what was signed ------------------------------------------------------------

# changed SED-EXPRESSION FILE: as a thief would change it.
changed() {
	again up "${3-both}"
	cp "$2" "$T/before-change"
	sed -i "$1" "$2"
	! cmp -s "$2" "$T/before-change" || fail "nothing changed by $1"
}
changed 's/^Suite: stable/Suite: stabLe/' "$IN"
bad_update "/InRelease: bad signature: ${FPR_UP:24} did not sign|/InRelease: bad signature: "
changed 's/^Suite: stable/Suite: stabLe/' "$DISTS/Release" detached
bad_update '/Release.gpg: bad signature: '
# Lines of the signature.
changed '/^-----BEGIN PGP SIGNATURE/,$ s/^[A-Za-z0-9+\/]\{20,\}$/QUJD&/' "$IN"
bad_update '/InRelease: '
changed '/^-----BEGIN PGP SIGNATURE/,/^-----END/d' "$IN"
bad_update '/InRelease: ends within'
changed '1i Suite: evil' "$IN"
bad_update '/InRelease:1: not a clearsigned message'
# shellcheck disable=SC2016 # sed's $
changed '$a Suite: evil' "$IN"
bad_update '/InRelease:[0-9]+: text after the signature'
changed '/^Hash:/a Comment: x' "$IN"
bad_update '/InRelease:[0-9]+: an armour header'
changed '/^Suite:/i -----BEGIN PGP SIGNED MESSAGE-----' "$IN"
bad_update '/InRelease:[0-9]+: '
# Blank lines around it are no text.
again up
(printf '\n' && cat "$IN" && printf '\n') >"$T/blanks"
cp "$T/blanks" "$IN"
good_update
# Two messages, each well signed.
again up
cat "$IN" "$IN" >"$T/twice"
cp "$T/twice" "$IN"
bad_update '/InRelease:[0-9]+: '
again up
{
	cat "$IN"
	printf '\n'
	cat "$T/good/stable/InRelease"
} >"$T/twice"
cp "$T/twice" "$IN"
bad_update '/InRelease:[0-9]+: '
# Something signed inside, something else around.
again up
sign_with up --armor --sign --output "$IN" "$DISTS/Release"
bad_update '/InRelease:1: not a clearsigned message'
: >"$IN"
bad_update '/InRelease: empty'
printf 'x\0y\n' >"$IN"
bad_update '/InRelease: '
# Good and bad signatures by keys that we have.
with up other
again up detached
sign_with up --detach-sign --output "$T/one.sig" "$DISTS/Release"
sign_with other --detach-sign --output "$T/two.sig" "$T/good/stable/Release"
cat "$T/one.sig" "$T/two.sig" >"$DISTS/Release.gpg"
bad_update "/Release.gpg: bad signature: "
: >"$DISTS/Release.gpg"
bad_update '/Release(.gpg)?[: ].*signature'
printf 'garbage\n' >"$DISTS/Release.gpg"
bad_update '/Release.gpg: no '
with up
# The companion of a good InRelease counts for nothing.
changed 's/^Suite: stable/Suite: stabLe/' "$DISTS/Release"
good_update
again up
sign_release "$DISTS" up
sign_with other --armor --detach-sign --output "$DISTS/Release.gpg" \
	"$DISTS/Release"
good_update

# --- keyrings -------------------------------------------------------------------

again up
cp "$KEYS/up.gpg" "$T/ring"
run suitefs mirror edit --keyring="$T/ring" m
keep_state
rm "$T/ring"
bad_update "$T/ring"
: >"$T/ring"
bad_update "$T/ring: no public keys"
printf 'not a key\n' >"$T/ring"
bad_update "$T/ring: no public keys"
printf -- '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n' >"$T/ring"
bad_update "$T/ring: no public keys"
head -c 17000000 /dev/zero >"$T/ring"
bad_update "$T/ring: too long"
cp "$KEYS/up.gpg" "$T/ring"
good_update
with up
# --- no signature, for those who said so ------------------------------------------

listed_unsigned() {
	run suitefs mirror list
	grep -qx "$1 .* unsigned.*" "$T/out" || fail "$1 is not listed as unsigned"
	run suitefs mirror show "$1"
	grep -qx 'Unsigned: *allowed' "$T/out" || fail "$1 is not shown as unsigned"
	expect_json True "[m for m in j if m['name'] == '$1'][0]['unsigned']" \
		suitefs --json mirror list
}

# snapshot_unsigned MIRROR yes|no
snapshot_unsigned() {
	run suitefs snapshot create u from mirror "$1"
	run suitefs snapshot list
	if [[ $2 == yes ]]; then
		grep -q '^u .* unsigned$' "$T/out" || fail "u is not listed as unsigned"
		run suitefs snapshot show u
		grep -qx 'Unsigned: *yes' "$T/out" || fail "u is not shown as unsigned"
		expect_json True 'j["unsigned"]' suitefs --json snapshot show u
	else
		! grep -q '^u .* unsigned$' "$T/out" || fail "u is listed as unsigned"
		expect_json False 'j["unsigned"]' suitefs --json snapshot show u
	fi
	run suitefs snapshot drop u
}

run suitefs mirror create --allow-unsigned n "file:$WWW" stable main
listed_unsigned n
for how in none up other; do
	again $how
	run suitefs --quiet mirror update n
	snapshot_unsigned n yes
done
again up detached
run suitefs --quiet mirror update n
snapshot_unsigned n yes
# What comes along unsigned is held to the form all the same.
changed '1i Suite: evil' "$IN"
expect_line 1 'InRelease:1: ' suitefs --quiet mirror update n

# With a keyring beside it, a good signature counts as one; a bad one never.
run suitefs mirror edit --allow-unsigned m
listed_unsigned m
keep_state
again up
good_update
snapshot_unsigned m no
again none
good_update
snapshot_unsigned m yes
again other
good_update
snapshot_unsigned m yes
changed 's/^Suite: stable/Suite: stabLe/' "$IN"
bad_update '/InRelease: bad signature: '
changed 's/^Suite: stable/Suite: stabLe/' "$DISTS/Release" detached
bad_update '/Release.gpg: bad signature: '
run suitefs mirror edit --no-allow-unsigned m
keep_state
again none
bad_update '/Release has no signature'
again up
good_update
snapshot_unsigned m no
run suitefs mirror drop n
keep_state

# --- dates ------------------------------------------------------------------------

# dated DATE [VALID-UNTIL]: as again, with these dates.
dated() {
	again up
	set_date "$1"
	sed -i '/^Valid-Until:/d' "$DISTS/Release"
	[[ -z ${2-} ]] || sed -i "1i Valid-Until: $(date_of "$2")" "$DISTS/Release"
	sign_release "$DISTS" up
}
dated "now + $((AGE + 1)) seconds" 'now - 1 hour'
bad_update '/dists/stable/: Release was valid until .*--ignore-valid-until'
good_update --ignore-valid-until
run suitefs mirror show m
grep -q '^Valid-Until:' "$T/out" || fail "no Valid-Until"
# Also where nothing has changed since.
bad_update 'Release was valid until .*--ignore-valid-until'
good_update --ignore-valid-until
dated "now + $((AGE + 1)) seconds" 'now + 2 seconds'
good_update
# shellcheck disable=SC2317 # called by wait_for
expired() {
	! suitefs --quiet mirror update m 2>"$T/err"
}
wait_for 10 expired || fail "what is frozen never becomes stale"
grep -q 'Release was valid until' "$T/err" || fail "$(cat "$T/err")"
keep_state
bad_update 'Release was valid until'

# Yesterday's Release, well signed, offered again.
dated 'now + 1 hour'
good_update
dated 'now - 1 day'
bad_update 'Release is of .*, older than the one of .*--force'
bad_update 'Release is of .*, older than the one of ' --ignore-valid-until
good_update --force
good_update
dated 'now - 2 days'
bad_update 'Release is of .*, older than the one of .*--force'
# A flood of dates that are none.
again up
sed -i 's/^Date:.*/Date: yesterday/' "$DISTS/Release"
sign_release "$DISTS" up
bad_update 'line [0-9]+: field Date: .* is not a date'
sed -i '/^Date:/d' "$DISTS/Release"
sign_release "$DISTS" up
bad_update 'no field Date'

[[ ! $(ls -A "$TMPDIR") ]] || fail "left in TMPDIR: $(find "$TMPDIR")"
