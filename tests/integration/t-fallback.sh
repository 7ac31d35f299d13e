#!/bin/bash
# Where else files come from, when the archive has not got them any more.
. "$(dirname "$0")/lib.sh" || exit
. "$TESTS/lib-mirror.sh"

A=$T/archive
small_archive "$A"
cp -a "$A" "$T/other"
mkdir "$T/files"
find "$A" -type f | while read -r file; do
	cp "$file" "$T/files/$(sha256sum <"$file" | cut -d' ' -f1)"
done
start_badserver "$T/other"
OTHER_URL=$BAD_URL OTHER_LOG=$BAD_LOG
start_badserver "$A"
OPTIONS=(--keyring="$KEYS/up.gpg" --source)

# --- what is taken ----------------------------------------------------------------

for url in 'ftp://mirror.example.org/' 'http://@HASH@/' \
	'http://mirror.example.org/?x=@HASH@' ''; do
	expect_line 2 "^suitefs: fallback .*: (has|does|is)" suitefs mirror create \
		"${OPTIONS[@]}" --fallback="$url" m "$BAD_URL" stable main
done
run suitefs mirror create "${OPTIONS[@]}" --fallback=http://a.example.org/x \
	m "$BAD_URL" stable main
run suitefs mirror edit --fallback=http://b.example.org/@HASH@ \
	--fallback=http://a.example.org/x/ m
expect_json 'http://a.example.org/x/ http://b.example.org/@HASH@' \
	'j["fallbacks"]' suitefs --json mirror show m
run suitefs mirror show m
grep -q '^Fallbacks: *http://a.example.org/x/ http://b' "$T/out" ||
	fail "mirror show: no fallbacks"
run suitefs mirror edit --no-fallback --fallback=file:"$T/other" m
expect_json "file:$T/other/" 'j["fallbacks"]' suitefs --json mirror show m
run suitefs mirror edit --no-fallback m
expect_json '' 'j["fallbacks"]' suitefs --json mirror show m
mapfile -t many < <(printf -- '--fallback=http://%d.example.org/\n' {1..17})
expect_line 2 '17 fallbacks' suitefs mirror edit "${many[@]}" m
expect_json '' 'j["fallbacks"]' suitefs --json mirror show m

# --- indexes ------------------------------------------------------------------------

# InRelease is there, but no index is.
bad_rule '*/Packages*' status code=404
bad_rule '*/Sources*' status code=404
expect 1 'no form of dists/stable/main/binary-amd64/Packages' \
	suitefs mirror update m
run suitefs mirror edit --fallback="$OTHER_URL" m
run suitefs mirror update m
grep -q '^GET /dists/stable/main/binary-amd64/Packages.* 200' "$OTHER_LOG" ||
	fail "the fallback was not asked for Packages"
! grep -q Release "$OTHER_LOG" || fail "the fallback was asked for Release"
rm -rf "$SUITEFS_STORE"

# A server in trouble, and a fallback by hash.
bad_clear
bad_rule '*/Packages*' status code=403
bad_rule '*/Sources*' other
run suitefs mirror create "${OPTIONS[@]}" --fallback="file:$T/files/@HASH@" m \
	"$BAD_URL" stable main
run suitefs mirror update m
bad_clear
run suitefs snapshot create s from mirror m

# --- pool files -----------------------------------------------------------------------

AA=pool/main/a/aa/aa_1.0_amd64.deb
BB=pool/main/b/bb/bb_2.0_all.deb
hash_of() {
	sha256sum <"$T/other/$1" | cut -d' ' -f1
}
forget() {
	local hash
	hash=$(hash_of "$1")
	rm -f "$SUITEFS_STORE/blobs/sha256/${hash:0:2}/$hash"
}

# Gone at the archive; another file there under the name.
bad_rule "/$AA" status code=404
bad_rule "/$BB" other
run suitefs snapshot fetch s aa bb
has_blob "$(hash_of $AA)" || fail "the fallback was not used for aa"
has_blob "$(hash_of $BB)" || fail "the fallback was not used for bb"
[[ $(bad_count "/$AA") == 1 && $(bad_count "/$BB") == 1 ]] ||
	fail "the archive comes first"

# Fallbacks lie as well: the next one is tried, in order.
forget $AA
mkdir "$T/lies"
run suitefs mirror edit --no-fallback --fallback="file:$T/lies/@HASH@" \
	--fallback="file:$T/nothing" --fallback="$OTHER_URL" m
echo lie >"$T/lies/$(hash_of $AA)"
: >"$OTHER_LOG"
run suitefs snapshot fetch s aa
has_blob "$(hash_of $AA)" || fail "no fallback but the first was tried"
grep -q "^GET /$AA 200" "$OTHER_LOG" || fail "the last one was not asked"

# Nobody has it: the archive's own answer is told.
forget $AA
run suitefs mirror edit --no-fallback --fallback="file:$T/nothing" m
expect 1 "$BAD_URL/$AA: 404" suitefs --quiet snapshot fetch s aa

# The archive is not there at all.
end_pid "$BAD_PID"
run suitefs mirror edit --no-fallback --fallback="file:$T/files/@HASH@" m
run suitefs snapshot fetch s aa
has_blob "$(hash_of $AA)" || fail "no fallback for an archive that is down"
