#!/bin/bash
# The mount is killed while clients read and files are fetched for them, and
# commands are killed while it serves: nothing is lost, no client sees other
# bytes, and all goes on when it is there again.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=tests/integration/lib-publish.sh
. "$TESTS/lib-publish.sh"

need_fuse
need gpg gpgv "$PYTHON"
MNT=$T/mnt
ROUNDS=${TORTURE_ROUNDS:-12}
LIMIT=${TORTURE_SECONDS:-40}
RANDOM=${SEED:=$RANDOM}

for i in 1 2 3 4 5 6; do
	DEB_SIZE=300000 make_deb "p$i" 1.0 all
	pool_add "$T/up" main "$DEB"
done
make_key ours
two_states
run suitefs --quiet publish snapshot --distribution=stable \
	--gpg-key=ours@example.org two
gpg --batch --export ours@example.org >"$T/ours.gpg"
mkdir "$MNT"

# up: mounts in the foreground; sets MOUNT to the process.
up() {
	"$SUITEFS" mount -f "$MNT" >"$T/mount.log" 2>&1 &
	MOUNT=$!
	own_pid "$MOUNT"
	wait_for 10 mountpoint -q "$MNT" || fail "no mount: $(cat "$T/mount.log")"
}

# The processes of the mount, all of them.
down() {
	local pids

	mapfile -t pids < <(pgrep -P "$MOUNT"; printf '%d\n' "$MOUNT")
	kill -KILL "${pids[@]}" 2>/dev/null || :
	wait "$MOUNT" 2>/dev/null || :
	unmount_one "$MNT" || umount -l "$MNT" || :
	wait_for 5 not_mounted || fail "it stays mounted"
}

not_mounted() {
	! mountpoint -q "$MNT"
}

# reader: whatever it can read is right.
reader() {
	local i

	while [[ ! -e $T/stop ]]; do
		for i in 1 2 3 4 5 6; do
			cat "$MNT/pool/main/p/p$i/p${i}_1.0_all.deb" \
				>"$T/got" 2>/dev/null || continue
			cmp -s "$T/got" "$DEBS/p${i}_1.0_all.deb" || {
				printf 'p%d has other bytes\n' "$i"
				exit 1
			}
		done
	done
}

# Half of the files are remote again, and of one the beginning is there.
forget() {
	local i hash

	for i in 1 3 5; do
		hash=$(sha256sum <"$DEBS/p${i}_1.0_all.deb" | cut -c1-64)
		rm -f "$SUITEFS_STORE/blobs/sha256/${hash:0:2}/$hash"
		head -c 100000 "$DEBS/p${i}_1.0_all.deb" \
			>"$SUITEFS_STORE/tmp/$hash" || :
	done
}

pause() {
	sleep "0.$(printf '%03d' $((RANDOM % ${1:-300})))"
}

commands=('publish switch stable two' 'publish switch stable one'
	'mirror update --force m' 'snapshot fetch two' 'db cleanup --grace=0'
	'snapshot create k from mirror m' 'snapshot drop k')
begun=$SECONDS
killed=0
for ((n = 0; n < ROUNDS && SECONDS - begun < LIMIT; n++)); do
	rm -f "$T/stop"
	forget
	up
	(
		trap - EXIT
		reader
	) >"$T/reader.log" 2>&1 &
	reading=$!
	pause
	for ((i = 0; i < 3; i++)); do
		# shellcheck disable=SC2086 # words
		"$SUITEFS" --quiet ${commands[RANDOM % ${#commands[@]}]} \
			>/dev/null 2>&1 &
		pid=$!
		pause 120
		kill -KILL "$pid" 2>/dev/null && killed=$((killed + 1))
		wait "$pid" 2>/dev/null || :
	done
	down
	touch "$T/stop"
	wait "$reading" || fail "$(cat "$T/reader.log")"
	run suitefs --quiet db check --blobs
	[[ ! -s $T/out ]] || { show_output && fail "there is damage"; }
done
up
run suitefs --quiet publish switch stable two
for i in 1 2 3 4 5 6; do
	same "$MNT/pool/main/p/p$i/p${i}_1.0_all.deb" "$DEBS/p${i}_1.0_all.deb"
done
wait_for 5 check_dists "$MNT/dists/stable" "$T/ours.gpg"
run umount "$MNT"
wait "$MOUNT" || fail "the mount ends with $?"
printf 'the mount was killed %d times, commands %d times, in %d s (seed %d)\n' \
	"$n" "$killed" $((SECONDS - begun)) "$SEED"
((n > 2)) || fail "only $n rounds"
