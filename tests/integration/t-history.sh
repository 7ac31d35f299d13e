#!/bin/bash
# A daily history: thirty states of a suite, packages taken away, changed and
# added, each frozen.  Every snapshot stays exactly what upstream signed on its
# day, after all the others have come, and after half of them are gone.
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=tests/integration/lib-publish.sh
. "$TESTS/lib-publish.sh"

need_fuse
need cmp
DAYS=30
MNT=$T/mnt
UP=$T/up

# Stanzas of 2,000 packages more than the archive really has.  Each changes
# every thirty days, on some days one is not there, and there are new ones.
edit_index() {
	[[ ${1##*/} == Packages ]] || return 0
	awk -v day="$DAY" -v priority="$PRIORITY" 'BEGIN {
		for (i = 1; i <= 2000 + 5 * day; i++) {
			if ((i * 31 + day) % 50 == 0)
				continue
			v = int((day + i) / 30)
			printf "Package: p%04d\nVersion: 1.%d-%d\n", i, v, i % 7
			printf "Installed-Size: %d\n", 10 + i * 17 % 9000
			printf "Maintainer: A Tester <tester@example.org>\n"
			printf "Architecture: %s\n", i % 3 ? "amd64" : "all"
			if (i % 4)
				printf "Depends: p%04d (>= 1.%d), libc6\n",
					i * 7 % 2000 + 1, v
			printf "Filename: pool/main/p/p%04d/p%04d_1.%d-%d_%s.deb\n",
				i, i, v, i % 7, i % 3 ? "amd64" : "all"
			printf "Size: %d\n", 1000 + i * 3 + v
			printf "SHA256: %056d%04d%04d\n", 0, i, v
			printf "Section: misc\nPriority: %s\n",
				i == 77 ? priority : "optional"
			printf "Description: package number %d\n", i
			printf " It has a second line, and on day %d a third:\n",
				v * 30 - i % 30
			printf " number %d of version %d.\n\n", i * v, v
		}
	}' >>"$1"
}

# take NAME WORD...: what upstream makes of the words is a snapshot, and a copy
# in $T/days.
take() {
	local name=$1
	shift

	upstream "$UP" "$@" sources=y
	cp -a "$UP/dists/stable" "$T/days/$name"
	equal "$(find "$T/days/$name" -type f ! -path '*/by-hash/*' | wc -l)" 7 \
		"files of $name"
	run suitefs mirror update m
	run suitefs snapshot create "$name" from mirror m
}

# exact NAME...: the snapshots are, byte for byte, what was taken.
exact() {
	local name

	for name; do
		as_taken "$name"
		check_nothing_else "$MNT/snapshots/$name/dists/stable"
		equal "$CHECKED" 12 "files of $name by name and by hash"
	done
}

# --- thirty days ------------------------------------------------------------------

mkdir "$T/days"
make_key up
make_source src 1.0
pool_add "$UP" main "$DSC"
DAY=0 PRIORITY=optional
upstream "$UP" real/1.0 sources=y "Date: $(date_of '40 days ago')"
mirror_of m "file:$UP" --source
names=()
for ((DAY = 1; DAY <= DAYS; DAY++)); do
	name=$(printf 'day-%02d' "$DAY")
	names+=("$name")
	take "$name" "real/1.$DAY" "Date: $(date_of "$((40 - DAY)) days ago")"
done
# Two that differ in one field of one stanza: not in its name, nor its file.
take plain "Date: $(date_of '9 days ago')"
PRIORITY=required
take required "Date: $(date_of '8 days ago')"
diff "$T/days/plain/main/binary-amd64/Packages.xz" \
	"$T/days/required/main/binary-amd64/Packages.xz" >"$T/out" &&
	fail "the two states are the same"
# What comes after them all.
PRIORITY=optional
upstream "$UP" real/2.0 sources=y
run suitefs mirror update m

mount_store
exact "${names[@]}" plain required
diff <(cat "$MNT/snapshots/plain/dists/stable/main/binary-amd64/Packages") \
	<(cat "$MNT/snapshots/required/dists/stable/main/binary-amd64/Packages") \
	>"$T/out" || :
equal "$(grep -c '^[<>]' "$T/out")" 2 'lines that differ by a Priority'
STANZA=packages/main/p0077_$(sed -n '/^Package: p0077$/{n;s/^Version: //p;}' \
	"$MNT/snapshots/plain/dists/stable/main/binary-amd64/Packages")_amd64
expect_output 'Priority: optional' grep Priority "$MNT/snapshots/plain/$STANZA"
expect_output 'Priority: required' grep Priority "$MNT/snapshots/required/$STANZA"
# The .deb of a day is the file of that version.
for name in day-01 day-17 day-30; do
	deb=pool/main/r/real/real_1.$((10#${name#day-}))_all.deb
	same "$MNT/snapshots/$name/$deb" "$UP/$deb"
done
size=$(du -sk "$SUITEFS_STORE/db" | cut -f1)

# --- half of them ------------------------------------------------------------------

left=()
for ((i = 0; i < DAYS; i++)); do
	if ((i % 2)); then
		left+=("${names[i]}")
	else
		run suitefs snapshot drop "${names[i]}"
	fi
done
run suitefs db cleanup
[[ ! -e $MNT/snapshots/day-01 ]] || fail "day-01 is there after it was dropped"
exact "${left[@]}" plain required
run suitefs snapshot drop required
run suitefs db cleanup
exact "${left[@]}" plain
run umount "$MNT"
mount_store
exact "${left[@]}" plain
run suitefs db check --blobs
printf '%s days, 2,000 packages: %s KiB in the database\n' "$DAYS" "$size"
run umount "$MNT"
