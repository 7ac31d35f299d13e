#!/bin/bash
# Runs tests, each in a process of its own, and counts.
#
#   run.sh [-j JOBS] [-t SECONDS] [TEST...]
#
# A TEST is a script (ending in .sh; by default all t-*.sh beside this one) and
# counts once; or a cmocka program, of which every test counts.  Exit status 77
# of a script is a skip, or a failure where CI is set.  The output of a test is
# shown when it has failed.  A test has SECONDS (300), a tenth more to clean up.
# The last line is "N passed, N failed", with ", N skipped" where there were.
set -u -o pipefail

here=$(cd "${0%/*}" && pwd)
jobs=1
limit=300
while getopts j:t: option; do
	case $option in
	j) jobs=$OPTARG ;;
	t) limit=$OPTARG ;;
	*)
		sed -n '4s/^# */usage: /p' "$0" >&2
		exit 2
		;;
	esac
done
shift $((OPTIND - 1))
(($#)) || set -- "$here"/t-*.sh

results=$(mktemp -d)
running=()
# shellcheck disable=SC2317 # called by the trap
stop() {
	local pid

	trap '' INT TERM
	# Each is a timeout(1), which passes the signal on to its test.
	for pid in "$results"/*.pid; do
		[[ ! -e $pid ]] || kill "$(cat "$pid")" 2>/dev/null
	done
	wait
	rm -rf "$results"
	exit 130
}
trap stop INT TERM

# count LOG STATUS TEST: passed, failed and skipped tests of one run.
count() {
	local log=$1 status=$2 test=$3 passed=0 failed=0 skipped=0

	if [[ $test == *.sh ]]; then
		case $status in
		0) passed=1 ;;
		77) [[ ${CI+set} ]] && failed=1 || skipped=1 ;;
		*) failed=1 ;;
		esac
	else
		# cmocka writes "not ok N # SKIP", newer ones "ok".
		skipped=$(grep -cE '^(not )?ok [0-9]+ .*# SKIP' "$log")
		passed=$(grep -E '^ok ' "$log" | grep -vc '# SKIP')
		failed=$(grep -E '^not ok ' "$log" | grep -vc '# SKIP')
		# It died, in a test or between them.
		((status == 0 || failed)) || failed=1
		((status != 0 || passed + failed + skipped)) || failed=1
	fi
	printf '%d %d %d\n' "$passed" "$failed" "$skipped"
}

report() {
	local name=$1 status=$2 seconds=$3 passed=$4 failed=$5 skipped=$6 word

	word=ok
	((passed)) || word=skip
	((failed == 0)) || word='not ok'
	printf '%s %s (%s s' "$word" "$name" "$seconds"
	((passed + failed + skipped <= 1)) ||
		printf ', %d of %d' "$passed" $((passed + failed + skipped))
	printf ')'
	if ((status >= 124)); then
		((status == 124 || status == 137)) &&
			printf ': no end within %s s' "$limit" ||
			printf ': exit status %d' "$status"
	fi
	printf '\n'
}

run_one() {
	local number=$1 test=$2 log=$results/$1.log start end status counts
	local command

	[[ $test == */* || -e $test ]] || test=$here/$test
	[[ $test == */* ]] || test=./$test
	command=("$test")
	[[ $test != *.sh ]] || command=(bash "$test")
	start=${EPOCHREALTIME/./}
	CMOCKA_MESSAGE_OUTPUT=TAP timeout -k $((limit / 10 + 5)) "$limit" \
		"${command[@]}" </dev/null >"$log" 2>&1 &
	printf '%d' $! >"$results/$number.pid"
	wait $! 2>/dev/null
	status=$?
	rm -f "$results/$number.pid"
	end=${EPOCHREALTIME/./}
	counts=$(count "$log" "$status" "$test")
	printf '%s\n' "$counts" >"$results/$number.counts"
	# shellcheck disable=SC2086 # three numbers
	{
		report "${test##*/}" "$status" \
			"$(((end - start) / 1000000)).$(((end - start) / 100000 % 10))" \
			$counts
		if [[ $counts != *' 0 '* ]]; then
			sed 's/^/    /' "$log"
		elif [[ $counts == '0 0 1' ]]; then
			tail -n 1 "$log" | sed 's/^/    /'
		fi
	} >"$results/$number.report"
	cat "$results/$number.report"
}

number=0
for test; do
	((${#running[@]} < jobs)) || {
		wait -n
		# shellcheck disable=SC2207 # process ids
		running=($(jobs -rp))
	}
	number=$((number + 1))
	run_one "$number" "$test" &
	running+=($!)
done
wait

awk '{ p += $1; f += $2; s += $3 }
	END {
		printf "%d passed, %d failed", p, f
		if (s)
			printf ", %d skipped", s
		printf "\n"
		exit f > 0 || p + s == 0
	}' "$results"/*.counts
status=$?
rm -rf "$results"
exit $status
