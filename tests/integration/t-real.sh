#!/bin/bash
# Debian's own bookworm main, signed by Debian: mirrored, snapshotted, published
# with a throw-away key, mounted; apt from file: and through nginx.
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=tests/integration/lib-real.sh
. "$TESTS/lib-real.sh"

need_root
need_fuse
need nginx
MNT=$T/mnt
real_upstream amd64 arm64 --sources --udebs
start_nginx "$REAL"
UPSTREAM_URL=$NGINX_URL

# --- mirror, snapshot, publish ------------------------------------------------

run suitefs mirror create --arch=amd64,arm64 --source --udeb \
	--keyring="$DEBIAN" debian "$UPSTREAM_URL" bookworm main
run suitefs mirror update debian
# Every stanza of upstream's indexes, no more and no less.
run suitefs --json mirror show debian
while read -r path count; do
	want=$(xz -dc "$REAL/dists/bookworm/$path.xz" | grep -c ^Package:)
	[[ $count == "$want" ]] || fail "$path: $count packages, not $want"
done < <("$PYTHON" -c '
import json, sys
for l in json.load(sys.stdin)["state"]["lists"]:
    print(l["path"], l["packages"])' <"$T/out")
run suitefs snapshot create monday from mirror debian
make_key ours
run suitefs publish snapshot --distribution=prod monday

mkdir "$MNT"
run suitefs mount "$MNT"
check_dists "$MNT/dists/prod" "$MNT/keyring.gpg"
[[ $CHECKED -ge 20 ]] || fail "only $CHECKED files in dists/prod"
check_nothing_else "$MNT/dists/prod"
[[ $(find "$MNT/snapshots/monday/packages/main" -type f | wc -l) -gt 63000 ]] ||
	fail "packages are missing below packages/"

# --- apt: what it makes of upstream, of file: and of nginx ----------------------

start_nginx "$MNT"
# dump NAME LINE...: apt-cache dumpavail of a source.
dump() {
	local name=$1
	shift
	apt_private "$T/$name" 'APT::Architectures { "amd64"; "arm64"; };'
	apt_source "$@"
	run apt-get update
	! grep -E '^(W|E):' "$T/err" || fail "apt-get update: $name"
	apt-cache dumpavail >"$T/$name.dump"
}
dump upstream "deb [signed-by=$DEBIAN] $UPSTREAM_URL bookworm main"
for way in "file:$MNT" "$NGINX_URL"; do
	dump "${way%%:*}" "deb [signed-by=$MNT/keyring.gpg] $way prod main" \
		"deb-src [signed-by=$MNT/keyring.gpg] $way prod main"
	same "$T/upstream.dump" "$T/${way%%:*}.dump" "what apt makes of $way"

	# A package whose .deb comes through the pool.  What it depends on
	# counts as installed.
	printf '%s\n' 'Package: libc6' 'Status: install ok installed' \
		'Version: 99' 'Architecture: amd64' 'Maintainer: nobody' \
		'Description: pretended' '' >"$APT_DIR/root/var/lib/dpkg/status"
	run apt-get install hello
	[[ -x $APT_DIR/root/usr/bin/hello ]] || fail "hello is not installed"
	mkdir "$APT_DIR/src"
	chmod 0777 "$APT_DIR/src"
	(cd "$APT_DIR/src" && run apt-get source --download-only hello)
	[[ $(find "$APT_DIR/src" -name 'hello_*' | wc -l) -ge 3 ]] ||
		fail "apt-get source hello"
	same "$APT_DIR/src/hello_2.10.orig.tar.gz" \
		"$REAL/pool/main/h/hello/hello_2.10.orig.tar.gz"
done
state=$(getfattr --only-values -n user.suitefs.state \
	"$MNT"/pool/main/h/hello/hello_*_amd64.deb)
[[ $state == present ]] || fail "hello's .deb is $state after it was read"
run umount "$MNT"
