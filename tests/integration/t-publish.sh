#!/bin/bash
# What a publication looks like: Release, components, prefixes, forms; and what
# is refused.
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=tests/integration/lib-publish.sh
. "$TESTS/lib-publish.sh"

need_fuse
need gpg gpgv zstd
MNT=$T/mnt
# shellcheck disable=SC2054 # a list of components
UP_OPTIONS=(components=main,contrib 'Origin: Up' 'Label: Upper' 'Version: 7.1'
	'Description: the archive above')
two_states

# --- the defaults ---------------------------------------------------------------

run suitefs snapshot create none empty
mount_store
publish snapshot one
equal "$PUBLISHED" "$MNT//dists/stable" 'the place of a publication'
RELEASE=$MNT/dists/stable/Release
cat >"$T/wanted" <<END
Origin: Up
Label: Upper
Suite: stable
Version: 7.1
Codename: stable
Acquire-By-Hash: yes
No-Support-for-Architecture-all: Packages
Architectures: amd64
Components: main contrib
Description: the archive above
END
same <(sort "$T/wanted") <(sed '/^SHA256:/,$d;/^Date:/d' "$RELEASE" | sort) \
	'the fields of Release'
release_list "$RELEASE" | awk '{ print $3 }' >"$T/listed"
same <(printf '%s\n' {contrib,main}/binary-amd64/Packages{,.gz}) \
	<(sort "$T/listed") 'what Release lists'
check_dists "$MNT/dists/stable" "$MNT/keyring.gpg"
check_nothing_else "$MNT/dists/stable"
same "$MNT/dists/stable/main/binary-amd64/Packages" \
	"$MNT/snapshots/one/dists/stable/main/binary-amd64/Packages"

# --- the fields, the forms ---------------------------------------------------------

publish snapshot --prefix=all --distribution=fields --origin='An origin' \
	--label='A: label' --suite=oldish --codename=cody --version=1.2.3 \
	--description='What it is — in UTF-8' --not-automatic \
	--but-automatic-upgrades --valid-for=1d12h --compress=gz,zst one
for field in 'Origin: An origin' 'Label: A: label' 'Suite: oldish' \
	'Codename: cody' 'Version: 1.2.3' 'NotAutomatic: yes' \
	'ButAutomaticUpgrades: yes' 'Description: What it is — in UTF-8'; do
	grep -qxF "$field" "$PUBLISHED/Release" || fail "no '$field' in Release"
done
until=$(date -d "$(field "$PUBLISHED/Release" Valid-Until)" +%s)
equal $((until - DATE)) $((36 * 3600)) 'the time until Valid-Until'
check_dists "$PUBLISHED" "$MNT/keyring.gpg"
equal "$CHECKED" 12 'the number of names of indexes'
check_nothing_else "$PUBLISHED"
PACKAGES=$PUBLISHED/main/binary-amd64/Packages
same "$PACKAGES" <(gzip -dc "$PACKAGES.gz")
same "$PACKAGES" <(zstd -qdc "$PACKAGES.zst")

# A line break in a field makes no field.
publish snapshot --prefix=all --distribution=lines --origin=$'x\nComponents: y' one
equal "$(field "$PUBLISHED/Release" Components)" 'main contrib' Components
run suitefs publish drop --prefix=all lines

# --- components ------------------------------------------------------------------------

upstream "$T/other" dd/1.0
mirror_of other "file:$T/other"
run suitefs snapshot create three from mirror other
publish snapshot --prefix=c --distribution=both --component=old,new one two
equal "$(field "$PUBLISHED/Release" Components)" 'old new' Components
equal "$(packages_of "$PUBLISHED/old/binary-amd64/Packages")" \
	'aa 1.0,bb 1.0' 'the component old'
equal "$(packages_of "$PUBLISHED/new/binary-amd64/Packages")" \
	'aa 1.0,aa 2.0,cc 1.0' 'the component new'
check_dists "$PUBLISHED" "$MNT/keyring.gpg"
# Under one name: the packages of both, each once.
publish snapshot --prefix=c --distribution=one --component=main,main one two
equal "$(packages_of "$PUBLISHED/main/binary-amd64/Packages" | tr , '\n' |
	sort | paste -sd,)" 'aa 1.0,aa 2.0,bb 1.0,cc 1.0' 'one of two'
nothing_changes 2 'one and three both have the component main' \
	suitefs --quiet publish snapshot --prefix=c --distribution=x one three
nothing_changes 2 'components for 2 sources' \
	suitefs --quiet publish snapshot --prefix=c --distribution=x \
	--component=a,b,c one two
nothing_changes 2 'component' suitefs --quiet publish snapshot --prefix=c \
	--distribution=x --component=a/../b one
# An empty snapshot, with what it needs to be told.
nothing_changes 2 '--arch' suitefs --quiet publish snapshot --distribution=e none
publish snapshot --prefix=c --distribution=e --arch=amd64,arm64 none
equal "$(field "$PUBLISHED/Release" Architectures)" 'amd64 arm64' Architectures
check_dists "$PUBLISHED" "$MNT/keyring.gpg"
nothing_changes 2 'architecture riscv64.*have: amd64' suitefs --quiet publish snapshot \
	--distribution=x --arch=amd64,riscv64 one

# --- prefixes, distributions --------------------------------------------------------------

publish snapshot --prefix=a/b --distribution=stable two
check_dists "$MNT/a/b/dists/stable" "$MNT/keyring.gpg"
[[ -e $MNT/a/b/pool/main/c/cc/cc_1.0_all.deb ]] || fail "no pool under a/b"
publish snapshot --prefix=./a/ --distribution=stable one
[[ -e $MNT/a/pool/main/b/bb/bb_1.0_all.deb ]] || fail "no pool under a"
[[ ! -e $MNT/a/pool/main/c ]] || fail "the pool of a/b shows under a"
same <(printf '%s\n' b dists pool) <(ls "$MNT/a")
for prefix in a/dists a/pool/b dists pool snapshots mirrors/x repos keyring.x \
	../a a/../b a//b /a .a 'a b'; do
	nothing_changes 2 'prefix' suitefs --quiet publish snapshot --prefix="$prefix" one
done
for distribution in '' / a//b ../a a/.. .a 'a b' /a a/; do
	nothing_changes 2 'distribution' suitefs --quiet publish snapshot \
		--distribution="$distribution" one
done
publish snapshot --prefix=s --distribution=stable/updates one
check_dists "$MNT/s/dists/stable/updates" "$MNT/keyring.gpg"
equal "$(field "$PUBLISHED/Release" Suite)" stable/updates Suite
publish snapshot --prefix=s --distribution=stable/backports two
equal "$(ls "$MNT/s/dists/stable")" $'backports\nupdates' 'dists/stable'
nothing_changes 1 'stable/(updates|backports).*inside' suitefs --quiet publish snapshot \
	--prefix=s --distribution=stable one
nothing_changes 1 'stable/updates.*inside' suitefs --quiet publish snapshot \
	--prefix=s --distribution=stable/updates/x one
# Component directories are none of a distribution's.
nothing_changes 1 'published already.*switch' suitefs --quiet publish snapshot one

# --- what there is not ----------------------------------------------------------------------

nothing_changes 1 'no snapshot is named nine' suitefs --quiet publish snapshot nine
nothing_changes 1 'no mirror is named nine' suitefs --quiet publish mirror nine
nothing_changes 1 'nothing is published at a/nine' \
	suitefs --quiet publish switch --prefix=a nine one
nothing_changes 1 'nothing is published at ./nine' suitefs --quiet publish update nine
nothing_changes 1 'nine' suitefs --quiet publish drop nine
nothing_changes 1 'nine' suitefs --quiet publish show nine
nothing_changes 1 'no snapshot is named nine' suitefs --quiet publish switch stable nine
nothing_changes 2 'compressed as bz2' suitefs --quiet publish snapshot \
	--distribution=x --compress=bz2 one
run suitefs mirror create --keyring="$KEYS/up.gpg" fresh "file:$T/up" stable
nothing_changes 1 'never been updated' suitefs --quiet publish mirror fresh

# --- list, show, drop ---------------------------------------------------------------------------

run suitefs publish list
cut -d' ' -f1 "$T/out" | sort | paste -sd' ' >"$T/places"
echo ./stable a/b/stable a/stable all/fields c/both c/e c/one s/stable/backports \
	s/stable/updates >"$T/wanted"
same "$T/wanted" "$T/places" 'what publish list lists'
grep -qx 'c/both (old new) snapshot one two' "$T/out" || fail "publish list"
run suitefs --json publish list
equal "$(json 'len(j)')" 9 'the length of the JSON list'
equal "$(json '[p["sources"] for p in j if p["prefix"] == "all"]')" \
	"['one']" 'the sources of all/fields'
run suitefs --json publish show --prefix=all fields
equal "$(json '[l["path"] for l in j["lists"]]')" \
	'main/binary-amd64/Packages contrib/binary-amd64/Packages' 'its lists'
equal "$(json 'j["signed_by"]')" "$(cat "$KEYS/up.fpr")" 'the default key'
run suitefs publish show --prefix=c both
grep -Eq '^Sources: +one two$' "$T/out" || fail "publish show: sources"
grep -Eq '^Components: +old new$' "$T/out" || fail "publish show: components"

run suitefs publish drop --prefix=s stable/updates
wait_for 2 test ! -e "$MNT/s/dists/stable/updates" || fail "drop does not show"
equal "$(ls "$MNT/s/dists/stable")" backports 'dists/stable'
run suitefs publish drop --prefix=s stable/backports
wait_for 2 test ! -e "$MNT/s" || fail "the empty prefix is still there"
run suitefs publish drop --prefix=a stable
wait_for 2 test ! -e "$MNT/a/dists" || fail "drop does not show"
equal "$(ls "$MNT/a")" b 'the prefix a'
check_dists "$MNT/a/b/dists/stable" "$MNT/keyring.gpg"
run umount "$MNT"
