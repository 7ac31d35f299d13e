#!/bin/bash
# Snapshots made of others: merge, filter, empty; what is said of them, and apt
# with them.
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=tests/integration/lib-publish.sh
. "$TESTS/lib-publish.sh"

need apt-get gpg

# packages NAME: what a snapshot has, sorted, on one line.
packages() {
	suitefs snapshot show --packages "$1" | sort -u | paste -sd' '
}

# fails_so STATUS REGEX COMMAND...: with one line, and no snapshot comes of it.
fails_so() {
	suitefs snapshot list >"$T/before"
	expect_line "$@"
	suitefs snapshot list >"$T/after"
	same "$T/before" "$T/after" "the snapshots before and after ${*:3}"
}

# --- two archives -------------------------------------------------------------------

make_key up
make_deb common 1.0 all
make_deb app 1.0 amd64 'Depends: libapp (>= 1.0), common'
make_deb libapp 1.0 amd64
make_deb lone 1.0 amd64
make_source src 1.0
pool_add "$T/one" main "$DEBS"/{common,app,libapp,lone}_1.0_*.deb "$DSC"
make_archive "$T/one" stable key=up sources=y 'Origin: Example' 'Label: One'
make_deb app 2.0 amd64 'Depends: libapp (>= 2.0)'
make_deb libapp 2.0 amd64
make_deb extra 1.0 amd64
pool_add "$T/two" main "$DEBS"/{app,libapp}_2.0_*.deb
pool_add "$T/two" contrib "$DEBS/extra_1.0_amd64.deb"
make_archive "$T/two" updates key=up components=main,contrib 'Origin: Example' \
	'Label: Two'
run suitefs mirror create --source --keyring="$KEYS/up.gpg" m1 \
	"file:$T/one" stable
run suitefs mirror create --keyring="$KEYS/up.gpg" m2 "file:$T/two" updates
run suitefs mirror update m1 m2
run suitefs snapshot create one from mirror m1
run suitefs snapshot create two from mirror m2

# --- merge ----------------------------------------------------------------------------

ONE='app_1.0_amd64 common_1.0_all libapp_1.0_amd64 lone_1.0_amd64 src_1.0_source'
run suitefs snapshot merge both one two
grep -q 'snapshot both created: 6 packages' "$T/err" || fail "merge says nothing"
equal "$(packages both)" 'app_2.0_amd64 common_1.0_all extra_1.0_amd64 libapp_2.0_amd64 lone_1.0_amd64 src_1.0_source' \
	'one, two'
run suitefs snapshot merge back two one
equal "$(packages back)" "${ONE/common_1.0_all/common_1.0_all extra_1.0_amd64}" \
	'two, one'
run suitefs snapshot merge --no-remove all two one
equal "$(packages all)" 'app_1.0_amd64 app_2.0_amd64 common_1.0_all extra_1.0_amd64 libapp_1.0_amd64 libapp_2.0_amd64 lone_1.0_amd64 src_1.0_source' \
	'--no-remove'
run suitefs snapshot merge --latest latest two one
equal "$(packages latest)" "$(packages both)" '--latest'
run suitefs snapshot merge --arch=source sources one two
equal "$(packages sources)" src_1.0_source '--arch=source'
# Mirrors are sources, too.
run suitefs snapshot merge mirrors m1 m2
run suitefs snapshot diff both mirrors
[[ ! -s $T/out ]] || fail "a merge of the mirrors is not that of the snapshots"
# With itself it stays what it is: no new list.
lists=$(suitefs --json db stats | "$PYTHON" -c '
import json, sys
print(json.load(sys.stdin)["tables"]["lists"]["entries"])')
run suitefs snapshot merge self one one
run suitefs --json db stats
equal "$(json 'j["tables"]["lists"]["entries"]')" "$lists" 'number of lists'
equal "$(packages self)" "$ONE" 'one, one'

run suitefs --json snapshot merge json one two
equal "$(json '[j["name"], j["description"], j["mirror"], j["suite"]]')" \
	'json merge of one, two None json' 'the JSON of a merge'
equal "$(json '[s["kind"] + " " + s["name"] for s in j["sources"]]')" \
	'snapshot one snapshot two' sources
run suitefs snapshot show both
grep -A1 '^Sources: *snapshot one$' "$T/out" | grep -q '^  *snapshot two$' ||
	fail "snapshot show lacks the sources"

# --- filter ---------------------------------------------------------------------------

run suitefs snapshot filter both some app lone
equal "$(packages some)" 'app_2.0_amd64 lone_1.0_amd64' 'app lone'
run suitefs snapshot filter --with-deps one deps app
equal "$(packages deps)" 'app_1.0_amd64 common_1.0_all libapp_1.0_amd64' \
	'app with dependencies'
run suitefs --json snapshot filter --with-deps m1 deps2 'Name (% app)'
equal "$(json '[j["description"]]')" \
	'filter with dependencies of m1: Name (% app)' description
equal "$(json '[j["suite"]]')" stable suite
run suitefs snapshot filter --arch=source both only-sources 'Name (~ .)'
equal "$(packages only-sources)" src_1.0_source 'sources'
run suitefs snapshot filter both nothing nonesuch
grep -q 'nothing created: it has no packages' "$T/err" ||
	fail "an empty result is not told"
equal "$(packages nothing)" '' nothing
run suitefs snapshot create empty empty
run suitefs snapshot merge empties empty empty
equal "$(packages empties)" '' empties
run suitefs snapshot merge more empty one
equal "$(packages more)" "$ONE" 'empty, one'

# --- what can't be --------------------------------------------------------------------

fails_so 1 'snapshot both exists already' suitefs snapshot merge both one two
fails_so 1 'snapshot both exists already' suitefs snapshot filter one both app
fails_so 1 'snapshot empty exists already' suitefs snapshot create empty empty
fails_so 1 'no snapshot or mirror is named three' suitefs snapshot merge x one \
	three
fails_so 1 'no snapshot or mirror is named three' suitefs snapshot filter three \
	x app
fails_so 1 'no snapshot or mirror is named three' suitefs snapshot diff one three
fails_so 1 'no snapshot or mirror is named bohth; is it both\?' \
	suitefs snapshot merge x bohth
fails_so 1 'no snapshot is named bohth; is it both\?' suitefs snapshot \
	drop bohth
fails_so 2 "snapshot name 'a/b'" suitefs snapshot merge a/b one two
fails_so 2 'exclude each other' suitefs snapshot merge --latest --no-remove x \
	one two
fails_so 2 'architecture riscv64' suitefs snapshot merge --arch=riscv64 x one
fails_so 2 'architecture riscv64' suitefs snapshot diff --arch=riscv64 one two
fails_so 2 'column 9' suitefs snapshot filter one x 'app (>= '
fails_so 2 'something is missing' suitefs snapshot merge x
fails_so 2 'something is missing' suitefs snapshot filter one x
run suitefs mirror create --keyring="$KEYS/up.gpg" never "file:$T/one" stable
fails_so 1 'mirror never has never been updated' suitefs snapshot merge x never
words=()
for ((i = 0; i < 65; i++)); do
	words+=(one)
done
fails_so 1 '64 sources at most' suitefs snapshot merge x "${words[@]}"

# app 1.0 and app 1:1.0 are called alike in the pool.
make_deb app 1:1.0 amd64
pool_add "$T/three" main "$DEB"
make_archive "$T/three" stable key=up
run suitefs mirror create --keyring="$KEYS/up.gpg" m3 "file:$T/three" stable
run suitefs mirror update m3
fails_so 1 '^suitefs: pool/main/a/app/app_1.0_amd64.deb: app_1.0_amd64 and app_1:1.0_amd64 claim it' \
	suitefs snapshot merge --no-remove x one m3
run suitefs snapshot merge epoch one m3
equal "$(packages epoch)" "${ONE/app_1.0/app_1:1.0}" 'one, m3'
run suitefs snapshot drop epoch
run suitefs mirror drop m3

# What was not checked stays known as such.
make_archive "$T/three" stable
rm -f "$T/three"/dists/stable/{InRelease,Release.gpg}
run suitefs mirror create --allow-unsigned mu "file:$T/three" stable
run suitefs mirror update mu
run suitefs snapshot filter mu unchecked app
run suitefs snapshot merge mixed one unchecked
run suitefs snapshot list
equal "$(grep -c ' unsigned$' "$T/out")" 2 'number of unsigned snapshots'
grep -q '^mixed .* unsigned$' "$T/out" || fail "mixed is not told as unsigned"
for name in mixed unchecked; do
	run suitefs snapshot drop "$name"
done
run suitefs mirror drop mu

# --- diff -----------------------------------------------------------------------------

expect 3 '' suitefs snapshot diff one two
same <(printf '%s\n' '! amd64 app 1.0 2.0' '- all common 1.0 -' \
	'+ amd64 extra - 1.0' '! amd64 libapp 1.0 2.0' '- amd64 lone 1.0 -' \
	'- source src 1.0 -') "$T/out" 'one and two'
expect 3 '' suitefs snapshot diff --only-matching --fields two one
grep -qx '! amd64 app 2.0 1.0 Depends,.*,Version' "$T/out" ||
	fail "fields are missing: $(cat "$T/out")"
equal "$(wc -l <"$T/out")" 2 'lines of --only-matching'
expect 3 '' suitefs snapshot diff --arch=source one two
equal "$(cat "$T/out")" '- source src 1.0 -' '--arch=source'
expect 0 '' suitefs --json snapshot diff one m1
equal "$(cat "$T/out")" '[]' 'no difference'
# The same package moves, with its stanza or with another.
cp -a "$T/two" "$T/four"
mkdir "$T/four/pool/contrib/l"
mv "$T/four/pool/main/l/libapp" "$T/four/pool/contrib/l/"
make_archive "$T/four" updates key=up components=main,contrib
run suitefs mirror create --keyring="$KEYS/up.gpg" m4 "file:$T/four" updates
run suitefs mirror update m4
expect 3 '' suitefs snapshot diff --fields two m4
equal "$(cat "$T/out")" '! amd64 libapp 2.0 2.0 main->contrib,Filename' 'moved'
expect 3 '' suitefs snapshot diff two m4
equal "$(cat "$T/out")" '! amd64 libapp 2.0 2.0 main->contrib,content' 'moved'
run suitefs mirror drop m4

# --- names ----------------------------------------------------------------------------

run suitefs snapshot rename one uno
run suitefs --json snapshot show both
equal "$(json '[s["name"] for s in j["sources"]]')" 'uno two' 'renamed sources'
run suitefs mirror rename m1 erster
run suitefs --json snapshot show mirrors
equal "$(json '[s["name"] for s in j["sources"]]')" 'erster m2' \
	'renamed mirrors'

# --- what is derived outlives its sources -----------------------------------------------

run suitefs snapshot drop uno
run suitefs snapshot drop two
run suitefs mirror drop erster
run suitefs mirror drop m2
run suitefs db cleanup --grace=0s
run suitefs db check
run suitefs snapshot fetch both
run suitefs db check --blobs
run suitefs --json snapshot show both
equal "$(json '[j["missing_files"], j["files"]]')" '0 7' 'files of both'
run suitefs snapshot fetch back
run suitefs --json snapshot show back
equal "$(json '[j["missing_files"], j["files"]]')" '0 7' 'files of back'

# --- the graph --------------------------------------------------------------------------

# edges: "from>to" of the graph in $T/out, sorted, on one line; what is gone has
# a "!" behind it.
edges() {
	"$PYTHON" -c '
import json, sys
g = json.load(open(sys.argv[1]))
names = [n["name"] + ("!" if n["gone"] else "") for n in g["nodes"]]
print(" ".join(sorted(names[a] + ">" + names[b] for a, b in g["edges"])))' \
		"$T/out"
}

run suitefs snapshot merge left some deps
run suitefs snapshot merge right left left
run suitefs snapshot drop some
run suitefs snapshot create some empty
run suitefs publish snapshot --skip-signing --distribution=here right
for name in all back both deps2 empties json latest mirrors more nothing \
	only-sources self sources; do
	run suitefs snapshot drop "$name"
done
run suitefs --json graph
equal "$(edges)" \
	'deps>left left>right right>./here some!>left uno!>deps' 'the graph'
# What stands in names ends no string, and begins no escape.
run suitefs mirror create --keyring="$KEYS/up.gpg" odd \
	'http://mirror.example.org/a"b\N' s
run suitefs graph
grep -qF 'label="mirror odd\nhttp://mirror.example.org/a\"b\\N/ s"]' "$T/out" ||
	fail "names are not quoted: $(cat "$T/out")"
cp "$T/out" "$T/dot"
fails_so 2 'none of dot, svg and png' suitefs graph --format=gif
expect_line 1 'wants dot, which is not installed' env PATH=/nonexistent \
	"$SUITEFS" graph --format=svg
mkdir "$T/bin"
printf '#!/bin/sh\necho "$@"\ncat\n' >"$T/bin/dot"
chmod +x "$T/bin/dot"
run env PATH="$T/bin:$PATH" "$SUITEFS" graph --format=png
same <(echo -Tpng && cat "$T/dot") "$T/out" 'what dot gets'
printf '#!/bin/sh\nexit 1\n' >"$T/bin/dot"
expect_line 1 'could not draw' env PATH="$T/bin:$PATH" "$SUITEFS" graph \
	--format=png
if command -v dot >/dev/null; then
	run suitefs graph --format=svg
	grep -q '<svg' "$T/out" || fail "no SVG comes of --format=svg"
fi
