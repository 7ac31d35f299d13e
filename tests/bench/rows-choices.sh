# shellcheck shell=bash
# shellcheck disable=SC2034 # what is set here is for others
# Rows: what can be chosen about a mount from outside, one at a time: files
# passed through, read-ahead, the size of requests; and what a switch costs those
# who read meanwhile.  See choices.md for what was measured in other ways.

CHOICES_BYTES=${CHOICES_BYTES:-1073741824}
PAGES_LIMIT=/proc/sys/fs/fuse/max_pages_limit # Linux 6.13; pages of 4 KiB

choices_prepare() {
	local dir=$T/large

	publish_prepare debian
	rm -rf "$T/store-choices"
	mv "$T/store-debian" "$T/store-choices"
	export SUITEFS_STORE=$T/store-choices
	run suitefs publish snapshot --gpg-key="$KEY" --distribution=prod two
	CHOICES_NOW=two
	mkdir -p "$dir/pool/main/l"
	head -c "$CHOICES_BYTES" /dev/urandom >"$dir/pool/main/l/large_1_all.deb"
	pool_archive "$dir"
	run suitefs mirror create --arch=amd64 \
		--keyring="$KEYS/upstream.gpg" large "file:$dir" bookworm main
	run suitefs mirror update large
	run suitefs mirror fetch large
	rm "$dir/pool/main/l/large_1_all.deb"
	LARGE=mirrors/large/pool/main/l/large_1_all.deb
}

# read_large WHO: first and once more.
read_large() {
	rate 'first read of 1 GB' "$1" "$MNT/$LARGE"
	rate 'second read of 1 GB' "$1" "$MNT/$LARGE"
}

# with_read_ahead KIB
with_read_ahead() {
	local device

	mounted choices -o nopassthrough
	device=$(mountpoint -d "$MNT")
	printf '%s\n' "$1" >"/sys/class/bdi/$device/read_ahead_kb"
	read_large "read-ahead $1 KiB"
	unmounted
}

# with_requests KIB: the limit counts when something is mounted.
with_requests() {
	local limit

	limit=$(cat "$PAGES_LIMIT")
	printf '%d\n' $(($1 / 4)) >"$PAGES_LIMIT"
	mounted choices -o nopassthrough
	printf '%s\n' "$limit" >"$PAGES_LIMIT"
	read_large "requests of $1 KiB"
	unmounted
}

# The longest stat(2) of 2 seconds, in ms.
longest_wait() {
	"$PYTHON" -c '
import os, sys, time
end = time.monotonic() + 2
most = 0
while (t := time.monotonic()) < end:
    os.stat(sys.argv[1])
    most = max(most, time.monotonic() - t)
print("%.3f" % (most * 1e3))' "$1"
}

switch_row() {
	local name waiting

	mounted choices
	ls -lR "$MNT/dists" "$MNT/pool" >/dev/null
	longest_wait "$MNT/dists/prod/InRelease" >"$T/wait.dists" &
	waiting=($!)
	name=$(cd "$MNT" && find pool -type f | sed -n 1p)
	longest_wait "$MNT/$name" >"$T/wait.pool" &
	waiting+=($!)
	case $CHOICES_NOW in
	one) CHOICES_NOW=two ;;
	*) CHOICES_NOW=one ;;
	esac
	run suitefs publish switch prod "$CHOICES_NOW"
	wait "${waiting[@]}"
	value 'longest stat while 63,440 files are switched' 'in dists/' \
		"$(cat "$T/wait.dists")" ms
	value 'longest stat while 63,440 files are switched' 'in pool/' \
		"$(cat "$T/wait.pool")" ms
	unmounted
}

choices_round() {
	local kib

	mounted choices
	read_large 'passed through'
	unmounted
	for kib in 128 512 1024 4096; do
		with_read_ahead "$kib"
	done
	if [[ -w $PAGES_LIMIT ]]; then
		with_requests 128
		with_requests 1024
	fi
	switch_row
}
