#!/bin/bash
# Well signed and bad all the same: indexes and Release files that are refused,
# and odd ones that are not.
# shellcheck disable=SC2119 # good_update's options are optional
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=lib-mirror.sh
. "$TESTS/lib-mirror.sh" || exit

need gpg xz
WWW=$T/www
DISTS=$WWW/dists/stable
INDEX=$DISTS/main/binary-amd64/Packages
SOURCES=$DISTS/main/source/Sources

# release [FORM,...]: Release for what lies below DISTS.
release() {
	# shellcheck disable=SC2034 # read by make_release
	local forms=${1-plain,gz} byhash='' key=up sign=inline fields=()

	make_release "$DISTS" 'Suite: stable' 'Codename: stable' \
		'Architectures: amd64' 'Components: main'
}

small_archive "$WWW"
rm "$DISTS"/main/*/*.xz
zcat "$INDEX.gz" >"$T/Packages"
zcat "$SOURCES.gz" >"$T/Sources"
release
good_state "file:$WWW"
run suitefs mirror edit --source m
good_update

# put INDEX: its content from stdin, plain and as .gz.
put() {
	cat >"$1"
	gzip -9nc "$1" >"$1.gz"
}

# restore: the archive as it was in the beginning.
restore() {
	rm -f "$INDEX"* "$SOURCES"*
	put "$INDEX" <"$T/Packages"
	put "$SOURCES" <"$T/Sources"
	release
}

# bad_index REGEX SED-OPTION...: Packages as sed makes it is refused.
bad_index() {
	local regex=$1
	shift

	sed "$@" "$T/Packages" | put "$INDEX"
	! cmp -s "$INDEX" "$T/Packages" || fail "nothing changed by $*"
	release
	bad_update "/main/binary-amd64/Packages(\.gz)?: $regex"
}

bad_sources() {
	local regex=$1
	shift

	sed "$@" "$T/Sources" | put "$SOURCES"
	! cmp -s "$SOURCES" "$T/Sources" || fail "nothing changed by $*"
	release
	bad_update "/main/source/Sources(\.gz)?: $regex"
}

# odd_index [PACKAGES]: Packages from stdin is taken, and served byte for byte.
odd_index() {
	local hash

	put "$INDEX"
	release
	good_update
	expect_json "${1-2}" 'j["state"]["lists"][0]["packages"]' \
		suitefs --json mirror show m
	hash=$(sha256sum <"$INDEX")
	has_blob "${hash%% *}" || fail "the plain index is not kept"
	if [[ ${MNT-} ]]; then
		cmp "$INDEX" "$MNT/mirrors/m/dists/stable/main/binary-amd64/Packages" ||
			fail "not served as it came"
	fi
}

# --- stanzas --------------------------------------------------------------------

second=$(grep -n '^Package: bb' "$T/Packages" | cut -d: -f1)
bad_index 'line 1: .*no Package' '/^Package: aa/d'
bad_index "line $second: .*\"\" has no Package" '/^Package: bb/s/bb//'
bad_index 'line 1: package "aa" has no Version' '0,/^Version:/{/^Version:/d}'
bad_index 'line 1: package "aa" has no Architecture' '0,/^Arch/{/^Arch/d}'
bad_index 'line 1: package "aa" has no Filename' '0,/^Filename:/{/^Filename:/d}'
bad_index 'line 1: package "aa" has no SHA256' '0,/^SHA256:/{/^SHA256:/d}'
bad_index 'line 1: package "aa" has no SHA256' \
	"s/^SHA256: .*/SHA512: $(printf '%0128d' 1)/"
bad_index 'line 1: package "aa" has no SHA256' 's/^SHA256:/MD5sum:/'
bad_index 'line 1: package "aa" has no Size' '0,/^Size:/{/^Size:/d}'
bad_index 'line [0-9]+: Size is no size: "-1"' 's/^Size:.*/Size: -1/'
bad_index 'line [0-9]+: Size .*size: "9223372036854775808"' \
	's/^Size:.*/Size: 9223372036854775808/'
bad_index 'line [0-9]+: Size .*size: "99999999999999999999999"' \
	's/^Size:.*/Size: 99999999999999999999999/'
bad_index 'line [0-9]+: SHA256 is no SHA-256' 's/^SHA256:.*/SHA256: 00/'
bad_index 'line 2: no colon' '1a a line of its own'
bad_index 'line 1: continuation line' '1i \ \ more'
bad_index 'line 1: .*field name' '1s/^/: x\n/'
bad_index 'line 1: .*field name' '1s/^/#x: x\n/'
bad_index 'line 2: .*field name' '1s/$/\nÄ: x/'
bad_index 'line 1: Package has a slash: "a/a"' '1s/.*/Package: a\/a/'
bad_index 'line 1: Package has a blank' '1s/.*/Package: a a/'
bad_index 'line [0-9]+: Version has a slash' 's/^Version: .*/Version: ..\/1/'
bad_index 'line [0-9]+: Package is too long' \
	"s/^Package: aa/Package: $(printf 'a%.0s' {1..300})/"
bad_index 'line [0-9]+: .*NUL' 's/^Maintainer: /&\x00/'
# A field of 1 MB, in one line and in many.
{
	cat "$T/Packages"
	printf 'Package: big\nVersion: 1\nX-Big: '
	head -c 1000000 /dev/zero | tr '\0' x
	printf '\n'
} | put "$INDEX"
release
bad_update '/Packages(\.gz)?: line [0-9]+: stanza of more than 524288 bytes'
{
	printf 'Package: big\nVersion: 1\nX-Big:\n'
	seq 100000 | sed 's/^/ more /'
	printf '\n'
	cat "$T/Packages"
} | put "$INDEX"
release
bad_update '/Packages(\.gz)?: line 1: stanza of more than 524288 bytes'

# Paths that lead out of the pool.
for path in ../../etc/passwd /etc/passwd pool/../../etc/passwd pool//a pool/./a \
	pool/a/ .. . 'pool/a\x7fb' 'pool/\x1b[31ma'; do
	bad_index 'line [0-9]+: Filename ' "s,^Filename:.*,Filename: $path,"
done
bad_index 'line [0-9]+: Filename is longer' \
	"s,^Filename:.*,Filename: pool/$(printf 'a/%.0s' {1..600})a,"
# Quoted in the message, it does nothing to a terminal.
bad_index 'line [0-9]+: Size is no size' 's/^Size:.*/Size: \x1b[31m\xff\r/'

# One identity, two contents.
{
	cat "$T/Packages"
	sed -n '/^Package: bb/,$p' "$T/Packages" | sed 's/^Priority:.*/Priority: extra/'
} | put "$INDEX"
release
bad_update "/Packages(\.gz)?: line [0-9]+: package \"bb\" .* line $second"

restore
bad_sources 'line 1: package "" has no Package' '/^Package:/d'
bad_sources 'line 1: package "src" has no Version' '/^Version:/d'
bad_sources 'line 1: package "src" has no Checksums-Sha256' \
	'/^Checksums-Sha256:/,/^[A-Z]/{/^Checksums-Sha256/d;/^ /d}'
bad_sources 'line 1: package "src" has no Checksums-Sha256' \
	's/^Checksums-Sha256:/Checksums-Sha512:/'
bad_sources 'line [0-9]+: Directory ' 's,^Directory:.*,Directory: ../../etc,'
bad_sources 'line [0-9]+: Directory ' 's,^Directory:.*,Directory: /etc,'
bad_sources 'line [0-9]+: Checksums-Sha256 has a slash' \
	'/^Checksums-Sha256:/,/^[A-Z][a-z]*:/s, src_, ../src_,'
bad_sources 'line [0-9]+: Checksums-Sha256 ' \
	'/^Checksums-Sha256:/,/^[A-Z][a-z]*:/s/ [0-9]* src_/ src_/'
restore
good_update

# --- odd, but fine ------------------------------------------------------------------

if [[ $(id -u) == 0 && -w /dev/fuse ]] || command -v fusermount3 >/dev/null &&
	[[ -w /dev/fuse ]]; then
	MNT=$T/mnt
	mkdir "$MNT"
	run suitefs mount "$MNT"
fi
sed 's/$/\r/' "$T/Packages" | odd_index
head -c -2 "$T/Packages" | odd_index
head -c -1 "$T/Packages" | odd_index
sed 's/^$/\n \t\n/' "$T/Packages" | odd_index
{
	printf '\n\n'
	cat "$T/Packages"
	printf '\n\n\n'
} | odd_index
printf '\n' | odd_index 0
# Once more the same stanza, and bytes that are no UTF-8.
(cat "$T/Packages" && sed -n '/^Package: bb/,$p' "$T/Packages") | put "$INDEX"
release
good_update
sed 's/^Maintainer:.*/Maintainer: \xe4\xff/; s/^Priority:.*/X-Empty:/' \
	"$T/Packages" | put "$INDEX"
release
good_update
: | put "$INDEX"
release
good_update
expect_json 0 'j["state"]["lists"][0]["packages"]' suitefs --json mirror show m
restore
good_update
if [[ ${MNT-} ]]; then
	cmp "$T/Packages" "$MNT/mirrors/m/dists/stable/main/binary-amd64/Packages" ||
		fail "not served as it came"
	run umount "$MNT"
fi

# --- files that are not what Release says ---------------------------------------------

# A new index, of which only the .gz is there.
fresh() {
	sed "s/^Priority:.*/Priority: extra\nX-Fresh: $1/" "$T/Packages" | put "$INDEX"
	release gz
}
fresh short
truncate -s -10 "$INDEX.gz"
bad_update 'no form of .*Packages.*[0-9]+ bytes|Packages\.gz'
good=$T/good.gz
fresh long
cp "$INDEX.gz" "$good"
printf 'x' >>"$INDEX.gz"
bad_update 'Packages.*(longer than|more than) .*[0-9]+ bytes'
fresh hash
printf 'X' | dd of="$INDEX.gz" bs=1 seek=30 conv=notrunc status=none
bad_update 'Packages.*SHA-256'
fresh empty
: >"$INDEX.gz"
bad_update 'Packages.*bytes'
fresh none
rm "$INDEX.gz"
bad_update 'no form of dists/stable/main/binary-amd64/Packages can be had: .*Packages'
fresh dir
rm "$INDEX.gz"
mkdir "$INDEX.gz"
bad_update 'Packages.gz: not a regular file'
rmdir "$INDEX.gz"
fresh good
good_update

# compressed NAME: a file beside the index that Release describes as it is, while
# the plain one in Release is $T/plain.
compressed() {
	rm -f "$INDEX"*
	cp "${2-$T/Packages}" "$INDEX"
	cat >"$INDEX.$1"
	# make_release drops the plain one, where it is not wanted.
	release "$1"
}
sed 's/^Priority:.*/X-Round: 2/' "$T/Packages" >"$T/plain"
xz -c "$T/plain" | head -c -30 | compressed xz "$T/plain"
bad_update 'Packages.xz: .*(truncated|ends|unexpected|damaged)'
gzip -c "$T/plain" | head -c -30 | compressed gz "$T/plain"
bad_update 'Packages.gz: .*(truncated|ends|unexpected|damaged)'
bzip2 -c "$T/plain" | head -c -30 | compressed bz2 "$T/plain"
bad_update 'Packages.bz2: .*(truncated|ends|unexpected|damaged)'
zstd -qc "$T/plain" | head -c -30 | compressed zst "$T/plain"
bad_update 'Packages.zst: .*(truncated|ends|unexpected|damaged)'
for form in xz gz bz2 zst; do
	printf 'this is not compressed at all' | compressed "$form" "$T/plain"
	bad_update "Packages.$form: "
	: | compressed "$form" "$T/plain"
	bad_update "Packages.$form: "
done
# Sound, but not the plain index that Release names.
gzip -c "$T/Sources" | compressed gz "$T/plain"
bad_update 'Packages.gz: '
sed 's/X-Round: 2/X-Round: 3/' "$T/plain" | gzip -c | compressed gz "$T/plain"
bad_update 'Packages.gz: decompressed it is not the .*Packages that Release'
# One byte becomes a thousand, a million.
(cat "$T/plain" && head -c 200000000 /dev/zero | tr '\0' '\n') | gzip -9c |
	compressed gz "$T/plain"
bad_update 'Packages.gz: .*(more|longer|announce)'
(cat "$T/plain" && head -c 50000000 /dev/zero | tr '\0' '\n') | xz -0c |
	compressed xz "$T/plain"
bad_update 'Packages.xz: .*(more|longer|announce)'
# An .xz that wants 4 GB of memory to be read: the byte that says so, where one
# thread puts it.
xz -T1 -c "$T/plain" >"$T/plain.xz"
"$PYTHON" -c '
import struct, sys, zlib
b = bytearray(open(sys.argv[1], "rb").read())
b[16] = 40
b[20:24] = struct.pack("<I", zlib.crc32(b[12:20]))
sys.stdout.buffer.write(b)' "$T/plain.xz" | compressed xz "$T/plain"
bad_update 'Packages.xz: .*memory'
# A form that is damaged may have a sound sister.
gzip -9c "$T/plain" >"$T/plain.gz"
rm -f "$INDEX"*
cp "$T/plain" "$INDEX"
head -c -30 "$T/plain.xz" >"$INDEX.xz"
cp "$T/plain.gz" "$INDEX.gz"
release gz,xz
good_update
grep -q '"indexes_fetched": 1' <<<"$UPDATED" || fail "$UPDATED"

# --- Release ---------------------------------------------------------------------------

restore
good_update
cp "$DISTS/Release" "$T/Release"
# bad_release REGEX SED-OPTION...
bad_release() {
	local regex=$1
	shift

	sed "$@" "$T/Release" >"$DISTS/Release"
	! cmp -s "$DISTS/Release" "$T/Release" || fail "nothing changed by $*"
	sign_release "$DISTS" up inline
	bad_update "/dists/stable/: $regex"
}
Z=0000000000000000000000000000000000000000000000000000000000000000
for path in ../x ../../../etc/passwd /etc/passwd main//x main/./x main/../x x/ .. ; do
	bad_release "line [0-9]+: field SHA256: '.*' (has|is) " \
		"\$a\\ $Z 1 $path"
done
for size in 9223372036854775808 99999999999999999999999 -1 1e3 0x10; do
	bad_release "line [0-9]+: field SHA256: '$size' is " "\$a\\ $Z $size main/x"
done
bad_release "line [0-9]+: field SHA256: '.*' is not a hash, a size and a path" \
	"\$a\\ $Z 1"
bad_release "line [0-9]+: field SHA256: '.*' is not a hash, a size and a path" \
	"\$a\\ $Z 1 a b"
bad_release "line [0-9]+: field SHA256: '0' is not a SHA-256" "\$a\\ 0 1 a"
bad_release "line [0-9]+: field SHA256: '.*Packages' is listed twice" \
	"\$a\\ $Z 1 main/binary-amd64/Packages"
bad_release 'line [0-9]+: field SHA256 is given twice' "\$a\\SHA256:\n $Z 1 main/x"
bad_release "line [0-9]+: field Components: '\.\.' " 's/^Components:.*/Components: ../'
bad_release "line [0-9]+: field Components: '/etc' " 's/^Components:.*/Components: \/etc/'
bad_release "line [0-9]+: field Architectures: '\.\./a' " \
	's/^Architectures:.*/Architectures: ..\/a/'
# shellcheck disable=SC2016 # sed's $
bad_release 'line [0-9]+: field MD5Sum: .* no field SHA256' '/^SHA256:/,$d'
# shellcheck disable=SC2016
bad_release 'no field SHA256' '/^MD5Sum:/,$d'
# Files are known by one hash only; what says none of it says so by name.
for name in SHA512 SHA1 MD5Sum; do
	bad_release "line [0-9]+: field $name: files are known by SHA-256" \
		-e '/^MD5Sum:/,/^SHA256:/{/^SHA256:/!d}' -e "s/^SHA256:/$name:/"
done
bad_release 'line 1: no colon' '1i a line of its own'
bad_release "line [0-9]+: field Date: .* is not a date" 's/^Date:.*/Date: \x1b[31m/'
: >"$DISTS/Release"
sign_release "$DISTS" up inline
bad_update '/dists/stable/: Release is empty'
(cat "$T/Release" && seq 220000 | sed "s,^, $Z 1 main/,") >"$DISTS/Release"
sign_release "$DISTS" up inline
bad_update '/InRelease: longer than 16777216 bytes'
sign_release "$DISTS" up detached
bad_update '/Release: longer than 16777216 bytes'
# The same thing said twice is fine.
line=$(sed -n 's/^ \(.* main\/binary-amd64\/Packages.gz\)$/\1/p' "$T/Release" | tail -n 1)
sed "\$a\\ $line" "$T/Release" >"$DISTS/Release"
sign_release "$DISTS" up inline
good_update

# --- what Release does not have -----------------------------------------------------------

restore
good_update
# lacks REGEX OPTION...: mirror m as edited can't be had.
lacks() {
	local regex=$1
	shift

	run suitefs mirror edit "$@" m
	keep_state
	bad_update "/dists/stable/: $regex"
}
lacks "Release has no component 'nope', only: main" --component=main,nope
lacks "Release has no architecture 'riscv64', only: amd64" --component=main \
	--arch=amd64,riscv64
lacks 'Release lists no Packages of debian-installer' --arch=amd64 --udeb
run suitefs mirror edit --no-udeb m
rm -r "$DISTS/main/source"
release
lacks 'Release lists no Sources' --source
run suitefs mirror edit --no-source m
sed -i 's/^Architectures:.*/Architectures: amd64 arm64/' "$DISTS/Release"
sign_release "$DISTS" up inline
lacks "Release lists no Packages for architecture 'arm64'" --arch=arm64
run suitefs mirror edit --arch=amd64 m
good_update
