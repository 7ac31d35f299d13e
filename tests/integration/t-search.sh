#!/bin/bash
# search, package show and fetch with queries: what is printed, in which order,
# and what bad queries and hostile archives get.
# shellcheck disable=SC2016 # queries and formats are not for the shell
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=tests/integration/lib-publish.sh
. "$TESTS/lib-publish.sh"

need gpg
make_deb aa 1.0 all 'Depends: bb (>= 1.0), nothing'
pool_add "$T/up" main "$DEB"
make_deb aa 1.0~rc1 all
pool_add "$T/up" main "$DEB"
make_deb bb 1:0.9 amd64 'Provides: virtual, abi (= 2.0)' 'Depends: cc'
pool_add "$T/up" main "$DEB"
make_deb bb 1:0.9 arm64 'Section: contrib/web'
pool_add "$T/up" main "$DEB"
make_deb cc 2.0 amd64 'Priority: required'
pool_add "$T/up" main "$DEB"
make_source src 3.0-1
pool_add "$T/up" main "$DSC"
upstream "$T/up" arches=amd64,arm64 sources=y
mirror_of m "file:$T/up" --source
run suitefs snapshot create one from mirror m
upstream "$T/up" dd/1.0 arches=amd64,arm64 sources=y
run suitefs mirror update m

lines() {
	printf '%s\n' "$@"
}

# --- what is found, in order ------------------------------------------------------

ONE=$(lines aa_1.0_all aa_1.0~rc1_all bb_1:0.9_amd64 bb_1:0.9_arm64 \
	cc_2.0_amd64 src_3.0-1_source)
expect_output "$ONE" suitefs snapshot search one
expect_output "$(sed '/^cc/a dd_1.0_all' <<<"$ONE")" suitefs mirror search m
expect_output "$(sed '/^cc/a dd_1.0_all' <<<"$ONE")" \
	suitefs package search 'Name (% *)'
expect_output 'bb_1:0.9_amd64' suitefs snapshot search one virtual
expect_output 'bb_1:0.9_amd64' suitefs snapshot search one 'abi (>= 1)'
expect_output "$(lines aa_1.0_all bb_1:0.9_arm64)" \
	suitefs snapshot search one 'Section (% contrib/*)' 'aa_1.0_all'
expect_output 'aa_1.0~rc1_all' suitefs mirror search m '$Version (<< 1.0)'
expect_output 'cc_2.0_amd64' suitefs package search 'Priority (= required)'
expect_output "$(lines aa_1.0_all aa_1.0~rc1_all bb_1:0.9_arm64)" \
	suitefs snapshot search --arch=arm64 one
expect_output 'src_3.0-1_source' suitefs snapshot search --arch=source one
expect_output "$(lines aa_1.0_all bb_1:0.9_amd64 bb_1:0.9_arm64 cc_2.0_amd64)" \
	suitefs snapshot search --with-deps one aa_1.0_all
expect_output "$(lines aa_1.0_all bb_1:0.9_amd64 cc_2.0_amd64)" \
	suitefs snapshot search --with-deps --arch=amd64 one aa_1.0_all
# Nothing is an answer, and no output.
for command in 'snapshot search one' 'mirror search m' 'package search' \
	'package show'; do
	# shellcheck disable=SC2086
	expect 3 '' suitefs $command zz
	[[ ! -s $T/out && ! -s $T/err ]] || fail "$command has something to say"
done
expect_line 1 'no snapshot is named zz' suitefs snapshot search zz
run suitefs mirror create --keyring="$KEYS/up.gpg" new "file:$T/up" stable
expect_line 1 'never been updated' suitefs mirror search new

# --- formats --------------------------------------------------------------------------

expect_output "$(printf 'aa|1.0|\taa|1.0~rc1|\t')" bash -c "'$SUITEFS' \
	snapshot search --format='\${Package}|\${Version}|\${Nothing}\\t' one \
	aa; echo"
expect_output '[   cc][cc   ][re] optional\x' suitefs snapshot search \
	--format='[${package;5}][${Package;-5}][${Priority;2}] optional\\x\n' \
	one cc
expect_output "$(lines 'bb bb 1:0.9' 'src src 3.0-1')" suitefs snapshot search \
	--format='${Package} ${source:Package} ${source:Version}\n' one \
	'bb {amd64} | src'
# Lines of a value stay lines.
expect_output "$(lines 'test package cc' ' There is nothing useful in it.')" \
	suitefs snapshot search --format='${Description}\n' one cc
expect_line 2 'format: column 3: .*without' suitefs snapshot search \
	--format='a ${Package' one
expect_line 2 'format: column 1: .*width' suitefs snapshot search \
	--format='${Package;x}' one

run suitefs --json snapshot search --format='${Priority}' one cc src
equal "$(json 'str([sorted(p.items()) for p in j])')" "[[('architecture', 'amd64'), \
('name', 'cc'), ('package', 'cc_2.0_amd64'), ('text', 'required'), \
('type', 'deb'), ('version', '2.0')], [('architecture', 'source'), \
('name', 'src'), ('package', 'src_3.0-1_source'), ('text', ''), \
('type', 'source'), ('version', '3.0-1')]]" 'search --json'
expect 3 '' suitefs --json package search zz
equal "$(cat "$T/out")" '[]' 'search --json of nothing'

# --- package show ------------------------------------------------------------------------

run suitefs publish snapshot --skip-signing --distribution=prod one
run suitefs package show cc_2.0_amd64
sed '/^$/,$d' "$T/out" >"$T/stanza"
xz -dc "$T/up/dists/stable/main/binary-amd64/Packages.xz" |
	awk -v RS= '/^Package: cc\n/' >"$T/want"
same "$T/want" "$T/stanza" "the stanza"
equal "$(sed '1,/^$/d' "$T/out" | sed 's/  */ /')" "$(lines 'Mirrors: m' \
	'Snapshots: one' 'Publications: ./prod' \
	"Files: pool/main/c/cc/cc_2.0_amd64.deb $(stat -c %s \
		"$DEBS/cc_2.0_amd64.deb") remote")" 'where it is'
run suitefs snapshot fetch one cc
run suitefs package show cc
grep -q 'deb [0-9]* present$' "$T/out" || fail "fetched, and not present"
run suitefs --json package show dd 'src, $PackageType (source)'
equal "$(json 'str([(p["name"], p["mirrors"], p["snapshots"], p["publications"],
	len(p["files"]), p["stanza"].splitlines()[0]) for p in j])')" \
	"[('dd', ['m'], [], [], 1, 'Package: dd'), ('src', ['m'], ['one'], \
['./prod'], 3, 'Package: src')]" 'package show --json'
equal "$(json 'str({f["state"] for p in j for f in p["files"]})')" "{'remote'}" \
	'the state of files'

# --- fetch ---------------------------------------------------------------------------------

expect_line 0 '2 of 2 files' suitefs snapshot fetch --dry-run one \
	'bb {arm64} | aa_1.0_all'
expect_line 0 '1 of 1 files' suitefs snapshot fetch --dry-run one virtual
expect_line 1 'one has no such package: zz' suitefs snapshot fetch one aa zz
expect_line 1 'm has no such package: aa \(>> 2\)' suitefs mirror fetch m \
	'aa (>> 2)'
expect_line 2 'query "aa \(": column 5' suitefs mirror fetch m 'aa ('

# --- bad queries --------------------------------------------------------------------------

for command in 'snapshot search one' 'package search' 'package show' \
	'snapshot fetch one'; do
	# shellcheck disable=SC2086
	expect_line 2 'column 17: expected a value after >=' suitefs $command \
		'nginx, Name (>= )'
done
expect_line 2 'column 6: regular expression' suitefs package search 'a (~ "[")'
expect_line 2 'there is no \$Foo; there are' suitefs package search '$Foo'
expect_line 2 'something is missing' suitefs package search
# An expression that explodes names itself, whatever it is matched with.
expect_line 1 "a-z n.*too many steps" timeout 60 "$SUITEFS" snapshot search \
	one 'Description (~ "^(([a-z ]|[a-z n])+)+(x+x+|y)$")'

# --- hostile archives -----------------------------------------------------------------------

# Bytes that are no text, or that a terminal would act upon.
edit_index() {
	sed -i 's/^Description: test package cc/&\xff\x1b[31m\x07/; s/^Package: cc/&\xfe/' "$1"
}
upstream "$T/up" arches=amd64,arm64 sources=y
unset -f edit_index
run suitefs mirror update m
expect_output "$(printf 'cc\xfe|test package cc\xff?[31m?')" bash -c \
	"'$SUITEFS' mirror search --format='\${Package}|\${Description}\n' m \
	'Priority (= required)' | head -n 1"
run suitefs --json mirror search --format='${Description}' m 'Name (% cc*)'
equal "$(json 'ascii([j[0]["name"], j[0]["text"].splitlines()[0]])')" \
	"['cc\\ufffd', 'test package cc\\ufffd?[31m?']" 'bytes in JSON'
run suitefs --json package show 'Name (~ "cc.?$"), Priority (= required)'
run suitefs package show 'Priority (= required)'
! grep -q $'[\x1b\x07]' "$T/out" || fail "package show prints control bytes"
