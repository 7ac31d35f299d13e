#!/bin/bash
# The pool of publications: two packages for one path, flat archives, sources
# and udebs.
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=tests/integration/lib-publish.sh
. "$TESTS/lib-publish.sh"

need_fuse
need gpg gpgv apt-get dpkg-source dpkg-scanpackages
MNT=$T/mnt
run suitefs snapshot create none empty
mount_store

# --- one path, two contents ------------------------------------------------------------

upstream "$T/a" twin/1.0 only-a/1.0
mirror_of a "file:$T/a"
DEB_SIZE=100 upstream "$T/b" twin/1.0 only-b/1.0
mirror_of b "file:$T/b"
for name in a b; do
	run suitefs snapshot create "$name" from mirror "$name"
done
TWIN=pool/main/t/twin/twin_1.0_all.deb
for name in a b; do
	sha256sum <"$T/$name/$TWIN" | cut -d' ' -f1 >"$T/$name.hash"
done

# In one index: who has which file.
nothing_changes 1 "snapshot a has twin_1.0_all with SHA256 $(cat "$T/a.hash"), but snapshot b has it with $(cat "$T/b.hash")" \
	suitefs --quiet publish snapshot --distribution=x --component=main,main a b
# In two of one publication.
nothing_changes 1 "$TWIN: twin_1.0_all of dists/x/(one|two)/binary-amd64/Packages and twin_1.0_all of dists/x/(one|two)/" \
	suitefs --quiet publish snapshot --distribution=x --component=one,two a b
# In two publications under one prefix.
publish snapshot --distribution=a a
nothing_changes 1 "$TWIN: twin_1.0_all of dists/(a|b)/main/.* and twin_1.0_all of dists/(a|b)/main" \
	suitefs --quiet publish snapshot --distribution=b b
nothing_changes 1 "$TWIN" \
	suitefs --quiet publish mirror --distribution=b b
nothing_changes 1 "$TWIN" \
	suitefs --quiet publish snapshot --verbatim --distribution=stable b
# Under two there is no clash, nor in two generations of one.
publish snapshot --prefix=b --distribution=b b
same "$MNT/$TWIN" "$T/a/$TWIN"
same "$MNT/b/$TWIN" "$T/b/$TWIN"
publish switch a b
same "$MNT/$TWIN" "$T/b/$TWIN"
publish switch a a
same "$MNT/$TWIN" "$T/a/$TWIN"
# An update of a rolling one that would clash changes nothing of it.
publish mirror --distribution=rolling a
upstream "$T/a" new-a/1.0
rm -r "$T/a/pool/main/t"
DEB_SIZE=200 upstream "$T/a" twin/1.0
published >"$T/before"
expect 1 "$TWIN" suitefs --quiet mirror update a
published >"$T/after"
same "$T/before" "$T/after" 'what is published, after an update that clashes'
# The snapshot is out of the way: now it goes.
run suitefs publish drop a
run suitefs --quiet publish update rolling
wait_for 2 test -e "$MNT/pool/main/n/new-a" || fail "the update does not show"
same "$MNT/$TWIN" "$T/a/$TWIN"
run suitefs publish drop rolling

# The same stanza from two sources, or another stanza of the same file, is no
# clash.
edit_index() {
	sed -i '/^Package: twin/a Task: of-another-archive' "$1"
}
cp -r "$T/b" "$T/c"
upstream "$T/c"
unset -f edit_index
mirror_of c "file:$T/c"
run suitefs snapshot create c from mirror c
publish snapshot --prefix=same --distribution=s --component=one,two b c
check_dists "$PUBLISHED" "$MNT/keyring.gpg"
publish snapshot --prefix=same --distribution=t --component=main,main b c
equal "$(packages_of "$PUBLISHED/main/binary-amd64/Packages" | tr , '\n' |
	sort | paste -sd,)" 'only-b 1.0,twin 1.0' 'both in one index'

# --- a flat archive ---------------------------------------------------------------------------

mkdir "$T/flat"
for package in flat-a/1.0/amd64 flat-b/1.0/arm64 flat-c/2:1.0/all; do
	IFS=/ read -r name version arch <<<"$package"
	make_deb "$name" "$version" "$arch"
	cp "$DEB" "$T/flat/"
done
make_source flat-src 1.0-1
cp "$DEBS"/flat-src_* "$T/flat/"
make_flat_archive "$T/flat" key=up sources=y
run suitefs mirror create --source --keyring="$KEYS/up.gpg" flat \
	"file:$T/flat" ./
run suitefs mirror update flat
run suitefs snapshot create flat from mirror flat
nothing_changes 2 '--distribution' suitefs --quiet publish snapshot flat
nothing_changes 2 'flat.*verbatim' suitefs --quiet publish snapshot \
	--verbatim --distribution=x flat
publish snapshot --prefix=flat --distribution=f --component=extra flat
check_dists "$PUBLISHED" "$MNT/keyring.gpg"
check_nothing_else "$PUBLISHED"
equal "$(field "$PUBLISHED/Release" Architectures)" 'amd64 arm64' Architectures
equal "$(packages_of "$PUBLISHED/extra/binary-amd64/Packages")" \
	'flat-a 1.0,flat-c 2:1.0' 'the amd64 part of a flat archive'
equal "$(packages_of "$PUBLISHED/extra/binary-arm64/Packages")" \
	'flat-b 1.0,flat-c 2:1.0' 'the arm64 part of a flat archive'
# Each Filename now stands below pool/, and is that file.
cat "$PUBLISHED"/extra/binary-*/Packages >"$T/packages"
[[ $(grep -c '^Filename: pool/' "$T/packages") == 4 ]] ||
	fail "a Filename is not in pool/"
# Nothing else of the stanza has changed.
for arch in amd64 arm64; do
	grep -v '^Filename:' "$PUBLISHED/extra/binary-$arch/Packages" >"$T/got"
	gzip -dc "$T/flat/Packages.gz" | awk -v arch="$arch" '
		BEGIN { RS = ""; ORS = "\n\n" }
		$0 ~ "\nArchitecture: (" arch "|all)\n"' |
		grep -v '^Filename:' >"$T/wanted"
	same "$T/wanted" "$T/got" "stanzas of $arch"
done
awk '/^Filename:/ { print $2 }' "$T/packages" | sort -u | while read -r path; do
	same "$MNT/flat/$path" "$T/flat/${path##*/}"
done
# The snapshot itself is as flat as it was.
same "$MNT/snapshots/flat/InRelease" "$T/flat/InRelease"
same "$MNT/snapshots/flat/flat-a_1.0_amd64.deb" "$T/flat/flat-a_1.0_amd64.deb"

# --- sources, udebs --------------------------------------------------------------------------------

make_udeb inst 1.0 amd64
pool_add "$T/s" main "$DEB"
make_deb inst-doc 1.0 all
pool_add "$T/s" main "$DEB"
make_source srcpkg 1.0-2
pool_add "$T/s" main "$DSC"
make_archive "$T/s" stable key=up sources=y udebs=y byhash=y arches=amd64,arm64 \
	"Date: $(date_of)"
run suitefs mirror create --source --udeb --keyring="$KEYS/up.gpg" s \
	"file:$T/s" stable
run suitefs mirror update s
run suitefs snapshot create s from mirror s
publish snapshot --prefix=s s
check_dists "$PUBLISHED" "$MNT/keyring.gpg"
check_nothing_else "$PUBLISHED"
equal "$(field "$PUBLISHED/Release" Architectures)" 'amd64 arm64' Architectures
for index in main/source/Sources main/binary-arm64/Packages \
	main/debian-installer/binary-amd64/Packages \
	main/debian-installer/binary-arm64/Packages; do
	same "$PUBLISHED/$index" \
		"$MNT/snapshots/s/dists/stable/$index" "$index"
done
grep -qx 'Package: inst' "$PUBLISHED/main/debian-installer/binary-amd64/Packages" ||
	fail "no udeb"
find "$T/s/pool" -type f -printf '%P\n' | while read -r path; do
	same "$MNT/s/pool/$path" "$T/s/pool/$path"
done
same <(cd "$T/s/pool" && find . -type f | sort) \
	<(cd "$MNT/s/pool" && find . -type f | sort) 'the pools'
apt_private "$T/apt"
apt_source "deb-src [signed-by=$MNT/keyring.gpg] copy:$MNT/s stable main"
apt_update
mkdir "$T/src"
chmod 0777 "$T/src"
(cd "$T/src" && run apt-get source --download-only srcpkg)
same "$T/src/srcpkg_1.0-2.dsc" "$DEBS/srcpkg_1.0-2.dsc"
# Only some: no sources, one architecture.
publish snapshot --prefix=some --arch=arm64 s
equal "$(field "$PUBLISHED/Release" Architectures)" arm64 Architectures
[[ ! -e $PUBLISHED/main/source ]] || fail "sources nobody asked for"
check_dists "$PUBLISHED" "$MNT/keyring.gpg"
publish snapshot --prefix=source --arch=source s
[[ -s $PUBLISHED/main/source/Sources && ! -e $PUBLISHED/main/binary-arm64 ]] ||
	fail "other than sources"
run umount "$MNT"
