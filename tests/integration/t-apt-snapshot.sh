#!/bin/bash
# apt's own snapshots: apt-get --snapshot=ID of Debian 13, in a scratch root,
# from what nginx serves of the mount.
# shellcheck disable=SC2016 # what is for apt or for another shell to expand
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=tests/integration/lib-publish.sh
. "$TESTS/lib-publish.sh"

need_root
need_fuse
need mmdebstrap nginx flock
MNT=$T/mnt
ROOT=$T/root

# A root with Debian 13's apt is made once and kept as a tar file.
TAR=${TMPDIR:-/tmp}/suitefs-trixie.tar
make_tar() {
	local uri

	[[ ! -s $TAR || ! -O $TAR ]] || return 0
	uri=$(apt-get indextargets --format '$(REPO_URI)' \
		'Created-By: Packages' 'Component: main' | grep -m 1 '/debian/$')
	[[ $uri ]] || skip "apt is not configured for a Debian archive"
	mmdebstrap --mode=root --format=tar --variant=apt trixie "$TAR.new" \
		"$uri" >"$T/out" 2>&1 ||
		{ tail -n 3 "$T/out" && skip "no Debian 13 can be made"; }
	mv "$TAR.new" "$TAR"
}
exec 9>"$TAR.lock"
flock 9
make_tar
exec 9>&-
mkdir "$ROOT"
tar -C "$ROOT" -xf "$TAR"

# --- two snapshots, and what has come since ------------------------------------

upstream "$T/up" aa/1.0 bb/1.0 "Date: $(date_of '2026-11-20 18:00:00')"
mirror_of m "file:$T/up"
run suitefs snapshot create from mirror m
upstream "$T/up" aa/2.0 -bb "Date: $(date_of '2026-11-21 06:30:15')"
run suitefs mirror update m
run suitefs snapshot create from mirror m
upstream "$T/up" aa/3.0
run suitefs mirror update m
expect_output '20261120T180000Z 20261121T063015Z' \
	bash -c '"$SUITEFS" snapshot list | cut -d" " -f1 | paste -sd" "'

make_key ours
mount_store
start_nginx "$MNT"
OURS=--gpg-key=$KEY
publish mirror "$OURS" --snapshots-url="$NGINX_URL/snapshots/@SNAPSHOTID@/" m
equal "$(field "$PUBLISHED/InRelease" Snapshots)" \
	"$NGINX_URL/snapshots/@SNAPSHOTID@/" 'the field Snapshots'
# The same under a name and a key of our own.
for id in 20261120T180000Z 20261121T063015Z; do
	publish snapshot "$OURS" --prefix="at/$id" --distribution=prod "$id"
done
publish mirror "$OURS" --distribution=prod \
	--snapshots-url="$NGINX_URL/at/@SNAPSHOTID@" m
equal "$(field "$PUBLISHED/InRelease" Snapshots)" \
	"$NGINX_URL/at/@SNAPSHOTID@/" 'the address without a slash'

# --- apt -------------------------------------------------------------------------

# There is no /dev/pts in the root.
in_root() {
	run chroot "$ROOT" env DEBIAN_FRONTEND=noninteractive \
		"$1" -o Dpkg::Use-Pty=false "${@:2}"
	! grep -E '^[WE]:' "$T/out" "$T/err" || fail "apt complains: $*"
}

# source_of SUITE KEY...: the only source in the root.
source_of() {
	local suite=$1 name files=''
	shift

	rm -rf "$ROOT"/etc/apt/sources.list "$ROOT"/etc/apt/sources.list.d/* \
		"$ROOT"/var/lib/apt/lists/*
	for name; do
		cp "$KEYS/$name.gpg" "$ROOT/etc/apt/$name.gpg"
		files+=" /etc/apt/$name.gpg"
	done
	printf '%s\n' 'Types: deb' "URIs: $NGINX_URL" "Suites: $suite" \
		'Components: main' "Signed-By:$files" \
		>"$ROOT/etc/apt/sources.list.d/test.sources"
	in_root apt-get -q update
}

# candidate VERSION PACKAGE [OPTION...]
candidate() {
	local want=$1 package=$2
	shift 2

	in_root apt-cache "$@" policy "$package"
	equal "$(awk '/Candidate:/ { print $2 }' "$T/out")" "$want" \
		"the candidate of $package with '$*'"
}

try() {
	local id=--snapshot=20261120T180000Z

	candidate 3.0 aa
	in_root apt-get -q update "$id"
	candidate 1.0 aa "$id"
	candidate 1.0 bb "$id"
	candidate 3.0 aa
	in_root apt-get -qy install "$id" aa
	grep -q '^aa 1.0 ' "$ROOT/usr/share/aa/file" || fail "aa is not 1.0"
	in_root apt-get -q update --snapshot=20261121T063015Z
	in_root apt-get -qy install --snapshot=20261121T063015Z aa
	grep -q '^aa 2.0 ' "$ROOT/usr/share/aa/file" || fail "aa is not 2.0"
	in_root apt-get -qy install aa
	grep -q '^aa 3.0 ' "$ROOT/usr/share/aa/file" || fail "aa is not 3.0"
	in_root apt-get -qy purge aa
	# What was never frozen is not there, and what is stays.
	expect 100 'does not have a Release file' chroot "$ROOT" \
		apt-get -q update --snapshot=20200101T000000Z
	candidate 3.0 aa
}

source_of stable ours up
try
source_of prod ours
try
run umount "$MNT"
