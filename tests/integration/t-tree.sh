#!/bin/bash
# The mounted tree under the tools that people look at trees with.
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=tests/integration/lib-publish.sh
. "$TESTS/lib-publish.sh"

need_fuse
need gpg getfattr setfattr rsync xz zstd
MNT=$T/mnt
# shellcheck disable=SC2054 # a list of forms
UP_OPTIONS=(sources=y udebs=y forms=gz,xz)
make_udeb inst 1.0 amd64
pool_add "$T/up" main "$DEB"
make_source srcpkg 1.0-1
pool_add "$T/up" main "$DSC"
DEB_SIZE=400000 make_deb large 1.0 amd64
pool_add "$T/up" main "$DEB"
upstream "$T/up" aa/1.0 bb/1.0 bb/1.0/amd64 "${UP_OPTIONS[@]}"
mirror_of m "file:$T/up" --source --udeb
run suitefs snapshot create one from mirror m
upstream "$T/up" aa/2.0 cc/1.0 "${UP_OPTIONS[@]}"
run suitefs mirror update m
run suitefs snapshot create two from mirror m
mount_store
publish snapshot --distribution=prod --compress=gz,xz,zst one
publish snapshot --prefix=a/b --distribution=x two
ONE=$MNT/snapshots/one TWO=$MNT/snapshots/two

# --- every file: its size before it is read, its hash, its mode -----------------------

(cd "$MNT" && find . -type f -printf '%s %P\n' | sort -k2) >"$T/sizes"
[[ $(wc -l <"$T/sizes") -gt 150 ]] || fail "only $(wc -l <"$T/sizes") files"
(cd "$MNT" && while read -r _ path; do
	printf '%s %s\n' "$(wc -c <"$path")" "$path"
done <"$T/sizes") >"$T/read"
same "$T/sizes" "$T/read" 'sizes before and after reading'
(cd "$MNT" && find . -type f -exec sha256sum {} + | sort -k2) >"$T/sums"
(cd "$MNT" && find . -type f | sort | while read -r path; do
	printf '%s  %s\n' "$(getfattr --only-values -n user.suitefs.sha256 \
		"$path")" "$path"
done) >"$T/attributes"
same "$T/sums" "$T/attributes" 'hashes of what is read and user.suitefs.sha256'
equal "$(find "$MNT" -type f -printf '%m\n' | sort -u)" 444 'the mode of files'
equal "$(find "$MNT" -type d -printf '%m\n' | sort -u)" 555 'the mode of directories'
equal "$(find "$MNT" ! -type f ! -type d | wc -l)" 0 'what is neither'
# Each stanza of packages/ is one of the index, and is all of it.
find "$ONE/packages" -type f -printf '%f\n' | sort >"$T/got"
printf '%s\n' aa_1.0_all bb_1.0_all bb_1.0_amd64 inst_1.0_amd64 \
	large_1.0_amd64 srcpkg_1.0-1_source | diff -u - "$T/got" >&2 ||
	fail "other names below packages/"
awk 'BEGIN { RS = ""; ORS = "\n" } /^Package: large\n/' \
	"$ONE/dists/stable/main/binary-amd64/Packages" >"$T/wanted"
same "$T/wanted" "$ONE/packages/main/large_1.0_amd64"
# Listings say what look-ups say.
(cd "$MNT" && find . -printf '%i %P\n' | sort -k2) >"$T/listed"
(cd "$MNT" && find . -exec stat -c '%i %n' {} + | sed 's, \./\?, ,' |
	sort -k2) >"$T/looked"
same "$T/listed" "$T/looked" 'inode numbers of readdir and stat'
rm -f "$T/tar"
tar -C "$MNT" -cf "$T/tar" . 2>"$T/err" || { show_output; fail "tar"; }

# --- one content, one inode ------------------------------------------------------------

inodes() {
	stat -c %i "$@" | sort -u | wc -l
}

LARGE=pool/main/l/large/large_1.0_amd64.deb
equal "$(inodes {"$ONE","$TWO","$MNT","$MNT/a/b","$MNT/mirrors/m"}/$LARGE)" 1 \
	'the number of inodes of one content'
PACKAGES=main/binary-amd64/Packages
equal "$(inodes {"$ONE/dists/stable","$MNT/dists/prod"}/$PACKAGES)" 1 \
	'the number of inodes of one index'
[[ $(stat -c %h "$ONE/$LARGE") -ge 2 ]] || fail "a file has but one link"
# No inode is two contents.
(cd "$MNT" && find . -type f -printf '%i %P\n' | sort -k2) |
	join -1 2 -2 2 -o 1.1,2.1 - <(sed 's,\./,,' "$T/sums" | sort -k2) |
	sort -u | awk '{ n[$1]++ } END { for (i in n) if (n[i] > 1) exit 1 }' ||
	fail "an inode has two contents"
# Two contents that stand under one path never share size and mtime.
for path in Release InRelease $PACKAGES; do
	stat -c '%s %Y' {"$ONE","$TWO","$MNT/mirrors/m"}/dists/stable/"$path" |
		sort -u >"$T/ids"
	sha256sum {"$ONE","$TWO","$MNT/mirrors/m"}/dists/stable/"$path" |
		cut -d' ' -f1 | sort -u >"$T/contents"
	equal "$(wc -l <"$T/ids")" "$(wc -l <"$T/contents")" \
		"the number of (size, mtime) of $path"
done
expect 1 '' diff -r "$ONE/packages" "$TWO/packages"
equal "$(sort "$T/out" | sed "s,$MNT/snapshots/,,")" \
	'Only in two/packages/main: aa_2.0_all
Only in two/packages/main: cc_1.0_all' 'diff -r of two snapshots'
run diff -r --exclude=by-hash "$TWO" "$MNT/mirrors/m"

# --- copies -------------------------------------------------------------------------------

run cp -a "$MNT/snapshots" "$T/cp"
run diff -r "$MNT/snapshots" "$T/cp"
equal "$(inodes "$T"/cp/{one,two}/$LARGE)" 1 'the links of cp -a'
run rsync -aH "$MNT/" "$T/rsync/"
run diff -r "$MNT" "$T/rsync"
equal "$(inodes "$T"/rsync/{snapshots/one,snapshots/two,.,a/b}/$LARGE)" 1 \
	'the links of rsync -H'
# Nothing is left to do for the second one.
run rsync -aHi --delete "$MNT/" "$T/rsync/"
[[ ! -s $T/out ]] || { show_output; fail "rsync copies it again"; }
# Links count once.
(($(du -s --apparent-size "$MNT/snapshots" | cut -f1) < 2 * \
	$(du -s --apparent-size "$ONE" | cut -f1))) || fail "du counts links twice"
chmod -R u+w "$T/cp" "$T/rsync"
rm -r "$T/cp" "$T/rsync"

# --- any part of a file ---------------------------------------------------------------------

# Of enough packages for an index of several runs.
mkdir "$T/many"
awk 'BEGIN {
	for (i = 0; i < 3000; i++) {
		printf "Package: many%d\nVersion: %d\nArchitecture: amd64\n", i, i
		printf "Filename: pool/main/m/many%d_%d_amd64.deb\n", i, i
		printf "Size: 100\nSHA256: %064x\n", i
		printf "Description: number %d of many\n\n", i
	}
}' >"$T/index"
edit_index() {
	cp "$T/index" "$1"
}
make_archive "$T/many" stable key=up "Date: $(date_of)"
unset -f edit_index
mirror_of many "file:$T/many"
run suitefs snapshot create many from mirror many
publish snapshot --prefix=many --compress=gz,xz,zst many
same "$T/index" "$PUBLISHED/$PACKAGES" 'a large index'
run xz -t "$PUBLISHED/$PACKAGES.xz"
xz --robot -l "$PUBLISHED/$PACKAGES.xz" | grep -Pq '^file\t1\t(?!1\t)' ||
	fail "not one stream of several blocks"
for form in gz xz zst; do
	zstd -dcf "$PUBLISHED/$PACKAGES.$form" | cmp - "$T/index" ||
		fail "$form is not the index"
done
wait_for 2 test -e "$MNT/snapshots/many"
for form in gz xz zst; do
	cp "$PUBLISHED/$PACKAGES.$form" "$T/index.$form"
done
# Not from the kernel's memory of it: another mount has its own.
mkdir "$T/again"
run suitefs mount "$T/again"
"$PYTHON" - "$T/again/many/dists/stable/$PACKAGES" "$T/index" <<'END' ||
import mmap, os, random, sys

mounted, wanted = sys.argv[1:]
random.seed(7)
for form in "", ".gz", ".xz", ".zst":
    want = open(wanted + form, "rb").read()
    size = len(want)
    fd = os.open(mounted + form, os.O_RDONLY)
    assert os.fstat(fd).st_size == size, form
    # Backwards first, so that nothing has been read ahead.
    at = [size, size + 5, size - 1, 0, 1] + [
        random.randrange(size) for _ in range(300)]
    for offset in at:
        count = random.choice([1, 7, 511, 4096, 4097, 65536, 300000])
        got = os.pread(fd, count, offset)
        assert got == want[offset:offset + count], (form, offset, count)
    direct = os.open(mounted + form, os.O_RDONLY | os.O_DIRECT)
    for offset in at[:100]:
        got = os.pread(direct, 5000, offset)
        assert got == want[offset:offset + 5000], (form, offset)
    with mmap.mmap(fd, size, mmap.MAP_SHARED, mmap.PROT_READ) as m:
        for offset in at[2:]:
            assert m[offset:offset + 9999] == want[offset:offset + 9999]
        assert m[:] == want
    os.close(fd)
END
	fail "a part of a file is not what the whole file has there"

# --- memory ---------------------------------------------------------------------------------

# Of the process that serves $T/again.
MOUNT_PID=$(mount_processes "$T/again" worker)
# Sanitizers have memory of their own.
LIMIT=$((48 * 1024))
! ldd "$SUITEFS" | grep -Eq 'lib[at]san' || LIMIT=$((LIMIT * 8))
export MOUNT_PID LIMIT
[[ $MOUNT_PID ]] || fail "which process serves $T/again?"
"$PYTHON" - "$T/again/many/dists/stable/$PACKAGES" "$T/index" <<'END' ||
import os, sys

path, want = sys.argv[1], open(sys.argv[2], "rb").read()
fds = [os.open(path + form, os.O_RDONLY | os.O_DIRECT)
       for form in ("", ".gz") for _ in range(100)]
for i, fd in enumerate(fds[:100]):
    offset = i * (len(want) - 5000) // 100
    assert os.pread(fd, 5000, offset) == want[offset:offset + 5000]
for fd in fds[100:]:
    os.pread(fd, 5000, 100)
with open("/proc/%s/status" % os.environ["MOUNT_PID"]) as status:
    rss = [l for l in status if l.startswith("RssAnon")][0].split()[1]
assert int(rss) < int(os.environ["LIMIT"]), "RssAnon: %s kB with 200 open indexes" % rss
END
	fail "memory"
run umount "$T/again"

# --- old trees, names that were not there ----------------------------------------------------

! [[ -e $MNT/dists/next || -e $MNT/new || -e $MNT/snapshots/three ]] ||
	fail "too early"
publish snapshot --distribution=next --prefix=new two
publish snapshot --distribution=next two
run suitefs snapshot create three empty
wait_for 1 test -e "$MNT/snapshots/three" || fail "a name stays absent"
[[ -e $MNT/dists/next/Release && -e $MNT/new/dists/next/Release ]] ||
	fail "a name stays absent"
sha256sum <"$MNT/dists/prod/InRelease" >"$T/before"
ls "$MNT/dists/prod/main/binary-amd64" >"$T/names"
exec 7<"$MNT/dists/prod/$PACKAGES" 8<"$MNT/dists/prod/InRelease"
head -c 100 <&7 >"$T/head"
(
	cd "$MNT/dists/prod/main/binary-amd64"
	: >"$T/inside"
	wait_for 20 test -e "$T/switched"
	# A listing to the end, and the files of it.
	ls >"$T/inside"
	cat Packages >"$T/inside.packages"
) &
INSIDE=$!
own_pid "$INSIDE"
wait_for 5 test -e "$T/inside"
"$PYTHON" - "$MNT/snapshots/many/packages/main" "$T/switched" <<'END' &
import os, sys, time

names = os.scandir(sys.argv[1])
seen = [next(names).name for _ in range(10)]
for _ in range(1000):
    if os.path.exists(sys.argv[2]):
        break
    time.sleep(0.02)
seen += [entry.name for entry in names]
sys.exit(sorted(seen) != sorted(
    "many%d_%d_amd64" % (i, i) for i in range(3000)))
END
LISTING=$!
own_pid "$LISTING"
publish switch prod two
run suitefs publish drop --prefix=many stable
run suitefs snapshot drop many
wait_for 2 test ! -e "$MNT/many" || fail "a dropped prefix stays"
touch "$T/switched"
wait "$INSIDE" || fail "the old tree can't be read to its end"
wait "$LISTING" || fail "a listing changed or lost entries"
same "$T/names" "$T/inside" 'the names of the old directory'
same "$T/inside.packages" "$ONE/dists/stable/$PACKAGES" 'the old index'
same <(cat "$T/head" - <&7) "$ONE/dists/stable/$PACKAGES" 'an open index'
same <(sha256sum <&8) "$T/before" 'an open InRelease'
exec 7<&- 8<&-
same "$MNT/dists/prod/$PACKAGES" "$TWO/dists/stable/$PACKAGES"

# --- nobody writes ------------------------------------------------------------------------------

# read_only COMMAND...: fails with EROFS.
read_only() {
	expect 1 'Read-only file system' "$@"
}

cp "$DEB" "$T/deb"
for dir in "$MNT" "$MNT/dists" "$MNT/dists/prod" "$MNT/pool/main" "$MNT/a" \
	"$ONE/packages/main"; do
	read_only touch "$dir/none"
	read_only mkdir "$dir/none"
	read_only ln -s x "$dir/none"
	read_only cp "$T/deb" "$dir/none"
	read_only mv "$T/deb" "$dir/none"
	read_only mkfifo "$dir/none"
	read_only chmod 0777 "$dir"
	read_only touch "$dir"
done
for file in "$MNT/dists/prod/Release" "$MNT/$LARGE" "$MNT/keyring.gpg" \
	"$ONE/packages/main/aa_1.0_all"; do
	read_only bash -c ": >>'$file'"
	read_only bash -c ": >'$file'"
	read_only rm -f "$file"
	read_only mv "$file" "$T/stolen"
	read_only mv "$file" "$file.new"
	read_only ln "$file" "$file.new"
	read_only chmod 0777 "$file"
	read_only chown 1 "$file"
	read_only truncate -s 1 "$file"
	read_only touch -m "$file"
	read_only setfattr -n user.suitefs.state -v x "$file"
	read_only setfattr -x user.suitefs.state "$file"
done
read_only rmdir "$MNT/dists"
rm -f "$T/stolen"
same <(cd "$MNT" && find snapshots/one snapshots/two -type f -exec sha256sum {} + |
	sort -k2) \
	<(sed -n 's,\./,,; / snapshots\/\(one\|two\)\//p' "$T/sums" | sort -k2) \
	'snapshots before and after everything'
run umount "$MNT"
