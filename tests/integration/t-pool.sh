#!/bin/bash
# Pool files: fetched when they are opened, or by command; checked, kept, shared;
# and what upstream's faults do to whom.
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=tests/integration/lib-publish.sh
. "$TESTS/lib-publish.sh"

need_fuse
need gpg getfattr
MNT=$T/mnt
for i in 1 2 3 4 5 6 7 8; do
	DEB_SIZE=200000 make_deb "p$i" 1.0 all
	pool_add "$T/up" main "$DEB"
	DEB_SIZE=30000 make_deb "s$i" 1.0 amd64
	pool_add "$T/up" main "$DEB"
done
DEB_SIZE=4000000 make_deb big 1:2.0 amd64
pool_add "$T/up" main "$DEB"
make_source src 1.0-1
pool_add "$T/up" main "$DSC"
start_badserver "$T/up"
UP_URL=$BAD_URL
UP_OPTIONS=(sources=y)
upstream "$T/up" aa/1.0 "${UP_OPTIONS[@]}"
mirror_of m "$UP_URL" --source
run suitefs snapshot create one from mirror m
upstream "$T/up" aa/2.0 "${UP_OPTIONS[@]}"
run suitefs mirror update m
run suitefs snapshot create two from mirror m

# Another upstream, which nothing is wrong with.
make_deb healthy 1.0 all
pool_add "$T/well" main "$DEB"
DEB_SIZE=1000 make_deb well 1.0 all
pool_add "$T/well" main "$DEB"
upstream "$T/well"
BAD_PID_BROKEN=$BAD_PID
BROKEN_URL=$BAD_URL BROKEN_RULES=$BAD_RULES BROKEN_LOG=$BAD_LOG
start_badserver "$T/well"
mirror_of well "$BAD_URL"
BAD_URL=$BROKEN_URL BAD_RULES=$BROKEN_RULES BAD_LOG=$BROKEN_LOG

# mount_anew [OPTION...]: in the foreground, so that what is logged can be read.
mount_anew() {
	[[ ! $(mounts_under "$T") ]] || run umount "$MNT"
	mkdir -p "$MNT"
	"$SUITEFS" mount -f "$@" "$MNT" 2>>"$T/log" &
	own_pid $!
	wait_for 5 test -d "$MNT/snapshots" || fail "not mounted: $(cat "$T/log")"
	ONE=$MNT/snapshots/one/pool/main
}

now_ms() {
	printf '%d\n' $((${EPOCHREALTIME/./} / 1000))
}

state() {
	getfattr --absolute-names --only-values -n user.suitefs.state "$1"
}

# asked N GLOB: upstream has had so many requests.
asked() {
	[[ $(bad_count "$2") -ge $1 ]]
}

# deb NAME: where it stands below a pool/main.
deb() {
	(cd "$T/up/pool/main" && printf '%s\n' ?/"$1"/"$1"_*.deb)
}

# whole_blobs: each file among the store's blobs is what its name says.
whole_blobs() {
	local file n=0

	while read -r file; do
		[[ $(sha256sum <"$file") == "${file##*/}  -" ]] ||
			fail "the blob ${file##*/} is something else"
		n=$((n + 1))
	done < <(find "$SUITEFS_STORE/blobs" -type f)
	BLOBS=$n
}

mount_anew

# --- opened: fetched once, then present -----------------------------------------------

bad_clear
file=$ONE/$(deb p1)
equal "$(state "$file")" remote 'the state of a file that nobody has read'
bad_rule '*/p1_*' delay seconds=0.5
readers=()
for i in {1..50}; do
	sha256sum <"$file" >"$T/sum.$i" &
	readers+=($!)
done
wait "${readers[@]}" || fail "a reader of fifty failed"
equal "$(cat "$T"/sum.* | sort -u)" "$(sha256sum <"$DEBS/p1_1.0_all.deb")" \
	'what fifty readers got'
equal "$(bad_count '*/p1_*')" 1 'requests for a file that fifty read'
equal "$(state "$file")" present 'the state of a file after it was read'
cat "$file" >/dev/null
# Looking is not opening.
find "$MNT" -type f -exec stat {} + >/dev/null
equal "$(bad_count '*')" 1 'requests after a look at everything'
# The same file of another snapshot, and of the mirror.
same "$MNT/snapshots/two/pool/main/$(deb p1)" "$DEBS/p1_1.0_all.deb"
same "$MNT/mirrors/m/pool/main/$(deb p1)" "$DEBS/p1_1.0_all.deb"
equal "$(bad_count '*/p1_*')" 1 'requests for a file that three trees have'

# --- wrong bytes: EIO, nothing kept -------------------------------------------------------

# fails_to_open FILE SECONDS: with EIO, and not as if it were not there.
fails_to_open() {
	local start
	start=$(now_ms)
	expect 1 'Input/output error' cat "$1"
	(($(now_ms) - start <= $2 * 1000)) ||
		fail "$(($(now_ms) - start)) ms until ${1##*/} fails"
	equal "$(state "$1")" remote "the state of ${1##*/}"
}

whole_blobs
before=$BLOBS
bad_rule '*/p2_*' other
bad_rule '*/p3_*' truncate
bad_rule '*/p4_*' long
bad_rule '*/p5_*' html
bad_rule '*/p6_*' status code=404
: >"$T/log"
for name in p2 p4 p5 p6; do
	fails_to_open "$ONE/$(deb $name)" 5
	grep -q "$BAD_URL/pool/main/p/$name/$name" "$T/log" ||
		fail "the log does not say why $name can't be had: $(cat "$T/log")"
done
fails_to_open "$ONE/$(deb p3)" 20
whole_blobs
equal "$BLOBS" "$before" 'the number of blobs after faults'
# No file suffers from another's fault.
same "$ONE/$(deb s1)" "$DEBS/s1_1.0_amd64.deb"
# A command asks again whatever has failed just now.
bad_clear
run suitefs snapshot fetch one p2 p3 p4 p5 p6
for name in p2 p3 p4 p5 p6; do
	same "$ONE/$(deb $name)" "$DEBS/${name}_1.0_all.deb"
	equal "$(state "$ONE/$(deb $name)")" present "the state of $name"
done

# --- slow upstream: delays nobody else -------------------------------------------------------

bad_clear
bad_rule '*/s[2-8]_*' stall after=1000
bad_rule '*/big_*' stall after=1000
bad_rule '*/p[78]_*' stall after=-1
readers=()
for name in s2 s3 s4 s5 s6 s7 s8 big p7 p8; do
	cat "$ONE/$(deb $name)" >/dev/null 2>&1 &
	readers+=($!)
done
wait_for 5 asked 4 '*' || fail "nobody asks upstream"
start=$(now_ms)
stat "$ONE/$(deb big)" >/dev/null
find "$MNT/snapshots/two" >/dev/null
cat "$MNT/snapshots/one/dists/stable/main/binary-amd64/Packages" >/dev/null
same "$ONE/$(deb p1)" "$DEBS/p1_1.0_all.deb"
(($(now_ms) - start < 1000)) ||
	fail "$(($(now_ms) - start)) ms to look while ten files stall"
# Not those either whose files come from somewhere else.
start=$(now_ms)
timeout 10 cat "$MNT/mirrors/well/pool/main/h/healthy/healthy_1.0_all.deb" \
	>"$T/got" || fail "a file of a healthy upstream waits for a stalled one"
same "$T/got" "$DEBS/healthy_1.0_all.deb"
(($(now_ms) - start < 1000)) ||
	fail "$(($(now_ms) - start)) ms for a file while ten others stall"
# A reader that is killed leaves at once, others wait on.
start=$(now_ms)
kill -KILL "${readers[@]:0:5}"
wait "${readers[@]:0:5}" 2>/dev/null || :
(($(now_ms) - start < 500)) || fail "killed readers do not leave"
kill -0 "${readers[9]}" || fail "a reader left with the others"
kill "${readers[@]:5}"
wait "${readers[@]:5}" 2>/dev/null || :
mount_anew
bad_clear
# Of two that wait for one file the other one gets it.
bad_rule '*/s2_*' trickle rate=30000
cat "$ONE/$(deb s2)" >/dev/null 2>&1 &
LEAVES=$!
cat "$ONE/$(deb s2)" >"$T/got" &
STAYS=$!
wait_for 5 asked 1 '*/s2_*' || fail "nobody asks upstream"
kill "$LEAVES"
wait "$LEAVES" 2>/dev/null || :
wait "$STAYS" || fail "the second reader got nothing"
same "$T/got" "$DEBS/s2_1.0_amd64.deb"
# What a fetch left that was killed with nothing to do but to move the file in,
# read-only by then, is used by those who may not write to it.
mount_anew
bad_clear
hash=$(sha256sum <"$DEBS/s7_1.0_amd64.deb")
install -m 0444 "$DEBS/s7_1.0_amd64.deb" "$SUITEFS_STORE/tmp/${hash%% *}"
same "$ONE/$(deb s7)" "$DEBS/s7_1.0_amd64.deb"
equal "$(bad_count '*/s7_*')" 0 'requests for a file that had come'
# An open waits no longer than it is to; the file comes all the same.
mount_anew -o fetch_wait=1
bad_clear
: >"$T/log"
bad_rule '*/s6_*' delay seconds=2
expect 1 'Input/output error' cat "$ONE/$(deb s6)"
grep -q "$BAD_URL/pool/main/s/s6/s6.* not there within 1 s" "$T/log" ||
	fail "the log does not say that s6 was waited for: $(cat "$T/log")"
came() {
	[[ $(state "$ONE/$(deb s6)") == present ]]
}
wait_for 10 came || fail "the fetch that was waited for does not go on"
same "$ONE/$(deb s6)" "$DEBS/s6_1.0_amd64.deb"
equal "$(bad_count '*/s6_*')" 1 'requests for a file that was waited for'
mount_anew

# --- upstream is gone --------------------------------------------------------------------------

end_pid "$BAD_PID_BROKEN"
: >"$T/log"
readers=()
start=$(now_ms)
for name in s3 s4 s5; do
	expect 1 'Input/output error' cat "$ONE/$(deb $name)" &
	readers+=($!)
done
wait "${readers[@]}" || fail "a file that can't be had does not fail with EIO"
(($(now_ms) - start < 10000)) ||
	fail "$(($(now_ms) - start)) ms until files fail without upstream"
grep -q "$BROKEN_URL/pool/main/s/s3/" "$T/log" || fail "the log does not say why"
# Once more it fails at once, and what is present is served.
fails_to_open "$ONE/$(deb s3)" 1
same "$ONE/$(deb p1)" "$DEBS/p1_1.0_all.deb"
same "$ONE/$(deb s2)" "$DEBS/s2_1.0_amd64.deb"
same "$MNT/mirrors/well/pool/main/w/well/well_1.0_all.deb" "$DEBS/well_1.0_all.deb"
# A mount of its own, without the network, still shows everything.
mount_anew
find "$MNT" -type f -exec stat {} + >/dev/null
same "$ONE/$(deb p1)" "$DEBS/p1_1.0_all.deb"
run umount "$MNT"
