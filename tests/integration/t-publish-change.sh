#!/bin/bash
# How publications change: switch, update, rolling ones, Valid-Until, old
# generations; and what is dropped or renamed below them.
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=tests/integration/lib-publish.sh
. "$TESTS/lib-publish.sh"

need_fuse
need gpg gpgv apt-get curl
MNT=$T/mnt
two_states
mount_store

# --- switch: Date goes forward only, apt follows -------------------------------------

publish snapshot --distribution=prod two
PROD=$MNT/dists/prod
INDEX=$PROD/main/binary-amd64/Packages
chmod 0755 "$T"
apt_private "$T/apt"
apt_source "deb [signed-by=$MNT/keyring.gpg] copy:$MNT prod main"

# apt_sees VERSION PACKAGE: after an update.
apt_sees() {
	apt_update
	equal "$(apt-cache policy "$2" | awk '/Candidate:/ { print $2 }')" \
		"$1" "the version of $2 that apt sees"
}

apt_sees 2.0 aa
for source in one two one one two; do
	before=$DATE
	publish switch prod "$source"
	((DATE > before)) || fail "Date did not go forward"
	same "$INDEX" \
		"$MNT/snapshots/$source/dists/stable/main/binary-amd64/Packages"
	apt_sees "$([[ $source == one ]] && echo 1.0 || echo 2.0)" aa
done
check_dists "$PROD" "$MNT/keyring.gpg"
check_nothing_else "$PROD"

# What switch can't do leaves all as it is.
nothing_changes 2 'one for each' suitefs --quiet publish switch --component=a,b prod one
publish snapshot --distribution=pair --component=a,b one two
nothing_changes 2 'has 2 components' suitefs --quiet publish switch pair one
nothing_changes 2 'no component c' \
	suitefs --quiet publish switch --component=c pair one
publish switch --component=a pair two
equal "$(packages_of "$MNT/dists/pair/a/binary-amd64/Packages")" \
	'aa 1.0,aa 2.0,cc 1.0' 'component a after a switch'
publish switch pair two one
equal "$(packages_of "$MNT/dists/pair/b/binary-amd64/Packages")" \
	'aa 1.0,bb 1.0' 'component b after a switch'
run suitefs publish drop pair

# --- update ------------------------------------------------------------------------------

published >"$T/before"
start=${EPOCHREALTIME/./}
run suitefs --json publish update prod
took=$((${EPOCHREALTIME/./} - start))
equal "$(json 'j["changed"]')" False 'changed, with nothing to do,'
((took < 500000)) || fail "an update that has nothing to do took $took us"
published >"$T/after"
same "$T/before" "$T/after" 'what is published, with nothing to do,'
before=$(seconds "$PROD/Release")
publish update --force prod
((DATE > before)) || fail "publish update --force made no new Release"
check_dists "$PROD" "$MNT/keyring.gpg"

# --- Valid-Until ------------------------------------------------------------------------

publish snapshot --distribution=short --valid-for=2s one
valid_until() {
	date -d "$(field "$MNT/dists/short/Release" Valid-Until)" +%s
}
equal $(($(valid_until) - DATE)) 2 'the time until Valid-Until'
before=$DATE
# Half of it has to pass first.
renewed() {
	run suitefs --json publish update short
	[[ $(json 'j["changed"]') == True ]]
}
wait_for 5 renewed || fail "publish update does not renew Valid-Until"
DATE=$(date -d "$(json 'j["date"]')" +%s)
((DATE > before)) || fail "renewed without a newer Date"
wait_for 2 shows "$MNT/dists/short" "$DATE" || fail "the renewal does not show"
equal $(($(valid_until) - DATE)) 2 'the renewed time until Valid-Until'
run suitefs publish drop short
publish snapshot --distribution=long --valid-for=1w one
run suitefs --json publish update long
equal "$(json 'j["changed"]')" False 'renewed long before half of the time,'
run suitefs publish drop long

# --- generations ---------------------------------------------------------------------------

# generation N: state N of upstream, published; its index is kept in $T/gen.N.
generation() {
	upstream "$T/up" "gg$1/1.0"
	run suitefs mirror update m
	run suitefs snapshot create "gen$1" from mirror m
	publish switch prod "gen$1"
	cp "$INDEX" "$T/gen.$1"
	sha256sum <"$INDEX.gz" | cut -d' ' -f1 >"$T/gen.$1.gz"
}

by_hash_of() {
	local hash
	hash=$(sha256sum <"$T/gen.$1")
	printf '%s/by-hash/SHA256/%s' "${INDEX%/*}" "${hash%% *}"
}

for i in 1 2 3 4 5 6; do
	generation "$i"
	for ((old = 1; old <= i; old++)); do
		if ((old > i - 4)); then
			same "$(by_hash_of "$old")" "$T/gen.$old" \
				"generation $old, by hash, at $i"
			[[ -e ${INDEX%/*}/by-hash/SHA256/$(cat "$T/gen.$old.gz") ]] ||
				fail "no Packages.gz of generation $old at $i"
		else
			[[ ! -e $(by_hash_of "$old") ]] ||
				fail "generation $old is still there at $i"
		fi
	done
	[[ $(find "${INDEX%/*}/by-hash" -type f | wc -l) -le 8 ]] ||
		fail "more than four generations at $i"
done
# Their pool files too: whoever has read an old index can go on.
[[ -e $MNT/pool/main/g/gg6/gg6_1.0_all.deb ]] || fail "no gg6 in the pool"
publish switch prod one
[[ -e $MNT/pool/main/g/gg6/gg6_1.0_all.deb ]] ||
	fail "the generation before has lost its pool files"

# --- rolling -------------------------------------------------------------------------------

publish mirror --prefix=roll --distribution=signed --valid-for=30d m
SIGNED=$MNT/roll/dists/signed
publish mirror --prefix=unsigned --skip-signing m
publish mirror --prefix=verbatim --verbatim m
VERBATIM=$MNT/verbatim/dists/stable
run suitefs publish list
grep -qx 'roll/signed mirror m' "$T/out" || fail "publish list: rolling"
grep -qx 'verbatim/stable mirror m verbatim' "$T/out" ||
	fail "publish list: rolling, verbatim"
before=$(seconds "$SIGNED/Release")
upstream "$T/up" hh/1.0
run suitefs mirror update m
rolled() {
	grep -qs '^Package: hh$' "$SIGNED/main/binary-amd64/Packages" &&
		grep -qs '^Package: hh$' "$VERBATIM/main/binary-amd64/Packages"
}
wait_for 2 rolled || fail "publications do not follow their mirror"
(($(seconds "$SIGNED/Release") > before)) || fail "Date did not go forward"
check_dists "$SIGNED" "$MNT/keyring.gpg"
check_nothing_else "$SIGNED"
check_dists "$VERBATIM" "$KEYS/up.gpg"
same "$VERBATIM/InRelease" "$T/up/dists/stable/InRelease"
[[ -e $MNT/roll/pool/main/h/hh/hh_1.0_all.deb ]] || fail "no hh in roll/pool"
# An update that brings nothing leaves them alone.
published >"$T/before"
run suitefs mirror update m
published >"$T/after"
same "$T/before" "$T/after" 'what is published after an update of nothing'
# One that can't sign leaves its publication, says so, and the next makes up.
upstream "$T/up" ii/1.0
mkdir -m 0700 "$T/no-keys"
GNUPGHOME=$T/no-keys expect 1 'no secret key' suitefs --quiet mirror update m
wait_for 2 grep -qs '^Package: ii$' "$VERBATIM/main/binary-amd64/Packages" ||
	fail "a verbatim publication waits for a key"
wait_for 2 grep -qs '^Package: ii$' \
	"$MNT/unsigned/dists/stable/main/binary-amd64/Packages" ||
	fail "an unsigned publication waits for another's key"
! grep -q '^Package: ii$' "$SIGNED/main/binary-amd64/Packages" ||
	fail "published without a signature"
check_dists "$SIGNED" "$MNT/keyring.gpg"
run suitefs mirror update m
wait_for 2 grep -qs '^Package: ii$' "$SIGNED/main/binary-amd64/Packages" ||
	fail "what could not be signed is not made up for"
check_dists "$SIGNED" "$MNT/keyring.gpg"
# A mirror is switched to a mirror.
mirror_of other "file:$T/up"
publish switch --prefix=roll signed other
nothing_changes 1 'no mirror is named one' \
	suitefs --quiet publish switch --prefix=roll signed one

# --- renamed, dropped ---------------------------------------------------------------------------

run suitefs snapshot rename one first
run suitefs publish list
grep -qx './prod snapshot first' "$T/out" || fail "publish list: renamed"
run suitefs --json publish update prod
equal "$(json 'j["changed"]')" False 'changed by a new name,'
run suitefs mirror rename other another
run suitefs --json publish show --prefix=roll signed
equal "$(json 'j["sources"]')" another 'the source after a new name'
nothing_changes 1 'snapshot two exists already' suitefs --quiet snapshot rename first two
nothing_changes 1 'mirror another is published as roll/signed' \
	suitefs --quiet mirror drop another
nothing_changes 1 'snapshot first is published as ./prod; with --force.*on serving' \
	suitefs --quiet snapshot drop first
cp -r "$PROD" "$T/prod"
run suitefs snapshot drop --force first
run suitefs mirror drop --force another
diff -r "$T/prod" "$PROD" >&2 || fail "what is published lost something"
check_dists "$SIGNED" "$MNT/keyring.gpg"
nothing_changes 1 'no snapshot is named first' suitefs --quiet publish update prod
nothing_changes 1 'no mirror is named another' suitefs --quiet publish update --prefix=roll signed
# A new one of that name is not what is published.
publish switch prod two
run umount "$MNT"
