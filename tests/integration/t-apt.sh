#!/bin/bash
# apt on the mount: file: as _apt, copy:, and http through nginx; and what a web
# server and rsync make of it.
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=tests/integration/lib-publish.sh
. "$TESTS/lib-publish.sh"

need_root
need_fuse
need gpg apt-get apt-cache dpkg-source nginx curl rsync
MNT=$T/mnt
# tool needs lib, which differs by architecture and comes from another component.
make_deb tool 1.0 amd64 'Depends: lib (>= 1.0)'
pool_add "$T/up" main "$DEB"
make_deb tool 1.0 arm64 'Depends: lib (>= 1.0)'
pool_add "$T/up" main "$DEB"
for arch in amd64 arm64; do
	make_deb lib 1.0 $arch 'Multi-Arch: same'
	pool_add "$T/up" contrib "$DEB"
done
make_source tool 1.0-1
pool_add "$T/up" main "$DSC"
# shellcheck disable=SC2054 # lists
UP_OPTIONS=(components=main,contrib arches=amd64,arm64 sources=y)
upstream "$T/up" doc/1.0 "${UP_OPTIONS[@]}"
mirror_of m "file:$T/up" --source
run suitefs snapshot create one from mirror m
make_deb tool 2.0 amd64 'Depends: lib (>= 1.0)'
pool_add "$T/up" main "$DEB"
upstream "$T/up" "${UP_OPTIONS[@]}"
run suitefs mirror update m
run suitefs snapshot create two from mirror m
make_key ours
mount_store
publish snapshot --distribution=prod --gpg-key="$KEY" --compress=xz,gz one
PROD=$MNT/dists/prod
PACKAGES=main/binary-amd64/Packages
start_nginx "$MNT"
chmod 0755 "$T"

# candidate VERSION NAME
candidate() {
	equal "$(apt-cache policy "$2" | awk '/Candidate:/ { print $2 }')" \
		"$1" "the version of $2 that apt would install"
}

# --- three ways, from update to source -----------------------------------------------------

for way in "file:$MNT" "copy:$MNT" "$NGINX_URL"; do
	name=${way%%:*}
	run suitefs publish switch prod one
	apt_private "$T/apt.$name" 'APT::Architectures { "amd64"; "arm64"; };' \
		'APT::Sandbox::User "_apt";' 'Debug::Acquire::file "true";'
	apt_source \
		"deb [signed-by=$MNT/keyring.gpg] $way prod main contrib" \
		"deb-src [signed-by=$MNT/keyring.gpg] $way prod main"
	apt_update
	candidate 1.0 tool
	candidate 1.0 tool:arm64
	equal "$(apt-cache pkgnames | sort | paste -sd' ')" 'doc lib tool' \
		"what apt knows of, by $name"
	apt-cache policy >"$T/policy"
	grep -Eq 'release o=\. prod,a=prod,n=prod,l=\. prod,c=contrib,b=arm64' \
		"$T/policy" || fail "apt-cache policy: $(cat "$T/policy")"
	# What apt makes of it is what it makes of upstream.
	apt-cache dumpavail | sort >"$T/dump.$name"

	run apt-get install tool doc
	equal "$(apt_installed tool)" 1.0 'the tool that is installed'
	equal "$(apt_installed lib)" 1.0 'its library'
	[[ -e $APT_DIR/root/usr/share/tool/file ]] || fail "tool is not there"
	mkdir "$APT_DIR/fetched"
	chown _apt "$APT_DIR/fetched"
	(
		cd "$APT_DIR/fetched"
		run apt-get download lib:arm64 doc
		run apt-get source --download-only tool
	)
	same "$APT_DIR/fetched/doc_1.0_all.deb" "$DEBS/doc_1.0_all.deb"
	same "$APT_DIR/fetched/lib_1.0_arm64.deb" "$DEBS/lib_1.0_arm64.deb"
	same "$APT_DIR/fetched/tool_1.0-1.dsc" "$DEBS/tool_1.0-1.dsc"

	# A switch, while apt has the old state.
	run suitefs publish switch prod two
	apt_update
	candidate 2.0 tool
	run apt-get dist-upgrade
	equal "$(apt_installed tool)" 2.0 'the tool after a switch'
	# And back: nothing is in the way of an older one.
	run suitefs publish switch prod one
	apt_update
	candidate 2.0 tool # it is installed
	run apt-get install --allow-downgrades tool=1.0
	equal "$(apt_installed tool)" 1.0 'the tool after switching back'
done
same "$T/dump.file" "$T/dump.copy" 'what apt makes of file: and copy:'
same "$T/dump.file" "$T/dump.http" 'what apt makes of file: and http:'

# --- by-hash ---------------------------------------------------------------------------------

grep -q "GET /dists/prod/main/binary-amd64/by-hash/SHA256/" "$NGINX_LOG" ||
	fail "apt does not ask by hash"
! grep -q "GET /dists/prod/$PACKAGES" "$NGINX_LOG" || fail "apt asks by name"
# Whoever has a Release of before a switch gets the indexes it lists.
cp "$PROD/Release" "$T/old-release"
run suitefs publish switch prod two
release_list "$T/old-release" | while read -r hash _ path; do
	curl -sf "$NGINX_URL/dists/prod/${path%/*}/by-hash/SHA256/$hash" |
		sha256sum | grep -q "^$hash " || fail "$path of the old Release"
done

# --- a snapshot under its own key, and a rolling publication --------------------------------------

apt_private "$T/apt.own"
apt_source "deb [signed-by=$KEYS/up.gpg] file:$MNT/snapshots/one stable main"
apt_update
candidate 1.0 tool
apt_source "deb [signed-by=$KEYS/up.gpg] file:$MNT/mirrors/m stable main"
apt_update
candidate 2.0 tool
# A key that has not signed it is of no use.
apt_source "deb [signed-by=$KEYS/ours.gpg] file:$MNT/snapshots/one stable main"
expect 100 'NO_PUBKEY|[Mm]issing key' apt-get update
apt_source "deb [signed-by=$KEYS/up.gpg] file:$MNT prod main"
expect 100 'NO_PUBKEY|[Mm]issing key' apt-get update

publish mirror --prefix=roll --distribution=rolling --gpg-key="$KEY" --codename=rock \
	--not-automatic --but-automatic-upgrades --origin=Me m
apt_private "$T/apt.roll"
apt_source "deb [signed-by=$MNT/keyring.gpg] $NGINX_URL/roll rolling main"
apt_update
candidate 2.0 tool
apt-cache policy >"$T/policy"
grep -Eq '100 http.*/roll rolling/main' "$T/policy" ||
	fail "NotAutomatic has no effect: $(cat "$T/policy")"
cat >"$APT_DIR/etc/preferences.d/pin" <<-END
	Package: *
	Pin: release o=Me, a=rolling, n=rock
	Pin-Priority: 777
END
apt-cache policy >"$T/policy"
grep -Eq '777 http.*/roll rolling/main' "$T/policy" ||
	fail "a pin by Origin, Suite and Codename: $(cat "$T/policy")"
make_deb tool 3.0 amd64
pool_add "$T/up" main "$DEB"
upstream "$T/up" "${UP_OPTIONS[@]}"
run suitefs mirror update m
apt_update
candidate 3.0 tool
mkdir "$APT_DIR/fetched"
chown _apt "$APT_DIR/fetched"
(cd "$APT_DIR/fetched" && run apt-get download tool)
same "$APT_DIR/fetched/tool_3.0_amd64.deb" "$DEB"

# --- nginx -------------------------------------------------------------------------------------------

# header NAME URL [OPTION...]
header() {
	local name=$1 url=$2
	shift 2
	curl -sI "$@" "$url" | tr -d '\r' |
		awk -v n="${name,,}:" 'tolower($1) == n { $1 = ""; print substr($0, 2) }'
}

status_of() {
	curl -s -o "$T/body" -w '%{http_code}' "$@"
}

differs() {
	! cmp -s "$1" "$2"
}

URL=$NGINX_URL/dists/prod
TAG=$(header ETag "$URL/InRelease")
[[ $TAG ]] || fail "no ETag"
equal "$(header Content-Length "$URL/$PACKAGES")" \
	"$(stat -c %s "$PROD/$PACKAGES")" 'Content-Length'
equal "$(status_of -H "If-None-Match: $TAG" "$URL/InRelease")" 304 \
	'the answer to a known ETag'
SINCE=$(header Last-Modified "$URL/InRelease")
equal "$(status_of -H "If-Modified-Since: $SINCE" "$URL/InRelease")" 304 \
	'the answer to a known Last-Modified'
cp "$PROD/InRelease" "$T/inrelease"
for source in one two one; do
	run suitefs publish switch prod "$source"
	wait_for 2 differs "$PROD/InRelease" "$T/inrelease" ||
		fail "a switch does not show"
	cp "$PROD/InRelease" "$T/inrelease"
	equal "$(status_of -H "If-None-Match: $TAG" "$URL/InRelease")" 200 \
		'the answer to the ETag of before a switch'
	same "$T/body" "$PROD/InRelease"
	equal "$(status_of -H "If-Modified-Since: $SINCE" "$URL/InRelease")" 200 \
		'the answer to the Last-Modified of before a switch'
	TAG=$(header ETag "$URL/InRelease")
	SINCE=$(header Last-Modified "$URL/InRelease")
done
size=$(stat -c %s "$PROD/$PACKAGES")
for range in 0-0 100-199 $((size - 10))- -50 5-$((size * 2)); do
	equal "$(status_of -r "$range" "$URL/$PACKAGES")" 206 "the answer to $range"
	curl -s -r "$range" "file://$PROD/$PACKAGES" >"$T/part"
	same "$T/part" "$T/body" "bytes $range"
done
equal "$(status_of -r "$size-" "$URL/$PACKAGES")" 416 'the answer to no bytes'
equal "$(status_of -r "0-1,10-19" "$URL/$PACKAGES")" 206 'the answer to two ranges'
equal "$(status_of "$URL/nothing")" 404 'the answer to a name that is none'
equal "$(status_of "$URL/main/")" 200 'the answer to a directory'
for name in binary-amd64/ source/; do
	grep -q "href=\"$name\"" "$T/body" || fail "no $name in a directory's list"
done
equal "$(status_of -X PUT --data x "$URL/InRelease")" 405 'the answer to a PUT'
# A file that upstream has lost is an error, not a file that never was.
mv "$T/up/pool/contrib" "$T/up/pool/gone"
file=pool/contrib/l/lib/lib_1.0_amd64.deb
equal "$(status_of "$NGINX_URL/$file")" 200 'the answer for a file that is present'
mv "$T/up/pool/main/t" "$T/up/pool/gone-t"
rm -f "$SUITEFS_STORE"/blobs/sha256/*/"$(sha256sum <"$DEBS/tool_3.0_amd64.deb" |
	cut -d' ' -f1)"
equal "$(status_of "$NGINX_URL/roll/pool/main/t/tool/tool_3.0_amd64.deb")" 500 \
	'the answer for a file that can not be had'
mv "$T/up/pool/gone-t" "$T/up/pool/main/t"
mv "$T/up/pool/gone" "$T/up/pool/contrib"

# --- written out, it is an archive like any other -----------------------------------------------------

run suitefs snapshot fetch one
run suitefs publish snapshot --prefix=out --distribution=prod \
	--gpg-key="$KEY" one
wait_for 2 test -e "$MNT/out/dists/prod/InRelease" || fail "no out/"
run rsync -aH "$MNT/out/" "$T/written/"
cp "$MNT/keyring.gpg" "$T/ours.gpg"
run umount "$MNT"
check_dists "$T/written/dists/prod" "$T/ours.gpg"
apt_private "$T/apt.written" 'APT::Architectures { "amd64"; "arm64"; };'
apt_source "deb [signed-by=$T/ours.gpg] file:$T/written prod main contrib"
apt_update
candidate 1.0 tool
apt-cache dumpavail | sort >"$T/dump.written"
same "$T/dump.file" "$T/dump.written" 'what apt makes of the copy'
run apt-get install tool
equal "$(apt_installed tool)" 1.0 'the tool from the copy'
