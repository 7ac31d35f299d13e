#!/bin/bash
# --memstats: a table of memory over time, whatever the command.
. "$(dirname "$0")/lib.sh" || exit

# Of the heap of a sanitizer the C library knows nothing.
HEAP=1
! sanitized || HEAP=0

# check_table FILE LINES: a header, at least so many samples, times that don't
# go back, numbers that can be true of a process.
check_table() {
	awk -F'\t' -v want="$2" -v heap="$HEAP" '
		NR == 1 { ok = $0 == "# ms\tresident\tanonymous\theap\tdatabase"; next }
		NF != 5 || $0 !~ /^[0-9\t]+$/ { print "line " NR ": " $0; bad = 1 }
		$1 < last { print "line " NR " goes back"; bad = 1 }
		$2 <= 0 || $3 <= 0 || $4 < heap || $3 + $5 > $2 {
			print "line " NR " can not be: " $0; bad = 1 }
		{ last = $1 }
		END { exit !(ok && !bad && NR > want) }' "$1" && return 0
	cat "$1" >&2
	fail "$1 is not the table it should be"
}

samples() {
	[[ $(wc -l <"$1") -gt $2 ]]
}

shows_database() {
	awk -F'\t' 'NR > 1 && $5 > 0 { found = 1 } END { exit !found }' "$1"
}

# The shortest of commands has its first and its last moment.
run suitefs snapshot create a empty --memstats="$T/create"
check_table "$T/create" 2
run suitefs --memstats "$T/list" --meminterval=3600s --json snapshot list
check_table "$T/list" 2
grep -q '"name": "a"' "$T/out" || fail "the command itself did nothing"
# The table is there though the command fails, and its status stays.
expect_line 1 'no snapshot is named b' suitefs snapshot show b \
	--memstats="$T/fails"
check_table "$T/fails" 2
# What stood there is gone.
seq 1000 >"$T/old"
run suitefs snapshot list --memstats="$T/old"
check_table "$T/old" 2

expect_line 2 'meminterval: .*soon' suitefs snapshot list \
	--memstats="$T/x" --meminterval=soon
expect_line 2 'meminterval' suitefs snapshot list --memstats="$T/x" \
	--meminterval=0ms
expect_line 2 'wants --memstats' suitefs snapshot list --meminterval=10ms
[[ ! -e $T/x ]] || fail "wrong usage wrote a table"
expect_line 1 "$T/nowhere/x" suitefs snapshot create c empty \
	--memstats="$T/nowhere/x"
expect_line 1 'no snapshot is named c' suitefs snapshot show c
expect_line 1 '/dev/full' suitefs snapshot list --memstats=/dev/full

if command -v gnuplot >/dev/null; then
	for type in svg png; do
		run gnuplot -c "$TOP/tests/bench/memstats.gp" "$T/plot.$type" \
			"$T/create" "$T/list"
		[[ -s $T/plot.$type ]] || fail "nothing was plotted"
	done
	grep -q 'heap in use' "$T/plot.svg" || fail "no curve of the heap"
else
	echo 'not plotted: no gnuplot'
fi

need_fuse
mkdir "$T/mnt"
run suitefs mount --memstats="$T/mount" --meminterval=10ms "$T/mnt"
ls -R "$T/mnt" >/dev/null
wait_for 5 samples "$T/mount" 20 || fail "the mount is not watched"
run unmount_one "$T/mnt"
check_table "$T/mount" 20
shows_database "$T/mount" || fail "a mount without a page of the database"
