#!/bin/bash
# Debian's own bookworm main and bookworm-security as snapshots, under Debian's
# signatures: every file that upstream serves is there, byte for byte, no other
# name is, and apt takes it with Debian's keyring and nothing else.
#
# Files of at most $LIMIT bytes (1000000) are compared byte for byte, and those
# that $REAL has anyway; the others by name and size.  FULL=1 compares all: it
# downloads some 600 MB into $REAL, once, and needs 5 GB in $T.
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=tests/integration/lib-real.sh
. "$TESTS/lib-real.sh"

need_root
need_fuse
need nginx cmp
MNT=$T/mnt
LIMIT=${LIMIT:-1000000}
[[ ! ${FULL-} ]] || LIMIT=$((1 << 40))
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

# sizes TREE: all that is there has the size that Release says.
sizes() {
	find "$1" -type f -printf '%P %s\n' | sort >"$T/there"
	release_list "$T/listing" | awk '{ print $3, $2 }' | sort |
		join - "$T/there" | awk '$2 != $3' >"$T/out"
	[[ ! -s $T/out ]] || fail "other sizes than in Release: $(cat "$T/out")"
}

# compare TREE UPSTREAM N: each file that Release lists and that lies in
# UPSTREAM, in whatever form; at least N.
compare() {
	local tree=$1 upstream=$2 hash size path n=0 left=0

	while read -r hash size path; do
		if [[ -e $upstream/$path ]]; then
			cmp "$tree/$path" "$upstream/$path" ||
				fail "$path differs from upstream's"
		elif ((size <= LIMIT)) &&
			compgen -G "$upstream/$path.[gbx]z*" >"$T/out"; then
			cmp "$tree/$path" <(plain "$upstream/$path") ||
				fail "$path differs from upstream's"
		else
			left=$((left + 1))
			continue
		fi
		n=$((n + 1))
		# One inode is one file, whatever its name.
		[[ $tree/$path -ef $tree/${path%/*}/by-hash/SHA256/$hash ]] ||
			fail "$path is another file by hash"
	done < <(release_list "$T/listing")
	[[ $n -ge $3 ]] || fail "only $n files of $tree were compared"
	printf '%s: %s files compared, %s not\n' "${tree##*/}" "$n" "$left"
}

# heads URL FILE: "200 SIZE PATH" for each path in FILE, as a server answers.
heads() {
	sed "s,.*,url = \"$1/&\"\noutput = /dev/null," "$2" >"$T/curlrc"
	curl -sSIZ --no-progress-meter --parallel-max 16 -K "$T/curlrc" -w \
		'%{http_code} %header{content-length} %{url_effective}\n' |
		sed "s,$1/,,"
}

# names TREE: the tree has each name that upstream serves, with the size that
# Release says, and no other that can't be made of one.  A file of another size
# is not the one that was signed: mirrors of archives mix old and new.
names() {
	local tree=$1 code size path odd=0
	local -A listed=()

	while read -r _ size path; do
		listed[$path]=$size
	done < <(release_list "$T/listing")
	while read -r code size path; do
		if [[ $code == 200 ]]; then
			[[ -e $tree/$path ]] || fail "$path is missing"
			[[ ${listed[$path]} == "$size" ]] || odd=$((odd + 1))
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

# ask URL: what upstream serves of what Release lists: $T/heads, $T/served.
ask() {
	release_list "$T/listing" | awk '{ print $3 }' | sort >"$T/listed"
	heads "$1" "$T/listed" >"$T/heads"
	sed -n 's/^200 [0-9]* //p' "$T/heads" | sort >"$T/served"
	[[ $(wc -l <"$T/heads") == $(wc -l <"$T/listed") ]] ||
		fail "upstream does not answer"
}

# bring UPSTREAM URL: what is served and not too long is in UPSTREAM then, unless
# it is another file than Release says.
bring() {
	local upstream=$1 url=$2 hash size path

	release_list "$T/listing" | sort -k 3 | join -1 3 - "$T/served" |
		while read -r path hash size; do
			((size > LIMIT)) || [[ -e $upstream/$path ]] ||
				printf '%s  %s\n' "$hash" "$path"
		done >"$T/wanted"
	[[ -s $T/wanted ]] || return 0
	sed "s,^[0-9a-f]*  \(.*\),url = \"$url/\1\"\noutput = \"$T/new/\1\"," \
		"$T/wanted" >"$T/curlrc"
	mkdir "$T/new"
	curl -sSfZ --no-progress-meter --parallel-max 16 --create-dirs \
		-K "$T/curlrc" || fail "upstream does not answer"
	(cd "$T/new" && { sha256sum -c "$T/wanted" 2>/dev/null || :; }) |
		sed -n 's/: OK$//p' |
		(cd "$T/new" && xargs -r cp -n --parents -t "$upstream")
	rm -r "$T/new"
}

# check TREE UPSTREAM URL N
check() {
	local tree=$1 upstream=$2 url=$3

	same "$tree/InRelease" "$upstream/InRelease"
	run gpgv --keyring "$DEBIAN" --output "$T/listing" "$tree/InRelease"
	if [[ $online ]]; then
		ask "$url"
		bring "$upstream" "$url"
	fi
	sizes "$tree"
	compare "$tree" "$upstream" "$4"
	companions "$tree" "$url"
	check_nothing_else "$tree"
	[[ ! $online ]] || names "$tree"
}

TREE=$MNT/snapshots/monday/dists/bookworm
TREE_SECURITY=$MNT/snapshots/monday-security/dists/bookworm-security
least=(24 6)
[[ ! $online ]] || least=(400 100)
check "$TREE" "$REAL/dists/bookworm" "$UPSTREAM_URL/dists/bookworm" \
	"${least[0]}"
check "$TREE_SECURITY" "$REAL/security/dists/bookworm-security" \
	"$UPSTREAM_URL/security/dists/bookworm-security" "${least[1]}"
if [[ ${FULL-} ]]; then
	# What was read stays: nothing is left to be fetched but the pool.
	run suitefs --json snapshot show monday
	"$PYTHON" -c '
import json, sys
n = json.load(sys.stdin)["listed"]
sys.exit(n["files"] < 350 or n["missing_files"] > 0)' <"$T/out" ||
		fail "not all listed files are present after all were read"
fi

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
