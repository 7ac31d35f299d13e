#!/bin/bash
# An upstream that means harm, though its signature is good, and links in the
# store: nothing is written outside, terminals are left alone, memory has limits.
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=tests/integration/lib-publish.sh
. "$TESTS/lib-publish.sh"

need gpg "$PYTHON"
UP=$T/up

# --- what terminals would obey --------------------------------------------------------

# Wherever upstream says what is printed: an escape, a bell, a carriage return,
# and U+009B, which is an escape of its own.
odd=$(printf '\033]0;x\007\033[2J\r\302\233')
edit_index() {
	awk -v odd="$odd" '
		/^Version:/ { $0 = $0; print; next }
		/^(Maintainer|Section|Description):/ { print $0 " " odd; next }
		{ print }' "$1" >"$1.new"
	printf 'X-%s: %s\n' odd "$odd" >"$1.field"
	sed "s/^Package: aa\$/&\nHomepage: http:\/\/example.org\/$(
		printf '\033[31m\302\233')\nTask: $(printf '\033[1m')/" \
		"$1.new" >"$1"
	rm -f "$1.new" "$1.field"
}
make_deb aa 1.0 all
pool_add "$UP" main "$DEB"
make_key up
make_archive "$UP" stable key=up "Origin: evil $odd" "Label: $odd" \
	"Description: $odd" "Codename: stable" "Date: $(date_of)"
unset -f edit_index
run suitefs mirror create --keyring="$KEYS/up.gpg" m "file:$UP" stable

# clean: neither stdout nor stderr has control characters; a stanza is shown as it
# is, and that to a pipe.
clean() {
	! LC_ALL=C grep -qP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]' \
		"$T/out" "$T/err" || {
		cat -v "$T/out" "$T/err" >&2
		fail "a terminal would obey this: $*"
	}
}

status=0
suitefs mirror update m >"$T/out" 2>"$T/err" || status=$?
clean mirror update
if [[ $status == 0 ]]; then
	run suitefs snapshot create s from mirror m
	for command in 'mirror list' 'mirror show m' 'mirror show --packages m' \
		'mirror search m' 'snapshot list' 'snapshot show s' \
		'snapshot show --packages s' 'snapshot search s' 'publish list' \
		'--json mirror show m' '--json snapshot show --packages s' \
		'db stats' 'db check'; do
		# shellcheck disable=SC2086 # words
		run suitefs $command
		clean "$command"
	done
fi
# Names that people give are refused, and what they are told is clean.
for name in "$odd" $'a\nb' $'\302\233' a/b '' .. -x; do
	for command in 'snapshot create %s empty' 'snapshot show %s' \
		'snapshot drop %s' 'mirror show %s' 'mirror update %s' \
		'publish show %s' 'publish switch %s s'; do
		words=()
		for word in $command; do
			[[ $word == %s ]] && words+=("$name") || words+=("$word")
		done
		status=0
		suitefs "${words[@]}" >"$T/out" 2>"$T/err" || status=$?
		[[ $status == [12] ]] ||
			fail "exit status $status: $(printf '%q ' "${words[@]}")"
		clean "${words[@]}"
	done
done

# --- bombs -------------------------------------------------------------------------------

# 256 MiB of one letter, in each form that makes little of it.
MIB=256
bomb() {
	local form=$1 dir=$T/bomb/dists/stable/main/binary-amd64

	rm -rf "$T/bomb"
	mkdir -p "$dir"
	{
		printf 'Package: '
		head -c "${MIB}M" /dev/zero | tr '\0' a
	} | case $form in
	gz) gzip -1 ;;
	xz) xz -0 ;;
	zst) zstd -q -1 ;;
	esac >"$dir/Packages.$form"
}

# announce FORM SIZE: Release says that the bomb has SIZE bytes.
announce() {
	local dists=$T/bomb/dists/stable file=main/binary-amd64/Packages

	{
		printf 'Suite: stable\nArchitectures: amd64\nComponents: main\n'
		printf 'Date: %s\nSHA256:\n' "$(date_of)"
		printf ' %064d %d %s\n' 1 "$2" "$file"
		printf ' %s %d %s\n' \
			"$(sha256sum <"$dists/$file.$1" | cut -c1-64)" \
			"$(stat -c %s "$dists/$file.$1")" "$file.$1"
	} >"$dists/Release"
	sign_release "$dists" up
}

LIMIT=102400
! sanitized || LIMIT=unlimited
for form in gz xz zst; do
	bomb "$form"
	# The truth, or that it is small.
	for size in $(((MIB << 20) + 9)) 1000; do
		announce "$form" "$size"
		run suitefs mirror create --keyring="$KEYS/up.gpg" bomb \
			"file:$T/bomb" stable
		# A hundred MiB of data at most, whatever comes out.
		# shellcheck disable=SC2016 # expanded there
		expect 1 'Packages' bash -c 'ulimit -d "$1" &&
			exec "$SUITEFS" --quiet mirror update bomb' - "$LIMIT"
		! grep -qi memory "$T/err" || fail "$form: $(cat "$T/err")"
		run suitefs mirror drop bomb
	done
done

# --- links in the store ---------------------------------------------------------------------

upstream "$T/good" bb/1.0 cc/1.0
mirror_of good "file:$T/good"
mkdir "$T/outside"
printf 'mine\n' >"$T/outside/file"
for name in bb cc; do
	hash=$(sha256sum <"$DEBS/${name}_1.0_all.deb")
	hash=${hash%% *}
	blob=$SUITEFS_STORE/blobs/sha256/${hash:0:2}
	case $name in
	bb) # where it is written, and what is there in its place
		ln -s "$T/outside/file" "$SUITEFS_STORE/tmp/$hash"
		;;
	cc) # its directory is elsewhere
		rm -rf "$blob"
		ln -s "$T/outside" "$blob"
		;;
	esac
	expect 1 "$SUITEFS_STORE" suitefs --quiet mirror fetch good "$name"
done
equal "$(cat "$T/outside/file")" mine 'a file that a link leads to'
equal "$(find "$T/outside" -type f | wc -l)" 1 'files in a directory that a link leads to'
# In place of a blob, of the right size, too.
rm "$blob" "$SUITEFS_STORE"/tmp/*
mkdir "$blob"
head -c "$(stat -c %s "$DEBS/cc_1.0_all.deb")" /dev/zero >"$T/outside/zeros"
ln -s "$T/outside/zeros" "$blob/$hash"
expect 3 "" suitefs --quiet db check --blobs
expect 1 "" suitefs --quiet mirror fetch good cc
if [[ -w /dev/fuse ]]; then
	MNT=$T/mnt
	mount_store
	! cat "$MNT/mirrors/good/pool/main/c/cc/cc_1.0_all.deb" >"$T/got" \
		2>/dev/null || fail "a link is served"
	run umount "$MNT"
fi
# db check sets it aside, itself and not what it leads to, and has the file again.
expect 3 '' suitefs --quiet db check --repair
[[ -L $SUITEFS_STORE/damaged/$hash ]] || fail "the link is not set aside"
cmp "$blob/$hash" "$DEBS/cc_1.0_all.deb" || run suitefs --quiet mirror fetch good cc
cmp "$blob/$hash" "$DEBS/cc_1.0_all.deb"
run suitefs --quiet db check --blobs
[[ -s $T/outside/zeros ]] || fail "what a link led to is gone"
# db cleanup goes through no link either.
ln -s "$T/outside" "$SUITEFS_STORE/blobs/sha256/zz"
ln -s "$T/outside" "$SUITEFS_STORE/blobs/sha256/00"
run suitefs mirror drop good
run suitefs --quiet db cleanup --grace=0
equal "$(find "$T/outside" -type f | wc -l)" 2 'files outside after cleanup'
