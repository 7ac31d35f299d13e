#!/bin/bash
# Clients of all kinds while publications switch, mirrors are updated, snapshots
# come and go and cleanup runs: no hash mismatch, nothing that Release lists is
# missing, no mixture, open files keep their bytes.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=tests/integration/lib-publish.sh
. "$TESTS/lib-publish.sh"

need_fuse
need gpg gpgv apt-get "$PYTHON"
MNT=$T/mnt
# Switches, and for how long at most.
ROUNDS=${TORTURE_ROUNDS:-40}
LIMIT=${TORTURE_SECONDS:-20}

make_key ours
two_states
run suitefs --quiet snapshot fetch two
run suitefs snapshot drop one
mkdir "$MNT"
# For nginx's user, where that may be.
if [[ $(id -u) == 0 ]]; then
	run suitefs mount -o allow_other "$MNT"
else
	run suitefs mount "$MNT"
fi
publish snapshot --distribution=stable --gpg-key=ours@example.org two
gpg --batch --export ours@example.org >"$T/ours.gpg"
chmod 0644 "$T/ours.gpg"

clients=()
# client KIND [ROOT]
client() {
	"$PYTHON" "$TESTS/raceclient.py" "$1" "${2:-$MNT}" stable "$T/ours.gpg" \
		"$T/stop" >"$T/client.${#clients[@]}" 2>&1 &
	clients+=($!)
	own_pid $!
}

apt_client() {
	local n=0

	while [[ ! -e $T/stop ]]; do
		if ! apt-get -q update >"$T/apt.out" 2>&1 ||
			grep -qE '^[WE]:|Hash Sum' "$T/apt.out"; then
			cat "$T/apt.out"
			exit 1
		fi
		n=$((n + 1))
	done
	printf 'apt-get update: %d rounds\n' "$n"
}

client apt
client plain
client walk
client pool
if [[ $(id -u) == 0 ]] && command -v nginx >/dev/null; then
	start_nginx "$MNT"
	client apt "$NGINX_URL"
	client plain "$NGINX_URL"
	apt_private "$T/apt"
	apt_source "deb [signed-by=$T/ours.gpg] $NGINX_URL stable main"
	apt_client >"$T/client.${#clients[@]}" 2>&1 &
	clients+=($!)
fi

# --- what goes on meanwhile -----------------------------------------------------------

# A mirror that is updated, snapshots of it that come and go, cleanup all the time,
# and backups.
churn() {
	local i=0

	while [[ ! -e $T/stop ]]; do
		i=$((i + 1))
		upstream "$T/up" "churn/1.$i"
		suitefs --quiet mirror update m || exit
		suitefs --quiet snapshot create "churn$i" from mirror m || exit
		((i <= 2)) || suitefs --quiet snapshot drop --force \
			"churn$((i - 2))" || exit
		suitefs --quiet db cleanup >/dev/null || exit
		suitefs --quiet db backup "$T/backup$i" || exit
	done
	printf 'churn: %d rounds\n' "$i"
}

(
	trap - EXIT
	churn
) >"$T/client.${#clients[@]}" 2>&1 &
clients+=($!)

running() {
	local pid

	for pid in "${clients[@]}"; do
		! gone "$pid" || return 1
	done
}

begun=$SECONDS
for ((n = 0; n < ROUNDS && SECONDS - begun < LIMIT; n++)); do
	running || break
	name=two
	((n % 2)) || name=$(suitefs snapshot list | awk '/^churn/ { print $1 }' |
		tail -n 1)
	# The one that was last may be gone by now.
	suitefs --quiet publish switch stable "${name:-two}" 2>"$T/err" ||
		grep -q 'no snapshot' "$T/err" || { cat "$T/err" && fail "switch"; }
done
touch "$T/stop"
status=0
for i in "${!clients[@]}"; do
	wait "${clients[i]}" || status=1
	cat "$T/client.$i"
done
printf '%d switches in %d s\n' "$n" $((SECONDS - begun))
[[ $status == 0 ]] || fail "a client has seen what it must not"
((n > 3)) || fail "only $n switches"
run suitefs --quiet db check --blobs
# Each backup is a whole store of one moment, with files that are remote.
WALK=${SUITEFS%/*}/fault/walk
for backup in "$T"/backup*; do
	mkdir -p "$T/restored/db"
	mv "$backup" "$T/restored/db/data.mdb"
	run suitefs --quiet --store="$T/restored" db check
	[[ ! -e $WALK ]] || run "$WALK" "$T/restored"
	rm -r "$T/restored"
done
