#!/bin/bash
# The other files that Release lists: which come with an update, which are made
# of others, which are fetched when they are read, and whole pools.
. "$(dirname "$0")/lib.sh" || exit
. "$TESTS/lib-mirror.sh"
. "$TESTS/lib-check.sh"

need bzip2 xz
A=$T/archive
D=$A/dists/stable

# other_files: Translation and Contents as archives have them: plain forms are
# listed, compressed ones are there.
other_files() {
	local file

	mkdir -p "$D/main/i18n"
	printf 'Package: aa\nDescription-md5: x\nDescription-en: %s\n' "$1" \
		>"$D/main/i18n/Translation-en"
	printf 'Package: aa\nDescription-de: %s\n' "$1" \
		>"$D/main/i18n/Translation-de"
	printf 'usr/share/aa/file %s/aa\n' "$1" >"$D/main/Contents-amd64"
	seq "$((${#1} * 1000))" >"$D/main/Components-amd64.yml"
	for file in i18n/Translation-en i18n/Translation-de Components-amd64.yml; do
		bzip2 -kf "$D/main/$file"
		xz -kf "$D/main/$file"
	done
	gzip -9nkf "$D/main/Contents-amd64"
	forms=gz,xz byhash='' key=up sign=both fields=('Acquire-By-Hash: yes')
	make_release "$D" 'Suite: stable' 'Codename: stable' \
		'Architectures: amd64' 'Components: main'
	rm "$D"/main/{i18n/Translation-en,i18n/Translation-de,Contents-amd64,Components-amd64.yml}
	new_times "$D"
}

small_archive "$A"
other_files one
start_badserver "$A"

# --- options ------------------------------------------------------------------------

OPTIONS=(--keyring="$KEYS/up.gpg")
run suitefs mirror create "${OPTIONS[@]}" m "$BAD_URL" stable main
expect_json ' True on-demand' '" ".join(j["indexes"]), j["translations"], j["pool"]' \
	suitefs --json mirror show m
run suitefs mirror edit --no-indexes --indexes='*/Contents-*' \
	--indexes='*/a,b' --pool=all m
expect_json '*/Contents-* */a,b False all' \
	'" ".join(j["indexes"]), j["translations"], j["pool"]' \
	suitefs --json mirror show m
run suitefs mirror show m
grep -q '^Indexes: *\*/Contents-\* \*/a,b$' "$T/out" || fail "show: no indexes"
grep -q '^Translations: *no$' "$T/out" || fail "show: no translations"
grep -q '^Pool: *all$' "$T/out" || fail "show: no pool"
expect_line 2 '--pool=some is neither' suitefs mirror edit --pool=some m
run suitefs mirror edit --indexes= --pool=on-demand m
expect_json ' True on-demand' '" ".join(j["indexes"]), j["translations"], j["pool"]' \
	suitefs --json mirror show m

# --- what comes with an update --------------------------------------------------------

hash_in() {
	release_list "$D/Release" | awk -v p="$1" '$3 == p { print $1 }'
}
here() {
	has_blob "$(hash_in "$1")" || fail "$1 did not come"
}
not_here() {
	! has_blob "$(hash_in "$1")" || fail "$1 came"
}

run suitefs mirror update m
here main/i18n/Translation-en.xz
not_here main/i18n/Translation-en.bz2
not_here main/i18n/Translation-en
not_here main/i18n/Translation-de.xz
not_here main/Contents-amd64.gz
run suitefs snapshot create s from mirror m
keep_state

# Other settings: the next update fetches what is missing, and nothing twice.
bad_clear
run suitefs mirror edit --indexes='*/Contents-*' --indexes='main/Comp*-???64.yml' m
run suitefs mirror update m
here main/Contents-amd64.gz
here main/Components-amd64.yml.xz
not_here main/Components-amd64.yml
[[ $(bad_count '*/Packages*') == 0 ]] || fail "Packages was fetched twice"
[[ $(bad_count '*/Translation-en*') == 0 ]] || fail "Translation came twice"
bad_clear
run suitefs mirror update m
[[ $(bad_count) == 1 ]] || fail "not one request where nothing is new"

# A new state: only what changed.
other_files two
bad_clear
run suitefs mirror update m
here main/i18n/Translation-en.xz
here main/Contents-amd64.gz
run suitefs mirror edit --no-indexes m
other_files three
run suitefs mirror update m
not_here main/i18n/Translation-en.xz
not_here main/Contents-amd64.gz
run suitefs mirror edit --indexes= m
run suitefs mirror update m
here main/i18n/Translation-en.xz
not_here main/Contents-amd64.gz
run suitefs snapshot create t from mirror m
keep_state

# --- listed, but not there ---------------------------------------------------------------

other_files four
bad_rule '*/i18n/Translation-en*' status code=404
bad_rule '*/by-hash/*' status code=404
expect 0 'Translation-en.xz is listed but not there: .*404' \
	suitefs mirror update m
[[ $(wc -l <"$T/err") == 2 ]] || fail "the warning is not one line"
bad_clear
other_files five
bad_rule '*/i18n/Translation-en*' other
keep_state
bad_update 'no form of dists/stable/main/i18n/Translation-en.xz can be had: .*SHA-256'
bad_clear
# Some stores refuse what they have not got.
bad_rule '*/Translation-en*' status code=403
expect 0 'Translation-en.xz is listed but not there: .*403' \
	suitefs mirror update m
bad_clear
other_files six
good_update --quiet

# --- pool=all ----------------------------------------------------------------------------

pool_hash() {
	sha256sum <"$A/$1" | cut -d' ' -f1
}
AA=pool/main/a/aa/aa_1.0_amd64.deb
BB=pool/main/b/bb/bb_2.0_all.deb
! has_blob "$(pool_hash $AA)" || fail "the pool came on its own"
run suitefs mirror edit --pool=all m
bad_rule "/$AA" status code=404
head_of() {
	suitefs mirror show m | grep -vE '^(Present|Remote|Gone):'
}
head_of >"$T/head"
expect_line 1 "m: 1 file of the pool could not be fetched: $BAD_URL/$AA: 404" \
	suitefs --quiet mirror update m
head_of >"$T/head.now"
same "$T/head" "$T/head.now" "the mirror before and after a failure"
has_blob "$(pool_hash $BB)" || fail "one file kept the others away"
bad_clear
run suitefs mirror update m
has_blob "$(pool_hash $AA)" || fail "the pool is not there"
[[ $(bad_count '/pool/*') == 1 ]] || fail "a file was fetched twice"
make_deb cc 1.0 amd64
DEB_CC=$DEB
pool_add "$A" main "$DEB_CC"
make_archive "$A" stable key=up sources=y
new_times "$D"
head_of >"$T/head"
bad_rule '/pool/*cc*' other
expect_line 1 '1 file of the pool could not be fetched: .*/cc_1.0_amd64.deb' \
	suitefs --quiet mirror update m
head_of >"$T/head.now"
same "$T/head" "$T/head.now" "the mirror before and after a failure"
bad_clear
good_update --quiet
has_blob "$(sha256sum <"$DEB_CC" | cut -d' ' -f1)" || fail "cc is not there"
expect_json '0' 'j["missing_files"]' \
	suitefs --json mirror fetch --dry-run --no-indexes m

# --- known to be gone ----------------------------------------------------------------------

counts='[j["pool"][w + "_files"] for w in ("present", "remote", "gone")]'
find "$A/pool" -name '*.deb' | while read -r file; do
	hash=$(sha256sum <"$file" | cut -d' ' -f1)
	rm "$SUITEFS_STORE/blobs/sha256/${hash:0:2}/$hash"
done
run suitefs snapshot create u from mirror m
expect_json '0 3 0' "$counts" suitefs --json snapshot show u
bad_rule "/$AA" status code=410
bad_rule "/$BB" status code=403
expect 1 '2 files could not be fetched' suitefs snapshot fetch --no-indexes u
expect_json '1 1 1' "$counts" suitefs --json snapshot show u
for noun in 'snapshot show u' 'mirror show m'; do
	# shellcheck disable=SC2086 # words
	run suitefs $noun
	grep -Eq '^Pool files: *3, .*bytes' "$T/out" || fail "$noun: pool files?"
	grep -Eq '^Gone: *1, .*bytes' "$T/out" || fail "$noun: nothing is gone"
done
bad_clear
run suitefs snapshot fetch u
expect_json '3 0 0' "$counts" suitefs --json snapshot show u

# --- through the mount ----------------------------------------------------------------------

need_fuse
mkdir "$T/mnt"
run suitefs mount "$T/mnt"
S=$T/mnt/snapshots/t/dists/stable
bad_clear
rm -r "$A/pool/main/c"
make_archive "$A" stable key=up sources=y
other_files three
# Lies about one that nobody has read yet: an error, and nothing else suffers.
lies=0
for fault in other truncate long html 'status code=404' 'status code=403' loop; do
	run umount "$T/mnt"
	run suitefs mount "$T/mnt"
	bad_clear
	# shellcheck disable=SC2086 # words
	bad_rule '*' $fault
	expect 1 'Input/output error' cat "$S/main/i18n/Translation-en.bz2"
	xzcat "$S/main/i18n/Translation-en.xz" >"$T/got"
	not_here main/i18n/Translation-en.bz2
	[[ $(bad_count '*Translation-en.bz2') -ge 1 ]] || fail "nobody was asked"
	lies=$((lies + 1))
done
bad_clear
run umount "$T/mnt"
run suitefs mount "$T/mnt"
# Listed plain, carried compressed: made of what is here or can be had.
bzcat "$D/main/i18n/Translation-en.bz2" >"$T/want"
same "$T/want" "$S/main/i18n/Translation-en"
[[ $(bad_count '*Translation-en*') == 0 ]] || fail "the .xz was here"
xzcat "$D/main/Components-amd64.yml.xz" >"$T/want"
same "$T/want" "$S/main/Components-amd64.yml"
zcat "$D/main/Contents-amd64.gz" >"$T/want"
same "$T/want" "$S/main/Contents-amd64"
hash=$(hash_in main/i18n/Translation-de)
bzcat "$D/main/i18n/Translation-de.bz2" >"$T/want"
same "$T/want" "$S/main/i18n/by-hash/SHA256/$hash"
check_dists "$S" "$KEYS/up.gpg"
# A hash that Release does not know, or not there, is none.
for name in "$(printf '%064d' 0)" "$(hash_in main/binary-amd64/Packages.xz)" x; do
	expect 1 'No such file' cat "$S/main/i18n/by-hash/SHA256/$name"
done
[[ -e $S/main/binary-amd64/by-hash/SHA256/$(hash_in main/binary-amd64/Packages.xz) ]] ||
	fail "a hash that Release knows is not there"

# --- all of them ----------------------------------------------------------------------------

# Translations in every form, Contents, Components: all that is served, but for
# plain forms, of which upstream has none.
other_files seven
run suitefs mirror update m
not_here main/Contents-amd64.gz
run suitefs mirror fetch m
for name in i18n/Translation-en.bz2 i18n/Translation-de.bz2 \
	i18n/Translation-de.xz Contents-amd64.gz Components-amd64.yml.bz2; do
	here "main/$name"
done
not_here main/Contents-amd64
expect_json '0 0' 'j["state"]["listed"]["missing_files"], j["state"]["missing_files"]' \
	suitefs --json mirror show m
# Upstream may go: what is made of the others is there too.
bad_clear
bad_rule '*' status code=404
wait_for 5 cmp -s "$D/InRelease" "$T/mnt/mirrors/m/dists/stable/InRelease" ||
	fail "the mount does not show the new state"
check_dists "$T/mnt/mirrors/m/dists/stable" "$KEYS/up.gpg"
[[ $(bad_count '*') == 0 ]] || fail "what is pinned is asked for"
run umount "$T/mnt"
