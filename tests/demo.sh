#!/bin/bash
# "make demo": the main job of suitefs from end to end, with words.
#
# Without arguments it makes a small archive itself.  With URL, SUITE and
# KEYRING in the environment it takes a real one (COMPONENT, by default main;
# ARCH, by default this machine's; PACKAGE to download, by default hello).
: "${URL:=}" "${SUITE:=}" "${KEYRING:=}" "${COMPONENT:=main}" "${PACKAGE:=hello}"
. "$(dirname "$0")/integration/lib.sh" || exit

need_root
need_fuse
need gpg apt-get dpkg-deb apt-ftparchive nginx curl
MNT=$T/mnt
mkdir "$MNT"
if [[ -t 1 ]]; then
	BOLD=$'\e[1m' PLAIN=$'\e[0m'
else
	BOLD='' PLAIN=''
fi

say() {
	printf '\n%s%s%s\n' "$BOLD" "$*" "$PLAIN"
}

# Shows a command as one would type it, runs it, and stops where it fails.
do_it() {
	printf '  $ %s\n' "$*" | sed "s,$T/,,g"
	"$@" 2>&1 | sed "s/^/    /;s,$T/,,g"
}

# --- an archive to mirror ---------------------------------------------------

new_state() {
	local package

	for package; do
		IFS=/ read -r name version depends <<<"$package"
		make_deb "$name" "$version" all ${depends:+"Depends: $depends"}
		pool_add "$T/upstream" main "$DEB"
	done
	make_archive "$T/upstream" stable key=upstream byhash=y arches=amd64 \
		"Date: $(date_of now)" 'Origin: Demo'
}

if [[ ! $URL ]]; then
	say "1. An upstream: a small archive, signed by its own key, on loopback."
	make_key upstream
	new_state greeting/1.0/wording wording/1.0 farewell/1.0
	start_nginx "$T/upstream"
	URL=$NGINX_URL SUITE=stable KEYRING=$KEYS/upstream.gpg PACKAGE=greeting
	ARCH=amd64 OWN=1
	do_it find "$T/upstream" -name '*.deb' -printf '%f\n'
else
	say "1. The upstream is $URL, suite $SUITE."
	[[ $SUITE && $KEYRING ]] || fail "URL needs SUITE and KEYRING beside it"
	ARCH=${ARCH:-$(dpkg --print-architecture)} OWN=
fi

# --- mirror, snapshot -------------------------------------------------------

say "2. Mirror it. Only the indexes come, checked against the archive's key;
no package is downloaded yet."
components=()
[[ $SUITE == */ ]] || components=("$COMPONENT")
do_it suitefs mirror create --arch="$ARCH" --keyring="$KEYRING" \
	debian "$URL" "$SUITE" "${components[@]}"
do_it suitefs mirror update debian
do_it du -sh --apparent-size "$SUITEFS_STORE"

say "3. Freeze what is there now under a name. This copies nothing."
do_it suitefs snapshot create monday from mirror debian
do_it suitefs snapshot list

# --- publish, mount ---------------------------------------------------------

say "4. Publish the snapshot as 'prod', signed by a key of ours."
make_key ours
do_it suitefs publish snapshot --distribution=prod --component=main \
	--gpg-key="$KEY" monday

say "5. Mount the published tree. None of its files lies on a disk: each is
made when somebody reads it."
do_it suitefs mount "$MNT"
do_it ls "$MNT" "$MNT/dists/prod"
do_it head -n 3 "$MNT/dists/prod/main/binary-$ARCH/Packages"

# --- apt --------------------------------------------------------------------

say "6. apt takes the mount as a file: source and trusts our key alone."
apt_private "$T/apt" "APT::Architecture \"$ARCH\";" \
	"APT::Architectures { \"$ARCH\"; };"
apt_source "deb [signed-by=$MNT/keyring.gpg] file:$MNT prod main"
do_it cat "$APT_DIR/etc/sources.list"
do_it apt-get update
if [[ $OWN ]]; then
	say "7. Install into a scratch root. Now the package is fetched from
upstream, checked, kept, and handed to apt."
	do_it apt-get install -q "$PACKAGE"
	do_it dpkg-query --admindir="$APT_DIR/root/var/lib/dpkg" -W
else
	say "7. Download a package. Now it is fetched from upstream, checked, kept,
and handed to apt."
	(cd "$T/apt" && do_it apt-get download -q "$PACKAGE")
	do_it ls -l "$T/apt"
fi

if [[ ! $OWN ]]; then
	say "8. The snapshot is an archive of its own, with upstream's signature."
	do_it ls "$MNT/snapshots/monday/dists"
	do_it umount "$MNT"
	say "That is all: mirrored, frozen, published, mounted and used by apt."
	exit 0
fi

# --- another state ----------------------------------------------------------

say "8. Upstream moves on: greeting 2.0 comes, farewell goes. Mirror that,
and freeze it too. The mount is up all the while."
rm -r "$T/upstream/pool/main/f"
new_state greeting/2.0/wording
do_it suitefs mirror update debian
do_it suitefs snapshot create tuesday from mirror debian

say "9. What apt sees has not changed; prod still shows monday. Switch it."
do_it apt-get update
do_it apt-cache policy "$PACKAGE"
do_it suitefs publish switch prod tuesday
do_it apt-get update
do_it apt-get upgrade -q

say "10. What has changed? + came, - went, ! is another version. And does
anything in the new state depend on what is not there?"
do_it suitefs snapshot diff monday tuesday || :
do_it suitefs snapshot verify tuesday

say "11. Snapshots are directories: look at them with what you know."
do_it ls "$MNT/snapshots/monday/packages/main" \
	"$MNT/snapshots/tuesday/packages/main"
do_it diff -rq "$MNT/snapshots/monday/packages" \
	"$MNT/snapshots/tuesday/packages" || :
printf '  $ gpgv --keyring upstream.gpg snapshots/monday/dists/stable/InRelease\n'
gpgv --keyring "$KEYRING" "$MNT/snapshots/monday/dists/stable/InRelease" \
	2>&1 >/dev/null | sed 's/^/    /'

say "12. And back: switching to an older snapshot is one command too."
do_it suitefs publish switch prod monday
do_it apt-get update
do_it apt-cache policy "$PACKAGE"
do_it umount "$MNT"
say "That is all: mirrored, frozen, published, mounted, used by apt, switched,
compared. Nothing of it is left."
