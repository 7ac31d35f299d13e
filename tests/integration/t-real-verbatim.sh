#!/bin/bash
# Debian's own bookworm main and bookworm-security as snapshots, under Debian's
# signatures: every file that upstream serves is there, byte for byte, no other
# name is, and apt takes it with Debian's keyring and nothing else.
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=tests/integration/lib-real.sh
. "$TESTS/lib-real.sh"

need_root
need_fuse
need nginx cmp
MNT=$T/mnt
real_upstream amd64 arm64 --sources --udebs --security
online=y
start_archive || online=
UPSTREAM_URL=$NGINX_URL

# --- two mirrors, two snapshots -------------------------------------------------

run suitefs mirror create --arch=amd64,arm64 --source --udeb \
	--keyring="$DEBIAN" debian "$UPSTREAM_URL" bookworm main
run suitefs mirror create --arch=amd64,arm64 --keyring="$DEBIAN" security \
	"$UPSTREAM_URL/security" bookworm-security main
run suitefs mirror update debian security
run suitefs snapshot create monday from mirror debian
run suitefs snapshot create monday-security from mirror security
mkdir "$MNT"
run suitefs mount "$MNT"

# --- the trees --------------------------------------------------------------------

# plain FILE: what FILE would be without compression, from a form that is there.
plain() {
	local file=$1

	if [[ -e $file.xz ]]; then
		xz -dc "$file.xz"
	elif [[ -e $file.gz ]]; then
		gzip -dc "$file.gz"
	else
		bzip2 -dc "$file.bz2"
	fi
}

# companions TREE URL: Release and Release.gpg are there where upstream has them
# and they say what InRelease says; caches before an archive mix old and new.
companions() {
	local tree=$1 url=$2 name

	for name in Release Release.gpg; do
		curl -sf -o "$T/$name" "$url/$name" || return 0
	done
	gpgv -q --keyring "$DEBIAN" "$T/Release.gpg" "$T/Release" 2>"$T/err" &&
		cmp -s "$T/Release" "$T/listing" || return 0
	for name in Release Release.gpg; do
		same "$tree/$name" "$T/$name"
	done
}

# compare TREE UPSTREAM N: each file that Release lists and that lies in
# UPSTREAM, in whatever form; at least N.
compare() {
	local tree=$1 upstream=$2 hash size path n=0

	same "$tree/InRelease" "$upstream/InRelease"
	run gpgv --keyring "$DEBIAN" --output "$T/listing" "$tree/InRelease"
	while read -r hash size path; do
		if [[ -e $upstream/$path ]]; then
			cmp "$tree/$path" "$upstream/$path" ||
				fail "$path differs from upstream's"
		elif compgen -G "$upstream/$path.[gbx]z*" >"$T/out"; then
			cmp "$tree/$path" <(plain "$upstream/$path") ||
				fail "$path differs from upstream's"
		else
			continue
		fi
		n=$((n + 1))
		[[ $(stat -c %s "$tree/$path") == "$size" ]] ||
			fail "$path has another size than Release says"
		cmp "$tree/$path" "$tree/${path%/*}/by-hash/SHA256/$hash" ||
			fail "$path differs by hash"
	done < <(release_list "$T/listing")
	[[ $n -ge $3 ]] || fail "only $n files of $tree were compared"
	printf '%s: %s files compared\n' "${tree##*/}" "$n"
}

# heads URL FILE: "200 SIZE PATH" for each path in FILE, as a server answers.
heads() {
	sed "s,.*,url = \"$1/&\"\noutput = /dev/null," "$2" >"$T/curlrc"
	curl -sSIZ --no-progress-meter --parallel-max 16 -K "$T/curlrc" -w \
		'%{http_code} %header{content-length} %{url_effective}\n' |
		sed "s,$1/,,"
}

# names TREE URL: the tree has each name that upstream serves, with the size that
# Release says, and no other that can't be made of one.  A file of another size
# is not the one that was signed: mirrors of archives mix old and new.
names() {
	local tree=$1 url=$2 code size path odd=0

	check_nothing_else "$tree"
	heads "$url" "$T/listed" >"$T/heads"
	sed -n 's/^200 [0-9]* //p' "$T/heads" >"$T/served"
	[[ $(wc -l <"$T/heads") == $(wc -l <"$T/listed") ]] ||
		fail "upstream does not answer"
	while read -r code size path; do
		if [[ $code == 200 ]]; then
			[[ -e $tree/$path ]] || fail "$path is missing"
			[[ $(stat -c %s "$tree/$path") == "$size" ]] ||
				odd=$((odd + 1))
		elif [[ -e $tree/$path ]]; then
			grep -qxF -e "$path.xz" -e "$path.gz" -e "$path.bz2" \
				"$T/served" ||
				fail "$path is there, but upstream has it not"
		fi
	done <"$T/heads"
	((odd * 10 < $(wc -l <"$T/served"))) ||
		fail "$odd sizes are not upstream's"
	printf '%s: %s of %s names are served, %s of them not as signed\n' \
		"${tree##*/}" "$(wc -l <"$T/served")" "$(wc -l <"$T/listed")" \
		"$odd"
}

TREE=$MNT/snapshots/monday/dists/bookworm
TREE_SECURITY=$MNT/snapshots/monday-security/dists/bookworm-security
compare "$TREE" "$REAL/dists/bookworm" 24
companions "$TREE" "$UPSTREAM_URL/dists/bookworm"
[[ ! $online ]] || names "$TREE" "$UPSTREAM_URL/dists/bookworm"
compare "$TREE_SECURITY" "$REAL/security/dists/bookworm-security" 6
companions "$TREE_SECURITY" "$UPSTREAM_URL/security/dists/bookworm-security"
[[ ! $online ]] || names "$TREE_SECURITY" \
	"$UPSTREAM_URL/security/dists/bookworm-security"

# --- apt ----------------------------------------------------------------------------

start_nginx "$MNT"
for way in "file:$MNT/snapshots" "$NGINX_URL/snapshots"; do
	apt_private "$T/${way%%:*}" 'APT::Architectures { "amd64"; "arm64"; };'
	apt_source "deb [signed-by=$DEBIAN] $way/monday bookworm main" \
		"deb [signed-by=$DEBIAN] $way/monday-security bookworm-security main"
	apt_update
	apt-cache dumpavail >"$T/${way%%:*}.dump"
done
apt_private "$T/upstream" 'APT::Architectures { "amd64"; "arm64"; };'
apt_source "deb [signed-by=$DEBIAN] $UPSTREAM_URL bookworm main" \
	"deb [signed-by=$DEBIAN] $UPSTREAM_URL/security bookworm-security main"
apt_update
apt-cache dumpavail >"$T/upstream.dump"
same "$T/upstream.dump" "$T/file.dump" 'what apt makes of file:'
same "$T/upstream.dump" "$T/http.dump" 'what apt makes of http:'
run umount "$MNT"
