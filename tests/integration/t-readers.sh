#!/bin/bash
# A hundred readers of remote files: each file is asked for once, nobody else
# in the mount waits, and who is killed leaves at once.
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=tests/integration/lib-publish.sh
. "$TESTS/lib-publish.sh"

need_fuse
need "$PYTHON"
MNT=$T/mnt
READERS=100
STATS=2000 # with readers, and as many without

# Names in the tree that nobody reads: two lots of $STATS.
edit_index() {
	[[ ${1##*/} == Packages ]] || return 0
	awk -v n=$((2 * STATS)) 'BEGIN {
		for (i = 0; i < n; i++) {
			p = sprintf("p%05d", i)
			printf "Package: %s\nVersion: 1\nArchitecture: all\n", p
			printf "Maintainer: A Tester <tester@example.org>\n"
			printf "Filename: pool/main/p/%s/%s_1_all.deb\n", p, p
			printf "Size: 1000\nSHA256: %064d\n", i
			printf "Description: package %s\n\n", p
		}
	}' >>"$1"
}

DEB_SIZE=4000000 make_deb big 1.0 all
pool_add "$T/up" main "$DEB"
for ((i = 0; i < READERS; i++)); do
	make_deb "r$i" 1.0 all
	pool_add "$T/up" main "$DEB"
done
DEB_SIZE=100000 make_deb k1 1.0 all
pool_add "$T/up" main "$DEB"
start_badserver "$T/up"
upstream "$T/up"
mirror_of m "$BAD_URL"
run suitefs snapshot create s from mirror m
mount_store
POOL=$MNT/snapshots/s/pool/main

now_ms() {
	printf '%d\n' $((${EPOCHREALTIME/./} / 1000))
}

# read_file NAME: in the background; its hash goes to $T/read/N.
mkdir "$T/read"
read_file() {
	sha256sum "$POOL/${1:0:1}/$1/${1}_1.0_all.deb" \
		>"$T/read/${#readers[@]}" 2>/dev/null &
	readers+=($!)
}

# got NAME N...: what these readers have read is upstream's file.
got() {
	local name=$1 want
	shift

	want=$(sha256sum <"$T/up/pool/main/${name:0:1}/$name/${name}_1.0_all.deb")
	while read -r hash _; do
		equal "$hash  -" "$want" "what a reader got of $name"
	done < <(cd "$T/read" && cat "$@")
}

asked() {
	[[ $(bad_count "$2") -ge $1 ]]
}

# stats FROM: the times of $STATS calls of stat(2), for names that the kernel
# has not asked for yet: median and maximum in microseconds.
stats() {
	"$PYTHON" - "$POOL" "$1" "$STATS" <<-'END'
		import os, sys, time
		pool, first, n = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
		times = []
		for i in range(first, first + n):
		    path = "%s/p/p%05d/p%05d_1_all.deb" % (pool, i, i)
		    begin = time.perf_counter_ns()
		    os.stat(path)
		    times.append((time.perf_counter_ns() - begin) // 1000)
		times.sort()
		print(times[n // 2], times[-1])
	END
}

# --- of one file --------------------------------------------------------------------

bad_clear
bad_rule '*/big_*' delay seconds=2
readers=()
for ((i = 0; i < READERS; i++)); do
	read_file big
done
wait "${readers[@]}" || fail "a reader of a hundred failed"
mapfile -t numbers < <(seq 0 $((READERS - 1)))
got big "${numbers[@]}"
equal "$(bad_count '*/big_*')" 1 'requests for a file with a hundred readers'

# --- of a hundred files ---------------------------------------------------------------

stat "$POOL/p/p00000" >"$T/out"
read -r median max < <(stats 0)
bad_clear
bad_rule '*/r*_*' stall
readers=()
for ((i = 0; i < READERS; i++)); do
	read_file "r$i"
done
wait_for 10 asked 4 '*/r*_*' || fail "nobody asks upstream"
read -r busy_median busy_max < <(stats "$STATS")
for pid in "${readers[@]}"; do
	! gone "$pid" || fail "a reader does not wait for its file"
done
printf 'stat: median %d us, max %d us; beside %d waiting readers %d, %d\n' \
	"$median" "$max" "$READERS" "$busy_median" "$busy_max"
((busy_max < 1000000)) || fail "a stat took $busy_max us beside waiting readers"
kill "${readers[@]}"
wait "${readers[@]}" 2>/dev/null || :

# All of them in earnest.
bad_clear
bad_rule '*/r*_*' delay seconds=0.2
run umount "$MNT"
mount_store
readers=()
for ((i = 0; i < READERS; i++)); do
	read_file "r$i"
done
wait "${readers[@]}" || fail "a reader of a hundred files failed"
for ((i = 0; i < READERS; i++)); do
	got "r$i" "$i"
done
equal "$(bad_count '*/r*_*')" "$READERS" 'requests for a hundred files'

# --- killed ------------------------------------------------------------------------

bad_clear
bad_rule '*/k1_*' trickle rate=40000
readers=()
for i in 0 1 2 3 4 5 6 7 8 9; do
	read_file k1
done
wait_for 5 asked 1 '*/k1_*' || fail "nobody asks upstream"
start=$(now_ms)
kill -KILL "${readers[@]:1}"
wait "${readers[@]:1}" 2>/dev/null || :
took=$(($(now_ms) - start))
((took < 1000)) || fail "nine killed readers needed $took ms to leave"
! gone "${readers[0]}" || fail "the tenth reader left with the others"
wait "${readers[0]}" || fail "the tenth reader failed"
got k1 0
equal "$(bad_count '*/k1_*')" 1 'requests for a file whose readers were killed'
printf 'killed readers leave within %d ms\n' "$took"
run umount "$MNT"
