#!/bin/bash
# Servers that fail in every way they can: what is tried again, what is not, and
# what is said.  The cases run at the same time, each with a store of its own,
# since some take as long as time-outs do.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=lib-mirror.sh
. "$TESTS/lib-mirror.sh" || exit

need gpg
WWW=$T/www
mkdir "$WWW"
small_archive "$WWW/good"
start_badserver "$WWW"
good_state "$BAD_URL/good"
# What is to be fetched now: two forms of one index that is not held yet.
make_deb cc 1.0 amd64
cp -r "$WWW/good" "$WWW/next"
# shellcheck disable=SC2153 # make_deb sets DEB
pool_add "$WWW/next" main "$DEB"
make_archive "$WWW/next" stable key=up
IN=dists/stable/InRelease
INDEX=dists/stable/main/binary-amd64/Packages
WANT='aa_1.0_amd64 bb_2.0_all cc_1.0_amd64'

# begin NAME [URL]: mirror m is updated from a copy of the archive below /NAME/,
# while others are too.  Its rules come before.
begin() {
	local name=$1 url=${2-$BAD_URL/$1}

	[[ -e $WWW/$name ]] || cp -r "$WWW/next" "$WWW/$name"
	cp -r "$T/store" "$T/store.$name"
	SUITEFS_STORE=$T/store.$name
	run suitefs mirror edit --url="$url" m
	state_of >"$T/state.$name"
	"$SUITEFS" --quiet mirror update m >"$T/out.$name" 2>"$T/err.$name" &
	own_pid $!
	printf '%d\n' $! >"$T/pid.$name"
	SUITEFS_STORE=$T/store
}

# finish NAME: sets STATUS; its output is where expect leaves it.
finish() {
	local name=$1

	STATUS=0
	wait "$(cat "$T/pid.$name")" || STATUS=$?
	cp "$T/out.$name" "$T/out"
	cp "$T/err.$name" "$T/err"
	SUITEFS_STORE=$T/store.$name
}

# ended STATUS: without holding back what it said.
ended() {
	[[ $STATUS == "$1" ]] || { show_output && fail "$NAME: exit status $STATUS"; }
}

# bad NAME REGEX: that update failed, with one line, and all is as it was.
bad() {
	NAME=$1
	finish "$NAME"
	ended 1
	if [[ $(wc -l <"$T/err") != 1 ]] ||
		! grep -Eq -e "^suitefs: mirror m: .*$2" "$T/err"; then
		show_output
		fail "$NAME: not one line that matches '$2'"
	fi
	! grep -q '[[:cntrl:]]' "$T/err" || fail "$NAME: a control character"
	state_of >"$T/state.now"
	same "$T/state.$NAME" "$T/state.now" "$NAME: the states before and after"
	SUITEFS_STORE=$T/store
}

# good NAME: that update went through, whatever the server did.
good() {
	NAME=$1
	finish "$NAME"
	ended 0
	[[ ! -s $T/err ]] || { show_output && fail "$NAME: it warns"; }
	run suitefs mirror show --packages m
	[[ $(tr '\n' ' ' <"$T/out") == "$WANT " ]] || fail "$NAME: other packages"
	SUITEFS_STORE=$T/store
}

# asked NAME GLOB TIMES
asked() {
	[[ $(bad_count "/$1/$2") == "$3" ]] ||
		fail "$1: $(bad_count "/$1/$2") requests for $2, not $3"
}

# --- begin them all -------------------------------------------------------------

# The time-out for what stalls is half a minute: this one goes first, and ends
# last.
bad_rule "/stall/$INDEX.*" stall after=100 times=1
begin stall

begin suite "$BAD_URL/elsewhere"
begin refused "http://127.0.0.1:1"
begin host http://nowhere.invalid/debian
begin files "file:$T/nowhere"
begin tls "${BAD_URL/http:/https:}/good"

bad_rule "/reset/$IN" reset
begin reset
bad_rule "/reset-late/$IN" reset after=100
begin reset-late
bad_rule "/reset-index/$INDEX.*" reset after=100
begin reset-index
bad_rule "/reset-twice/$IN" reset times=2
bad_rule "/reset-twice/$INDEX.*" reset after=10 times=2
begin reset-twice
bad_rule "/busy/$IN" status code=503 times=2
begin busy
bad_rule "/busy-index/$INDEX.*" status code=503
begin busy-index
bad_rule "/garbage/$IN" garbage
begin garbage
bad_rule "/header/$IN" header
begin header

bad_rule "/html/$IN" html
begin html
bad_rule "/html-index/$INDEX.*" html
begin html-index
bad_rule "/html-once/$INDEX.gz" html
bad_rule "/html-once/$INDEX.xz" ok
begin html-once
bad_rule "/forbidden/dists/stable/*Release*" status code=403
begin forbidden
bad_rule "/teapot/$IN" status code=418
bad_rule "/teapot/dists/stable/Release" status code=404
# An object store that says 403 of what it has not got.
bad_rule "/store/$IN" status code=403
bad_rule "/store/$INDEX.gz" status code=403
begin store
bad_rule "/store-index/$INDEX*" status code=403
begin store-index
bad_rule "/store-unsigned/$IN" status code=403
bad_rule "/store-unsigned/dists/stable/Release.gpg" status code=403
begin store-unsigned
begin teapot
bad_rule "/no-gz/$INDEX.gz" status code=404
begin no-gz
bad_rule "/no-xz/$INDEX.xz" status code=410
begin no-xz
bad_rule "/no-index/$INDEX*" status code=404
begin no-index
bad_rule "/no-companions/dists/stable/Release*" status code=403
begin no-companions
bad_rule "/companions/dists/stable/Release*" html
begin companions

bad_rule "/truncate/$IN" truncate
begin truncate
bad_rule "/truncate-index/$INDEX.*" truncate after=50
begin truncate-index
bad_rule "/short/$INDEX.*" length by=-9
begin short
bad_rule "/long/$INDEX.*" long
begin long
bad_rule "/other/$INDEX.*" other
begin other
bad_rule "/old/$INDEX.gz" other "with=/good/$INDEX.gz"
bad_rule "/old/$INDEX.xz" other "with=/good/$INDEX.xz"
begin old
bad_rule "/nolength/*" nolength
begin nolength
bad_rule "/chunked/*" chunked
begin chunked
bad_rule "/endless/$IN" endless
begin endless
bad_rule "/endless-index/$INDEX.*" endless
begin endless-index
bad_rule "/loop/$IN" loop
begin loop
bad_rule "/loop-index/$INDEX.*" loop
begin loop-index
bad_rule "/to-file/$IN" redirect "to=file://$WWW/good/$IN"
begin to-file
bad_rule "/to-ftp/$IN" redirect to=ftp://mirror.example.org/
begin to-ftp
bad_rule "/to-nowhere/$IN" redirect to=http://nowhere.invalid/
begin to-nowhere
bad_rule "/trickle/$INDEX.*" trickle rate=400
begin trickle

# --- those that are stopped ---------------------------------------------------------

waits_for() {
	[[ $(bad_count "$1") -ge 1 ]]
}
# stopped NAME GLOB SIGNAL: ends soon after the signal, though the server stalls.
stopped() {
	wait_for 20 waits_for "$2" || fail "$1: nothing is asked for"
	kill "-$3" "$(cat "$T/pid.$1")"
	wait_for 5 gone "$(cat "$T/pid.$1")" || fail "$1: it does not stop"
	bad "$1" 'stopped'
}
bad_rule "/interrupted/$INDEX.*" stall after=100
begin interrupted
stopped interrupted "/interrupted/$INDEX.*" INT
bad_rule "/terminated/$IN" stall after=-1
begin terminated
stopped terminated "/terminated/$IN" TERM

# --- and the others -----------------------------------------------------------------

bad suite "$BAD_URL/elsewhere/dists/stable/ has no InRelease and no Release: .*'stable'"
asked elsewhere '*' 2
bad refused '127.0.0.1:1/.*([Cc]onnect|refused)'
bad host 'nowhere.invalid/.*could not resolve host'
bad files "file:$T/nowhere/dists/stable/ has no InRelease and no Release"
bad tls "https://.*/InRelease: .*(SSL|TLS)"

bad reset "/reset/$IN: .*reset"
asked reset "$IN" 4
bad reset-late "/reset-late/$IN: .*reset"
asked reset-late "$IN" 4
bad reset-index "/reset-index/$INDEX.*: .*reset"
good reset-twice
asked reset-twice "$IN" 3
good busy
asked busy "$IN" 3
bad busy-index "/busy-index/$INDEX.*: 503"
bad garbage "/garbage/$IN: answered with what is no HTTP"
bad header "/header/$IN: .*header"

bad html "/html/$IN: answered with an HTML page"
asked html "$IN" 1
bad html-index "no form of $INDEX can be had: .*/html-index/.*HTML page"
good html-once
bad forbidden "/forbidden/$IN: 403"
bad teapot "/teapot/$IN: 418"
good store
bad store-index "no form of $INDEX can be had: .*/store-index/$INDEX.*: 403"
bad store-unsigned '/Release has no signature'
good no-gz
asked no-gz "$INDEX.xz" 1
good no-xz
bad no-index "no form of $INDEX can be had: .*/no-index/$INDEX.*: 404"
good no-companions
good companions

bad truncate "/truncate/$IN: connection closed before the end"
bad truncate-index "/truncate-index/$INDEX.*: connection closed before the end"
bad short "no form of $INDEX can be had: .*bytes instead of the announced"
bad long "no form of $INDEX can be had: .*longer than [0-9]+ bytes"
bad other "no form of $INDEX can be had: .*SHA-256"
bad old "no form of $INDEX can be had: .*(bytes|SHA-256)"
good nolength
good chunked
bad endless "/endless/$IN: longer than 16777216 bytes"
bad endless-index "no form of $INDEX can be had: .*longer than [0-9]+ bytes"
bad loop "/loop/$IN: more than 10 redirects"
asked loop "$IN" 11
bad loop-index "/loop-index/$INDEX.*: more than 10 redirects"
bad to-file "/to-file/$IN: leads to what is neither http nor https"
bad to-ftp "/to-ftp/$IN: leads to what is neither http nor https"
bad to-nowhere "/to-nowhere/$IN: .*resolve host"
good trickle

# --- what failed goes on where the server is well again -------------------------------

bad_clear
for name in reset-index truncate-index interrupted old no-index; do
	SUITEFS_STORE=$T/store.$name
	run suitefs --quiet mirror update m
	run suitefs mirror show --packages m
	[[ $(tr '\n' ' ' <"$T/out") == "$WANT " ]] || fail "$name: other packages"
	[[ ! $(find "$SUITEFS_STORE/tmp" -type f) ]] ||
		fail "$name: left in tmp: $(ls "$SUITEFS_STORE/tmp")"
done

good stall
