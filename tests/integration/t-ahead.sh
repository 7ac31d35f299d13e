#!/bin/bash
# Several indexes come at once, and are stored in their order: a server that is
# slow to answer is waited for once, not for each of them.
. "$(dirname "$0")/lib.sh" || exit
. "$TESTS/lib-mirror.sh"

need gzip apt-ftparchive
A=$T/archive
D=$A/dists/stable
ARCHES=(amd64 arm64 armhf i386 s390x)
make_key up

# day N: an index for each architecture, some of their packages the same.
day() {
	local arch

	rm -rf "$D"
	for arch in "${ARCHES[@]}"; do
		mkdir -p "$D/main/binary-$arch"
		for name in all "$arch"; do
			cat <<-END
				Package: of-$name
				Version: $1
				Architecture: $name
				Filename: pool/main/o/of-$name/of-${name}_$1_$name.deb
				Size: 1
				SHA256: $(printf '%s %s' "$name" "$1" | sha256sum | cut -d' ' -f1)

			END
		done >"$D/main/binary-$arch/Packages"
		gzip -9n "$D/main/binary-$arch/Packages"
	done
	(cd "$D" && apt-ftparchive release .) >"$T/release"
	release_head "$T/release" 'Suite: stable' 'Codename: stable' \
		"Architectures: ${ARCHES[*]}" 'Components: main' \
		"Date: $(date_of "now - $((9 - $1)) minutes")" >"$D/Release"
	sign_release "$D" up inline
	new_times "$D"
}

day 1
start_badserver "$A"
good_state "$BAD_URL"

# --- at once ----------------------------------------------------------------------------

# The first does not end: the others come, and wait for it.
day 2
bad_clear
bad_rule '*/binary-amd64/Packages.gz' stall after=10
"$SUITEFS" mirror update m >"$T/out" 2>"$T/err" &
update=$!
own_pid "$update"
asked_for() {
	[[ $(bad_count "*/binary-$1/Packages.gz") == 1 ]]
}
have_come() {
	[[ $(find "$SUITEFS_STORE/blobs" -type f | wc -l) == "$1" ]]
}
wait_for 10 have_come 9 || fail "the others don't come"
untouched 'while an update waits'
kill -TERM "$update"
status=0
wait "$update" || status=$?
[[ $status == 1 ]] || fail "stopped, it ends with $status"
[[ $(wc -l <"$T/err") == 1 ]] || { show_output; fail "not one message"; }
untouched 'an update that was stopped'

# One after another, for those who want that.
bad_clear
bad_rule '*/binary-amd64/Packages.gz' stall after=10 times=1
"$SUITEFS" mirror update --jobs=1 m >"$T/out" 2>"$T/err" &
update=$!
own_pid "$update"
wait_for 10 asked_for amd64 || fail "the first is not asked for"
sleep 0.2
for arch in arm64 armhf i386; do
	! asked_for "$arch" || fail "--jobs=1, and $arch is asked for as well"
done
kill -TERM "$update"
wait "$update" || :

# --- failures ---------------------------------------------------------------------------

# One that can't be had fails the update, whatever has come of the others.
day 3
bad_clear
bad_rule '*/binary-armhf/Packages*' status code=404
bad_update 'binary-armhf/Packages.*404'
# A first answer that is wrong, or none, is not the last word.
n=3
for fault in 'reset after=20' truncate 'status code=503' other; do
	n=$((n + 1))
	day "$n"
	bad_clear
	# shellcheck disable=SC2086 # words
	bad_rule '*/binary-arm64/Packages.gz' $fault times=1
	good_update --
	suitefs mirror show --packages m | grep -q "^of-arm64_${n}_arm64$" ||
		fail "$fault: not the new packages"
done

# --- the order --------------------------------------------------------------------------

# Whatever comes first, the same archive makes the same store.
numbers() {
	suitefs db stats
	suitefs mirror show --packages m
}
bad_clear
run suitefs mirror drop m
for jobs in 1 4; do
	bad_clear
	((jobs == 1)) || bad_rule '*/binary-amd64/Packages.gz' delay seconds=0.3
	export SUITEFS_STORE=$T/store-$jobs
	run suitefs mirror create --keyring="$KEYS/up.gpg" m "$BAD_URL" stable main
	run suitefs mirror update "--jobs=$jobs" m
	numbers >"$T/numbers.$jobs"
done
same "$T/numbers.1" "$T/numbers.4" 'two stores of one archive'
