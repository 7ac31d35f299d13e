#!/bin/bash
# The units under a systemd that runs them: this machine's own system, over which
# a tmpfs is laid, boots in systemd-nspawn without a network.  "make check-boot";
# not in "make check", for containers can't be started everywhere.
#
# The mount starts, and is served again after the worker is killed, and the keeper,
# and all of the service, with readers in it who notice nothing; it is replaced by
# reload, taken away by stop; a timer's update runs, and signs; fstab mounts.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=tests/integration/lib-publish.sh
. "$TESTS/lib-publish.sh"

need_root
need_fuse
need systemd-nspawn nsenter setfattr make gpg curl "$PYTHON"
ROOT=$T/over/root
URL=http://127.0.0.1:8080

# --- a system ---------------------------------------------------------------------

mkdir "$T/over"
run mount -t tmpfs -o mode=0755 none "$T/over"
mkdir "$T/over/upper" "$T/over/work" "$ROOT"
# Of what this machine does nothing is done there.
hide() {
	local dir

	for dir; do
		dir=$T/over/upper$dir
		mkdir -p "$dir"
		setfattr -n trusted.overlay.opaque -v y "$dir"
	done
}
hide /etc/systemd/system /root /srv /var/lib/suitefs /var/log/journal
chmod 0700 "$T/over/upper/root"
mount -t overlay -o "lowerdir=/,upperdir=$T/over/upper,workdir=$T/over/work" \
	overlay "$ROOT" 2>"$T/err" || skip "no overlay of /: $(cat "$T/err")"
mkdir "$ROOT/srv/suitefs" "$ROOT/srv/other" "$ROOT/srv/up"
rm -f "$ROOT/etc/fstab" "$ROOT/etc/machine-id"
: >"$ROOT/etc/machine-id"
install -m 755 "$SUITEFS" "$ROOT/usr/bin/suitefs"
mkdir -p "$ROOT/sbin"
ln -sf /usr/bin/suitefs "$ROOT/sbin/mount.suitefs"
run make -C "$TOP" -s install-units DESTDIR="$ROOT" PREFIX=/usr BINDIR=/usr/bin
cat >"$ROOT/etc/systemd/system/up.service" <<-END
	[Service]
	ExecStart=$PYTHON -m http.server -b 127.0.0.1 -d /srv/up 8080
END

# inside COMMAND...
inside() {
	nsenter -t "$LEADER" -a -- env -i PATH=/usr/bin:/usr/sbin:/bin:/sbin \
		LC_ALL=C HOME=/root "$@"
}

boot() {
	systemd-nspawn --quiet --directory="$ROOT" --boot --register=no \
		--keep-unit --private-network --bind=/dev/fuse \
		--console=pipe --machine="suitefs-$$" -- --unit=basic.target \
		</dev/null >"$T/console" 2>&1 &
	NSPAWN=$!
	own_pid "$NSPAWN"
	wait_for 20 booted || skip "no system boots here: $(tail -n 3 "$T/console")"
	! gone "$NSPAWN" || skip "no system boots here: $(tail -n 3 "$T/console")"
}

booted() {
	! gone "$NSPAWN" || return 0
	LEADER=$(pgrep -P "$NSPAWN") || return 1
	[[ $(inside systemctl is-system-running 2>/dev/null) == running ]]
}

boot
# What is mounted there is seen from here, too.
SEEN=/proc/$LEADER/root
MOUNT=suitefs-mount@suitefs.service

# ctl VERB UNIT...: systemctl, and what the unit says where it fails.  Units may
# start five times in ten seconds only.
ctl() {
	inside systemctl reset-failed
	inside systemctl "$@" >"$T/out" 2>"$T/err" && return
	show_output
	inside journalctl -n 40 --no-pager -o cat -u "${@: -1}" >&2
	fail "systemctl $*"
}

# prop UNIT NAME
prop() {
	inside systemctl show -P "$2" "$1"
}

said() {
	inside journalctl --no-pager -o cat -u "$1"
}

# --- an archive, a store, a publication that follows ----------------------------------

for i in 1 2 3 4 5 6; do
	DEB_SIZE=300000 make_deb "p$i" 1.0 all
	pool_add "$T/up" main "$DEB"
done
upstream "$T/up" aa/1.0
cp -r "$T/up/." "$ROOT/srv/up/"
cp "$KEYS/up.gpg" "$ROOT/srv/up.gpg"
ctl start up.service
answers_inside() {
	inside curl -s -o /dev/null "$URL"
}
wait_for 10 answers_inside || fail "no server in there"
run inside suitefs mirror create --keyring=/srv/up.gpg m "$URL" stable
run inside gpg --batch --passphrase '' --quick-gen-key \
	'ours <ours@example.org>' ed25519 sign never
ctl start suitefs-update@m.service
said suitefs-update@m.service
run inside suitefs publish mirror --distribution=stable \
	--gpg-key=ours@example.org m

# --- the mount --------------------------------------------------------------------------

MNT=$SEEN/srv/suitefs
ctl start "$MOUNT"
check_dists "$MNT/dists/stable" "$MNT/keyring.gpg"
# Fetched by what serves, under all that the unit forbids.
same "$MNT/pool/main/p/p1/p1_1.0_all.deb" "$DEBS/p1_1.0_all.deb"
KEPT=$(prop "$MOUNT" NFileDescriptorStore)
((KEPT >= 3)) || fail "the manager keeps only $KEPT descriptors"

# readers_start: they read all of the tree that is present, again and again, and
# say of every byte that is another.
present=pool/main/p/p1/p1_1.0_all.deb
readers_start() {
	: >"$T/reading"
	(
		trap - EXIT
		n=0
		while [[ -e $T/reading ]]; do
			cmp "$MNT/$present" "$DEBS/${present##*/}" || exit 1
			find "$MNT/dists" -type f -exec cat {} + >/dev/null || exit 1
			n=$((n + 1))
			echo "$n" >"$T/reads.new"
			mv "$T/reads.new" "$T/reads"
		done
	) >"$T/readers" 2>&1 &
	READERS=$!
	own_pid "$READERS"
}

readers_end() {
	rm "$T/reading"
	wait "$READERS" || fail "a reader got an error: $(cat "$T/readers")"
}

# Of the service, as seen in there.
keeper() {
	prop "$MOUNT" MainPID
}

worker() {
	inside pgrep -P "$(keeper)" || :
}

# read_on: the readers have been all through the tree once more.
read_on() {
	local n

	n=$(cat "$T/reads" 2>/dev/null || echo 0)
	wait_for 20 read_more $((n + 1)) || fail "readers wait for ever: $(
		cat "$T/readers"
		said "$MOUNT" | tail
	)"
}

read_more() {
	gone "$READERS" || (($(cat "$T/reads" 2>/dev/null || echo 0) > $1))
}

# The main process is another one than $1, and the service is up.
other_keeper() {
	[[ $(keeper) != "$1" && $(prop "$MOUNT" ActiveState) == active ]]
}

readers_start
read_on
for round in 1 2; do
	inside systemctl reset-failed
	inside kill -KILL "$(worker)"
	echo 3 >/proc/sys/vm/drop_caches
	read_on
	pid=$(keeper)
	inside kill -KILL "$pid"
	echo 3 >/proc/sys/vm/drop_caches
	wait_for 10 other_keeper "$pid" || fail "no other keeper ($round)"
	read_on
	pid=$(keeper)
	ctl kill --signal=KILL --kill-who=all "$MOUNT"
	echo 3 >/proc/sys/vm/drop_caches
	wait_for 10 other_keeper "$pid" || fail "no other service ($round)"
	read_on
done
# An upgrade.
old=$(worker)
ctl reload "$MOUNT"
other_worker() {
	[[ $(worker) != "$old" ]]
}
wait_for 5 other_worker || fail "not replaced"
read_on
readers_end
equal "$(prop "$MOUNT" NFileDescriptorStore)" "$KEPT" 'what the manager keeps'

# --- its end --------------------------------------------------------------------------------

mounted() {
	inside mountpoint -q "$1"
}

exec 5<"$MNT/$present"
ctl restart "$MOUNT"
same "$MNT/$present" "$DEBS/${present##*/}" 'what is read after a restart'
ctl stop "$MOUNT"
mounted /srv/suitefs && fail "still mounted after stop"
# Who had a file open has to do without.
exec 5<&-
equal "$(prop "$MOUNT" Result)" success 'how it ended'
equal "$(prop "$MOUNT" NFileDescriptorStore)" 0 'what the manager keeps'
[[ ! $(inside pgrep suitefs) ]] || fail "something goes on after stop"
ended() {
	[[ $(prop "$MOUNT" ActiveState) == inactive ]]
}
# By others.
ctl start "$MOUNT"
run inside umount /srv/suitefs
wait_for 10 ended || fail "still running after umount"
equal "$(prop "$MOUNT" Result)" success 'how it ended'
# Workers that die too often: it says so, and is not left to hang.
ctl start "$MOUNT"
dies() {
	inside pkill -KILL -x suitefs-worker
	said "$MOUNT" | grep -q 'dies again and again'
}
wait_for 30 dies || fail "it goes on for ever"
begun_anew() {
	[[ $(prop "$MOUNT" ActiveState) == active && -e $MNT/$present ]]
}
wait_for 10 begun_anew || fail "not begun anew"
same "$MNT/$present" "$DEBS/${present##*/}" 'what is read after all that'
ctl stop "$MOUNT"

# A store of a user's own: what serves it is that user.
run inside cp -a /var/lib/suitefs /var/lib/owned
run inside chown -R nobody /var/lib/owned
mkdir "$SEEN/srv/owned"
ctl start suitefs-mount@owned.service
same "$SEEN/srv/owned/$present" "$DEBS/${present##*/}" 'a store of another user'
# It has still to be fetched.
p2=pool/main/p/p2/p2_1.0_all.deb
same "$SEEN/srv/owned/$p2" "$DEBS/${p2##*/}" 'what another user fetches'
equal "$(inside ps -o user= -p "$(inside pgrep suitefs-worker)")" nobody \
	'the user of what serves'
ctl stop suitefs-mount@owned.service

# --- fstab -----------------------------------------------------------------------------------

printf '/var/lib/suitefs /srv/other suitefs noauto,nofail,_netdev 0 0\n' \
	>"$SEEN/etc/fstab"
run inside mount /srv/other
same "$SEEN/srv/other/$present" "$DEBS/${present##*/}" 'what fstab mounts'
run inside umount /srv/other
ctl daemon-reload
ctl start srv-other.mount
same "$SEEN/srv/other/$present" "$DEBS/${present##*/}" 'what systemd mounts'
ctl stop srv-other.mount
mounted /srv/other && fail "still mounted after stop"

# --- the timer --------------------------------------------------------------------------------

ctl start "$MOUNT"
upstream "$T/up" aa/2.0
cp -r "$T/up/." "$ROOT/srv/up/"
mkdir "$SEEN/etc/systemd/system/suitefs-update@m.timer.d"
printf '[Timer]\nOnActiveSec=0\nRandomizedDelaySec=0\n' \
	>"$SEEN/etc/systemd/system/suitefs-update@m.timer.d/now.conf"
ctl daemon-reload
ctl start suitefs-update@m.timer
updated() {
	[[ -e $MNT/dists/stable/main/binary-amd64/Packages.gz ]] &&
		zgrep -qx 'Version: 2.0' \
			"$MNT/dists/stable/main/binary-amd64/Packages.gz"
}
wait_for 20 updated || fail "not updated: $(said suitefs-update@m.service)"
check_dists "$MNT/dists/stable" "$MNT/keyring.gpg"
equal "$(prop suitefs-update@m.timer ActiveState)" active 'the timer'
[[ $(prop suitefs-update@m.timer NextElapseUSecRealtime) == *-* ]] ||
	fail "the timer has no next time"
ctl stop "$MOUNT"

inside systemctl poweroff || :
wait_for 10 gone "$NSPAWN" || fail "it does not go off"
