#!/bin/bash
# "make bench": suitefs beside aptly, reprepro and what the machine allows.
#
#   run.sh [ROWS]      mirror,snapshot,publish,mount,web,memory    (all but
#                      scale and choices)
#
# ROWS, with commas between, are files rows-*.sh beside this one.  ROUNDS (3)
# rounds alternate between all of them; OUT (tests/bench/out) gets a table
# (results.md), all single results (*.tsv, results.json) and plots (plots/*.svg).
# scale takes as long as the rest: its sizes are variables of rows-scale.sh.
#
# The archive is Debian's own bookworm main for amd64, as apt fetches it.  aptly
# and reprepro have to download each package, so where suitefs is compared to
# them all three have a variant: every stanza's size and hashes are those of one
# tiny file, which the server returns for each path in pool/.  What suitefs does
# with Debian's own stanzas stands beside it.  nginx serves both on loopback.
. "$(dirname "$0")/../integration/lib.sh" || exit
# shellcheck source=tests/bench/lib-bench.sh
. "$TOP/tests/bench/lib-bench.sh"

ROWS=${1:-mirror,snapshot,publish,mount,web,memory}
ROUNDS=${ROUNDS:-3}
OUT=${OUT:-$TOP/tests/bench/out}
REAL=${REAL:-${TMPDIR:-/tmp}/suitefs-upstream}
MEASURE=${MEASURE:-$TOP/build/bench/measure}
need_root
need_fuse
need aptly reprepro nginx xz apt-ftparchive wrk gnuplot "$MEASURE"
mkdir -p "$OUT"
for row in ${ROWS//,/ }; do
	[[ -e $TOP/tests/bench/rows-$row.sh ]] || fail "there are no rows '$row'"
	# shellcheck source=/dev/null
	. "$TOP/tests/bench/rows-$row.sh"
done
# Others' rows are made of these.
# shellcheck source=tests/bench/rows-publish.sh
. "$TOP/tests/bench/rows-publish.sh"
for table in runs values scale; do
	: >"$OUT/$table.tsv"
done

describe() {
	printf 'cpu\t%s, %s cores\n' "$(sed -n 's/^model name.*: //p' \
		/proc/cpuinfo | head -n 1)" "$(nproc)"
	awk '/^MemTotal/ { printf "memory\t%.0f GB\n", $2 / 1e6 }' /proc/meminfo
	printf 'kernel\t%s\n' "$(uname -r)"
	printf 'disk\t%s\n' "$(findmnt -n -o FSTYPE -T "$T")"
	printf 'system\t%s\n' "$(. /etc/os-release && echo "$PRETTY_NAME")"
	printf 'aptly\t%s\n' "$(aptly version | awk '{ print $NF }')"
	printf 'reprepro\t%s\n' "$(dpkg-query -W -f '${Version}' reprepro \
		2>/dev/null || echo none)"
	printf 'load before\t%s\n' "$(cut -d' ' -f1-3 /proc/loadavg)"
	printf 'rounds\t%s\n' "$ROUNDS"
}

make_upstream
describe >"$OUT/machine.tsv"
printf 'packages\t%s\n' "$PACKAGES" >>"$OUT/machine.tsv"
if compares; then
	today 1 tiny
	aptly_fill_pool
fi
! wants mirror || reprepro_once
! wants snapshot || snapshot_size
! wants mount || mount_prepare
! wants web || web_prepare
WEB_STORE=$T/store-web
! wants choices || choices_prepare
for ((round = 1; round <= ROUNDS; round++)); do
	for row in mirror snapshot publish mount web choices; do
		wants "$row" || continue
		say "round $round of $ROUNDS: $row"
		case $row in
		mount) export SUITEFS_STORE=$T/store-mount ;;
		web) export SUITEFS_STORE=$WEB_STORE ;;
		choices) export SUITEFS_STORE=$T/store-choices ;;
		esac
		"${row}_round"
	done
done
! wants memory || memory_once
! wants scale || scale_once
"$PYTHON" "$TOP/tests/bench/report.py" "$OUT"
if [[ -s $OUT/scale.dat ]]; then
	mkdir -p "$OUT/plots"
	gnuplot -c "$TOP/tests/bench/scale.gp" "$OUT"
fi
cat "$OUT/results.md"
