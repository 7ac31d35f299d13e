#!/bin/bash
# Stanzas are read as apt reads them: those of an archive that apt-ftparchive
# made, of this machine's lists where it has any, and of the fuzzers' corpora.
. "$(dirname "$0")/lib.sh" || exit

FIELDS=${SUITEFS%/*}/fault/fields
[[ -e $FIELDS ]] || skip "no $FIELDS; make unit-tests builds it"
/usr/bin/python3 -c 'import apt_pkg' 2>/dev/null || skip "no python3-apt"

# compare WHAT FILE...
compare() {
	local what=$1
	shift

	"$FIELDS" "$@" >"$T/fields"
	/usr/bin/python3 "$TESTS/stanzas.py" <"$T/fields" >"$T/out" ||
		{ show_output && fail "$what: read in another way than by apt"; }
	printf '%s: %s\n' "$what" "$(tail -n 1 "$T/out")"
}

make_deb aa 1.0 all $'X-Long: one\n two\n .\n three' 'X-Empty:' 'X-Colon: a: b'
make_deb bb 2.0 amd64 'Depends: aa (>= 1.0) | cc'
make_source src 1.0
pool_add "$T/up" main "$DEBS"/*.deb "$DEBS"/*.dsc
make_archive "$T/up" stable forms=plain sources=y
compare 'an archive' "$T"/up/dists/stable/main/*/{Packages,Sources} \
	"$T/up/dists/stable/Release"
compare 'installed packages' /var/lib/dpkg/status
compare 'corpora' "$TOP"/tests/fuzz/corpus/{deb822,index,release}/*
