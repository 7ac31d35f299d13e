#!/bin/bash
# The command line: one table; help, manual and completion say what it says.
. "$(dirname "$0")/lib.sh" || exit

# The manual pages of a noun: its own and the general one.
pages() {
	find "$TOP/man" -name 'suitefs.1' -o -name "suitefs-$1.1"
}
COMPLETION=$TOP/completions/suitefs.bash

# --- help ---------------------------------------------------------------------

# Prints "noun verb" of every command, as --help lists them.
all_commands() {
	suitefs --help | awk '
		/^Options/ { exit }
		/^  [a-z]/ { noun = $1 }
		/^    [a-z]/ { print noun, $1 }'
	echo mount
}

options_of() {
	# shellcheck disable=SC2086 # noun and verb
	suitefs $1 --help | sed -n '/^Options:/,/^Options of every/p' |
		sed -nE 's/^  --([a-z-]+).*/\1/p'
}

run suitefs --help
[[ ! -s $T/err ]] || fail "--help writes to stderr"
version="suitefs $(sed -n 's/^VERSION = //p' "$TOP/Makefile")"
expect_output "$version" suitefs --version
expect_output "$version" suitefs mirror list --version
for noun in '' mirror snapshot publish; do
	# shellcheck disable=SC2086
	run suitefs $noun --help
	awk 'length > 80 { print; exit 1 }' "$T/out" ||
		fail "$noun --help is wider than 80 columns"
done
all_commands >"$T/commands"
[[ $(wc -l <"$T/commands") -ge 22 ]] || fail "commands are missing in --help"
while read -r command; do
	# shellcheck disable=SC2086
	run suitefs $command --help
	awk 'length > 80 { print; exit 1 }' "$T/out" ||
		fail "$command --help is wider than 80 columns"
	# The manual has the command and each of its options.
	mapfile -t man < <(pages "${command%% *}")
	grep -Ehq "Cm $command( |\$)" "${man[@]}" ||
		fail "the manual lacks '$command'"
	for option in $(options_of "$command"); do
		grep -Fhq "Fl -$option" "${man[@]}" ||
			fail "the manual of '$command' lacks --$option"
	done
done <"$T/commands"

# --- completion -----------------------------------------------------------------

complete_words() {
	bash -c '
		. "$1"
		shift
		COMP_WORDS=("$@")
		COMP_CWORD=$(($# - 1))
		compopt() { :; }
		_suitefs
		printf "%s\n" "${COMPREPLY[@]}"' - "$COMPLETION" "$@"
}

# completes WORD WORDS...: is WORD among what is offered?
completes() {
	local want=$1 words
	shift
	words=$(complete_words "$@")
	[[ $'\n'$words$'\n' == *$'\n'$want$'\n'* ]] ||
		fail "$want is not completed after $*"
}

PATH=${SUITEFS%/*}:$PATH
while read -r command; do
	read -r noun verb <<<"$command"
	completes "$noun" suitefs ''
	[[ ! $verb ]] || completes "$verb" suitefs "$noun" ''
	# Without the global options; publish has a --version of its own too.
	diff -u <(options_of "$command" | sort) \
		<(complete_words suitefs "$noun" ${verb:+"$verb"} -- |
			sed 's/^--//; s/=$//' |
			grep -vxE 'store|quiet|verbose|json|memstats|meminterval|help' |
			awk '$0 != "version" || seen[$0]++' |
			sort) >&2 || fail "completion and --help of '$command' differ"
done <"$T/commands"

# Options with values may stand anywhere, as bash takes them apart; names are
# those of the store that is named.
for i in 1 2; do
	run suitefs --store="$T/other$i" snapshot create "day$i" empty
done
completes day2 suitefs --store = "$T/other2" snapshot show ''
completes day1 suitefs snapshot --quiet diff --store = "$T/other1" ''
completes verify suitefs --json --memstats = /tmp/x snapshot ver
completes --arch= suitefs --quiet mirror edit --url = http://x/ --ar
[[ ! $(complete_words suitefs snapshot diff --arch = '') ]] ||
	fail "names of snapshots are no architectures"
completes merge suitefs help snapshot ''

# --- installing -----------------------------------------------------------------

# mount(8) looks for its helpers nowhere else.
make -n -C "$TOP" install DESTDIR="$T/dest" >"$T/out"
grep -q "suitefs $T/dest/sbin/mount.suitefs$" "$T/out" ||
	fail "mount(8) won't find mount.suitefs"

# --- wrong usage ------------------------------------------------------------------

run suitefs snapshot diff --help
cp "$T/out" "$T/help"
run suitefs help snapshot diff
same "$T/help" "$T/out" 'help in two words'
run suitefs help
grep -q '^Usage: suitefs ' "$T/out" || fail "help does not help"
run suitefs help db
grep -q '^Usage: suitefs db VERB' "$T/out" || fail "help db tells something else"
run suitefs help mount
grep -q '^Usage: suitefs mount' "$T/out" || fail "help mount tells something else"
expect_line 2 'snapshot dif: no such command; is it diff' suitefs help snapshot dif
expect_line 2 'snapsho: no such command; is it snapshot' suitefs help snapsho
run suitefs --version
cp "$T/out" "$T/version"
run suitefs version
same "$T/version" "$T/out" 'version in two ways'

expect 2 '' suitefs
expect_line 2 'no such command' suitefs nonsense
expect_line 2 'no such command' suitefs mirror nonsense
expect 2 'unrecognized option' suitefs mirror list --nonsense
# What may have been meant is asked.
expect_line 2 'no such command; is it mirror\?' suitefs miror list
expect_line 2 'mirror lst: no such command; is it list\?' suitefs mirror lst
expect 2 '^suitefs: is it --packages\?' suitefs mirror show --package5 a
expect 2 '^suitefs: is it --format\?' suitefs snapshot search --fromat=x a
expect 2 '' suitefs mirror
expect_line 2 'something is missing' suitefs mirror create name
expect_line 2 'too many' suitefs mirror list name
expect_line 2 'NAME from mirror M' suitefs snapshot create a from nothing
expect_line 2 'keyring' suitefs mirror create a http://mirror.example.org/ s main
expect_line 2 '/nowhere' suitefs mirror create --keyring=/nowhere a \
	http://mirror.example.org/debian stable main
run suitefs snapshot create some empty
expect_line 2 'prefix' suitefs publish drop --prefix=a/dists/b stable
expect_line 2 'prefix' suitefs publish drop --prefix=snapshots stable
expect_line 2 'valid-for' suitefs publish snapshot --valid-for=soon a
expect_line 2 'verbatim' suitefs publish snapshot --verbatim --skip-signing a

# --- no store, no right to one ------------------------------------------------------

rm -rf "$SUITEFS_STORE"
expect_line 1 "$SUITEFS_STORE: there is no store; \"mirror create\" makes one" \
	suitefs mirror list
expect_line 1 'no store' suitefs snapshot create a from mirror m
expect_line 2 'keyring' suitefs mirror create a http://mirror.example.org/ s main
[[ ! -e $SUITEFS_STORE ]] || fail "a command that failed made a store"
expect_line 1 "$T/file" suitefs --store "$T/file" mirror list
touch "$T/file"
expect_line 1 "$T/file" suitefs --store="$T/file" snapshot create a empty
run suitefs snapshot create a empty
expect_output '[]' suitefs --json mirror list
run suitefs --json snapshot list
grep -q '"name": "a"' "$T/out" || fail "no JSON"
expect_line 1 'exists already' suitefs snapshot create a empty
run suitefs --json snapshot create other empty
grep -q '"name": "other"' "$T/out" || fail "no JSON of what was created"
run suitefs --json snapshot show other
grep -q '"published": \[\]' "$T/out" || fail "no JSON of where it is published"
run suitefs snapshot drop other
# Who reads may stop.
mkfifo "$T/pipe"
exec 6<>"$T/pipe"
exec 7>"$T/pipe"
exec 6<&-
list_into_pipe() {
	suitefs snapshot list >&7
}
expect 141 '' list_into_pipe
exec 7>&-
[[ ! -s $T/err ]] || fail "complains of a reader that has gone"
expect_line 2 'name' suitefs snapshot create a/b empty
expect_line 2 'name' suitefs snapshot create .. empty
expect_line 1 'no snapshot is named b' suitefs snapshot show b
run suitefs snapshot create monday empty
expect_line 1 'no snapshot is named mondy; is it monday\?' \
	suitefs snapshot show mondy
expect_line 1 'no snapshot is named mnoday; is it monday\?' \
	suitefs publish snapshot --skip-signing --distribution=d mnoday
expect_line 1 'no snapshot is named qqq$' suitefs snapshot show qqq
run suitefs mirror create --allow-unsigned debian \
	http://mirror.example.org/debian stable
for command in 'mirror show' 'mirror update' 'mirror edit --source' \
	'snapshot create x from mirror' 'publish mirror'; do
	# shellcheck disable=SC2086
	expect_line 1 '^suitefs: no mirror is named debain; is it debian\?' suitefs \
		$command debain
done
expect_line 1 'no snapshot or mirror is named monady; is it monday\?' \
	suitefs snapshot merge x monday monady
run suitefs publish snapshot --skip-signing --prefix=p --arch=amd64 \
	--component=main --distribution=prod monday
for command in 'show' 'drop' 'update'; do
	expect_line 1 'nothing is published at p/pord; is it prod\?' suitefs \
		publish "$command" --prefix=p pord
	expect_line 1 'nothing is published at ./pord$' suitefs publish \
		"$command" pord
done
run suitefs publish drop --prefix=p prod
run suitefs snapshot drop monday
run suitefs mirror drop debian
run suitefs snapshot rename a b
run suitefs snapshot show b
expect_line 1 'no snapshot is named a' suitefs snapshot drop a
run suitefs snapshot drop b
run suitefs snapshot list
[[ ! -s $T/out ]] || fail "a snapshot is left"

# A store of a newer program is refused, and left alone.
if command -v mdb_load >/dev/null; then
	cp -r "$SUITEFS_STORE" "$T/newer"
	printf '%s\n' 'VERSION=3' 'format=print' 'type=btree' 'database=meta' \
		'mapsize=1073741824' 'maxreaders=126' 'db_pagesize=4096' \
		'HEADER=END' ' schema' ' \00\00\00\63' 'DATA=END' |
		mdb_load "$T/newer/db"
	expect_line 1 'newer' suitefs --store="$T/newer" mirror list
fi
