#!/bin/bash
# Derived snapshots on the mount: as archives for apt, published, and as trees
# for the tools that people compare and copy with.
# shellcheck disable=SC2012 # ls is such a tool
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=tests/integration/lib-publish.sh
. "$TESTS/lib-publish.sh"

need_root
need_fuse
need apt-get gpg rsync
MNT=$T/mnt
SNAPSHOTS=$MNT/snapshots

# --- snapshots one and two of an archive, and others made of them -------------------

upstream "$T/up" aa/1.0 bb/1.0
mirror_of m "file:$T/up"
run suitefs snapshot create one from mirror m
run suitefs snapshot fetch one
upstream "$T/up" aa/2.0 cc/1.0 -bb
run suitefs mirror update m
run suitefs snapshot create two from mirror m
run suitefs snapshot merge both one two
run suitefs snapshot filter two few cc
run suitefs snapshot filter two nothing nonesuch
run suitefs snapshot create empty empty
mount_store

# inode FILE
inode() {
	stat -c %i "$1"
}

# --- ls, diff, find, du, grep, rsync ---------------------------------------------------

cd "$SNAPSHOTS"
status=0
ls one/packages/main | diff - <(ls two/packages/main) >"$T/out" || status=$?
equal "$status $(paste -sd, "$T/out")" \
	'1 2c2,3,< bb_1.0_all,---,> aa_2.0_all,> cc_1.0_all' 'diff of ls'
ls two/packages/main | diff - <(ls both/packages/main) >"$T/out" && fail "no bb"
equal "$(cat "$T/out")" '2a3
> bb_1.0_all' 'two and both'
expect 1 '' diff -rq one/packages two/packages
equal "$(sort "$T/out")" 'Only in one/packages/main: bb_1.0_all
Only in two/packages/main: aa_2.0_all
Only in two/packages/main: cc_1.0_all' 'diff -rq of packages/'
run suitefs snapshot merge twin one two
wait_for 2 test -e twin || fail "the mount does not show twin"
expect 0 '' diff -r both/packages twin/packages
# They may have been made in the same second.
diff -r both/dists twin/dists >"$T/out" || :
! grep '^[<>]' "$T/out" | grep -qv '^[<>] Date: ' ||
	fail "more than Date differs in dists/"
expect 1 '' diff -r one/dists two/dists
grep -q '^+\?[<>] Package: cc' "$T/out" || fail "diff -r of dists/ shows no cc"

# One content is one inode, wherever it stands.
equal "$(inode both/packages/main/cc_1.0_all)" \
	"$(inode two/packages/main/cc_1.0_all)" 'inode of cc'
equal "$(inode few/packages/main/cc_1.0_all)" \
	"$(inode two/packages/main/cc_1.0_all)" 'inode of cc in few'
equal "$(inode both/pool/main/b/bb/bb_1.0_all.deb)" \
	"$(inode one/pool/main/b/bb/bb_1.0_all.deb)" 'inode of bb'
equal "$(inode both/dists/stable/main/binary-amd64/Packages)" \
	"$(inode twin/dists/stable/main/binary-amd64/Packages)" 'inode of Packages'
expect_output 'both/packages/main/bb_1.0_all' grep -rl '^Package: bb$' both/packages
# What one update brought is newer than what was there.
equal "$(find two/packages -newer two/packages/main/aa_1.0_all -type f | sort |
	paste -sd' ')" \
	'two/packages/main/aa_2.0_all two/packages/main/cc_1.0_all' 'find -newer'
# du counts a file once, whichever snapshots have it.
size() {
	du -sb --apparent-size "$@" | awk '{ n += $1 } END { print n }'
}
dirs() {
	find "$@" -type d -printf '%s\n' | awk '{ n += $1 } END { print n + 0 }'
}
equal "$(size one/packages two/packages both/packages)" \
	"$(($(size both/packages) + $(dirs one/packages two/packages)))" 'du'

# --- copies ----------------------------------------------------------------------------

run rsync -aH both few "$T/rsync/"
run rsync -aHnci --delete both few "$T/rsync/"
[[ ! -s $T/out ]] || fail "rsync finds something to do: $(cat "$T/out")"
equal "$(inode "$T/rsync/few/packages/main/cc_1.0_all")" \
	"$(inode "$T/rsync/both/packages/main/cc_1.0_all")" 'links that rsync made'
run cp -a both "$T/copy"
expect 0 '' diff -r both "$T/copy"
equal "$(find "$T/copy" -type f -printf '%P %m %s %T@\n' | sort | sha256sum)" \
	"$(find both/ -type f -printf '%P %m %s %T@\n' | sort | sha256sum)" \
	'attributes of the copy'

# --- apt -------------------------------------------------------------------------------

cd "$T"
apt_private "$T/apt"
for dir in "$SNAPSHOTS/both" "$T/copy"; do
	apt_source "deb [trusted=yes] file:$dir stable main"
	apt_update
	expect_output 'aa (2.0 all)
bb (1.0 all)' bash -c "apt-get -qs install aa bb |
		sed -n 's/^Inst \\(.*\\) (\\([^ ]*\\) .*\\[\\(.*\\)\\]).*/\\1 (\\2 \\3)/p'"
done
run apt-get -q install aa bb
equal "$(apt_installed aa) $(apt_installed bb)" '2.0 1.0' 'what is installed'
# Unsigned: without [trusted=yes] apt does not take it.
apt_source "deb file:$SNAPSHOTS/both stable main"
apt-get -q update >"$T/out" 2>&1 || :
grep -q 'not signed' "$T/out" || fail "apt takes an unsigned snapshot"
apt_source "deb [trusted=yes] file:$SNAPSHOTS/few stable main" \
	"deb [trusted=yes] file:$SNAPSHOTS/nothing stable main"
apt_update
expect_output 'cc' bash -c "apt-cache pkgnames | grep -v '^aa\$\\|^bb\$'"
[[ ! -s $SNAPSHOTS/nothing/dists/stable/main/binary-amd64/Packages ]] ||
	fail "an index without packages is not empty"
[[ -e $SNAPSHOTS/empty/dists/empty/Release ]] || fail "empty has no Release"

# --- a flat archive along with others ----------------------------------------------------

mkdir "$T/flat"
make_deb flat 1.0 all
make_deb flat-amd64 1.0 amd64 'Depends: flat, aa'
cp "$DEBS"/flat*_1.0_*.deb "$T/flat/"
make_flat_archive "$T/flat" key=up
run suitefs mirror create --keyring="$KEYS/up.gpg" flat "file:$T/flat" ./
run suitefs mirror update flat
run suitefs snapshot merge with-flat both flat
wait_for 2 test -e "$SNAPSHOTS/with-flat" || fail "the mount lacks with-flat"
apt_source "deb [trusted=yes] file:$SNAPSHOTS/with-flat stable main"
apt_update
run apt-get -q install flat-amd64
equal "$(apt_installed flat) $(apt_installed flat-amd64)" '1.0 1.0' \
	'what is installed from with-flat'

# --- published ---------------------------------------------------------------------------

# offers NAME: whether apt knows the package from the mount.
offers() {
	run apt-cache policy "$1"
	grep -q "file:$MNT" "$T/out"
}

make_key ours
publish snapshot --gpg-key=ours both
apt_source "deb [signed-by=$KEYS/ours.gpg] file:$MNT stable main"
apt_update
offers bb || fail "bb is not published"
publish switch stable few
apt_update
! offers bb || fail "bb is published still"
offers cc || fail "cc is not published"
publish switch stable twin
apt_update
# What is published stays when all that it was made of goes.
for name in one two both few with-flat; do
	run suitefs snapshot drop "$name"
done
run suitefs mirror drop m
run suitefs mirror drop flat
run suitefs db cleanup --grace=0s
run suitefs db check
apt_update
run apt-get -q install cc
equal "$(apt_installed cc)" 1.0 'cc'
expect 1 'published as ./stable' suitefs snapshot drop twin
nothing_changes 2 'no Release of upstream.s' suitefs publish snapshot --verbatim \
	--distribution=v twin
