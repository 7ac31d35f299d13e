#!/bin/bash
# A mount survives the process that serves it: killed under apt-get update, nginx
# and readers, replaced for an upgrade, handed over by a service manager; and
# ends in words where that can't go on.
#
# KILLS is how often it is killed under load (10), BYTES the size of the file
# that is read through nginx meanwhile (100000000).
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=tests/integration/lib-publish.sh
. "$TESTS/lib-publish.sh"

need_root
need_fuse
need nginx curl "$PYTHON" setpriv
KILLS=${KILLS:-10}
BYTES=${BYTES:-100000000}
MNT=$T/mnt
mkdir "$MNT"

# kernel_resends: since Linux 6.9 another process can go on.
kernel_resends() {
	local major minor

	IFS=.- read -r major minor _ < <(uname -r)
	((major > 6 || (major == 6 && minor >= 9)))
}

# The child of the keeper.
worker() {
	local pid=''

	read -r pid 2>/dev/null <"/proc/$KEEPER/task/$KEEPER/children" || :
	printf '%s\n' "$pid"
}

find_keeper() {
	KEEPER=$(mount_processes "$MNT")
	[[ $KEEPER && $KEEPER != *$'\n'* ]] ||
		fail "not one process keeps the mount: $(leftovers)"
}

# mount_it OPTION...: sets KEEPER.
mount_it() {
	run suitefs "$@" mount "$MNT"
	find_keeper
}

# unmount_it: and see its processes end, so that the next are told from them.
unmount_it() {
	run umount "$MNT"
	wait_for 5 gone "$KEEPER" || fail "still running after umount"
}

# another_worker PID: is there one, and is it another?
another_worker() {
	local now

	now=$(worker)
	[[ $now && $now != "$1" ]]
}

# kill_worker: and see another one take its place.
kill_worker() {
	local pid=''

	pid=$(worker)
	[[ $pid ]] || fail "nobody serves for $KEEPER, there are: $(leftovers)"
	kill -KILL "$pid"
	wait_for 5 another_worker "$pid" || fail "nobody goes on"
}

# A large one, which compressing would take long.
make_deb big 1.0 amd64
run dpkg-deb -R "$DEB" "$T/tree"
head -c "$BYTES" /dev/urandom >"$T/tree/usr/share/big/blob"
run dpkg-deb --root-owner-group -Znone --build "$T/tree" "$DEB"
rm -r "$T/tree"
pool_add "$T/up" main "$DEB"
DEB_SIZE=3000000 make_deb half 1.0 amd64
pool_add "$T/up" main "$DEB"
make_deb slow 1.0 amd64
pool_add "$T/up" main "$DEB"
start_badserver "$T/up"
UP_URL=$BAD_URL two_states
make_key ours
run suitefs publish snapshot --distribution=stable two
big=pool/main/b/big/big_1.0_amd64.deb
half=pool/main/h/half/half_1.0_amd64.deb
slow=pool/main/s/slow/slow_1.0_amd64.deb
run suitefs mirror fetch m big half

# --- where it can't go on ------------------------------------------------------------

# ends_in_words REGEX: the mount in the foreground, $KEEPER, has ended so.
ends_in_words() {
	local status=0

	wait_for 10 gone "$KEEPER" || fail "the keeper goes on"
	wait "$KEEPER" || status=$?
	equal "$status" 1 'the exit status'
	grep -Eq "$1" "$T/log" || fail "not told: $(cat "$T/log")"
	[[ ! $(mounts_under "$T") ]] || fail "still mounted"
}

# in_foreground OPTION...
in_foreground() {
	"$SUITEFS" mount -f "$@" "$MNT" 2>"$T/log" &
	KEEPER=$!
	wait_for 5 test -e "$MNT/dists/stable/Release" || fail "not mounted"
}

expect_line 2 'restarts=x' suitefs mount -o restarts=x "$MNT"
expect_line 2 'fetch_wait=x' suitefs mount -o fetch_wait=x "$MNT"
in_foreground -o restarts=0
kill -KILL "$(worker)"
ends_in_words "$MNT: unmounted.*(again and again|Linux 6.9).*signal 9|$MNT: unmounted.*signal 9"
if ! kernel_resends; then
	printf 'not tested: another process that goes on, before Linux 6.9\n'
	exit
fi
# One that always dies.
in_foreground -o restarts=3
while ! gone "$KEEPER"; do
	pid=$(worker)
	# Not the process in which a sanitizer looks for leaks at the end.
	! sanitized || grep -q worker "/proc/$pid/comm" || continue
	kill -KILL "$pid" 2>/dev/null || :
done 2>/dev/null
ends_in_words "$MNT: unmounted.*again and again"

# With the keeper gone it is served on, and the log says what that means.
in_foreground
pid=$(worker)
exec 5<"$MNT/$half"
kill -KILL "$KEEPER"
wait "$KEEPER" 2>/dev/null || :
kept_by_nobody() {
	grep -q "$MNT: the process that keeps this mount has died" "$T/log"
}
wait_for 5 kept_by_nobody || fail "not told: $(cat "$T/log")"
cmp - "$T/up/$half" <&5 || fail "other bytes with the keeper gone"
exec 5<&-
check_dists "$MNT/dists/stable" "$MNT/keyring.gpg"
expect_line 1 'something is mounted there already' suitefs mount "$MNT"
run umount "$MNT"
wait_for 5 gone "$pid" || fail "still running after umount"
equal "$(wc -l <"$T/log")" 1 'the number of lines about it'

# --- killed while files are open and being fetched ----------------------------------------

mount_it
exec 5<"$MNT/$half" 6<"$MNT/dists/stable" 7<"$MNT/keyring.gpg"
head -c 100000 <&5 >"$T/half"
bad_rule '*/slow_1.0_amd64.deb' delay seconds=1
readers=()
for i in 1 2 3; do
	cat "$MNT/$slow" >"$T/slow.$i" &
	readers+=($!)
done
slow_is_asked_for() {
	[[ $(bad_count '*/slow_*') -gt 0 ]]
}
wait_for 5 slow_is_asked_for || fail "no fetch"
kill_worker
for i in 1 2 3; do
	wait "${readers[i - 1]}" || fail "a reader that waited got an error"
	same "$T/slow.$i" "$T/up/$slow"
done
kill_worker
cmp "$MNT/$half" "$T/up/$half" || fail "can't be opened again while it is open"
echo 3 >/proc/sys/vm/drop_caches
cat <&5 >>"$T/half"
same "$T/half" "$T/up/$half" 'a file that was open when its server died'
cmp <(cat <&7) "$MNT/keyring.gpg" || fail "the open keyring is another"
ls "/proc/$BASHPID/fd/6/" >"$T/out" || fail "an open directory is lost"
exec 5<&- 6<&- 7<&-
check_dists "$MNT/dists/stable" "$MNT/keyring.gpg"
bad_clear

# --- large files, which the kernel reads by itself --------------------------------------------

# Whoever serves is stopped.
exec 5<"$MNT/$half"
pid=$(worker)
kill -STOP "$pid"
timeout 10 cat <&5 >"$T/out" || fail "a large file is not passed through"
same "$T/out" "$T/up/$half"
# Small ones are not, or this would show nothing.
! timeout 0.2 cat "$MNT/dists/stable/Release" >"$T/out" 2>&1 ||
	fail "somebody else serves"
kill -CONT "$pid"
# A file that was damaged and is fetched again, while some have it open: nobody
# else gets what they read, and when they have gone it is whole for all.
blob=$(sha256sum <"$T/up/$half")
blob=$T/store/blobs/sha256/${blob:0:2}/${blob%% *}
chmod u+w "$blob"
printf X | dd of="$blob" conv=notrunc status=none
expect 3 '' suitefs --quiet db check --blobs --repair
run suitefs mirror fetch m half
! cat "$MNT/$half" >"$T/out" 2>/dev/null ||
	same "$T/out" "$T/up/$half" 'a file that has been fetched again'
exec 5<&-
whole_again() {
	cmp -s "$MNT/$half" "$T/up/$half"
}
wait_for 5 whole_again || fail "not whole again"
# On request, all is read through whoever serves.
unmount_it
run suitefs mount -o nopassthrough "$MNT"
find_keeper
exec 5<"$MNT/$half"
pid=$(worker)
kill -STOP "$pid"
echo 3 >/proc/sys/vm/drop_caches
timeout 0.3 cat <&5 >"$T/out" 2>&1 &
reader=$!
sleep 0.5
kill -CONT "$pid"
! wait "$reader" || fail "passed through against the wish"
exec 5<&-
cmp "$MNT/$half" "$T/up/$half" || fail "not read"
unmount_it
mount_it

# --- what changes while nobody serves is shown -----------------------------------------------

run suitefs snapshot create gone empty
wait_for 2 test -d "$MNT/snapshots/gone" || fail "no new snapshot"
ls "$MNT/snapshots" >"$T/out"
inode=$(stat -c %i "$MNT/snapshots/one")
pid=$(worker)
kill -STOP "$KEEPER"
kill -KILL "$pid"
run suitefs snapshot drop gone
run suitefs snapshot rename one first
run suitefs snapshot create one empty
kill -CONT "$KEEPER"
wait_for 5 another_worker "$pid" || fail "nobody goes on"
now_as_it_is() {
	[[ ! -e $MNT/snapshots/gone && -d $MNT/snapshots/first/pool &&
		$(stat -c %i "$MNT/snapshots/one") != "$inode" ]]
}
# Before Linux 6.16 names that have gone are known for 5 seconds.
wait_for 6 now_as_it_is || fail "the kernel has old names"
[[ $(ls "$MNT/snapshots") == $'first\none\ntwo' ]] || fail "an old listing"

# --- replaced by another program -----------------------------------------------------------------

unmount_it
cp "$SUITEFS" "$T/suitefs"
(cd "$T" && run ./suitefs --quiet --memstats=table --meminterval=20ms mount \
	-o restarts=5,fetches=2 "$MNT")
find_keeper
# The table of memory goes on with the next process.
more_samples() {
	(($(wc -l <"$T/table") > $1))
}
kill_worker
wait_for 5 more_samples $(($(wc -l <"$T/table") + 2)) || fail "no more samples"
awk '$1 < last { exit 1 } { last = $1 } END { exit NR < 4 }' "$T/table" ||
	fail "the table of memory is none: $(cat "$T/table")"
exec 5<"$MNT/$half"
cp "$SUITEFS" "$T/new"
mv "$T/new" "$T/suitefs"
pid=$(worker)
kill -HUP "$KEEPER"
wait_for 5 another_worker "$pid" || fail "not replaced"
for pid in "$KEEPER" "$(worker)"; do
	equal "$(readlink "/proc/$pid/exe")" "$T/suitefs" 'the program that runs'
done
equal "$(tr '\0' ' ' <"/proc/$KEEPER/cmdline")" \
	"suitefs --store $T/store --quiet --memstats $T/table --meminterval 20 mount -o restarts=5,fetches=2 $MNT " \
	'how it was started anew'
cmp "$MNT/$half" "$T/up/$half" || fail "can't be opened after an upgrade"
: >"$T/table"
wait_for 5 more_samples 2 || fail "its memory is watched no more"
cmp <(cat <&5) "$T/up/$half" || fail "an open file is lost by an upgrade"
exec 5<&-
# A program that is missing is no reason to end.
rm "$T/suitefs"
pid=$(worker)
kill -HUP "$KEEPER"
wait_for 5 another_worker "$pid" || fail "nobody goes on with the old program"
check_dists "$MNT/dists/stable" "$MNT/keyring.gpg"
kill_worker
unmount_it

# --- what it may do ------------------------------------------------------------------------

# status_of PID NAME: from /proc.
status_of() {
	awk -v n="$2:" '$1 == n { print $2 }' "/proc/$1/status"
}

cp -r "$T/store" "$T/owned"
chown -R nobody "$T/owned"
mount_it --store="$T/owned"
pid=$(worker)
for set in CapInh CapPrm CapEff CapBnd CapAmb; do
	equal "$(status_of "$pid" "$set")" 0000000000000000 "$set of the worker"
done
equal "$(status_of "$pid" NoNewPrivs)" 1 'no_new_privs of the worker'
equal "$(status_of "$pid" Uid)" "$(id -u nobody)" 'the user of the worker'
# CAP_DAC_READ_SEARCH 2, CAP_KILL 5, SETGID 6, SETUID 7, SETPCAP 8, SYS_ADMIN 21.
left=$((16#$(status_of "$KEEPER" CapPrm)))
((left & ~0x2001e4)) && fail "the keeper keeps $left"
aa=$(cd "$MNT" && echo pool/main/a/aa/aa_2.0_all.deb)
cat "$MNT/$aa" >"$T/aa"
same "$T/aa" "$T/up/$aa"
blob=$(sha256sum <"$T/aa")
equal "$(stat -c %U "$T/owned/blobs/sha256/${blob:0:2}/${blob%% *}")" nobody \
	'the owner of a file that was fetched'
kill_worker
equal "$(status_of "$(worker)" Uid)" "$(id -u nobody)" 'the user of the next one'
unmount_it

# --- kept by a service manager -----------------------------------------------------------------

"$PYTHON" - "$SUITEFS" "$MNT" "$T/up/$half" "$half" <<'END' || fail "see above"
import array, os, select, signal, socket, subprocess, sys, time

program, mnt, want, name = sys.argv[1:]
want = open(want, "rb").read()
path = os.environ["SUITEFS_TEST"] + "/notify"
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind(path)
manager.settimeout(10)

def hear(word, stored):
    """Takes what the service says until it says word."""
    while True:
        text, control, _, _ = manager.recvmsg(4096, socket.CMSG_SPACE(64))
        fds = array.array("i")
        for level, kind, data in control:
            fds.frombytes(data)
        lines = dict(l.split("=", 1) for l in text.decode().split("\n") if l)
        if lines.get("FDSTORE") == "1":
            assert lines["FDPOLL"] == "0", lines
            assert len(fds) == 1, lines
            stored[lines["FDNAME"]] = fds[0]
        if lines.get("FDSTOREREMOVE") == "1":
            stored.pop(lines["FDNAME"], None)
        if word in lines:
            return

def start(stored):
    names = list(stored)
    def give():
        for i, n in enumerate(names):
            os.dup2(stored[n], 100 + i)
        for i in range(len(names)):
            os.dup2(100 + i, 3 + i)
            os.close(100 + i)
        if names:
            os.environ.update(LISTEN_PID=str(os.getpid()),
                              LISTEN_FDS=str(len(names)),
                              LISTEN_FDNAMES=":".join(names))
        os.environ["NOTIFY_SOCKET"] = path
        os.execv(program, [program, "mount", "-f", mnt])
    pid = os.fork()
    if pid == 0:
        give()
    return pid

def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return [int(p) for p in f.read().split()]

stored = {}
pid = start(stored)
hear("READY", stored)
assert sorted(stored) == ["suitefs-fuse", "suitefs-mount", "suitefs-open",
                          "suitefs-store"], stored
file = os.open(mnt + "/" + name, os.O_RDONLY)
assert os.pread(file, 1000, 0) == want[:1000]
for attempt in range(3):
    # As systemd does with what is left of a service whose main process died.
    workers = children(pid)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    for w in workers:
        end = os.pidfd_open(w)
        os.kill(w, signal.SIGKILL)
        assert select.select([end], [], [], 10)[0], "a worker does not die"
        os.close(end)
    reader = subprocess.Popen(["sha256sum", mnt + "/" + name],
                              stdout=subprocess.DEVNULL)
    time.sleep(0.2)
    pid = start(stored)
    hear("READY", stored)
    assert reader.wait() == 0, "a reader in between got an error"
    # Once more while it is open.
    with open(mnt + "/" + name, "rb") as f:
        assert f.read() == want
    with open("/proc/sys/vm/drop_caches", "w") as f:
        f.write("3")
    assert os.pread(file, len(want), 0) == want
os.close(file)
os.kill(pid, signal.SIGTERM)
hear("STOPPING", stored)
assert os.waitpid(pid, 0)[1] == 0
while stored:
    hear("FDSTOREREMOVE", stored)
END
[[ ! $(mounts_under "$T") ]] || fail "still mounted"

# --- killed under load -------------------------------------------------------------------------

mount_it
start_nginx "$MNT"
apt_private "$T/apt"
apt_source "deb [signed-by=$MNT/keyring.gpg] file:$MNT stable main" \
	"deb [signed-by=$MNT/keyring.gpg] $NGINX_URL stable main"
want=$(sha256sum <"$T/up/$big")
: >"$T/running"

updates() {
	local n=0

	while [[ -e $T/running ]]; do
		rm -f "$APT_LISTS"/*_dists_*
		apt-get -q update >"$T/updates" 2>&1 || return 1
		! grep -E '^[WE]:' "$T/updates" || return 1
		n=$((n + 1))
	done
	echo "$n" >"$T/updates.n"
}

downloads() {
	local n=0 got

	while [[ -e $T/running ]]; do
		got=$(curl -sSf --limit-rate 200M "$NGINX_URL/$big" | sha256sum) ||
			return 1
		[[ $got == "$want" ]] || return 1
		n=$((n + 1))
	done
	echo "$n" >"$T/downloads.n"
}

walks() {
	local n=0

	while [[ -e $T/running ]]; do
		find "$MNT/dists" "$MNT/pool" -type f -size -1000k -exec cat {} + >/dev/null ||
			return 1
		ls -lR "$MNT" >/dev/null || return 1
		n=$((n + 1))
	done
	echo "$n" >"$T/walks.n"
}

updates 2>"$T/updates.err" &
jobs=($!)
downloads 2>"$T/downloads.err" &
jobs+=($!)
walks 2>"$T/walks.err" &
jobs+=($!)
for ((i = 0; i < KILLS; i++)); do
	sleep "0.$((RANDOM % 9 + 1))"
	((i % 5)) || echo 3 >/proc/sys/vm/drop_caches
	kill_worker
	((i < 10)) || sleep 0.5
done
rm "$T/running"
for i in 0 1 2; do
	wait "${jobs[i]}" || {
		tail -n 20 "$T"/{updates,downloads,walks}.err "$T/updates" \
			"$NGINX_LOG" >&2
		fail "a client got an error ($i)"
	}
done
printf 'killed %d times under %d updates, %d downloads, %d walks: no error\n' \
	"$KILLS" "$(cat "$T/updates.n")" "$(cat "$T/downloads.n")" \
	"$(cat "$T/walks.n")"
! grep -E 'transport|\(5:|\(107:' "$NGINX_LOG" || fail "nginx met an error"
