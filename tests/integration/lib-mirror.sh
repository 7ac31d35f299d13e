# shellcheck shell=bash
# What the tests of the incoming side share; sourced by them after lib.sh.
#
# They have a mirror m with a good state and a snapshot s of it, and show that
# what goes wrong afterwards leaves both as they were.

# small_archive DIR: packages aa (amd64), bb (all), source package src and a
# signed archive of them in DIR, suite stable, key up.
small_archive() {
	make_key up
	make_deb aa 1.0 amd64
	make_deb bb 2.0 all
	make_source src 1.0
	pool_add "$1" main "$DEBS"/*.deb "$DEBS"/*.dsc
	make_archive "$1" stable key=up sources=y
}

# good_state URL: mirror m with a state, snapshot s.
good_state() {
	run suitefs mirror create --keyring="$KEYS/up.gpg" m "$1" stable main
	run suitefs mirror update m
	run suitefs snapshot create s from mirror m
	keep_state
}

# state_of: everything that commands tell of mirror m and snapshot s.
state_of() {
	suitefs --json mirror list
	suitefs --json mirror show m
	suitefs mirror show --packages m
	suitefs --json snapshot list
	suitefs --json snapshot show s
	suitefs snapshot show --packages s
}

# keep_state: what untouched compares with from now on.
keep_state() {
	state_of >"$T/state"
}

# untouched [WHAT]
untouched() {
	state_of >"$T/state.now"
	same "$T/state" "$T/state.now" "the states before and after ${1-}"
}

# refused REGEX COMMAND...: fails with status 1 and one line, which matches, and
# leaves all as it was.
refused() {
	expect_line 1 "$@"
	[[ ! -s $T/out ]] || fail "it has something to say on stdout: ${*:2}"
	untouched "${*:2}"
}

# bad_update REGEX [OPTION...]: mirror update refuses what it finds.  What the
# message quotes of it holds nothing that a terminal would act upon.
bad_update() {
	local regex=$1
	shift

	refused "^suitefs: mirror m: .*$regex" suitefs --quiet mirror update "$@" m
	! grep -q '[[:cntrl:]]' "$T/err" ||
		fail "the message has a control character: $(cat -v "$T/err")"
}

# good_update [OPTION...]: it goes through after all.  Sets UPDATED to its JSON.
# shellcheck disable=SC2034 # for the tests
good_update() {
	run suitefs --quiet --json mirror update "$@" m
	[[ ! -s $T/err ]] || fail "mirror update warns: $(cat "$T/err")"
	UPDATED=$(cat "$T/out")
	keep_state
}

# json EXPRESSION: of the Python value j, the JSON in $T/out.
json() {
	"$PYTHON" -c '
import json, sys
j = json.load(open(sys.argv[1]))
v = eval("(" + sys.argv[2] + ")")
print(" ".join(map(str, v)) if isinstance(v, (list, tuple)) else v)' \
		"$T/out" "$1"
}

# expect_json VALUE EXPRESSION COMMAND...
expect_json() {
	local want=$1 expression=$2 got
	shift 2

	run "$@"
	got=$(json "$expression")
	[[ $got == "$want" ]] || fail "$expression is '$got', not '$want': $*"
}

# has_blob SHA256: a whole file stands in the store.
has_blob() {
	[[ -e $SUITEFS_STORE/blobs/sha256/${1:0:2}/$1 ]] &&
		[[ $(sha256sum <"$SUITEFS_STORE/blobs/sha256/${1:0:2}/$1") == "$1  -" ]]
}

# expect_nothing COMMAND...: succeeds and prints nothing.
expect_nothing() {
	run "$@"
	[[ ! -s $T/out ]] || { show_output && fail "it prints something: $*"; }
}
