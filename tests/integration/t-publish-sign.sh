#!/bin/bash
# Whose signature a publication carries, and what keeps a key from signing.
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=tests/integration/lib-publish.sh
. "$TESTS/lib-publish.sh"

need_fuse
need gpg gpgv
MNT=$T/mnt
two_states
make_key first
FIRST=$KEY
make_key second
SECOND=$KEY
make_key locked 'passphrase=open sesame'
LOCKED=$KEY
make_key old expired
make_key gone revoked
run gpg --batch --import "$KEYS/gone.gpg"
mount_store

# fingerprints FILE: of the keys that made the signatures of an InRelease.
fingerprints() {
	gpg --batch --status-fd 1 --verify "$1" 2>/dev/null |
		awk '$2 == "VALIDSIG" { print $NF }' | sort
}

# signed_by DIR NAME...: exactly by these keys, both ways, and the mount hands
# out these keys.
signed_by() {
	local dir=$1 name
	shift

	check_dists "$dir" "$MNT/keyring.gpg"
	same <(cat "${@/#/$KEYS/}" | sort) <(fingerprints "$dir/InRelease") \
		"the keys of $dir/InRelease"
	for name; do
		if [[ $# == 1 ]]; then
			check_dists "$dir" "$KEYS/${name%.fpr}.gpg"
		fi
		gpg --batch --show-keys --with-colons "$MNT/keyring.gpg" |
			grep -q "^fpr:::::::::$(cat "$KEYS/$name"):" ||
			fail "$name is not in keyring.gpg"
	done
}

# --- which key --------------------------------------------------------------------

publish snapshot --distribution=default one
signed_by "$PUBLISHED" up.fpr
# gpg.conf says which one is the default.
printf 'default-key %s\n' "$FIRST" >"$GNUPGHOME/gpg.conf"
publish snapshot --distribution=conf one
signed_by "$PUBLISHED" first.fpr
publish snapshot --distribution=one --gpg-key="$SECOND" one
signed_by "$PUBLISHED" second.fpr
publish snapshot --distribution=address --gpg-key=second@example.org one
signed_by "$PUBLISHED" second.fpr
publish snapshot --distribution=id --gpg-key="0x${SECOND:24}" one
signed_by "$PUBLISHED" second.fpr
publish snapshot --distribution=both --gpg-key="$FIRST" --gpg-key="$SECOND" one
signed_by "$PUBLISHED" first.fpr second.fpr
publish snapshot --distribution=same --gpg-key="$FIRST,$FIRST" one
signed_by "$PUBLISHED" first.fpr
# The same keys, again, without being named again.
publish switch both two
signed_by "$MNT/dists/both" first.fpr second.fpr
# Armoured, for those who want to read it.
gpg --batch --dearmor <"$MNT/keyring.asc" >"$T/dearmored"
same "$MNT/keyring.gpg" "$T/dearmored" 'keyring.gpg and keyring.asc'
grep -q 'PUBLIC KEY BLOCK' "$MNT/keyring.asc" || fail "keyring.asc is no key block"
! grep -qi private "$MNT/keyring.asc" || fail "keyring.asc has a secret key"

# --- a passphrase --------------------------------------------------------------------

printf 'open sesame\nanother line\n' >"$T/pass"
printf 'open barley\n' >"$T/wrong"
nothing_changes 1 'passphrase' suitefs --quiet publish snapshot \
	--distribution=locked --gpg-key="$LOCKED" --passphrase-file="$T/wrong" one
nothing_changes 1 'no-such-file' suitefs --quiet publish snapshot \
	--distribution=locked --gpg-key="$LOCKED" \
	--passphrase-file="$T/no-such-file" one
# No file, and nobody whom the agent could ask.
nothing_changes 1 'passphrase' suitefs --quiet publish snapshot \
	--distribution=locked --gpg-key="$LOCKED" one </dev/null
publish snapshot --distribution=locked --gpg-key="$LOCKED" \
	--passphrase-file="$T/pass" one
signed_by "$PUBLISHED" locked.fpr
# It is remembered where the passphrase is, not what it is.
publish switch locked two
signed_by "$MNT/dists/locked" locked.fpr
! grep -rqaF 'open sesame' "$SUITEFS_STORE" || fail "the store has the passphrase"
rm "$T/pass"
nothing_changes 1 "$T/pass" suitefs --quiet publish switch locked one

# --- keys that can't ---------------------------------------------------------------------

nothing_changes 1 "key $(cat "$KEYS/old.fpr") has expired" suitefs --quiet \
	publish snapshot --distribution=x --gpg-key="$(cat "$KEYS/old.fpr")" one
nothing_changes 1 "key gone@example.org has been revoked" suitefs --quiet \
	publish snapshot --distribution=x --gpg-key=gone@example.org one
nothing_changes 1 'no secret key nobody@example.org' suitefs --quiet \
	publish snapshot --distribution=x --gpg-key=nobody@example.org one
nothing_changes 1 'no secret key nobody@example.org' suitefs --quiet \
	publish snapshot --distribution=x --gpg-key="$FIRST" \
	--gpg-key=nobody@example.org one
nothing_changes 2 'secret keys match' suitefs --quiet publish snapshot \
	--distribution=x --gpg-key=example.org one
mkdir -m 0700 "$T/empty-home"
GNUPGHOME=$T/empty-home nothing_changes 1 'no secret key to sign with' \
	suitefs --quiet publish snapshot --distribution=x one

# --- no signature ----------------------------------------------------------------------------

GNUPGHOME=$T/empty-home publish snapshot --distribution=bare --skip-signing one
[[ -e $PUBLISHED/Release ]] || fail "no Release without a signature"
for file in InRelease Release.gpg; do
	[[ ! -e $PUBLISHED/$file ]] || fail "$file without a signature"
done
grep -q '^Acquire-By-Hash: yes' "$PUBLISHED/Release" || fail "other Release"
run suitefs publish list
grep -qx './bare snapshot one unsigned' "$T/out" || fail "publish list: unsigned"
GNUPGHOME=$T/empty-home publish switch bare two
[[ ! -e $MNT/dists/bare/InRelease ]] || fail "a signature after switch"

# --- upstream's own ---------------------------------------------------------------------------

publish snapshot --prefix=v --verbatim one
for file in InRelease Release Release.gpg main/binary-amd64/Packages; do
	same "$MNT/v/dists/stable/$file" \
		"$MNT/snapshots/one/dists/stable/$file"
done
check_dists "$PUBLISHED" "$KEYS/up.gpg"
check_nothing_else "$PUBLISHED"
nothing_changes 2 'verbatim' suitefs --quiet publish snapshot --verbatim \
	--distribution=x --gpg-key="$FIRST" one
nothing_changes 2 'verbatim' suitefs --quiet publish snapshot --verbatim \
	--distribution=x --skip-signing one
nothing_changes 2 'verbatim' suitefs --quiet publish snapshot --verbatim \
	--distribution=x --origin=Me one
nothing_changes 2 'verbatim' suitefs --quiet publish snapshot --verbatim \
	--distribution=x one two
run suitefs snapshot create none empty
nothing_changes 2 'none has no Release' suitefs --quiet publish snapshot \
	--verbatim --distribution=x none
# Forward it moves silently; backward apt would not follow, which is said.
run suitefs --quiet publish switch --prefix=v stable two
[[ ! -s $T/err ]] || fail "a verbatim switch forward warns"
upstream "$T/up" zz/1.0 "Date: $(date_of '2 days')"
run suitefs mirror update m
run suitefs snapshot create three from mirror m
run suitefs --quiet publish switch --prefix=v stable three
expect_line 0 'older' suitefs --quiet publish switch --prefix=v stable one
wait_for 2 cmp -s "$MNT/v/dists/stable/InRelease" \
	"$MNT/snapshots/one/dists/stable/InRelease" || fail "switch does not show"
run umount "$MNT"
