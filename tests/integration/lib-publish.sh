# shellcheck shell=bash
# What the tests of the outgoing side share; sourced by them after lib.sh.
# shellcheck disable=SC2034 # what is set here is for the tests

# upstream DIR PACKAGE/VERSION... [OPTION...]: the archive DIR, suite stable,
# signed by the key up, with these packages for all architectures and with those
# it had; PACKAGE/VERSION/ARCH for one architecture, -PACKAGE takes one away.
# OPTIONs are make_archive's; by-hash is there and keeps what it had.
upstream() {
	local dir=$1 name version arch options=(byhash=y) word old=$T/old-by-hash
	shift

	[[ -e $KEYS/up.gpg ]] || make_key up
	for word; do
		case $word in
		-*) rm -r "$dir"/pool/main/?/"${word#-}" ;;
		*[=:]*) options+=("$word") ;;
		*)
			IFS=/ read -r name version arch <<<"$word"
			make_deb "$name" "$version" "${arch:-all}"
			pool_add "$dir" main "$DEB"
			;;
		esac
	done
	rm -rf "$old"
	[[ ! -e $dir/dists ]] || cp -al "$dir/dists" "$old"
	make_archive "$dir" stable key=up "Date: $(date_of now)" "${options[@]}"
	[[ ! -e $old ]] || (cd "$old" && find . -path '*/by-hash/*' -type f \
		-exec cp -l --parents -u -t "$dir/dists" {} +)
}

# two_states: upstream $T/up, mirror m of it, and snapshots: one has
# aa 1.0 and bb 1.0, two has aa 1.0, aa 2.0 and cc 1.0.  The mirror stands at two.
# UP_OPTIONS are the archive's, UP_URL its address where it is another one.
UP_OPTIONS=()
two_states() {
	upstream "$T/up" aa/1.0 bb/1.0 "${UP_OPTIONS[@]}"
	new_times "$T/up/dists"
	mirror_of m "${UP_URL:-file:$T/up}"
	run suitefs snapshot create one from mirror m
	upstream "$T/up" aa/2.0 cc/1.0 -bb "${UP_OPTIONS[@]}"
	new_times "$T/up/dists"
	run suitefs mirror update m
	run suitefs snapshot create two from mirror m
}

# mirror_of NAME URL [OPTION...]
mirror_of() {
	run suitefs mirror create --keyring="$KEYS/up.gpg" "${@:3}" "$1" "$2" \
		stable
	run suitefs mirror update "$1"
}

# mount_store: on $MNT, new or as it was.
mount_store() {
	mkdir -p "$MNT"
	run suitefs mount "$MNT"
}

# as_taken NAME: the snapshot is, byte for byte, the copy of upstream's suite in
# $T/days.  By hash upstream has older days too, and no plain indexes.
as_taken() {
	local tree=$MNT/snapshots/$1/dists/stable

	diff -rq --exclude={by-hash,Packages,Sources} "$T/days/$1" "$tree" >&2 ||
		fail "$1 is not what upstream signed"
	check_dists "$tree" "$KEYS/up.gpg"
}

# field FILE NAME: the value of a field of Release or of InRelease.
field() {
	sed -n "s/^$2: //p;/^SHA256:/q" "$1"
}

# seconds FILE: its Date, in seconds since 1970.
seconds() {
	date -d "$(field "$1" Date)" +%s
}

# packages_of DIR: "name version" of each in an index.
packages_of() {
	awk '/^Package:/ { p = $2 } /^Version:/ { print p, $2 }' "$1" |
		paste -sd,
}

# json EXPRESSION: of the Python value j, the JSON in $T/out.
json() {
	"$PYTHON" -c '
import json, sys
j = json.load(open(sys.argv[1]))
v = eval(sys.argv[2])
print(" ".join(map(str, v)) if isinstance(v, (list, tuple)) else v)' \
		"$T/out" "$1"
}

# equal VALUE WANTED WHAT
equal() {
	[[ $1 == "$2" ]] || fail "$3 is '$1', not '$2'"
}

# published: what commands tell of all that is published, and what the mount has
# of it.
published() {
	suitefs --json publish list
	(cd "$MNT" && find . -path ./mirrors -prune -o -path ./snapshots -prune \
		-o -type f -printf '%p %s %T@ %i\n' | sort)
}

# nothing_changes STATUS REGEX COMMAND...: fails so, with one line, and leaves
# what is published as it was.
nothing_changes() {
	published >"$T/before"
	expect_line "$@"
	published >"$T/after"
	same "$T/before" "$T/after" "what is published before and after ${*:3}"
}

# publish VERB...: "suitefs publish VERB", and the mount shows what it made.
publish() {
	run suitefs --quiet --json publish "$@"
	[[ ! -s $T/err ]] || fail "publish $* warns: $(cat "$T/err")"
	[[ $(json 'j["changed"]') == True ]] || return 0
	PUBLISHED=$MNT/$(json 'j["prefix"] + "/dists/" + j["distribution"]')
	DATE=$(date -d "$(json 'j["date"]')" +%s)
	wait_for 2 shows "$PUBLISHED" "$DATE" ||
		fail "the mount does not show what publish $* made"
}

shows() {
	[[ -e $1/Release && $(seconds "$1/Release") == "$2" ]]
}
