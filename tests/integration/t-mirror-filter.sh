#!/bin/bash
# Mirrors with a filter: what they show, how it changes, and what such a mirror
# has no longer: a Release of the archive's own.
# shellcheck disable=SC2016 # queries are not for the shell
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=tests/integration/lib-publish.sh
. "$TESTS/lib-publish.sh"

need_fuse
need gpg
MNT=$T/mnt
UP=$T/up
make_deb aa 1.0 all 'Depends: bb'
pool_add "$UP" main "$DEB"
make_deb bb 1.0 amd64 'Depends: cc | zz'
pool_add "$UP" main "$DEB"
upstream "$UP" cc/1.0 dd/1.0/arm64 arches=amd64,arm64

has() {
	expect_output "$(printf '%s\n' "$@")" suitefs mirror search m
}

# --- what is shown ----------------------------------------------------------------

expect_line 2 'filter: column 5: expected an operator' suitefs mirror create \
	--keyring="$KEYS/up.gpg" --filter='aa (' m "file:$UP" stable
run suitefs mirror create --keyring="$KEYS/up.gpg" --filter='aa | dd' m \
	"file:$UP" stable
run suitefs mirror update m
grep -q 'm: 3 packages' "$T/err" || fail "$(cat "$T/err")"
has aa_1.0_all dd_1.0_arm64
run suitefs mirror show m
grep -q '^Filter: *aa | dd$' "$T/out" || fail "show does not tell the filter"
grep -q '^Verbatim: *no: a filter' "$T/out" || fail "show does not say why"
run suitefs --json mirror show m
equal "$(json 'str([j["filter"], j["filter_with_deps"], j["filtered"]] +
	[l["packages"] for l in j["state"]["lists"]])')" \
	"['aa | dd', False, True, 1, 2]" 'show --json'
run suitefs mirror list
grep -q ' filtered$' "$T/out" || fail "list does not tell"
run suitefs snapshot create one from mirror m
run suitefs snapshot list
grep -q 'mirror m, filtered$' "$T/out" || fail "a snapshot does not tell"

mount_store
for dir in "$MNT/mirrors/m" "$MNT/snapshots/one"; do
	while read -r hash size path; do
		equal "$(stat -c %s "$dir/dists/stable/$path")" "$size" "$path"
		equal "$(sha256sum <"$dir/dists/stable/$path")" "$hash  -" \
			"$path"
	done < <(release_list "$dir/dists/stable/Release")
	[[ $(release_list "$dir/dists/stable/Release" | wc -l) == 2 ]] ||
		fail "$dir: Release lists something else"
	[[ ! -e $dir/dists/stable/InRelease ]] || fail "$dir: InRelease"
	grep -q '^Description: .*filtered: aa | dd$' \
		"$dir/dists/stable/Release" || fail "$dir: Description"
	equal "$(grep ^Package: "$dir"/dists/stable/main/binary-amd64/Packages)" \
		'Package: aa' "$dir"
	cmp -s "$DEBS/aa_1.0_all.deb" "$dir/pool/main/a/aa/aa_1.0_all.deb" ||
		fail "$dir: a pool file"
	[[ ! -e $dir/pool/main/b ]] || fail "$dir: other pool files"
done

# --- publishing -----------------------------------------------------------------------

nothing_changes 2 "m has no Release of upstream's.*filtered" \
	suitefs publish mirror --verbatim m
nothing_changes 2 "one has no Release of upstream's" \
	suitefs publish snapshot --verbatim one
publish snapshot --distribution=prod one
equal "$(grep -h ^Package: "$MNT"/dists/prod/main/binary-*/Packages | sort -u)" \
	"$(printf 'Package: %s\n' aa dd)" 'what is published'

# --- updates ----------------------------------------------------------------------------

# head: the mirror's state, as the mount shows it.
head() {
	cat "$MNT/mirrors/m/dists/stable/Release"
	stat -c %i "$MNT/mirrors/m/dists/stable"
}
head >"$T/head"
run suitefs mirror update m
head >"$T/head.now"
same "$T/head" "$T/head.now" 'the head after an update of nothing'
run suitefs mirror update --force m
head >"$T/head.now"
same "$T/head" "$T/head.now" 'the head after a forced update of nothing'

# Another filter: the indexes are here, and are not asked for.
mkdir "$T/aside"
mv "$UP"/dists/stable/main "$T/aside"
run suitefs mirror edit --filter=bb m
has aa_1.0_all dd_1.0_arm64
run suitefs mirror update m
has bb_1.0_amd64
run suitefs mirror edit --filter-with-deps --filter=aa m
run suitefs mirror update m
has aa_1.0_all bb_1.0_amd64 cc_1.0_all
grep -q '^Description: .*filtered with dependencies: aa$' \
	"$MNT/mirrors/m/dists/stable/Release" || fail "Description"
run suitefs mirror edit --no-filter-with-deps m
run suitefs mirror update m
has aa_1.0_all
run suitefs mirror edit --filter=nothing m
run suitefs mirror update m
expect 3 '' suitefs mirror search m
run suitefs mirror edit --filter='Description (~ "^(([a-z ]|[a-z .])+)+(x|y)$")' m
expect_line 1 'too many steps' suitefs mirror update m
expect 3 '' suitefs mirror search m
run suitefs mirror edit --filter=dd m
run suitefs mirror update m
mv "$T/aside/main" "$UP/dists/stable"

# What the archive has new is chosen of, too.
upstream "$UP" dd/2.0/arm64 ee/1.0 arches=amd64,arm64
run suitefs mirror update m
has dd_2.0_arm64 dd_1.0_arm64

# --- without, and with one again ------------------------------------------------------------

mv "$UP"/dists/stable/main "$T/aside"
run suitefs mirror edit --filter= m
run suitefs mirror update m
has aa_1.0_all bb_1.0_amd64 cc_1.0_all dd_2.0_arm64 dd_1.0_arm64 ee_1.0_all
run suitefs mirror show m
! grep -q 'Filter\|Verbatim' "$T/out" || fail "it still tells of a filter"
cmp -s "$UP/dists/stable/InRelease" "$MNT/mirrors/m/dists/stable/InRelease" ||
	fail "InRelease is not upstream's"
run suitefs publish mirror --verbatim --distribution=same m
nothing_changes 1 'm is published verbatim \(./same\)' \
	suitefs mirror edit --filter=aa m
run suitefs publish drop same
run suitefs mirror edit --filter=aa m
# A verbatim publication that came meanwhile keeps the update from it.
run suitefs publish mirror --verbatim --distribution=same m
expect_line 1 'm is published verbatim' suitefs mirror update m
cmp -s "$UP/dists/stable/InRelease" "$MNT/dists/same/InRelease" ||
	fail "what is published verbatim is not upstream's"
run suitefs publish drop same
run suitefs mirror update m
has aa_1.0_all
run suitefs db check
run suitefs db cleanup --grace=0s
run suitefs db check
run suitefs mirror edit --filter=bb m
run suitefs mirror update m
has bb_1.0_amd64
expect_output "$(printf '%s\n' aa_1.0_all dd_1.0_arm64)" \
	suitefs snapshot search one

# --- flat archives ----------------------------------------------------------------------------

mkdir "$T/flat"
cp "$DEBS"/aa_1.0_all.deb "$DEBS"/bb_1.0_amd64.deb "$T/flat"
make_flat_archive "$T/flat" key=up
run suitefs mirror create --keyring="$KEYS/up.gpg" --filter=bb flat \
	"file:$T/flat" ./
run suitefs mirror update flat
expect_output bb_1.0_amd64 suitefs mirror search flat
equal "$(grep ^Package: "$MNT/mirrors/flat/Packages")" 'Package: bb' \
	'a flat archive'
run suitefs snapshot create fone from mirror flat
publish snapshot --distribution=fprod fone
