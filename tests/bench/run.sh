#!/bin/bash
# "make bench": suitefs beside aptly on the same upstream, in one run.
#
#   run.sh [ROW[,ROW...]]      mirror,algebra,publish,mount     (all)
#
# The upstream is Debian's own bookworm main for amd64, as apt fetches it, with
# one change: every stanza's size and hashes are those of one tiny file, which
# the server returns for every pool path.  aptly has to download each package
# before it has a mirror, and that makes it as cheap as can be; its first update
# holds 63,440 such requests all the same, its second one only work on indexes.
# nginx serves it all on loopback.
#
# Rounds alternate between the two.  Printed are medians: seconds, peak memory
# (largest resident set of the process), and the ratio to aptly's.  All single
# results go to $RESULTS (tests/bench/results.tsv).
. "$(dirname "$0")/../integration/lib.sh" || exit

ROWS=${1:-mirror,algebra,publish,mount}
ROUNDS=${ROUNDS:-3}
RESULTS=${RESULTS:-$TOP/tests/bench/results.tsv}
REAL=${REAL:-${TMPDIR:-/tmp}/suitefs-upstream}
UP=$T/upstream
need_root
need_fuse
need aptly nginx /usr/bin/time xz

wants() {
	[[ ,$ROWS, == *,$1,* ]]
}

# --- the upstream -------------------------------------------------------------

make_upstream() {
	local dir=$UP/dists/bookworm/main/binary-amd64 size md5 sha256

	"$TESTS/real-upstream.sh" "$REAL" amd64 >&2
	mkdir -p "$dir" "$UP/pool"
	printf 'not a package\n' >"$UP/tiny"
	size=$(stat -c %s "$UP/tiny")
	md5=$(md5sum <"$UP/tiny")
	sha256=$(sha256sum <"$UP/tiny")
	xz -dc "$REAL/dists/bookworm/main/binary-amd64/Packages.xz" |
		sed -e "s/^Size: .*/Size: $size/" \
			-e "s/^MD5sum: .*/MD5sum: ${md5%% *}/" \
			-e "s/^SHA256: .*/SHA256: ${sha256%% *}/" \
			>"$dir/Packages"
	PACKAGES=$(grep -c ^Package: "$dir/Packages")
	gzip -9nk "$dir/Packages"
	xz -6 -T2 -k "$dir/Packages"
	(cd "$UP/dists/bookworm" && apt-ftparchive release .) >"$T/release"
	release_head "$T/release" 'Suite: bookworm' 'Codename: bookworm' \
		'Architectures: amd64' 'Components: main' \
		>"$UP/dists/bookworm/Release"
	make_key upstream
	sign_release "$UP/dists/bookworm" upstream
	NGINX_EXTRA="location /pool/ { try_files /tiny =404; }"
	start_nginx "$UP"
}

# --- measuring ------------------------------------------------------------------

# measure ROW WHO COMMAND...: 3 is an answer (snapshot verify).
measure() {
	local row=$1 who=$2 status=0
	shift 2

	/usr/bin/time -f '%e %M' -o "$T/time" "$@" >"$T/out" 2>"$T/err" ||
		status=$?
	if [[ $status != 0 && $status != 3 ]]; then
		show_output
		fail "$who: $*"
	fi
	tail -n 1 "$T/time" | tr ' ' '\t' | sed "s/^/$row\t$who\t/" >>"$RESULTS"
}

# Median of field $3 of the results for row $1 by $2.
median() {
	awk -F'\t' -v r="$1" -v w="$2" -v f="$3" '
		$1 == r && $2 == w { print $f }' "$RESULTS" | sort -n |
		awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

row() {
	local s a m n

	s=$(median "$1" suitefs 3) m=$(median "$1" suitefs 4)
	a=$(median "$1" aptly 3) n=$(median "$1" aptly 4)
	awk -v row="$1" -v s="$s" -v a="$a" -v m="$m" -v n="$n" 'BEGIN {
		printf "%-28s %8.2f s %8.2f s %7.3f %8.1f MB %8.1f MB %7.3f\n",
			row, s, a, s / a, m / 1024, n / 1024, m / n }'
}

# --- the rows ---------------------------------------------------------------------

aptly_setup() {
	rm -rf "$T/aptly"
	mkdir "$T/aptly"
	cat >"$T/aptly.conf" <<-END
		{"rootDir": "$T/aptly", "downloadConcurrency": 8,
		 "architectures": ["amd64"], "gpgProvider": "gpg",
		 "skipLegacyPool": true}
	END
	run aptly -config="$T/aptly.conf" -keyring="$KEYS/upstream.gpg" \
		mirror create bookworm "$NGINX_URL" bookworm main
}

suitefs_setup() {
	rm -rf "$SUITEFS_STORE"
	run "$SUITEFS" mirror create --arch=amd64 \
		--keyring="$KEYS/upstream.gpg" bookworm "$NGINX_URL" bookworm \
		main
}

bench_round() {
	suitefs_setup
	measure 'mirror update, first' suitefs "$SUITEFS" mirror update bookworm
	measure 'mirror update, unchanged' suitefs \
		"$SUITEFS" mirror update bookworm
	aptly_setup
	measure 'mirror update, first' aptly aptly -config="$T/aptly.conf" \
		-keyring="$KEYS/upstream.gpg" mirror update bookworm
	measure 'mirror update, unchanged' aptly aptly -config="$T/aptly.conf" \
		-keyring="$KEYS/upstream.gpg" mirror update bookworm
	[[ $ROWS != mirror ]] || return 0
	measure 'snapshot create' suitefs \
		"$SUITEFS" snapshot create monday from mirror bookworm
	measure 'snapshot create' aptly aptly -config="$T/aptly.conf" \
		snapshot create monday from mirror bookworm
	! wants algebra || bench_algebra
	wants publish || wants mount || return 0
	measure 'publish snapshot' suitefs "$SUITEFS" publish snapshot \
		--gpg-key="$KEY" --distribution=prod monday
	measure 'publish snapshot' aptly aptly -config="$T/aptly.conf" \
		-gpg-key="$KEY" -skip-contents -skip-bz2 -batch \
		-distribution=prod publish snapshot monday
}

bench_algebra() {
	measure 'snapshot verify' suitefs "$SUITEFS" snapshot verify monday
	measure 'snapshot verify' aptly aptly -config="$T/aptly.conf" \
		snapshot verify monday
}

# The mount, after every index of the publication and of the snapshot was read.
bench_mount() {
	local mnt=$T/mnt dir start end bytes pid

	dir=$mnt/dists/prod/main/binary-amd64
	mkdir -p "$mnt"
	run "$SUITEFS" mount "$mnt"
	pid=$(mount_processes "$mnt" worker)
	bytes=$(stat -c %s "$dir/Packages")
	start=$EPOCHREALTIME
	cat "$dir/Packages" >/dev/null
	end=$EPOCHREALTIME
	find "$mnt/dists" "$mnt/snapshots/monday/dists" -type f \
		! -name '*.xz' -exec cat {} + >/dev/null
	awk -v b="$bytes" -v s="$start" -v e="$end" 'BEGIN {
		printf "first read of Packages through the mount: %.0f MB/s\n",
			b / (e - s) / 1e6 }'
	awk '/^RssAnon/ { printf "the mount after reading every index: %.1f MB anonymous", $2 / 1024 }
		/^VmHWM/ { hwm = $2 }
		END { printf ", %.1f MB resident at most\n", hwm / 1024 }' \
		"/proc/$pid/status"
	run umount "$mnt"
}

make_upstream
: >"$RESULTS"
for ((round = 0; round < ROUNDS; round++)); do
	bench_round
done
printf '%s packages, %s rounds, %s cores, aptly %s\n' "$PACKAGES" "$ROUNDS" \
	"$(nproc)" "$(aptly version | awk '{ print $NF }')"
printf '%-28s %10s %10s %7s %11s %11s %7s\n' '' suitefs aptly ratio \
	'suitefs' 'aptly' ratio
row 'mirror update, first'
row 'mirror update, unchanged'
[[ $ROWS == mirror ]] || row 'snapshot create'
! wants algebra || row 'snapshot verify'
if wants publish || wants mount; then
	row 'publish snapshot'
fi
! wants mount || bench_mount
