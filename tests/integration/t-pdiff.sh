#!/bin/bash
# Packages.diff/Index is a file of Release like any other: it is there, and apt,
# which asks for the patches that only Index names, gets the whole index instead.
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=tests/integration/lib-publish.sh
. "$TESTS/lib-publish.sh"

need_root
need_fuse
need gpg apt-get nginx xz
MNT=$T/mnt
UP=$T/up
INDEX=main/binary-amd64/Packages

# More stanzas than the archive really has, that a patch is worth it; and, where
# there was a state before, the patch from that one.
edit_index() {
	[[ ${1##*/} == Packages ]] || return 0
	awk -v n=$((500 + STATE)) 'BEGIN {
		for (i = 0; i < n; i++) {
			p = sprintf("p%05d", i)
			printf "Package: %s\nVersion: 1\nArchitecture: all\n", p
			printf "Maintainer: A Tester <tester@example.org>\n"
			printf "Filename: pool/main/p/%s/%s_1_all.deb\n", p, p
			printf "Size: 1000\nSHA256: %064d\n", i
			printf "Description: package %s\n\n", p
		}
	}' >>"$1"
	[[ ! -e $T/before ]] || diff_index "$1"
	cp "$1" "$T/before"
}

# hash_of FILE: "SHA256 SIZE"
hash_of() {
	printf '%s %s' "$(sha256sum <"$1" | cut -d' ' -f1)" "$(stat -c %s "$1")"
}

diff_index() {
	local dir=$1.diff

	mkdir -p "$dir"
	diff --ed "$T/before" "$1" >"$dir/patch" || :
	gzip -9nkf "$dir/patch"
	printf 'SHA256-Current: %s\nSHA256-History:\n %s patch\n' \
		"$(hash_of "$1")" "$(hash_of "$T/before")" >"$dir/Index"
	printf 'SHA256-Patches:\n %s patch\nSHA256-Download:\n %s patch.gz\n' \
		"$(hash_of "$dir/patch")" "$(hash_of "$dir/patch.gz")" \
		>>"$dir/Index"
	rm "$dir/patch"
}

STATE=0
upstream "$UP" aa/1.0
mirror_of m "file:$UP"
mount_store
start_nginx "$MNT"
apt_private "$T/apt" 'Acquire::PDiffs "true";' 'Acquire::Languages "none";'
apt_source "deb [signed-by=$KEYS/up.gpg] $NGINX_URL/mirrors/m stable main"
apt_update

STATE=1
upstream "$UP" aa/2.0 "Date: $(date_of '5 seconds')"
[[ -s $UP/dists/stable/$INDEX.diff/Index ]] || fail "upstream has no Index"
run suitefs mirror update m
same "$MNT/mirrors/m/dists/stable/$INDEX.diff/Index" \
	"$UP/dists/stable/$INDEX.diff/Index"
# What Release does not list is not there.
[[ ! -e $MNT/mirrors/m/dists/stable/$INDEX.diff/patch.gz ]] ||
	fail "a patch is served, which nothing that is signed has listed"
check_nothing_else "$MNT/mirrors/m/dists/stable"
apt_update
grep -q "/$INDEX.diff/by-hash/SHA256/[^ ]* HTTP[^\"]*\" 200" "$NGINX_LOG" ||
	fail "apt has not got Index: $(cat "$NGINX_LOG")"
[[ $(apt-cache policy aa | awk '/Candidate:/ { print $2 }') == 2.0 ]] ||
	fail "apt has not got the new index"
run umount "$MNT"
