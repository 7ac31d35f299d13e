#!/bin/bash
# A minimal Debian system out of a snapshot that nobody has downloaded: its pool
# comes through the mount, file by file, when debootstrap or mmdebstrap asks for
# it, and Debian's own key vouches for it.
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=tests/integration/lib-real.sh
. "$TESTS/lib-real.sh"

need_root
need_fuse
command -v mmdebstrap >/dev/null || need debootstrap
need nginx getfattr
MNT=$T/mnt
ROOT=$T/root
real_upstream amd64
start_archive || skip "the archive's pool can't be reached"

run suitefs mirror create --arch=amd64 --keyring="$DEBIAN" debian \
	"$NGINX_URL" bookworm main
run suitefs mirror update debian
run suitefs snapshot create monday from mirror debian
mkdir "$MNT"
run suitefs mount "$MNT"
SNAPSHOT=$MNT/snapshots/monday

blobs() {
	[[ ! -d $SUITEFS_STORE/blobs ]] ||
		find "$SUITEFS_STORE/blobs" -type f
}
before=$(blobs | wc -l)
if command -v mmdebstrap >/dev/null; then
	run mmdebstrap --mode=root --variant=minbase --architectures=amd64 \
		--keyring="$DEBIAN" --aptopt='Acquire::Languages "none"' \
		bookworm "$ROOT" "deb [signed-by=$DEBIAN] copy:$SNAPSHOT bookworm main"
else
	run debootstrap --variant=minbase --arch=amd64 --keyring="$DEBIAN" \
		bookworm "$ROOT" "file:$SNAPSHOT"
fi
run chroot "$ROOT" dpkg --audit
[[ ! -s $T/out ]] || fail "packages of the new system are not whole"
# shellcheck disable=SC2016 # for dpkg-query to expand
installed=$(chroot "$ROOT" dpkg-query -f '${db:Status-Status}\n' -W |
	grep -cx installed)
[[ $installed -ge 80 ]] || fail "only $installed packages are installed"

# What was installed has come through the mount: it is present, and no more.
fetched=$(($(blobs | wc -l) - before))
((fetched >= installed && fetched < installed + 20)) ||
	fail "$fetched files were fetched for $installed packages"
state=$(getfattr --absolute-names --only-values -n user.suitefs.state \
	"$SNAPSHOT"/pool/main/b/bash/bash_*_amd64.deb)
[[ $state == present ]] || fail "bash's .deb is $state"
printf '%d packages installed, %d files fetched\n' "$installed" "$fetched"
run umount "$MNT"
