#!/bin/bash
# The mount: what is refused, what is shown, what changes show at once, files
# that are fetched when they are opened, and ends of every kind.
. "$(dirname "$0")/lib.sh" || exit

need_root
need_fuse
need getfattr "$PYTHON"
MNT=$T/mnt
mkdir "$MNT"

# The process to end a mount with: the one that this test started.
mount_pid() {
	mount_processes "$MNT"
}

# now_ms: for measuring.
now_ms() {
	printf '%d\n' $((${EPOCHREALTIME/./} / 1000))
}

# --- what is refused -----------------------------------------------------------

expect_line 1 "$T/store: there is no store" suitefs mount "$MNT"
run suitefs snapshot create nothing empty
touch "$T/file"
expect_line 1 "$T/file: is not a directory" suitefs mount "$T/file"
expect_line 1 "$T/none: there is no such directory" suitefs mount "$T/none"
expect_line 2 'unknown mount option .nonsense' suitefs mount -o ro,nonsense "$MNT"
mkdir "$T/store/mnt"
expect_line 2 'is in the store' suitefs mount "$T/store/mnt"
expect_line 2 'would be hidden' suitefs mount "$T"
rmdir "$T/store/mnt"
[[ ! $(mounts_under "$T") ]] || fail "something is mounted"
[[ ! $(leftovers) ]] || fail "a process is left: $(leftovers)"

# --- an archive, a mirror of it, a publication --------------------------------------

make_key upstream
make_key ours
UP=$T/up
for name in one two three slow broken; do
	make_deb "$name" 1.0 amd64
	pool_add "$UP" main "$DEB"
done
DEB_SIZE=300000 make_deb big 1.0 amd64
pool_add "$UP" main "$DEB"
make_archive "$UP" stable key=upstream byhash=y
start_badserver "$UP"
run suitefs mirror create --keyring="$KEYS/upstream.gpg" debian "$BAD_URL" \
	stable main
run suitefs mirror update debian
run suitefs snapshot create monday from mirror debian
run suitefs publish snapshot --gpg-key="$(cat "$KEYS/ours.fpr")" monday

run suitefs mount "$MNT"
[[ $(mount_pid) ]] || fail "nobody serves $MNT"
expect_line 1 'something is mounted there already' suitefs mount "$MNT"
expect 0 '' grep -q " $MNT fuse.suitefs ro,nosuid,nodev,.*allow_other" /proc/mounts

# --- what is shown ------------------------------------------------------------------

check_dists "$MNT/dists/stable" "$MNT/keyring.gpg"
check_nothing_else "$MNT/dists/stable"
same "$MNT/snapshots/monday/dists/stable/InRelease" \
	"$UP/dists/stable/InRelease"
expect_output 'dists
keyring.asc
keyring.gpg
mirrors
pool
snapshots' ls "$MNT"
gpg --batch --show-keys --with-colons "$MNT/keyring.asc" 2>/dev/null |
	grep -q "$(cat "$KEYS/ours.fpr")" || fail "keyring.asc is no keyring"
one=pool/main/o/one/one_1.0_amd64.deb
inode=$(stat -c %i "$MNT/$one")
for top in snapshots/monday mirrors/debian; do
	[[ $(stat -c %i "$MNT/$top/$one") == "$inode" ]] ||
		fail "$top/$one is another inode"
done
[[ $(stat -c %h "$MNT/$one") -ge 2 ]] || fail "$one has one link"
expect_output "$(dpkg-deb -f "$DEBS/one_1.0_amd64.deb" Description)" \
	sed -n 's/^Description: //; t p; /^ /p; d; :p; p' \
	"$MNT/snapshots/monday/packages/main/one_1.0_amd64"

# --- extended attributes, and a file that is fetched when it is opened ------------------

attribute() {
	getfattr --only-values -n "user.suitefs.$1" "$2" 2>"$T/err"
}

[[ $(attribute state "$MNT/$one") == remote ]] || fail "$one is not remote"
[[ $(attribute origin "$MNT/$one") == "$BAD_URL/$one" ]] ||
	fail "$one comes from $(attribute origin "$MNT/$one")"
sum=$(sha256sum <"$DEBS/one_1.0_amd64.deb")
[[ $(attribute sha256 "$MNT/$one") == "${sum%% *}" ]] || fail "hash of $one"
same "$MNT/$one" "$DEBS/one_1.0_amd64.deb"
[[ $(attribute state "$MNT/$one") == present ]] || fail "$one is not present"
same "$MNT/pool/main/b/big/big_1.0_amd64.deb" "$DEBS/big_1.0_amd64.deb"
file=$MNT/snapshots/monday/packages/main/two_1.0_amd64
sum=$(sha256sum <"$file")
[[ $(attribute sha256 "$file") == "${sum%% *}" ]] || fail "hash of a stanza"
! attribute origin "$file" >/dev/null || fail "a stanza has an origin"
! getfattr -n user.nonsense "$MNT/$one" 2>/dev/null || fail "user.nonsense"

# --- every write is EROFS -----------------------------------------------------------

"$PYTHON" - "$MNT" "$MNT/$one" <<-'END' || fail "a write is not EROFS"
	import errno, os, sys
	top, file = sys.argv[1:]
	new = top + "/pool/main/new"
	calls = {
	    "write": lambda: os.open(file, os.O_WRONLY),
	    "create": lambda: os.open(new, os.O_CREAT | os.O_WRONLY),
	    "truncate": lambda: os.truncate(file, 0),
	    "mkdir": lambda: os.mkdir(new),
	    "unlink": lambda: os.unlink(file),
	    "rmdir": lambda: os.rmdir(top + "/pool/main"),
	    "rename": lambda: os.rename(file, new),
	    "link": lambda: os.link(file, new),
	    "symlink": lambda: os.symlink("x", new),
	    "mknod": lambda: os.mknod(new),
	    "chmod": lambda: os.chmod(file, 0o777),
	    "chown": lambda: os.chown(file, 1, 1),
	    "utime": lambda: os.utime(file),
	    "setxattr": lambda: os.setxattr(file, "user.suitefs.state", b"x"),
	    "removexattr": lambda: os.removexattr(file, "user.suitefs.state"),
	}
	bad = 0
	def try_all(when):
	    global bad
	    for name, call in calls.items():
	        try:
	            call()
	            print(f"{when}: {name}: worked", file=sys.stderr)
	        except OSError as e:
	            if e.errno == errno.EROFS:
	                continue
	            print(f"{when}: {name}: {e}", file=sys.stderr)
	        bad += 1
	try_all("mounted")
	if os.system(f"mount -i -o remount,rw {top} 2>/dev/null") == 0:
	    try_all("remounted")
	sys.exit(bad != 0)
END

# is_fetched GLOB: has anybody asked for such a file?
is_fetched() {
	[[ $(bad_count "$1") -gt 0 ]]
}

# --- slow, failing and abandoned fetches -----------------------------------------------

slow=$MNT/pool/main/s/slow/slow_1.0_amd64.deb
broken=$MNT/pool/main/b/broken/broken_1.0_amd64.deb
bad_rule '*/slow_1.0_amd64.deb' stall after=10
bad_rule '*/broken_1.0_amd64.deb' other
# More readers than there are threads wait; nobody else does.
readers=()
for _ in {1..20}; do
	cat "$slow" >/dev/null 2>&1 &
	readers+=($!)
done
wait_for 5 is_fetched '*/slow_*' || fail "no fetch"
start=$(now_ms)
cat "$MNT/snapshots/monday/packages/main/three_1.0_amd64" >/dev/null
same "$MNT/pool/main/t/two/two_1.0_amd64.deb" "$DEBS/two_1.0_amd64.deb"
((($(now_ms) - start) < 1000)) || fail "others wait for a slow fetch"
# Who gives up is let go at once.
start=$(now_ms)
kill "${readers[@]}"
wait "${readers[@]}" 2>/dev/null || :
((($(now_ms) - start) < 500)) || fail "readers are not let go"
[[ $(bad_count '*/slow_*') == 1 ]] || fail "fetched more than once"
expect 1 'Input/output error' cat "$broken"
bad_clear

# --- what commands change shows at once -----------------------------------------------

# shows_within MS COMMAND...: after the command that was just run
shows_within() {
	local start=$1 limit=$2
	shift 2
	wait_for 2 "$@" || fail "never: $*"
	((($(now_ms) - start) <= limit)) ||
		fail "$(($(now_ms) - start)) ms until: $*"
}
# lists NAME DIR: from an opening of its own
lists() {
	local name

	for name in "$2"/*; do
		[[ ${name##*/} != "$1" ]] || return 0
	done
	return 1
}

# Looked at before, so that the kernel knows the old answer.
[[ ! -e $MNT/snapshots/tuesday ]] || fail "tuesday is there"
ls "$MNT/snapshots" "$MNT/dists/stable" >/dev/null
run suitefs snapshot create tuesday empty
shows_within "$(now_ms)" 100 test -d "$MNT/snapshots/tuesday"
run suitefs snapshot create thursday empty
shows_within "$(now_ms)" 100 lists thursday "$MNT/snapshots"
run suitefs snapshot rename tuesday wednesday
shows_within "$(now_ms)" 100 test ! -e "$MNT/snapshots/tuesday"
run suitefs snapshot drop wednesday
shows_within "$(now_ms)" 100 test ! -e "$MNT/snapshots/wednesday"

make_deb late 2.0 amd64
pool_add "$UP" main "$DEB"
make_archive "$UP" stable key=upstream byhash=y "Date: $(date_of now)"
exec 5<"$MNT/dists/stable/main/binary-amd64/Packages"
exec 6<"$MNT/dists/stable"
cp "$MNT/dists/stable/main/binary-amd64/Packages" "$T/old"
hash=$(sha256sum <"$T/old")
ls -lR "$MNT" >/dev/null
run suitefs mirror update debian
shows_within "$(now_ms)" 100 test -e "$MNT/mirrors/debian/pool/main/l"
run suitefs snapshot create friday from mirror debian
run suitefs publish switch stable friday
shows_within "$(now_ms)" 100 test -e "$MNT/pool/main/l/late"
same "$MNT/pool/main/l/late/late_2.0_amd64.deb" "$DEB"
grep -q '^Package: late' "$MNT/dists/stable/main/binary-amd64/Packages" ||
	fail "the old Packages is shown"
check_dists "$MNT/dists/stable" "$MNT/keyring.gpg"
# Whoever had it open reads on; the old index stays under its hash.
cmp <(cat <&5) "$T/old" || fail "an open file has changed"
ls "/proc/$BASHPID/fd/6/" >/dev/null || fail "an open directory is gone"
exec 5<&- 6<&-
same "$MNT/dists/stable/main/binary-amd64/by-hash/SHA256/${hash%% *}" "$T/old"
[[ ! -e $MNT/snapshots/monday/pool/main/l ]] || fail "monday has changed"
# A prefix comes and goes.
run suitefs publish snapshot --prefix=a/b --skip-signing monday
shows_within "$(now_ms)" 100 test -e "$MNT/a/b/dists/stable/Release"
run suitefs publish drop --prefix=a/b stable
shows_within "$(now_ms)" 100 test ! -e "$MNT/a"

# --- unmounting -----------------------------------------------------------------------

pid=$(mount_pid)
run umount "$MNT"
wait_for 5 gone "$pid" || fail "still running after umount"

# As mount(8) calls it; with a reader inside.
ln -s "$(realpath "$(command -v "$SUITEFS")")" "$T/mount.suitefs"
run "$T/mount.suitefs" "$T/store" "$MNT" -f
[[ ! -e $MNT/dists ]] || fail "mount -f has mounted"
expect_line 2 'one word too many' "$T/mount.suitefs" "$T/store" "$MNT" here
expect_line 2 '-o: something is missing' "$T/mount.suitefs" "$T/store" "$MNT" -o
run "$T/mount.suitefs" "$T/store" "$MNT" -n -t suitefs -N /proc/self/ns/mnt \
	-o rw,noatime,nofail,x-systemd.automount
pid=$(mount_pid)
[[ $pid ]] || fail "mount.suitefs serves nothing"
exec 5<"$MNT/dists/stable/Release"
expect 32 'busy' env umount "$MNT"
run umount -l "$MNT"
grep -q '^Suite: stable' <&5 || fail "an open file is lost"
exec 5<&-
wait_for 5 gone "$pid" || fail "still running after its last reader"

for signal in TERM INT; do
	run suitefs mount "$MNT"
	pid=$(mount_pid)
	exec 5<"$MNT/dists/stable"
	kill "-$signal" "$pid"
	wait_for 5 gone "$pid" || fail "SIG$signal does not end it"
	[[ ! $(mounts_under "$T") ]] || fail "SIG$signal leaves the mount"
	exec 5<&-
done
# Open fetches are no reason to stay either.
bad_clear
bad_rule '*/slow_1.0_amd64.deb' stall after=10
run suitefs mount "$MNT"
pid=$(mount_pid)
cat "$slow" >/dev/null 2>"$T/err" &
reader=$!
wait_for 5 is_fetched '*/slow_*' || fail "no fetch"
kill "$pid"
wait_for 10 gone "$pid" || fail "a fetch keeps it running"
wait "$reader" && fail "a file that never came was read"

# A mount that was killed, both its processes, says so.
run suitefs mount "$MNT"
pid=$(mount_processes "$MNT" worker)
kill -KILL "$(mount_pid)" "$pid"
wait_for 5 gone "$pid"
expect_line 1 'a mount that has died is there' suitefs mount "$MNT"
run umount "$MNT"

# In the foreground.
"$SUITEFS" mount -f "$MNT" &
pid=$!
wait_for 5 test -d "$MNT/snapshots" || fail "not mounted in the foreground"
kill "$pid"
wait "$pid" || fail "exit status $? after SIGTERM"
[[ ! $(mounts_under "$T") ]] || fail "still mounted"
