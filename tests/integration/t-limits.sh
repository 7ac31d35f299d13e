#!/bin/bash
# How much is fetched at once: by commands and by a mount.
. "$(dirname "$0")/lib.sh" || exit
. "$TESTS/lib-mirror.sh"

A=$T/archive
make_key up
for i in 1 2 3 4; do
	DEB_SIZE=20000 make_deb "big$i" 1.0 amd64
done
pool_add "$A" main "$DEBS"/*.deb
make_archive "$A" stable key=up
start_badserver "$A"
good_state "$BAD_URL"

# seconds COMMAND...: how long it takes, in milliseconds.
ms() {
	local from=${EPOCHREALTIME/./}

	run "$@"
	MS=$(((${EPOCHREALTIME/./} - from) / 1000))
}

for value in 0 65 x ''; do
	expect_line 2 "--jobs=$value is no number" \
		suitefs snapshot fetch --jobs="$value" s
done
for value in 0 1K x 1.5M; do
	expect_line 2 "--rate=$value is no number" \
		suitefs mirror fetch --rate="$value" m
	expect 2 "--rate=$value is no number" \
		suitefs mirror update --rate="$value" m
done

# All together: 80 kB take a second and more.
ms suitefs snapshot fetch --jobs=4 --rate=50k s
[[ $MS -ge 1000 ]] || fail "80 kB at 50 kB/s took $MS ms"
expect_json 0 'j["missing_files"]' suitefs --json snapshot show s

# --- the mount ------------------------------------------------------------------------

need_fuse
mkdir "$T/mnt"
for option in fetches=0 fetch_rate=x fetch_stall=; do
	expect_line 2 "mount option '$option': bad value" \
		suitefs mount -o "ro,$option" "$T/mnt"
done
rm -rf "$SUITEFS_STORE/blobs/sha256"/*
run suitefs mount -o fetches=2,fetch_rate=50k,fetch_stall=1,nodev "$T/mnt"
P=$T/mnt/snapshots/s/pool/main/b
read_all() {
	cat "$P"/big*/*.deb >/dev/null
}
ms read_all
[[ $MS -ge 1000 ]] || fail "80 kB at 50 kB/s took $MS ms"

# Two at once and no more: the third waits until the first two are given up.
rm -rf "$SUITEFS_STORE/blobs/sha256"/*
bad_clear
bad_rule '/pool/*' stall after=10
readers=()
for i in 1 2 3; do
	cat "$P/big$i/big${i}_1.0_amd64.deb" >/dev/null 2>&1 &
	readers+=($!)
done
asked_for() {
	[[ $(bad_count '/pool/*') -ge $1 ]]
}
wait_for 10 asked_for 2 || fail "two are not fetched at once"
sleep 0.3
[[ $(awk '{ print $2 }' "$BAD_LOG" | sort -u | wc -l) == 2 ]] ||
	fail "more than two are fetched at once"
# No data for a second: it is tried again.
wait_for 10 asked_for 3 || fail "a stalled fetch is not broken off"
bad_clear
for reader in "${readers[@]}"; do
	wait "$reader" || :
done

# Two that have gone quiet don't keep the third back until they are given up.
run umount "$T/mnt"
find "$SUITEFS_STORE/blobs/sha256" "$SUITEFS_STORE/tmp" -type f -delete
run suitefs mount -o fetches=2 "$T/mnt"
bad_clear
bad_rule '/pool/*big[12]_*' stall after=10
readers=()
for i in 1 2; do
	cat "$P/big$i/big${i}_1.0_amd64.deb" >/dev/null 2>&1 &
	readers+=($!)
done
wait_for 10 asked_for 2 || fail "two are not fetched at once"
ms cmp "$P/big3/big3_1.0_amd64.deb" "$A/pool/main/b/big3/big3_1.0_amd64.deb"
[[ $MS -lt 15000 ]] || fail "a file waited $MS ms behind two that stall"
for reader in "${readers[@]}"; do
	! gone "$reader" || fail "a stalled file was given up before its time"
done
kill "${readers[@]}"
wait "${readers[@]}" 2>/dev/null || :
# Nor do bytes that come one by one keep a fetch going for ever.
run umount "$T/mnt"
run suitefs mount -o fetches=2,fetch_stall=1 "$T/mnt"
bad_clear
bad_rule '/pool/*big4_*' trickle rate=100 times=1
ms cmp "$P/big4/big4_1.0_amd64.deb" "$A/pool/main/b/big4/big4_1.0_amd64.deb"
[[ $(bad_count '/pool/*big4_*') == 2 ]] || fail "a trickle counts as progress"
run umount "$T/mnt"
