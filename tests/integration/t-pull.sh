#!/bin/bash
# snapshot pull on the command line: dependencies, versions, architectures,
# components, source packages, udebs.
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=tests/integration/lib-mirror.sh
. "$TESTS/lib-mirror.sh"

# take NAME: $T/NAME, whose indexes a test wrote, as mirror and snapshot NAME.
take() {
	local more=()

	[[ ! -e $T/$1/dists/stable/main/source ]] || more=(--source --udeb)
	make_release "$T/$1/dists/stable" 'Suite: stable' 'Codename: stable' \
		'Architectures: amd64 arm64' 'Components: main contrib'
	run suitefs mirror create --allow-unsigned "${more[@]}" "$1" \
		"file:$T/$1" stable
	run suitefs mirror update "$1"
	run suitefs snapshot create "$1" from mirror "$1"
}
forms=plain byhash='' key=none fields=()

# index NAME PATH <<END: an index of lines "name version arch[|Field: value]...".
index() {
	local file=$T/$1/dists/stable/$2

	mkdir -p "${file%/*}"
	awk -F'|' -v source="${2##*/}" -v path="$2" '
		NF { split($1, w, " ")
			print "Package: " w[1] "\nVersion: " w[2]
			print "Architecture: " w[3]
			for (i = 2; i <= NF; i++) {
				gsub("/", "|", $i)
				print $i
			}
			cmd = "printf %s \"" $0 "\" | sha256sum"
			cmd | getline sum
			close(cmd)
			name = w[1] "_" w[2] "_" w[3]
			sub(" .*", "", sum)
			if (source == "Sources")
				print "Directory: pool\nChecksums-Sha256:\n " \
					sum " 1 " name ".dsc\n"
			else
				print "Filename: pool/" name \
					(path ~ /installer/ ? ".udeb" : ".deb") \
					"\nSize: 1\nSHA256: " sum "\n" }' >"$file"
}

# pulls ROWS ARGUMENT...: pull prints exactly that, as does diff afterwards.
N=0
pulls() {
	local rows=$1 dst=d$((++N))
	shift

	run suitefs --quiet snapshot pull --dry-run base "$FROM" "$dst" "$@"
	diff -u <(printf '%s' "${rows:+$rows$'\n'}") "$T/out" >&2 ||
		fail "other rows (-expected +got): pull --dry-run $*"
	expect_line 1 "$dst" suitefs snapshot show "$dst"
	run suitefs --quiet snapshot pull base "$FROM" "$dst" "$@"
	diff -u <(printf '%s' "${rows:+$rows$'\n'}") "$T/out" >&2 ||
		fail "other rows (-expected +got): pull $*"
	suitefs snapshot diff base "$dst" >"$T/diff" || [[ $? == 3 ]]
	same "$T/out" "$T/diff" "what pull and diff print: $*"
	DST=$dst
}

# has INDEX PACKAGES: of the snapshot that was pulled last, in order.
has() {
	local got

	got=$(sed -n 's/^Package: //p' "$MNT/snapshots/$DST/dists/stable/$1")
	[[ ${got//$'\n'/ } == "$2" ]] || fail "$1 of $DST has $got"
}

index base main/binary-amd64/Packages <<-END
	app 1 amd64|Depends: lib
	bar 1 amd64
	lib 1 amd64|Provides: old-abi
	lib-user 1 amd64|Depends: old-abi
	zoo 1 amd64
END
index base main/binary-arm64/Packages <<-END
	app 1 arm64|Depends: lib
	lib 1 arm64
END
index base main/source/Sources <<-END
	app 1 any
END
index base contrib/binary-amd64/Packages <<-END
	moved 1 amd64
END
index base main/debian-installer/binary-amd64/Packages <<-END
	app 1 amd64
END
take base

index new main/binary-amd64/Packages <<-END
	app 2 amd64|Depends: lib (>= 2), bar, tool / tool-b|Recommends: extra
	app 3 amd64|Depends: lib (>= 2), bar, data (= 3)|Recommends: extra
	bar 2 amd64
	data 3 all|Depends: helper
	data 4 all
	extra 1 amd64|Suggests: more
	helper 1 amd64
	lib 2 amd64|Depends: missing
	lib 3 amd64
	moved 2 amd64
	more 1 amd64
	old-abi 1 amd64
	tool-b 1 amd64
END
index new main/binary-arm64/Packages <<-END
	app 3 arm64|Depends: lib (>= 2), data (= 3)
	data 3 all|Depends: helper
	data 4 all
	helper 1 arm64
	lib 3 arm64
END
index new main/source/Sources <<-END
	app 3 any|Build-Depends: bar
	app 2 any
END
index new contrib/binary-amd64/Packages <<-END
	game 1 amd64|Depends: zoo, zoo-data
END
index new contrib/binary-arm64/Packages <<-END
END
index new main/debian-installer/binary-amd64/Packages <<-END
	app 3 amd64|Depends: lib-udeb
	lib-udeb 1 amd64
END
take new
FROM=new
MNT=$T/mnt
mkdir "$MNT"
need_fuse
run suitefs mount "$MNT"

# --- what comes, and what leaves -------------------------------------------------

# The newest app, of all that base has; lib that is too old there, bar not.
# Once lib 1 is gone, nothing provides old-abi any more: that is lib-user's
# trouble, which nobody pulled.
pulls '! amd64 app 1 3
! amd64 app 1 3
! arm64 app 1 3
! source app 1 3
+ all data - 3
+ amd64 helper - 1
+ arm64 helper - 1
! amd64 lib 1 3
! arm64 lib 1 3
+ amd64 lib-udeb - 1' 'Name (= app)'
has main/binary-amd64/Packages 'app bar data helper lib lib-user zoo'
has main/binary-arm64/Packages 'app data helper lib'
has main/source/Sources 'app'
has main/debian-installer/binary-amd64/Packages 'app lib-udeb'

pulls '! amd64 app 1 3
! amd64 app 1 3
! arm64 app 1 3
! source app 1 3' --no-deps 'Name (= app)'
pulls '! amd64 app 1 2
! amd64 app 1 3
+ amd64 app - 3
+ all data - 3
+ amd64 extra - 1
+ amd64 helper - 1
! amd64 lib 1 3
+ amd64 lib-udeb - 1
+ amd64 tool-b - 1' --all-matches --arch=amd64 --recommends 'Name (= app)'
has main/binary-amd64/Packages \
	'app app bar data extra helper lib lib-user tool-b zoo'
# Nor does a package for any architecture come to one that is not meant.
has main/binary-arm64/Packages 'app lib'

pulls '+ amd64 app - 3
+ amd64 app - 3
+ all data - 3
+ amd64 helper - 1
+ amd64 lib - 3
+ amd64 lib-udeb - 1' --no-remove --arch=amd64 'Name (= app)'
has main/binary-amd64/Packages 'app app bar data helper lib lib lib-user zoo'
pulls '+ amd64 extra - 1
+ amd64 more - 1' --suggests 'Name (= extra)'
pulls '! source app 1 3' --arch=source 'Name (= app)'

# It moves to another component; what it needs there is in another one.
pulls '! amd64 moved 1 2 contrib->main' 'Name (= moved)'
has contrib/binary-amd64/Packages ''
pulls '+ amd64 game - 1' 'Name (= game)'
has contrib/binary-amd64/Packages 'game moved'
# Several queries, what base has already, and nothing at all.
# shellcheck disable=SC2016 # a field of queries
pulls '! amd64 bar 1 2
+ amd64 helper - 1' 'Name (= bar)' 'Name (= helper), $Architecture (= amd64)'
pulls '' 'Name (= nothing)'
expect 0 'nothing in new matches' suitefs snapshot pull base new empty-pull none
FROM=base pulls '' 'Name (= app)'

# A rebuilt package of the same name, version and file comes in its place, but
# not beside it.
index rebuilt main/binary-amd64/Packages <<-END
	everywhere 1 all|Section: other
END
index rebuilt main/binary-arm64/Packages <<-END
	everywhere 1 all|Section: other
END
index old main/binary-amd64/Packages <<-END
	everywhere 1 all
END
index old main/binary-arm64/Packages <<-END
	everywhere 1 all
END
take rebuilt
take old
run suitefs --quiet snapshot pull old rebuilt again everywhere
[[ $(suitefs snapshot show --packages again | wc -l) == 2 ]] ||
	fail "both are there"
for option in --dry-run --quiet; do
	expect_line 1 'pool/everywhere_1_all.deb' suitefs snapshot pull "$option" \
		--arch=amd64 old rebuilt one-of-two everywhere
done
expect_line 1 'one-of-two' suitefs snapshot show one-of-two

# Into nothing: what comes is of the source's architectures.
run suitefs snapshot create nil empty
expect_output '+ amd64 app - 3
+ amd64 app - 3
+ arm64 app - 3
+ source app - 3
+ amd64 bar - 2
+ all data - 3
+ amd64 helper - 1
+ arm64 helper - 1
+ amd64 lib - 3
+ arm64 lib - 3
+ amd64 lib-udeb - 1' suitefs snapshot pull nil new from-nil 'Name (= app)'
run suitefs snapshot verify from-nil
grep -qx 'Codename: stable' "$MNT/snapshots/from-nil/dists/stable/Release" ||
	fail "the suite is not that of the source"

# A mirror as the source; JSON.
run suitefs snapshot drop new
expect_json "[('+', 'amd64', 'game', None, '1', 'contrib')]" \
	'str([(r["change"], r["architecture"], r["name"], r["old"], r["new"],
		r["new_component"]) for r in j])' \
	suitefs --quiet --json snapshot pull base new json 'Name (= game)'

# --- wrong ---------------------------------------------------------------------

expect_line 1 'named nowhere' suitefs snapshot pull nowhere new x app
expect_line 1 'named nowhere' suitefs snapshot pull base nowhere x app
expect_line 1 'base' suitefs snapshot pull base new base app
expect_line 2 'column' suitefs snapshot pull base new x 'app (>='
expect_line 2 'riscv' suitefs snapshot pull --arch=riscv64 base new x app
expect_line 2 'missing' suitefs snapshot pull base new x
expect_line 1 'named x' suitefs snapshot show x
