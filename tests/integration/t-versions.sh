#!/bin/bash
# Versions stand to each other as dpkg has it: those of a real archive and of
# this machine's indexes, where there are any, and generated ones.  Asked through
# dependencies: snapshot verify compares every two neighbours in dpkg's order.
. "$(dirname "$0")/lib.sh" || exit

REAL=${REAL:-${TMPDIR:-/tmp}/suitefs-upstream}
need perl
perl -MDpkg::Version -e 1 2>/dev/null || skip "no Dpkg::Version"

# Every version that real indexes have, those of dependencies too.
real_versions() {
	local file

	for file in "$REAL"/dists/*/main/{binary-*/Packages,source/Sources}.xz; do
		[[ ! -e $file ]] || xz -dc "$file"
	done | perl -ne 'print "$1\n" if /^Version: (\S+)/;
		print "$1\n" while /\([<>=]+ ([^\s()]+)\)/g' | sort -u
}

# take NAME: a flat archive as snapshot NAME.
take() {
	(cd "$T/$1" && ftparchive release . >"$T/release" &&
		mv "$T/release" Release)
	run suitefs --quiet mirror create --allow-unsigned "$1" "file:$T/$1" ./
	run suitefs --quiet mirror update "$1"
	run suitefs --quiet snapshot create "$1" from mirror "$1"
}

real_versions >"$T/real"
read -r n equal rows < <(perl "$TESTS/versions.pl" "$T" 1 <"$T/real")
((n > 5000 && equal > 500)) || fail "only $n versions, $equal of them equal"
printf '%s versions, %s of them real, %s neighbours are equal\n' "$n" \
	"$(wc -l <"$T/real")" "$equal"
take true
take false
expect 0 '' suitefs snapshot verify --arch=amd64 true
expect 3 '' suitefs --quiet snapshot verify --all-variants --arch=amd64 false
[[ $(wc -l <"$T/out") == "$rows" ]] ||
	fail "$(wc -l <"$T/out") of $rows comparisons are false, not all"
