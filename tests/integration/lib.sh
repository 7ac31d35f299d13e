# shellcheck shell=bash
# Sourced first by every integration test:
#
#	# shellcheck source-path=SCRIPTDIR source=lib.sh
#	. "$(dirname "$0")/lib.sh" || exit
#
# Gives strict mode, a scratch directory $T that is gone when the test ends,
# and the functions below.  Whatever a test starts is ended by its process id;
# whatever it mounts under $T is unmounted; nothing listens but on loopback.
#
# Set for the test: T, TOP (the checkout), SUITEFS (the program; the caller may
# choose another), SUITEFS_STORE, GNUPGHOME, HOME, KEYS, DEBS, PYTHON.

set -eu -o pipefail
umask 022
export LC_ALL=C TZ=UTC SOURCE_DATE_EPOCH=1700000000
unset http_proxy https_proxy ftp_proxy all_proxy no_proxy HTTPS_PROXY \
	ALL_PROXY NO_PROXY APT_CONFIG XDG_DATA_HOME XDG_CONFIG_HOME

TESTS=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
TOP=$(cd "$TESTS/../.." && pwd)
: "${SUITEFS:=$TOP/${B:-build}/suitefs}"
# Short, since sockets of gpg-agent live below it; readable for apt's _apt.
T=$(mktemp -d "${TMPDIR:-/tmp}/sf.XXXXXX")
chmod 0755 "$T"
KEYS=$T/keys
DEBS=$T/debs
# A process that has this in its environment was started by this test.
export SUITEFS_TEST=$T
export SUITEFS SUITEFS_STORE=$T/store GNUPGHOME=$T/gnupg HOME=$T/home
mkdir -m 0700 "$GNUPGHOME"
mkdir "$HOME" "$KEYS" "$DEBS"
PYTHON=/usr/bin/python3
[[ -x $PYTHON ]] || PYTHON=python3
PATH=$PATH:/usr/sbin:/sbin

# --- ending ---------------------------------------------------------------

# own_pid PID: has PID ended with the test.  The start time tells it from a later
# process of the same number.
own_pid() {
	stat_of "$1"
	printf '%s %s\n' "$1" "${STAT[START_TIME]-}" >>"$T/.pids"
}

# stat_of PID: sets STAT to the fields of proc(5) stat from the state on, or to
# nothing where there is no such process.
START_TIME=19 # the start time's, field 22 there
stat_of() {
	local stat=''

	read -r -d '' stat 2>/dev/null <"/proc/$1/stat" || :
	# The command's name may hold anything, its ")" is the last one.
	read -ra STAT <<<"${stat##*) }"
}

# gone PID [START]: whether the process is no more (or a zombie).
gone() {
	stat_of "$1"
	[[ ${STAT[0]-Z} != Z ]] || return 0
	[[ ${2-} && ${STAT[START_TIME]} != "$2" ]]
}

# end_pid PID [START]: SIGTERM, and SIGKILL where that is not heeded in 5 s.
end_pid() {
	gone "$1" "${2-}" && return 0
	kill -TERM "$1" 2>/dev/null || return 0
	if ! wait_for 5 gone "$1" "${2-}"; then
		kill -KILL "$1" 2>/dev/null || :
		wait_for 5 gone "$1" "${2-}" || :
	fi
}

# Mount points under the directory $1, the innermost first.
mounts_under() {
	awk -v t="$1" 'index($5 "/", t "/") == 1 { print $5 }' \
		/proc/self/mountinfo | tac
}

unmount_one() {
	command umount "$1" 2>/dev/null || fusermount3 -u "$1" 2>/dev/null
}

# umount(8), patient for 5 s: a server or a client that has just answered may
# have a file open still.
umount() {
	local status tries=100

	while status=0; ! command umount "$@" 2>"$T/.umount"; do
		status=32
		((tries-- > 0)) || break
		grep -q busy "$T/.umount" || break
		sleep 0.05
	done
	cat "$T/.umount" >&2
	return "$status"
}

unmount_all() {
	local dir

	while read -r dir; do
		dir=$(printf '%b' "$dir")
		wait_for 2 unmount_one "$dir" ||
			command umount -l "$dir" 2>/dev/null ||
			fusermount3 -uz "$dir" 2>/dev/null || :
	done < <(mounts_under "$T")
}

# Programs this test has started that still run: "PID COMMAND".
leftovers() {
	local pid environs=(/proc/[0-9]*/environ)

	grep -lzFx "SUITEFS_TEST=$T" "${environs[@]}" 2>/dev/null |
		while IFS=/ read -r _ _ pid _; do
			printf '%s %s\n' "$pid" \
				"$(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline")"
		done || :
}

# mount_processes MNT [worker]: of the two that serve the mount point, the
# keeper, or the worker.
mount_processes() {
	local pid command name

	while read -r pid command; do
		[[ " $command " == *" $1 "* ]] || continue
		name=$(cat "/proc/$pid/comm" 2>/dev/null) || continue
		case ${2-keeper}-$name in
		worker-suitefs-worker | keeper-suitefs | keeper-mount.suitefs)
			printf '%s\n' "$pid"
			;;
		esac
	done < <(leftovers)
}

cleanup() {
	local status=$? home pid start left

	trap - EXIT
	trap '' HUP INT TERM
	set +e
	cd /
	unmount_all
	if [[ -e $T/.pids ]]; then
		while read -r pid start; do
			end_pid "$pid" "$start"
		done <"$T/.pids"
	fi
	while read -r home; do
		GNUPGHOME='' gpgconf --homedir "$home" --kill all
		GNUPGHOME='' gpgconf --homedir "$home" --remove-socketdir
	done < <(find "$T" -xdev -name private-keys-v1.d -printf '%h\n' \
		2>/dev/null) >/dev/null 2>&1
	if ! wait_for 10 no_leftovers; then
		left=$(leftovers)
		printf 'still running at the end:\n%s\n' "$left" >&2
		while read -r pid _; do
			end_pid "$pid"
		done <<<"$left"
		[[ $status != 0 ]] || status=1
	fi
	if [[ ${KEEP-} ]]; then
		printf 'kept: %s\n' "$T" >&2
	else
		rm -rf --one-file-system "$T"
	fi
	exit "$status"
}

no_leftovers() {
	[[ ! $(leftovers) ]]
}

trap cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# --- saying what happened -------------------------------------------------

# skip REASON: what this test needs is not here.  In CI everything is.
skip() {
	printf 'skip: %s\n' "$*"
	[[ -z ${CI+set} ]] || exit 1
	exit 77
}

# fail REASON, with the line of the test that called.
fail() {
	local i

	for ((i = 1; i < ${#BASH_SOURCE[@]}; i++)); do
		[[ ${BASH_SOURCE[i]##*/} != lib*.sh ]] || continue
		printf '%s:%d: ' "${BASH_SOURCE[i]##*/}" "${BASH_LINENO[i - 1]}"
		break
	done >&2
	printf '%s\n' "$*" >&2
	exit 1
}

# need TOOL...: skips where a tool is missing.
need() {
	local tool

	for tool; do
		command -v "$tool" >/dev/null || skip "no $tool"
	done
}

need_root() {
	[[ $(id -u) == 0 ]] || skip "not root"
}

# A mount needs the device, and fusermount3 where we are not root.
need_fuse() {
	[[ -r /dev/fuse && -w /dev/fuse ]] || skip "no /dev/fuse"
	[[ $(id -u) == 0 ]] || need fusermount3
}

suitefs() {
	"$SUITEFS" "$@"
}

# sanitized: it was built with a sanitizer, which takes memory of its own.
sanitized() {
	grep -qE '__(a|t)san_init' "$SUITEFS"
}

# expect STATUS REGEX COMMAND...: runs COMMAND; its exit status must be STATUS
# and a line of its stderr match REGEX, unless that is ''.  Its output is left
# in $T/out and $T/err.
expect() {
	local want=$1 regex=$2 status=0
	shift 2

	"$@" >"$T/out" 2>"$T/err" || status=$?
	if [[ $status != "$want" ]]; then
		show_output
		fail "exit status $status, expected $want: $*"
	fi
	if [[ $regex ]] && ! grep -Eq -e "$regex" "$T/err"; then
		show_output
		fail "stderr does not match '$regex': $*"
	fi
}

# expect_line STATUS REGEX COMMAND...: likewise, and stderr is that one line.
expect_line() {
	expect "$@"
	if [[ $(wc -l <"$T/err") != 1 ]]; then
		show_output
		fail "stderr is not one line: ${*:3}"
	fi
}

# run COMMAND...: has to succeed; shows its output where it does not.
run() {
	expect 0 '' "$@"
}

# expect_output FILE-or-TEXT COMMAND...: succeeds and prints exactly TEXT.
expect_output() {
	local want=$1
	shift

	run "$@"
	diff -u <(printf '%s\n' "$want") "$T/out" >&2 ||
		fail "other output (-expected +got): $*"
}

show_output() {
	local name

	for name in out err; do
		[[ -s $T/$name ]] || continue
		printf -- '--- std%s\n' "$name"
		head -c 20000 "$T/$name"
	done >&2
}

# same FILE FILE [WHAT]
same() {
	cmp -s "$1" "$2" && return 0
	diff -u "$1" "$2" | head -n 40 >&2 || :
	fail "${3:-$1 and $2} differ"
}

# wait_for SECONDS COMMAND...: until COMMAND succeeds; false after SECONDS.
wait_for() {
	local seconds=$1 now=${EPOCHREALTIME/./} end
	shift

	[[ $seconds == *.* ]] || seconds+=.
	seconds+=000000
	end=${seconds#*.}
	end=$((now + 10#0${seconds%.*} * 1000000 + 10#${end:0:6}))
	until "$@"; do
		now=${EPOCHREALTIME/./}
		((now < end)) || return 1
		sleep 0.02
	done
}

# shellcheck source=tests/integration/lib-server.sh
. "$TESTS/lib-server.sh"
# shellcheck source=tests/integration/lib-archive.sh
. "$TESTS/lib-archive.sh"
. "$TESTS/lib-check.sh"
