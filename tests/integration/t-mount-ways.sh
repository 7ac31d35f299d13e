#!/bin/bash
# The ways to mount: mount(8), fstab, twice, in the foreground; and where nothing
# can be mounted.
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=tests/integration/lib-publish.sh
. "$TESTS/lib-publish.sh"

need_root
need_fuse
need gpg
MNT=$T/mnt
two_states
run suitefs publish snapshot --skip-signing --distribution=prod one
mkdir "$MNT" "$T/mnt2"

# serves_nothing: nothing is mounted, and nothing runs on.
serves_nothing() {
	[[ ! $(mounts_under "$T") ]] || fail "still mounted: $(mounts_under "$T")"
	wait_for 5 no_mounts_run || fail "still running: $(leftovers)"
}

no_mounts_run() {
	! leftovers | grep -v gpg-agent
}

shows_prod() {
	grep -qx 'Suite: prod' "$1/dists/prod/Release" || fail "$1 is not ready"
}

# --- where nothing can be mounted --------------------------------------------------

touch "$T/file"
mkdir -p "$T/store/in" "$T/around/store"
cp -r "$T/store/db" "$T/around/store/"
expect_line 1 "$T/file: is not a directory" suitefs mount "$T/file"
expect_line 1 "$T/nowhere: there is no such directory" suitefs mount "$T/nowhere"
expect_line 1 "$T/no-store: there is no store" \
	suitefs --store="$T/no-store" mount "$MNT"
expect_line 1 "$T/file" suitefs --store="$T/file" mount "$MNT"
expect_line 1 "$T/mnt2" suitefs --store="$T/mnt2" mount "$MNT"
expect_line 2 'in the store' suitefs mount "$T/store/in"
expect_line 2 'in the store' suitefs mount "$T/store"
expect_line 2 'hidden' suitefs --store="$T/around/store" mount "$T/around"
expect_line 2 'option' suitefs mount -o nonsense=1 "$MNT"
expect 2 '' suitefs mount
ln -s "$T/store/in" "$T/link"
expect_line 2 'in the store' suitefs mount "$T/link"
serves_nothing
rm -r "$T/store/in"

# --- twice, and both hear of changes ---------------------------------------------------

run suitefs mount "$MNT"
run suitefs mount "$T/mnt2"
for dir in "$MNT" "$T/mnt2"; do
	shows_prod "$dir"
	! [[ -e $dir/dists/next ]] || fail "too early"
done
run suitefs publish snapshot --skip-signing --distribution=next two
for dir in "$MNT" "$T/mnt2"; do
	wait_for 1 test -e "$dir/dists/next/Release" ||
		fail "$dir does not hear of changes"
done
run umount "$MNT"
shows_prod "$T/mnt2"
# Through a symlink, and by a name relative to here.
ln -s "$MNT" "$T/to-mnt"
run suitefs mount "$T/to-mnt"
shows_prod "$MNT"
run umount "$MNT"
(cd "$T" && run suitefs --store=store mount mnt)
shows_prod "$MNT"
run umount "$MNT" "$T/mnt2"
serves_nothing

# --- mount(8) and fstab ------------------------------------------------------------------

HELPER=/sbin/mount.suitefs
if [[ ! -e $HELPER && ! -L $HELPER ]]; then
	# shellcheck disable=SC2317 # called by the trap
	remove_helper() {
		[[ $(readlink "$HELPER") != "$T"/* ]] || rm -f "$HELPER"
		cleanup
	}
	trap remove_helper EXIT
	ln -s "$(readlink -f "$(command -v "$SUITEFS")")" "$T/suitefs"
	ln -s "$T/suitefs" "$HELPER"
	unset SUITEFS_STORE
	run mount -t suitefs "$T/store" "$MNT"
	shows_prod "$MNT"
	grep -q " $MNT fuse.suitefs ro,nosuid,nodev" /proc/mounts ||
		fail "not read-only: $(grep " $MNT " /proc/mounts)"
	run umount "$MNT"
	run mount -t suitefs -o rw,noatime,dev,suid,_netdev,nofail,x-systemd.automount \
		"$T/store" "$MNT"
	shows_prod "$MNT"
	expect 1 'Read-only' touch "$MNT/x"
	run umount "$MNT"
	cat >"$T/fstab" <<-END
		$T/store $MNT suitefs ro,_netdev,noauto,nofail 0 0
	END
	run mount -T "$T/fstab" "$MNT"
	shows_prod "$MNT"
	# Once more is an error, not a second mount upon the first.
	expect_line 1 'mounted there already' mount -T "$T/fstab" "$MNT"
	run umount "$MNT"
	expect_line 1 'no store' mount -t suitefs "$T/no-store" "$MNT"
	expect_line 2 'unknown mount option' mount -t suitefs -o nonsense "$T/store" "$MNT"
	serves_nothing
	export SUITEFS_STORE=$T/store
	rm "$HELPER"
fi

# --- in the foreground: what goes wrong is told there -------------------------------------------

"$SUITEFS" mount -f "$MNT" 2>"$T/log" &
FOREGROUND=$!
wait_for 5 test -e "$MNT/dists/prod/Release" || fail "not mounted with -f"
mv "$T/up/pool" "$T/up/gone"
expect 1 'Input/output error' cat "$MNT/pool/main/b/bb/bb_1.0_all.deb"
grep -q 'pool/main/b/bb/bb_1.0_all.deb' "$T/log" ||
	fail "the reason is not told: $(cat "$T/log")"
mv "$T/up/gone" "$T/up/pool"
run umount "$MNT"
status=0
wait "$FOREGROUND" || status=$?
equal "$status" 0 'the exit status after umount'
serves_nothing
