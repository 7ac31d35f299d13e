#!/bin/bash
# The store's own care: what nothing needs is taken away, and only that, while a
# mount serves and updates run; damage is found, told and set aside; backups.
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=tests/integration/lib-publish.sh
. "$TESTS/lib-publish.sh"

need_fuse
need cmp
MNT=$T/mnt
UP=$T/up
DATA=$SUITEFS_STORE/db/data.mdb

# take DAY: the archive of that day is a snapshot, and a copy in $T/days.
take() {
	cp -a "$UP/dists/stable" "$T/days/$1"
	run suitefs mirror update m
	run suitefs snapshot create "$1" from mirror m
}

# exact NAME...: the snapshots are, byte for byte, what was taken.
exact() {
	local name

	for name; do
		as_taken "$name"
	done
}

# sound: db check finds nothing.
sound() {
	run suitefs --quiet db check --blobs
	[[ ! -s $T/out ]] || { show_output && fail "there is damage"; }
}

# cleanup [OPTION...]: and all is sound afterwards.
cleanup_store() {
	run suitefs --quiet --json db cleanup "$@"
	cp "$T/out" "$T/freed"
	sound
	cp "$T/freed" "$T/out"
}

blobs() {
	find "$SUITEFS_STORE/blobs/sha256" -type f | wc -l
}

entries() {
	run suitefs --json db stats
	json "j['tables']['$1']['entries']"
}

# --- a store with something in it ---------------------------------------------------

mkdir "$T/days"
upstream "$UP" a/1.0 b/1.0
mirror_of m "file:$UP"
for day in 1 2 3 4 5 6; do
	upstream "$UP" "a/1.$day" "only$day/1.0"
	take "day$day"
	run suitefs --quiet snapshot fetch "day$day"
	rm -r "$UP/pool/main/o/only$day"
done
# The mirror's tree has the by-hash names of three states more: let those not be
# of the days.
for i in 1 2 3 4; do
	upstream "$UP" "later/1.$i"
	run suitefs mirror update m
done
make_key ours
mount_store
publish snapshot --distribution=stable --gpg-key=ours@example.org day2
exact day1 day2 day3 day4 day5 day6
# Every file of the pool is present.
for day in 1 2 3 4 5 6; do
	same "$MNT/snapshots/day$day/pool/main/o/only$day/only${day}_1.0_all.deb" \
		"$DEBS/only${day}_1.0_all.deb"
done
sound
cleanup_store
equal "$(json 'j["files"]["n"]')" 0 'files removed while all are of use'
equal "$(json 'j["packages"]["n"]')" 0 'packages removed while all are of use'

# --- while a mount is up, what was dropped just now stays ----------------------------

exec 9<"$MNT/snapshots/day4/dists/stable/main/binary-amd64/Packages"
cd "$MNT/snapshots/day4"
for day in 1 3 4; do
	run suitefs snapshot drop "day$day"
done
before=$(blobs)
cleanup_store
[[ $(json 'j["kept_trees"]') -ge 3 ]] || fail "no tree is kept"
equal "$(blobs)" "$before" 'files after cleanup under a mount'
# What has been open since before it was dropped is read, and its directories.
echo 3 >/proc/sys/vm/drop_caches 2>/dev/null || :
cat <&9 >"$T/packages4" || fail "an open index can't be read"
exec 9<&-
gzip -dc "$T/days/day4/main/binary-amd64/Packages.gz" >"$T/upstream4"
same "$T/packages4" "$T/upstream4" \
	"an open index that was dropped and upstream's"
same "pool/main/o/only4/only4_1.0_all.deb" "$DEBS/only4_1.0_all.deb"
cd "$T"
run suitefs db cleanup
grep -q 'kept while other programs' "$T/err" || fail "it does not say so"

# --- with --grace=0 it goes ----------------------------------------------------------

packages=$(entries light)
run suitefs --quiet --json db cleanup --dry-run --grace=0
cp "$T/out" "$T/dry"
equal "$(entries light)" "$packages" 'packages after a dry run'
cleanup_store --grace=0
sed 's/"dry_run": true/"dry_run": false/' "$T/dry" >"$T/wanted"
same "$T/wanted" "$T/freed" "what a dry run and cleanup say"
# The packages that were there on these days only.
[[ $(json 'j["packages"]["n"]') -ge 3 ]] || fail "no packages were removed"
[[ $(json 'j["files"]["n"]') -ge 3 ]] || fail "no files were removed"
[[ $(blobs) -lt $before ]] || fail "as many files as before"
[[ $(entries light) -lt $packages ]] || fail "as many packages as before"
exact day2 day5 day6
check_dists "$MNT/dists/stable" "$MNT/keyring.gpg"
[[ ! -e $MNT/snapshots/day4 ]] || fail "day4 is there"
cleanup_store --grace=0
equal "$(json 'j["packages"]["n"], j["files"]["n"]')" '0 0' \
	'what the second cleanup removes'

# --- while updates and publishing run ------------------------------------------------

for ((i = 0; i < 12; i++)); do
	upstream "$UP" "race/1.$i" "gone$i/1.0"
	suitefs --quiet mirror update m 2>"$T/update.err" &
	pid=$!
	run suitefs --quiet db cleanup --grace=0
	wait "$pid" || fail "update $i: $(cat "$T/update.err")"
	suitefs --quiet snapshot create "race$i" from mirror m
	suitefs --quiet publish switch stable "race$i" 2>"$T/update.err" &
	pid=$!
	run suitefs --quiet db cleanup --grace=0
	wait "$pid" || fail "switch $i: $(cat "$T/update.err")"
	[[ $i -lt 4 ]] || run suitefs snapshot drop "race$((i - 4))"
	rm -r "$UP/pool/main/g/gone$i"
done
sound
cp -a "$UP/dists/stable" "$T/days/race11"
exact day2 day5 day6 race11
check_dists "$MNT/dists/stable" "$MNT/keyring.gpg"
check_dists "$MNT/mirrors/m/dists/stable" "$KEYS/up.gpg"

# Killed at any instant it leaves nothing that is wrong, and the next one finds
# the rest.
run umount "$MNT"
for ((i = 8; i < 11; i++)); do
	run suitefs snapshot drop "race$i"
done
for ms in 1 3 5 8 12 17 25 40; do
	suitefs --quiet db cleanup >/dev/null 2>&1 &
	pid=$!
	sleep "0.$(printf '%03d' "$ms")"
	kill -KILL "$pid" 2>/dev/null || :
	wait "$pid" 2>/dev/null || :
	sound
done
# Nobody looks on: what was dropped goes at once.
run suitefs --quiet snapshot create last from mirror m
run suitefs --quiet snapshot drop last
cleanup_store
equal "$(json 'j["kept_trees"]')" 0 'trees kept without a mount'
mount_store
exact day2 day5 day6 race11

# Downloads that nobody goes on with.
hash=$(printf '%064d' 7)
printf x >"$SUITEFS_STORE/tmp/$hash"
cleanup_store
[[ -e $SUITEFS_STORE/tmp/$hash ]] || fail "a new download is gone"
touch -d '2 days ago' "$SUITEFS_STORE/tmp/$hash"
exec 8<"$SUITEFS_STORE/tmp/$hash"
flock -n 8
cleanup_store
[[ -e $SUITEFS_STORE/tmp/$hash ]] || fail "a download in hand is gone"
exec 8<&-
cleanup_store
equal "$(json 'j["downloads"]["n"]')" 1 'downloads removed'
[[ ! -e $SUITEFS_STORE/tmp/$hash ]] || fail "an old download is there"

# An update in hand is waited for.
(flock -s 7 && sleep 1) 7<"$SUITEFS_STORE/tmp" &
pid=$!
sleep 0.2
start=${EPOCHREALTIME/./}
run suitefs --quiet db cleanup
[[ $((${EPOCHREALTIME/./} - start)) -gt 300000 ]] || fail "it did not wait"
wait "$pid"

# --- damage ------------------------------------------------------------------------

deb=pool/main/o/only5/only5_1.0_all.deb
hash=$(sha256sum <"$DEBS/only5_1.0_all.deb")
hash=${hash%% *}
blob=$SUITEFS_STORE/blobs/sha256/${hash:0:2}/$hash
[[ -e $blob ]] || same "$MNT/snapshots/day5/$deb" "$DEBS/only5_1.0_all.deb"
chmod u+w "$blob"
printf 'X' | dd of="$blob" bs=1 seek=100 conv=notrunc status=none
run suitefs --quiet db check
[[ ! -s $T/out ]] || fail "without --blobs it looks at files"
expect 3 '' suitefs --quiet db check --blobs
grep -q "^blobs/sha256/${hash:0:2}/$hash: its SHA-256 is .*can be fetched again" \
	"$T/out" || { show_output && fail "the damaged file is not told"; }
[[ -e $blob ]] || fail "it was taken away without --repair"
expect 3 '' suitefs --quiet --json db check --repair
equal "$(json 'j["repaired"], len(j["findings"])')" '1 1' 'what was repaired'
[[ ! -e $blob && -e $SUITEFS_STORE/damaged/$hash ]] || fail "not set aside"
# Upstream has it no more.
equal "$(json 'j["fetched"]')" 0 'what was fetched again'
grep -q "$deb" "$T/err" || { show_output && fail "what can't be had is not told"; }
# What upstream has no more, it had here.
mkdir -p "$UP/pool/main/o/only5"
cp "$DEBS/only5_1.0_all.deb" "$UP/$deb"
same "$MNT/snapshots/day5/$deb" "$DEBS/only5_1.0_all.deb" \
	"a file that was set aside and upstream's"
[[ -e $blob ]] || fail "it was not fetched again"
sound
# A file that was read while it was damaged is right after it was set aside.
chmod u+w "$blob"
printf 'X' | dd of="$blob" bs=1 seek=100 conv=notrunc status=none
run umount "$MNT"
mount_store
! cmp -s "$MNT/snapshots/day5/$deb" "$DEBS/only5_1.0_all.deb" ||
	fail "the damage does not show"
expect 3 '' suitefs --json --quiet db check --blobs --repair
equal "$(json 'j["repaired"], j["fetched"]')" '1 1' 'repaired, fetched again'
[[ ! -s $T/err && -e $blob ]] || { show_output && fail "not fetched again"; }
same "$MNT/snapshots/day5/$deb" "$DEBS/only5_1.0_all.deb" \
	"a file that was read while it was damaged"
# Too short; a symbolic link; what is none of ours.
: >"$T/empty"
chmod u+w "$blob"
truncate -s 10 "$blob"
other=$SUITEFS_STORE/blobs/sha256/ab/ab$(printf '%062d' 1)
mkdir -p "${other%/*}"
ln -s /etc/passwd "$other"
touch "$SUITEFS_STORE/blobs/sha256/README"
expect 3 '' suitefs --quiet db check --blobs
equal "$(wc -l <"$T/out")" 2 'findings'
expect 3 '' suitefs --quiet db check --repair
sound
[[ ! -L $other ]] || fail "a symbolic link is left"

# --- backup and restoring ------------------------------------------------------------

# commands: what they tell of the store.
commands() {
	suitefs --json mirror show m
	suitefs --json snapshot list
	suitefs --json publish list
	suitefs snapshot show --packages day5
}

expect_line 1 'exists' suitefs --quiet db backup "$T/empty"
expect_line 1 "$T/none/backup" suitefs --quiet db backup "$T/none/backup"
expect 2 'missing' suitefs db backup
commands >"$T/before"
run suitefs --quiet db backup "$T/backup"
equal "$(find "$T" -maxdepth 1 -name 'backup*' | wc -l)" 1 'files of a backup'
[[ $(stat -c %s "$T/backup") -le $(stat -c %s "$DATA") ]] ||
	fail "the backup is larger than the database"
run suitefs snapshot drop day5
run suitefs mirror drop --force m
run umount "$MNT"
cleanup_store
cp "$T/backup" "$DATA"
rm "$SUITEFS_STORE/db/lock.mdb"
commands >"$T/after"
same "$T/before" "$T/after" "what commands tell before and after restoring"
# What was cleaned up since is remote, where it was present.
sound
mount_store
exact day2 day5 day6 race11
run umount "$MNT"

# --- a database that is cut short, or overwritten --------------------------------------

run suitefs db stats
grep -q '^light: ' "$T/out" || { show_output && fail "no stats"; }
cp "$DATA" "$T/whole"
for size in 0 100 4096 8192 $(($(stat -c %s "$DATA") / 2)); do
	truncate -s "$size" "$DATA"
	expect_line 1 "$SUITEFS_STORE/db" suitefs db check
	cp "$T/whole" "$DATA"
done
sound
# Whatever a page becomes, check ends in an orderly way: 3 with damage, 1 where
# the store can't be opened.  There are no free pages in what was restored.
pages=$(($(stat -c %s "$DATA") / 4096))
for ((i = 2; i < pages; i += 1 + pages / 60)); do
	dd if=/dev/urandom of="$DATA" bs=4096 seek="$i" count=1 conv=notrunc \
		status=none
	rm -f "$SUITEFS_STORE/db/lock.mdb"
	status=0
	suitefs --quiet db check >"$T/out" 2>"$T/err" || status=$?
	[[ $status == [13] ]] || fail "page $i: db check ends with $status"
	[[ -s $T/out || -s $T/err ]] ||
		fail "page $i: damage that nobody tells"
	cp "$T/whole" "$DATA"
done
rm -f "$SUITEFS_STORE/db/lock.mdb"
sound
