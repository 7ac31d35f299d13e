#!/bin/bash
# snapshot verify on the command line: sources, options, JSON, exit status,
# fields that can't be read, udebs, source packages, flat archives.
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=tests/integration/lib-mirror.sh
. "$TESTS/lib-mirror.sh"

# archive NAME [y]: the packages in $DEBS as mirror NAME and snapshot NAME, y:
# source packages too.  $DEBS is empty then.
archive() {
	local name=$1 sources=${2-}

	pool_add "$T/$name" main "$DEBS"/*
	make_archive "$T/$name" stable forms=plain udebs=y \
		${sources:+sources=y}
	run suitefs mirror create --allow-unsigned --udeb \
		${sources:+--source} "$name" "file:$T/$name" stable
	run suitefs mirror update "$name"
	run suitefs snapshot create "$name" from mirror "$name"
	rm -rf "$DEBS"
	mkdir "$DEBS"
}

# unmet TEXT OPTION...: verify prints exactly that, and exits with 3, or with 0
# where that is nothing.
unmet() {
	local want=$1 status=0
	shift

	suitefs --quiet snapshot verify "$@" >"$T/out" 2>"$T/err" || status=$?
	diff -u <(printf '%s' "${want:+$want$'\n'}") "$T/out" >&2 ||
		fail "other output (-expected +got): verify $*"
	[[ $status == "$([[ $want ]] && echo 3 || echo 0)" ]] ||
		fail "exit status $status: verify $*"
}

make_deb aa 1.0 amd64 'Depends: bb (>= 2), cc | dd (<< 1:3~), doc' \
	'Pre-Depends: ee:any' 'Recommends: rr' 'Suggests: ss'
make_deb bb 1.0 amd64 'Depends: aa, lib | gone'
make_deb doc 1.0 all 'Depends: aa | doc-base, nothing'
make_deb lib 1.0 amd64 'Provides: v (= 2), w'
make_deb user 1.0 amd64 'Depends: v (>= 2), w, v (<< 2) | w'
make_deb strict 1.0 amd64 'Depends: w (>= 1)'
make_udeb installer 1.0 amd64 'Depends: lib, udeb-only'
make_udeb udeb-only 1.0 amd64
make_source tool 1.0 \
	'Build-Depends: lib, cross-only <cross>, arm-only [arm64], missing-tool'
archive base y

plain='bb (>= 2) [amd64]
cc [amd64]
dd (<< 1:3~) [amd64]
ee:any [amd64]
lib [amd64]
nothing [amd64]
w (>= 1) [amd64]'
unmet "$plain" base
unmet "$plain" --arch=amd64 base
unmet "$(printf '%s\nrr [amd64]\nss [amd64]' "$plain" | sort)" --recommends \
	--suggests base
unmet "$(printf '%s\nmissing-tool [amd64]' "$plain" | sort)" --build base
unmet "$(printf '%s\ndoc-base [amd64]\ngone [amd64]\nv (<< 2) [amd64]' \
	"$plain" | sort)" --all-variants base
unmet 'bb (>= 2) [amd64]
  aa_1.0_amd64 Depends
cc [amd64]
  aa_1.0_amd64 Depends
dd (<< 1:3~) [amd64]
  aa_1.0_amd64 Depends
ee:any [amd64]
  aa_1.0_amd64 Pre-Depends
lib [amd64]
  installer_1.0_amd64 Depends
nothing [amd64]
  doc_1.0_all Depends
w (>= 1) [amd64]
  strict_1.0_amd64 Depends' --why base

expect 3 'suitefs: 7 dependencies are not met' suitefs snapshot verify base
expect 3 '' suitefs --json snapshot verify --why base
[[ $(json '[(u["dependency"], u["architecture"], [(p["package"], p["field"])
	for p in u["packages"]]) for u in j][3]') == \
	"ee:any amd64 [('aa_1.0_amd64', 'Pre-Depends')]" ]] || fail "$(cat "$T/out")"
expect 3 '' suitefs --json snapshot verify base
[[ $(json 'len(j), sorted(j[0])') == "7 ['architecture', 'dependency']" ]] ||
	fail "$(cat "$T/out")"

# --- sources -------------------------------------------------------------------

make_deb bb 3.0 amd64
make_deb ee 1.0 amd64 'Multi-Arch: allowed'
make_deb dd 1:2 all
make_deb more 1.0 all 'Depends: not-looked-at'
make_udeb lib 1.0 amd64
archive more
make_deb strict-w 1.0 amd64 'Provides: w (= 1.0)'
make_deb nothing 2 amd64
archive last
run suitefs snapshot drop more
unmet 'nothing [amd64]
w (>= 1) [amd64]' base more
unmet '' base more last
expect_output '[]' suitefs --json snapshot verify base more last
run suitefs snapshot create nil empty
unmet '' nil
unmet '' nil base

expect_line 1 'no snapshot is named nowhere' suitefs snapshot verify nowhere
expect_line 1 'no snapshot or mirror is named nowhere' suitefs snapshot verify \
	base nowhere
run suitefs mirror create --allow-unsigned new "file:$T/new" stable
expect_line 1 'mirror new has never been updated' suitefs snapshot verify base new
expect_line 2 'nothing for the architecture arm46' suitefs snapshot verify \
	--arch=amd64,arm46 base
expect_line 2 'missing' suitefs snapshot verify

# --- fields that can't be read ----------------------------------------------------

edit_index() {
	# shellcheck disable=SC2016 # a variable nobody expanded
	sed -i -e 's/^Depends: edit-.*/Depends: lost-a, x (>=, ${v}, lost-b, y z/' \
		-e 's/^Provides: edit-.*/Provides: known, (= 1/' \
		-e 's/^Depends: known.*/&,/' "$1"
}
make_deb odd 1.0 amd64 'Depends: edit-me' 'Provides: edit-me'
make_deb fine 1.0 amd64 'Depends: known, lost-c'
archive odd
unset -f edit_index
expect 3 '' suitefs --quiet snapshot verify odd
diff -u - "$T/err" <<-'END' || fail "the warnings differ"
	suitefs: odd_1.0_amd64: Provides: a name has a forbidden byte: "known, (= 1"
	suitefs: odd_1.0_amd64: Depends: ( without ): "x (>="
	suitefs: odd_1.0_amd64: Depends: a name has a forbidden byte: "${v}"
	suitefs: odd_1.0_amd64: Depends: a comma is missing: "y z"
END
diff -u - "$T/out" <<-'END' || fail "the rest did not go on"
	lost-a [amd64]
	lost-b [amd64]
	lost-c [amd64]
END

# Thousands of alternatives in one field, none of them there; then one.
edit_index() {
	awk '/^Depends: wide/ { printf "Depends: a0"
			for (i = 1; i < 20000; i++) printf " | a%d (>= %d)", i, i
			printf "%s\n", $2 == "wide-met" ? " | wide" : ""
			next }
		{ print }' "$1" >"$1.new"
	mv "$1.new" "$1"
}
make_deb wide 1.0 amd64 'Depends: wide-met'
archive wide
unmet '' wide
make_deb wider 1.0 amd64 'Depends: wide-unmet'
archive wider
unset -f edit_index
expect 3 '20000 dependencies' suitefs snapshot verify wider
[[ $(wc -l <"$T/out") == 20000 ]] || fail "$(wc -l <"$T/out") lines"

# --- flat archives: one list for all architectures -----------------------------------

make_deb one 1.0 amd64 'Depends: two, three'
make_deb two 1.0 arm64 'Multi-Arch: foreign'
make_deb three 1.0 arm64
mkdir "$T/flat"
mv "$DEBS"/* "$T/flat/"
make_flat_archive "$T/flat" forms=plain
run suitefs mirror create --allow-unsigned flat "file:$T/flat" ./
run suitefs mirror update flat
run suitefs snapshot create flat from mirror flat
unmet 'three [amd64]' flat
unmet 'three [amd64]
two [amd64]' --arch=amd64 flat
unmet '' --arch=arm64 flat
make_deb all-only 1.0 all 'Depends: four'
mkdir "$T/all"
mv "$DEBS"/* "$T/all/"
make_flat_archive "$T/all" forms=plain
run suitefs mirror create --allow-unsigned all "file:$T/all" ./
run suitefs mirror update all
run suitefs snapshot create all from mirror all
expect_line 2 'say for which' suitefs snapshot verify all
unmet 'four [amd64]
four [riscv64]' --arch=riscv64,amd64 all
