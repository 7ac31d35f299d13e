# shellcheck shell=bash
# shellcheck disable=SC2034 # what is set here is for others
# Rows: reading and listing the mount, beside the same tree on the disk.

# The same names, and sizes without bytes, below $T/disk: what ls and diff need.
make_disk_tree() {
	local stanza

	say 'copying the tree to the disk'
	mkdir -p "$T/disk"
	(cd "$MNT" && find dists pool -printf '%y %s %p\n') | "$PYTHON" -c '
import os, sys
os.chdir(sys.argv[1])
for line in sys.stdin:
    kind, size, path = line.rstrip("\n").split(" ", 2)
    if kind == "d":
        os.makedirs(path, exist_ok=True)
    else:
        with open(path, "w") as f:
            os.truncate(f.fileno(), int(size))' "$T/disk"
	rm -rf "$T/disk/dists"
	cp -r "$MNT/dists" "$T/disk/"
	mkdir -p "$T/disk/snapshots"
	for stanza in one two; do
		mkdir -p "$T/disk/snapshots/$stanza"
		cp -r "$MNT/snapshots/$stanza/packages" \
			"$T/disk/snapshots/$stanza/"
	done
}

mount_prepare() {
	publish_prepare debian
	rm -rf "$T/store-mount"
	mv "$T/store-debian" "$T/store-mount"
	export SUITEFS_STORE=$T/store-mount
	run suitefs publish snapshot --gpg-key="$KEY" --distribution=prod two
	mounted main
	make_disk_tree
	unmounted
}

# In a mount that has just begun, the tree of a snapshot has to be made.
tree_row() {
	measure "first look into a snapshot" suitefs \
		stat "$MNT/snapshots/one/dists"
}

# A mount that has just begun, so that the first read is the first.
read_row() {
	local file=dists/prod/main/binary-amd64/Packages

	rate 'first read of Packages' suitefs "$MNT/$file"
	rate 'second read of Packages' suitefs "$MNT/$file"
	cat "$T/disk/$file" >/dev/null
	rate 'first read of Packages' 'limit: page cache of ext4' "$T/disk/$file"
	rate 'second read of Packages' 'limit: page cache of ext4' \
		"$T/disk/$file"
}

list_row() {
	local dir

	for dir in "$MNT" "$T/disk"; do
		ls -lR "$dir/dists" "$dir/pool" >/dev/null
	done
	measure 'ls -lR of the published tree, warm' suitefs \
		ls -lR "$MNT/dists" "$MNT/pool"
	measure 'ls -lR of the published tree, warm' 'limit: ext4' \
		ls -lR "$T/disk/dists" "$T/disk/pool"
}

diff_row() {
	measure 'diff -rq of two packages/' suitefs \
		diff -rq "$MNT/snapshots/one/packages" \
		"$MNT/snapshots/two/packages"
	diff -rq "$T/disk/snapshots/one" "$T/disk/snapshots/two" \
		>/dev/null || :
	measure 'diff -rq of two packages/' 'limit: ext4' \
		diff -rq "$T/disk/snapshots/one/packages" \
		"$T/disk/snapshots/two/packages"
}

apt_row() {
	local who=$1 root=$2 dir

	dir=$(mktemp -d "$T/apt.XXXX")
	chmod 0755 "$dir"
	apt_private "$dir" 'Acquire::GzipIndexes "false";'
	apt_source "deb [signed-by=$MNT/keyring.gpg] file:$root prod main"
	measure 'apt-get update through file:' "$who" apt-get -qq update
	unset APT_CONFIG
}

# Reads every index.  What the archive of day 1 compressed is gone by now, and
# so can't be had.
mount_memory() {
	find "$MNT/dists" "$MNT"/snapshots/*/dists -type f \
		-exec cat {} + >/dev/null 2>&1 || :
	awk '/^RssAnon/ { print $2 * 1024 }' "/proc/$MOUNT_PID/status" |
		while read -r n; do
			value "the mount's anonymous memory, after all of it" \
				suitefs "$n" bytes
		done
}

mount_round() {
	mounted main
	tree_row
	read_row
	list_row
	apt_row suitefs "$MNT"
	apt_row 'limit: ext4' "$T/disk"
	diff_row
	mount_memory
	unmounted
}
