#!/bin/bash
# The database is cut short under a mount: it goes on without a crash, gives what
# is right or an error, and is as before once the file is whole again.
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=tests/integration/lib-publish.sh
. "$TESTS/lib-publish.sh"

need_fuse
need gpg
MNT=$T/mnt
DATA=$SUITEFS_STORE/db/data.mdb
two_states
run suitefs --quiet snapshot fetch two
mount_store
publish snapshot two
run umount "$MNT"

sums() {
	(cd "$MNT" && find . -type f -print0 | xargs -0 sha256sum) 2>"$T/err" |
		sort || :
}

# Some files can't be had any more upstream.  Each file that is read has the bytes that it had.
right() {
	sums >"$T/now"
	! comm -13 "$T/sums" "$T/now" | grep . || fail "other bytes than before"
}

mount_store
sums >"$T/sums"
run umount "$MNT"
cp "$DATA" "$T/whole"
size=$(stat -c %s "$DATA")
for left in 3 2 1 0; do
	run suitefs mount "$MNT"
	ls "$MNT" >/dev/null
	truncate -s $((size * left / 4)) "$DATA"
	right
	# It has to notice, and stays.
	[[ $(wc -l <"$T/now") -lt $(wc -l <"$T/sums") ]] ||
		fail "all can be read of $left quarters"
	mountpoint -q "$MNT" || fail "the mount is gone with $left quarters"
	for command in "mirror list" "snapshot show two" "publish list" \
		"db check" "snapshot drop one" "mirror update m"; do
		# shellcheck disable=SC2086 # words
		expect_line 1 "$SUITEFS_STORE/db" suitefs --quiet $command
	done
	# Under way, it is never put back: a mount of its own reads it.
	cp "$T/whole" "$DATA"
	right
	wait_for 5 umount "$MNT" || fail "it can't be unmounted"
	mount_store
	sums >"$T/now"
	same "$T/sums" "$T/now" "all files before and after"
	run umount "$MNT"
	run suitefs --quiet db check --blobs
done
