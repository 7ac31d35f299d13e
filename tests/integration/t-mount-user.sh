#!/bin/bash
# An ordinary user mounts a store of its own, through fusermount3.
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=tests/integration/lib-publish.sh
. "$TESTS/lib-publish.sh"

need_root
need_fuse
need gpg fusermount3 setpriv getfattr unshare

# Everybody may use /dev/fuse where udev has been; else make it so for us alone.
if [[ ! ${OWN_DEVICE-} ]]; then
	status=0
	OWN_DEVICE=1 unshare --mount --propagation unchanged bash "$0" ||
		status=$?
	exit "$status"
fi
# All mounts at once can only be made private where / is one, which it is not
# in a chroot.
mount --make-private "$(stat -c %m /dev)"
mount --make-private "$(stat -c %m "$T")" 2>/dev/null || :
mknod -m 0666 "$T/fuse" c 10 229
mount --bind "$T/fuse" /dev/fuse

MNT=$T/mnt
mkdir "$MNT"
two_states
run suitefs publish snapshot --skip-signing --distribution=prod one

no_mounts_run() {
	! leftovers | grep -v gpg-agent
}

USER_ID=$(id -u nobody)
USER_DIR=$T/user
mkdir "$USER_DIR" "$USER_DIR/mnt"
run suitefs snapshot create empty empty
cp -r "$T/store" "$USER_DIR/store"
chown -R "$USER_ID:$USER_ID" "$USER_DIR"
chmod 0755 "$USER_DIR"

# as_user COMMAND...
as_user() {
	env HOME="$USER_DIR" SUITEFS_STORE="$USER_DIR/store" \
		setpriv --reuid="$USER_ID" --regid="$USER_ID" --clear-groups "$@"
}

# The checkout may be where only root can go.
CALLER=$USER_DIR/suitefs
cp "$SUITEFS" "$CALLER"
allowed=$(grep -cx user_allow_other /etc/fuse.conf || :)
expect 0 '' as_user "$CALLER" mount "$USER_DIR/mnt"
if [[ $allowed == 0 ]]; then
	grep -q '_apt.*user_allow_other' "$T/err" ||
		fail "no warning that others see nothing"
	equal "$(wc -l <"$T/err")" 1 'the number of lines of the warning'
	expect 2 'Permission denied' ls "$USER_DIR/mnt"
	# Asked for, it is refused in words.
	mkdir "$USER_DIR/mnt2"
	chown "$USER_ID" "$USER_DIR/mnt2"
	expect 1 'user_allow_other|cannot mount' as_user "$CALLER" mount \
		-o allow_other "$USER_DIR/mnt2"
fi
expect_output 'Suite: prod' as_user grep ^Suite: \
	"$USER_DIR/mnt/dists/prod/Release"
# A pool file comes through the user's own store.
as_user cat "$USER_DIR/mnt/pool/main/a/aa/aa_1.0_all.deb" >"$T/deb"
same "$T/deb" "$DEBS/aa_1.0_all.deb"
run as_user getfattr -n user.suitefs.state "$USER_DIR/mnt/pool/main/a/aa/aa_1.0_all.deb"
grep -q '"present"' "$T/out" || fail "not present after it was read"
run as_user "$CALLER" publish switch prod two
run as_user "$CALLER" snapshot create another empty
wait_for 1 as_user test -d "$USER_DIR/mnt/snapshots/another" ||
	fail "a user's mount does not hear of changes"
expect 1 '' as_user touch "$USER_DIR/mnt/x"
# fusermount3 wants /etc/mtab, which a minimal system lacks.
if [[ -e /etc/mtab ]]; then
	run as_user fusermount3 -u "$USER_DIR/mnt"
else
	run umount "$USER_DIR/mnt"
fi
# A directory that is not the user's.
expect 1 'mount' as_user "$CALLER" mount "$MNT"
# A store that may only be read.
expect 1 "$T/store" as_user "$CALLER" --store="$T/store" mount \
	"$USER_DIR/mnt"
[[ ! $(mounts_under "$USER_DIR") ]] || fail "still mounted"
wait_for 5 no_mounts_run || fail "still running: $(leftovers)"
run umount /dev/fuse
