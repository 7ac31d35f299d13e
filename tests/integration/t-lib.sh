#!/bin/bash
# The library itself: what tests are made of has to be right first.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh" || exit

need curl apt-get apt-ftparchive dpkg-deb gpg nginx xz

# --- keys and signatures
make_key main
make_key other
make_key old expired
make_key gone revoked
make_key secret passphrase=sesame
printf 'Origin: test\n' >"$T/Release"
gpg_says() {
	gpgv --status-fd 1 --keyring "$KEYS/$1.gpg" "$T/InRelease" \
		>"$T/status" 2>/dev/null || :
	grep -q "^\[GNUPG:\] $2 " "$T/status"
}
for name in main secret; do
	sign_release "$T" "$name"
	gpg_says "$name" GOODSIG || fail "no good signature by $name"
	run gpgv --keyring "$KEYS/$name.gpg" "$T/Release.gpg" "$T/Release"
	gpg --dearmor <"$KEYS/$name.asc" >"$T/got"
	same "$KEYS/$name.gpg" "$T/got"
done
gpg_says other NO_PUBKEY || fail "the key of main is in other.gpg"
sign_release "$T" old
gpg_says old EXPKEYSIG || fail "the key of old has not expired"
sign_release "$T" gone
gpg_says gone REVKEYSIG || fail "the key of gone is not revoked"
sign_release "$T" main,other inline
for name in main other; do
	gpgv --status-fd 1 --keyring "$KEYS/main.gpg" \
		--keyring "$KEYS/other.gpg" "$T/InRelease" 2>/dev/null |
		grep -q "GOODSIG.*$name@" || fail "no second signature"
done
[[ ! -e $T/Release.gpg ]] || fail "inline leaves a Release.gpg"

# --- an archive with everything, fit for apt over http
make_deb hello 1.0-1 amd64 'Depends: hello-data (= 1.0-1)'
make_deb hello-data 1.0-1 all
make_deb other 1:2.0 arm64 'Multi-Arch: same'
make_udeb hello-udeb 1.0-1 amd64
make_source hello 1.0-1
make_source tiny 3
[[ -e $DEBS/hello_1.0.orig.tar.xz ]] || fail "no upstream tarball"
[[ $(dpkg-deb -f "$DEB" Section) == debian-installer ]] || fail "no udeb"
pool_add "$T/archive" main "$DEBS"/*.deb "$DEBS"/*.udeb "$DEBS"/*.dsc
make_deb extra 0.1 all
pool_add "$T/archive" contrib "$DEB"
make_archive "$T/archive" stable components=main,contrib arches=amd64,arm64 \
	forms=plain,gz,xz,bz2,zst,lz4 sources=y udebs=y byhash=y key=main \
	'Origin: Test' 'Description: an archive' "Date: $(date_of '-1 hour')"
dists=$T/archive/dists/stable
for name in Packages Packages.gz Packages.xz Packages.bz2; do
	for dir in main/binary-amd64 main/binary-arm64 contrib/binary-amd64 \
		main/debian-installer/binary-amd64; do
		[[ -e $dists/$dir/$name ]] || fail "no $dir/$name"
		grep -q " $dir/$name\$" "$dists/Release" ||
			fail "$dir/$name is not in Release"
	done
done
for name in Packages.zst Packages.lz4; do
	grep -q " main/binary-amd64/$name\$" "$dists/Release" ||
		fail "$name is not in Release"
done
grep -q '^Package: other$' "$dists/main/binary-arm64/Packages" ||
	fail "no package of arm64"
grep -qx 'Origin: Test' "$dists/Release" || fail "no Origin"
grep -qx 'Components: main contrib' "$dists/Release" || fail "no Components"
[[ -e $dists/main/binary-amd64/by-hash/SHA256/$(sha256sum \
	<"$dists/main/binary-amd64/Packages.xz" | cut -c1-64) ]] ||
	fail "no by-hash"

start_nginx "$T/archive"
apt_private "$T/apt"
line="[signed-by=$KEYS/main.asc] $NGINX_URL stable main contrib"
apt_source "deb $line" "deb-src $line"
apt_update
grep -q 'GET /dists/stable/main/binary-amd64/by-hash/SHA256/' "$NGINX_LOG" ||
	fail "apt did not ask by hash"
[[ $(apt-cache pkgnames | sort | tr '\n' ' ') == 'extra hello hello-data ' ]] ||
	fail "apt sees other packages: $(apt-cache pkgnames)"
if [[ $(id -u) == 0 ]]; then
	run apt-get -q install hello
	[[ $(apt_installed hello) == 1.0-1 ]] || fail "hello is not installed"
	[[ $(cat "$APT_DIR/root/usr/share/hello-data/file") == \
		'hello-data 1.0-1 all' ]] || fail "hello-data is not unpacked"
fi
(
	mkdir "$T/src" && cd "$T/src"
	[[ $(id -u) != 0 ]] || chown _apt .
	run apt-get -q source --download-only hello tiny
	[[ -e hello_1.0.orig.tar.xz && -e tiny_3.dsc ]]
) || fail "no source packages"

# The same archive by another key, unsigned, and expired.
apt_private "$T/apt2"
apt_source "deb [signed-by=$KEYS/other.gpg] $NGINX_URL stable main"
expect 100 'NO_PUBKEY|Missing key' apt-get -q update
make_archive "$T/archive" stable key=none
apt_source "deb [signed-by=$KEYS/main.gpg] $NGINX_URL stable main"
expect 100 'not signed|no longer signed' apt-get -q update
make_archive "$T/archive" stable key=main "Valid-Until: $(date_of '-1 day')"
expect 100 'expired' apt-get -q update
[[ ! -e $dists/main/binary-amd64/Packages ]] || fail "plain Packages was kept"
stop_nginx "$NGINX_PID"
gone "$NGINX_PID" || fail "nginx still runs"

# --- a flat archive, a suite with a slash, a component with a prefix; file:
cp -r "$DEBS" "$T/flat"
make_flat_archive "$T/flat" sources=y forms=gz key=main
make_archive "$T/archive" stable/updates prefix=updates/ key=main forms=bz2
grep -qx 'Components: updates/main' "$T/archive/dists/stable/updates/Release" ||
	fail "no prefix"
apt_source "deb [signed-by=$KEYS/main.gpg] file:$T/flat ./" \
	"deb-src [signed-by=$KEYS/main.gpg] file:$T/flat ./" \
	"deb [signed-by=$KEYS/main.gpg] file:$T/archive stable/updates main"
apt_update
apt-cache policy extra | grep -q "file:$T/flat" || fail "no flat archive"
apt-cache policy hello | grep -q "stable/updates/main" || fail "no updates"
run apt-cache showsrc tiny

# --- TLS
make_tls
start_nginx "$T/archive" tls
run curl -sf --cacert "$T/tls/ca.pem" -o /dev/null \
	"$NGINX_URL/dists/stable/InRelease"
expect 60 '' curl -sf -o /dev/null "$NGINX_URL/dists/stable/InRelease"

# --- the hostile server
mkdir "$T/www"
head -c 200000 /dev/urandom >"$T/www/file"
printf 'another\n' >"$T/www/two"
start_badserver "$T/www"
url=$BAD_URL/file
get() {
	curl -sS --max-time 10 -o "$T/got" "$@"
}
# bad STATUS FAULT...: curl's exit status for /file with this fault.
bad() {
	local want=$1
	shift

	bad_clear
	bad_rule '/file' "$@"
	expect "$want" '' get "$url"
}
run get "$url"
same "$T/www/file" "$T/got"
run get -r 1000-1999 "$url"
same <(tail -c +1001 "$T/www/file" | head -c 1000) "$T/got"
run get -r -10 "$url"
same <(tail -c 10 "$T/www/file") "$T/got"
head -c 5000 "$T/www/file" >"$T/got"
run get -C - "$url"
same "$T/www/file" "$T/got"
run curl -sS -D "$T/head" -o /dev/null "$url"
etag=$(sed -n 's/\r$//; s/^ETag: //p' "$T/head")
date=$(sed -n 's/\r$//; s/^Last-Modified: //p' "$T/head")
code() {
	curl -s -o /dev/null -w '%{http_code}' "$@" "$url"
}
[[ $(code -H "If-None-Match: $etag") == 304 ]] || fail "ETag"
[[ $(code -H 'If-None-Match: "x"') == 200 ]] || fail "another ETag"
[[ $(code -H "If-Modified-Since: $date") == 304 ]] || fail "If-Modified-Since"
[[ $(code -H "If-Modified-Since: Sat, 01 Jan 2000 00:00:00 GMT") == 200 ]] ||
	fail "earlier If-Modified-Since"
[[ $(code -r 900000-) == 416 ]] || fail "range beyond the end"
[[ $(code -r 0-0 -H "If-Range: $etag") == 206 ]] || fail "If-Range"
[[ $(code -r 0-0 -H 'If-Range: "x"') == 200 ]] || fail "another If-Range"
[[ $(code -I) == 200 ]] || fail "HEAD"
[[ $(bad_count /file) == 13 && $(bad_count /none) == 0 ]] ||
	fail "counted $(bad_count /file) requests"

bad 56 reset
bad 56 reset after=1000
bad 18 truncate after=1000
[[ $(stat -c %s "$T/got") == 1000 ]] || fail "truncated at another place"
bad 18 length by=5
bad 0 length by=-5
[[ $(stat -c %s "$T/got") == 199995 ]] || fail "another length"
bad 0 long extra=10
[[ $(stat -c %s "$T/got") == 200010 ]] || fail "not longer"
bad 0 other
cmp -s "$T/www/file" "$T/got" && fail "not another content"
[[ $(stat -c %s "$T/got") == 200000 ]] || fail "other has another length"
bad 0 other with=/two
same "$T/www/two" "$T/got"
bad 0 html
grep -q DOCTYPE "$T/got" || fail "no HTML"
bad 0 nolength
same "$T/www/file" "$T/got"
bad 0 chunked
same "$T/www/file" "$T/got"
bad 0 plain
same "$T/www/file" "$T/got"
bad 1 garbage
bad 56 header
for status in 404 403 500; do
	bad 0 status code=$status
	[[ $(code) == "$status" ]] || fail "not $status"
done
bad_clear
bad_rule '/file' reset times=2
expect 56 '' get "$url"
run get "$BAD_URL/two"
expect 56 '' get "$url"
run get "$url"
[[ $(bad_count) == 4 && $(bad_count '/f*') == 3 ]] || fail "wrong count"
bad_clear
bad_rule '/file' stall after=10
expect 28 '' get --max-time 0.5 "$url"
[[ $(stat -c %s "$T/got") == 10 ]] || fail "not stalled after 10 bytes"
bad_clear
bad_rule '/file' stall after=-1
expect 28 '' get --max-time 0.5 "$url"
bad_clear
bad_rule '/file' trickle rate=50
expect 28 '' get --max-time 0.5 "$url"
bad_clear
bad_rule '/file' endless
[[ $(curl -s "$url" 2>/dev/null | head -c 5000000 | wc -c || :) == 5000000 ]] ||
	fail "it ends"
bad_clear
bad_rule '/file*' loop
expect 47 '' get -L --max-redirs 5 "$url"
[[ $(bad_count) == 6 ]] || fail "redirected $(bad_count) times"
bad_clear
bad_rule '/file' redirect to=file:///etc/passwd
expect 1 '' get -L "$url"
bad_clear
bad_rule '/file' redirect to=/two code=301
run get -L "$url"
same "$T/www/two" "$T/got"
grep -q '^GET /file 301 redirect - -$' "$BAD_LOG" || fail "the log is wrong"

# --- the functions themselves
expect 3 '^bad: x$' bash -c 'echo bad: x >&2; exit 3'
expect_line 3 '^bad: x$' bash -c 'echo bad: x >&2; exit 3'
(expect 0 '' false) 2>/dev/null && fail "expect lets a failure pass"
(expect 1 y bash -c 'echo x >&2; exit 1') 2>/dev/null &&
	fail "expect lets another text pass"
(expect_line 1 x bash -c 'echo x >&2; echo >&2; exit 1') 2>/dev/null &&
	fail "expect_line lets two lines pass"
count=0
thrice() {
	count=$((count + 1))
	((count == 3))
}
wait_for 5 thrice || fail "wait_for does not wait"
start=${EPOCHREALTIME/./}
wait_for 0.25 false && fail "wait_for false"
took=$((${EPOCHREALTIME/./} - start))
((took >= 250000 && took < 3000000)) || fail "wait_for 0.25 took $took us"
status=0
(unset CI && skip "no reason") >/dev/null || status=$?
[[ $status == 77 ]] || fail "skip: exit status $status"
status=0
(CI=1 && skip "no reason") >/dev/null || status=$?
[[ $status == 1 ]] || fail "skip in CI: exit status $status"

# A test that leaves a server, a mount and an agent behind is cleaned up after.
cat >"$T/untidy.sh" <<'END'
. "$LIB"
printf '%s\n' "$T" >"$OUT"
make_key k
start_badserver "$T"
printf '%s\n' "$BAD_PID" >>"$OUT"
if [[ $(id -u) == 0 ]]; then
	mkdir "$T/m m"
	mount -t tmpfs none "$T/m m"
	cd "$T/m m"
fi
exit 5
END
expect 5 '' env LIB="$TESTS/lib.sh" OUT="$T/where" bash "$T/untidy.sh"
[[ ! -e $(head -n 1 "$T/where") ]] || fail "the scratch directory is left"
gone "$(tail -n 1 "$T/where")" || fail "the server is left"
cat >"$T/leak.sh" <<'END'
. "$LIB"
sleep 1000 &
END
expect 1 'sleep 1000' env LIB="$TESTS/lib.sh" bash "$T/leak.sh"
