#!/bin/bash
# The store when things go wrong around it: a full disk, a newer program's store,
# several commands at once, kill -9.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=lib-mirror.sh
. "$TESTS/lib-mirror.sh" || exit

need gpg
PACKAGES=${PACKAGES:-8000}
WWW=$T/www
URL=file:$WWW
make_key up

# stanzas: PACKAGES made-up ones, which look like Debian's to a compressor.
stanzas() {
	"$PYTHON" -c '
import hashlib, random, sys
count = int(sys.argv[1])
words = [hashlib.md5(b"%d" % i).hexdigest()[: 3 + i % 7] for i in range(3000)]
for i in range(count):
    r = random.Random(i)
    text = lambda n: " ".join(r.choice(words) for _ in range(n))
    name, version = "package%05d" % i, "%d.%d-0" % (r.randrange(9), i % 7)
    file = "pool/main/p/%s/%s_%s_amd64.deb" % (name, name, version)
    print("""Package: %s
Version: %s
Installed-Size: %d
Maintainer: %s <%s@example.org>
Architecture: amd64
Depends: libc6 (>= 2.%d), package%05d
Description: %s
Section: %s
Priority: optional
Filename: %s
Size: %d
SHA256: %s
Description-md5: %s
""" % (name, version, r.randrange(99999), text(2), text(1), i % 40,
       (i * 7) % count, text(7), text(1), file, r.randrange(10**7),
       hashlib.sha256(file.encode()).hexdigest(),
       hashlib.md5(file.encode()).hexdigest()))' "$PACKAGES"
}

# archive ROUND [COUNT]: in $T/roundROUND, of the first COUNT stanzas; a fifth
# of them are of that round.  $T/packagesROUND is its index, $T/namesROUND what
# mirror show --packages is to say.
archive() {
	local round=$1 dists=$T/round$1/dists/stable index
	# shellcheck disable=SC2034 # read by make_release
	local forms=gz byhash='' key=up sign=both fields=()

	index=$dists/main/binary-amd64/Packages
	mkdir -p "${index%/*}"
	awk -v round="$round" -v count="${2-$PACKAGES}" '
		/^Package:/ { if (++n > count) exit }
		/^Version:/ && n % 5 == round % 5 { sub(/0$/, round) }
		{ print }' "$T/stanzas" >"$index"
	cp "$index" "$T/packages$round"
	awk '/^Package:/ { p = $2 } /^Version:/ { v = $2 }
		/^$/ { print p "_" v "_amd64" }' "$index" >"$T/names$round"
	gzip -1nc "$index" >"$index.gz"
	make_release "$dists" 'Suite: stable' 'Architectures: amd64' \
		'Components: main' \
		"Date: $(date_of "@$((SOURCE_DATE_EPOCH + round))")"
}

# offer ROUND: the archive of that round stands at URL.
offer() {
	[[ -e $T/round$1 ]] || archive "$1"
	ln -sfn "round$1" "$T/www"
}

# shows ROUND: whether that is what mirror m shows, all of it.
shows() {
	suitefs mirror show --packages m >"$T/names" || fail "mirror m is gone"
	cmp -s "$T/names" "$T/names$1"
}

stanzas >"$T/stanzas"
offer 1
good_state "$URL"
shows 1 || fail "mirror m does not show what is there"

# --- a store of a newer program ---------------------------------------------------

if command -v mdb_load >/dev/null; then
	cp -r "$SUITEFS_STORE" "$T/newer"
	printf '%s\n' 'VERSION=3' 'format=print' 'type=btree' 'database=meta' \
		'mapsize=1073741824' 'maxreaders=126' 'HEADER=END' ' schema' \
		' \00\00\00\63' 'DATA=END' | mdb_load "$T/newer/db"
	sum=$(sha256sum "$T/newer/db/data.mdb")
	for command in 'mirror list' 'mirror update m' 'snapshot drop s' \
		'snapshot create x empty' 'publish list'; do
		# shellcheck disable=SC2086 # several words
		expect_line 1 "$T/newer.*newer" suitefs --store="$T/newer" $command
	done
	[[ $(sha256sum "$T/newer/db/data.mdb") == "$sum" ]] ||
		fail "a newer program's store was written to"
fi
# What is no store at all.
mkdir -p "$T/none/db"
head -c 100000 /dev/urandom >"$T/none/db/data.mdb"
expect_line 1 "$T/none" suitefs --store="$T/none" mirror list
expect_line 1 "$T/none" suitefs --store="$T/none" snapshot create x empty

# --- several commands at once -------------------------------------------------------

# together NAME COMMAND...: beside the test, as finish NAME ends it.
together() {
	local name=$1
	shift

	"$SUITEFS" --quiet "$@" >"$T/out.$name" 2>"$T/err.$name" &
	own_pid $!
	printf '%d\n' $! >"$T/pid.$name"
}

# finish NAME: sets STATUS
finish() {
	STATUS=0
	wait "$(cat "$T/pid.$1")" || STATUS=$?
}

for i in 1 2 3 4; do
	run suitefs mirror create --keyring="$KEYS/up.gpg" "m$i" "$URL" stable main
done
offer 2
for i in 1 2 3 4; do
	together "m$i" mirror update "m$i"
done
for i in {1..20}; do
	together "s$i" snapshot create "s$i" from mirror m
	together "same$i" snapshot create same empty
done
# Readers go on meanwhile, and see the old or the new.
for i in {1..10}; do
	same "$T/names1" <(suitefs mirror show --packages m)
done
won=0
for i in {1..20}; do
	finish "s$i"
	[[ $STATUS == 0 ]] || fail "s$i: $(cat "$T/err.s$i")"
	finish "same$i"
	[[ $STATUS != 0 ]] || won=$((won + 1))
	[[ $STATUS == 0 ]] || grep -q 'exists already' "$T/err.same$i" ||
		fail "same$i: $(cat "$T/err.same$i")"
done
[[ $won == 1 ]] || fail "$won commands made the same snapshot"
for i in 1 2 3 4; do
	finish "m$i"
	[[ $STATUS == 0 ]] || fail "m$i: $(cat "$T/err.m$i")"
	same "$T/names2" <(suitefs mirror show --packages "m$i")
	run suitefs mirror drop "m$i"
done
same "$T/names1" <(suitefs snapshot show --packages s20)
# The same mirror by several: one does it, the others do it too or say so.
for i in 1 2 3; do
	together "m$i" mirror update m
done
won=0
for i in 1 2 3; do
	finish "m$i"
	[[ $STATUS != 0 ]] || won=$((won + 1))
	[[ $STATUS == 0 ]] || grep -q 'changed meanwhile: update it again' \
		"$T/err.m$i" || fail "m$i: $(cat "$T/err.m$i")"
done
[[ $won -ge 1 ]] || fail "nobody updated m"
shows 2 || fail "m was not updated"
for name in same s{1..20}; do
	run suitefs snapshot drop "$name"
done
keep_state

# --- who else could write ----------------------------------------------------------

(umask 002 && run suitefs --store="$T/shared" snapshot create s empty)
run suitefs --store="$T/shared" snapshot list
for part in '' /db /db/data.mdb /blobs /tmp; do
	chmod g+w "$T/shared$part"
	expect_line 1 "$T/shared$part: others could write to it" \
		suitefs --store="$T/shared" snapshot list
	chmod g-w "$T/shared$part"
done
run suitefs --store="$T/shared" snapshot list
if [[ $(id -u) == 0 ]]; then
	chown nobody "$T/shared/db"
	expect_line 1 "$T/shared/db: belongs to the user" \
		suitefs --store="$T/shared" snapshot list
fi

# --- kill -9 ----------------------------------------------------------------------

# What an update takes, in microseconds.
cp -r "$SUITEFS_STORE" "$T/spare"
offer 3
start=${EPOCHREALTIME/./}
run suitefs --store="$T/spare" --quiet mirror update m
took=$((${EPOCHREALTIME/./} - start))
rm -r "$T/spare"

# shellcheck disable=SC2317 # called by wait_for
is_gone() {
	gone "$pid"
}

now=2 next=3 killed=0
for i in {1..20}; do
	offer $next
	"$SUITEFS" --quiet mirror update m >"$T/out" 2>"$T/err" &
	pid=$!
	own_pid $pid
	delay=$(printf '%07d' $((took * (RANDOM % 1000) / 1000)))
	wait_for "${delay:0:-6}.${delay: -6}" is_gone || killed=$((killed + 1))
	kill -KILL $pid 2>/dev/null || :
	wait $pid 2>/dev/null || :
	same "$T/names1" <(suitefs snapshot show --packages s) \
		"snapshot s before and after kill $i"
	if shows $next; then
		now=$next
		next=$((next + 1))
	elif ! shows $now; then
		fail "after kill $i mirror m shows neither round $now nor $next"
	elif ((RANDOM % 2)); then
		next=$((next + 1))
	fi
done
[[ $killed -ge 5 ]] || fail "only $killed of 20 updates were killed"
offer $next
run suitefs --quiet mirror update m
shows $next || fail "the next update does not finish"
hash=$(sha256sum <"$T/round$next/dists/stable/main/binary-amd64/Packages.gz")
has_blob "${hash%% *}" || fail "the index of round $next is not kept"
[[ ! -e $SUITEFS_STORE/tmp/${hash%% *} ]] || fail "left in tmp: ${hash%% *}"
# All of it, byte for byte.
if [[ -w /dev/fuse ]] && [[ $(id -u) == 0 || $(command -v fusermount3) ]]; then
	mkdir "$T/mnt"
	run suitefs mount "$T/mnt"
	index=dists/stable/main/binary-amd64/Packages
	cmp "$T/mnt/snapshots/s/$index" "$T/packages1" || fail "snapshot s is not whole"
	cmp "$T/mnt/mirrors/m/$index" "$T/packages$next" || fail "mirror m is not whole"
	check_dists "$T/mnt/snapshots/s/dists/stable" "$KEYS/up.gpg" partly
	check_dists "$T/mnt/mirrors/m/dists/stable" "$KEYS/up.gpg" partly
	run umount "$T/mnt"
fi

# --- a full disk --------------------------------------------------------------------

need_root
SUITEFS_STORE=$T/small
mkdir "$SUITEFS_STORE"
mount -t tmpfs -o size=64m,mode=0755 none "$SUITEFS_STORE"
archive 0 50
offer 0
run suitefs mirror create --keyring="$KEYS/up.gpg" m "$URL" stable main
run suitefs mirror update m
run suitefs snapshot create s from mirror m
keep_state
offer 1
# leave KIB: so much room and no more.
leave() {
	local free

	rm -f "$SUITEFS_STORE/ballast"
	free=$(df --output=avail -k "$SUITEFS_STORE" | tail -n 1)
	fallocate -l "$((free - $1))K" "$SUITEFS_STORE/ballast"
}

full=0
for ((room = 16; ; room += room / 2)); do
	leave "$room"
	STATUS=0
	suitefs --quiet mirror update m >"$T/out" 2>"$T/err" || STATUS=$?
	[[ $STATUS != 0 ]] || break
	if [[ $STATUS != 1 || $(wc -l <"$T/err") != 1 ]] ||
		! grep -q '^suitefs: mirror m: .*[Nn]o space left' "$T/err"; then
		show_output
		fail "exit status $STATUS, where the disk is full"
	fi
	untouched "a full disk with $room KiB"
	full=$((full + 1))
done
[[ $full -ge 3 ]] || fail "the disk was full but $full times"
same "$T/names1" <(suitefs mirror show --packages m)
# Whatever is small enough works on.
leave 0
run suitefs mirror list
same "$T/names1" <(suitefs mirror show --packages m)
offer 2
expect_line 1 '[Nn]o space left' suitefs --quiet mirror update m
same "$T/names1" <(suitefs mirror show --packages m)
rm "$SUITEFS_STORE/ballast"
run suitefs --quiet mirror update m
same "$T/names2" <(suitefs mirror show --packages m)
run umount "$SUITEFS_STORE"
