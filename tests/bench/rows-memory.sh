# shellcheck shell=bash
# Memory over time: mirror update, snapshot verify and publish snapshot, as
# plots/memory.svg.  suitefs writes its own table (--memstats), aptly is looked
# at every 20 ms.

# memory_of COMMAND WHO: the table's place.
memory_of() {
	printf '%s/memory.%s.%s.tsv' "$OUT" "$1" "$2"
}

# watch_suitefs COMMAND ARGUMENT...
watch_suitefs() {
	local status=0

	settle
	"$SUITEFS" --memstats="$(memory_of "$1" suitefs)" --meminterval=5ms \
		"${@:2}" >"$T/out" 2>"$T/err" || status=$?
	((status == 0 || status == 3)) || {
		show_output
		fail "suitefs ${*:2}: exit status $status"
	}
}

# watch_aptly COMMAND ARGUMENT...
watch_aptly() {
	local pid now begun=$EPOCHREALTIME

	settle
	aptly -config="$T/aptly.conf" "${@:2}" >"$T/out" 2>"$T/err" &
	pid=$!
	own_pid "$pid"
	while kill -0 "$pid" 2>/dev/null; do
		now=$EPOCHREALTIME
		awk -v s="$begun" -v e="$now" '
			$1 == "VmRSS:" { rss = $2 }
			$1 == "RssAnon:" { anon = $2 }
			END {
				if (rss)
					printf "%d %.0f %.0f\n", (e - s) * 1000,
						rss * 1024, anon * 1024
			}' "/proc/$pid/status" 2>/dev/null || :
		sleep 0.02
	done >"$(memory_of "$1" aptly)"
	wait "$pid" || {
		show_output
		fail "aptly ${*:2} failed"
	}
}

memory_once() {
	say 'memory over time'
	today 1 tiny
	new_store store-memory tiny
	aptly_new
	watch_suitefs mirror-update mirror update bookworm
	watch_aptly mirror-update -keyring="$KEYS/upstream.gpg" \
		mirror update bookworm
	run suitefs snapshot create one from mirror bookworm
	run run_aptly snapshot create one from mirror bookworm
	watch_suitefs snapshot-verify snapshot verify one
	watch_aptly snapshot-verify snapshot verify one
	watch_suitefs publish-snapshot publish snapshot --gpg-key="$KEY" \
		--distribution=prod one
	watch_aptly publish-snapshot -gpg-key="$KEY" -skip-contents -skip-bz2 \
		-batch -distribution=prod publish snapshot one
	mkdir -p "$OUT/plots"
	gnuplot -c "$TOP/tests/bench/memory.gp" "$OUT"
}
