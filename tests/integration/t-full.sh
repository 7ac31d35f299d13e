#!/bin/bash
# A full disk: one clear line, what was there stays whole, and all goes on when
# there is room again.
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=tests/integration/lib-publish.sh
. "$TESTS/lib-publish.sh"

need_root
need_fuse
need gpg
MNT=$T/mnt
mkdir "$SUITEFS_STORE"
run mount -t tmpfs -o size=12m,mode=0755 none "$SUITEFS_STORE"
for i in 1 2 3 4 5 6; do
	DEB_SIZE=700000 make_deb "p$i" 1.0 all
	pool_add "$T/up" main "$DEB"
done
two_states
# A change that wants more room than there will be.
awk 'BEGIN {
	srand(7)
	for (i = 0; i < 6000; i++) {
		printf "Package: many%d\nVersion: %d\nArchitecture: amd64\n", i, i
		printf "Filename: pool/main/m/many%d_%d_amd64.deb\n", i, i
		printf "Size: 100\nSHA256: "
		for (j = 0; j < 8; j++)
			printf "%08x", rand() * 4294967295
		printf "\nDescription: number %d of many\n\n", i
	}
}' >"$T/index"
edit_index() {
	cp "$T/index" "$1"
}
make_archive "$T/many" stable key=up "Date: $(date_of)"
unset -f edit_index
mount_store
publish snapshot one

# fill [BYTES]: leaves so much room.
fill() {
	local room
	room=$(df --output=avail -B1 "$SUITEFS_STORE" | tail -n 1)
	head -c $((room - ${1-0})) /dev/zero >>"$SUITEFS_STORE/filler" || :
}

empty() {
	rm -f "$SUITEFS_STORE/filler"
}

whole_blobs() {
	local file

	while read -r file; do
		[[ $(sha256sum <"$file") == "${file##*/}  -" ]] ||
			fail "the blob ${file##*/} is something else"
	done < <(find "$SUITEFS_STORE/blobs" -type f)
}

# --- pool files ------------------------------------------------------------------

fill 1600000
expect 1 'No space left on device' suitefs --quiet snapshot fetch \
	one p1 p2 p3 p4 p5 p6
equal "$(wc -l <"$T/err")" 1 'the number of lines about a full disk'
whole_blobs
check_dists "$MNT/dists/stable" "$MNT/keyring.gpg"
# Those that came are there, of the others it is said at open.
good=0 bad=0
fill
for i in 1 2 3 4 5 6; do
	file=$MNT/pool/main/p/p$i/p${i}_1.0_all.deb
	if cat "$file" >"$T/got" 2>"$T/err"; then
		same "$T/got" "$DEBS/p${i}_1.0_all.deb"
		good=$((good + 1))
	else
		grep -q 'Input/output error' "$T/err" || fail "$(cat "$T/err")"
		bad=$((bad + 1))
	fi
done
((bad > 0)) || fail "six files of 700 kB fit into 1.6 MB"
whole_blobs

# --- commands that write ------------------------------------------------------------

nothing_changes 1 'No space|full' suitefs --quiet snapshot create three from mirror m
nothing_changes 1 'No space|full' suitefs --quiet publish switch stable two
nothing_changes 1 'No space|full' suitefs --quiet publish snapshot \
	--distribution=other two
check_dists "$MNT/dists/stable" "$MNT/keyring.gpg"
# In the middle of an import.
empty
fill 600000
run suitefs mirror create --keyring="$KEYS/up.gpg" many "file:$T/many" stable
nothing_changes 1 'No space|full' suitefs --quiet mirror update many
run suitefs mirror show many
check_dists "$MNT/dists/stable" "$MNT/keyring.gpg"

# --- there is room again ---------------------------------------------------------------

empty
run suitefs snapshot fetch one p1 p2 p3 p4 p5 p6 aa
whole_blobs
for i in 1 2 3 4 5 6; do
	run suitefs snapshot fetch one "p$i"
done
run suitefs mirror update many
publish switch stable two
check_dists "$MNT/dists/stable" "$MNT/keyring.gpg"
run suitefs snapshot create three from mirror many
equal "$(suitefs snapshot show --packages three | wc -l)" 6000 \
	'the number of packages after all'
run umount "$MNT"
