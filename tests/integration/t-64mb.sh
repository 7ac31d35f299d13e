#!/bin/bash
# Everything works with 64 MB of memory of its own: a whole suite of Debian is
# mirrored, frozen, verified, compared, published, switched, mounted and read by
# apt under a limit on the data segment.  That counts what is allocated, arenas
# of malloc and stacks of threads too, whether it is touched or not; pages of the
# database, which the kernel takes back at will, are not counted.
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=tests/integration/lib-real.sh
. "$TESTS/lib-real.sh"

LIMIT=$((64 * 1024 * 1024))
need prlimit gpg apt-get xz apt-ftparchive
need_fuse
! sanitized || skip "sanitizers take more"
real_upstream amd64

# limited NAME ARGUMENT...: suitefs under the limit, watched.
limited() {
	local name=$1
	shift

	prlimit --data="$LIMIT" "$SUITEFS" --memstats="$T/$name.mem" \
		--meminterval=10ms "$@"
}

# The largest number in column $2 of the table $1.
most() {
	awk -F'\t' -v f="$2" 'NR > 1 && $f > n { n = $f } END { print n + 0 }' \
		"$1"
}

# --- two days of an archive, the second with other versions here and there ----

index=dists/bookworm/main/binary-amd64
make_key up
day() {
	mkdir -p "$T/up/$index"
	xz -dc "$REAL/$index/Packages.xz" | awk -v day="$1" '
		BEGIN { RS = ""; ORS = "\n\n" }
		day > 1 && NR % 200 == day {
			sub(/\nVersion: [^\n]*/, "&+day" day)
			sub(/\nFilename: [^\n]*_/, "&day" day "_")
		}
		{ print }' >"$T/up/$index/Packages"
	xz -1fk "$T/up/$index/Packages"
	rm -f "$T"/up/dists/bookworm/{Release,InRelease,Release.gpg}
	(cd "$T/up/dists/bookworm" && apt-ftparchive release .) >"$T/release"
	release_head "$T/release" 'Suite: bookworm' 'Codename: bookworm' \
		'Architectures: amd64' 'Components: main' "Date: $(date_of "now - $((2 - $1)) minutes")" \
		>"$T/up/dists/bookworm/Release"
	sign_release "$T/up/dists/bookworm" up
}

day 1
PACKAGES=$(grep -c ^Package: "$T/up/$index/Packages")
run suitefs mirror create --arch=amd64 --keyring="$KEYS/up.gpg" m \
	"file:$T/up" bookworm main

# --- the whole path -----------------------------------------------------------

run limited update mirror update m
grep -q "$PACKAGES packages" "$T/err" || { show_output; fail "no whole suite"; }
run limited create snapshot create one from mirror m
status=0
limited verify snapshot verify one >"$T/out" 2>"$T/err" || status=$?
# Debian's own archive has a few that nothing meets, or none.
[[ $status == 0 || $status == 3 ]] || { show_output; fail "verify: $status"; }
run limited publish publish snapshot --distribution=prod --gpg-key="$KEY" one
day 2
run limited update2 mirror update m
run limited create2 snapshot create two from mirror m
expect 3 '' limited diff snapshot diff one two
run limited switch publish switch prod two
run limited check db check
run limited cleanup db cleanup

mkdir "$T/mnt"
run limited mount mount "$T/mnt"
cmp "$T/mnt/dists/prod/main/binary-amd64/Packages" "$T/up/$index/Packages" ||
	fail "the mount has another index"
apt_private "$T/apt" 'Acquire::GzipIndexes "true";'
apt_source "deb [signed-by=$T/mnt/keyring.gpg] file:$T/mnt prod main"
run apt-get update
apt-cache dumpavail | sed -n 's/^Package: //p' | sort -u >"$T/known"
sed -n 's/^Package: //p' "$T/up/$index/Packages" | sort -u >"$T/names"
same "$T/names" "$T/known" 'the packages that apt knows'
find "$T/mnt/pool" -type d | wc -l >"$T/dirs"
[[ $(cat "$T/dirs") -gt 1000 ]] || fail "only $(cat "$T/dirs") directories"
run unmount_one "$T/mnt"
wait_for 5 no_leftovers || :

for table in "$T"/*.mem; do
	name=${table##*/}
	anonymous=$(most "$table" 3)
	printf '%-8s %3d MB anonymous, %3d MB resident\n' "${name%.mem}" \
		$((anonymous / 1000000)) $(($(most "$table" 2) / 1000000))
	((anonymous > 0)) || fail "$name: nothing was measured"
	((anonymous <= LIMIT)) || fail "$name: $anonymous bytes"
done
