#!/bin/bash
# An upstream that changes between two requests, and one that lies about one
# file after the other when snapshots are fetched and read.
. "$(dirname "$0")/lib.sh" || exit
. "$TESTS/lib-mirror.sh"

# Three states of one archive: W/one is known, W/two and W/new came later.
W=$T/www
IN=dists/stable/InRelease
INDEX=dists/stable/main/binary-amd64/Packages
small_archive "$W/one"

# later NAME: the archive with other indexes, in W/NAME.
later() {
	cp -a "$W/one" "$W/$1"
	make_deb "$1" 1.0 amd64
	pool_add "$W/$1" main "$DEB"
	make_archive "$W/$1" stable key=up sources=y "Date: $(date_of "$2")"
	new_times "$W/$1"
}
later two '-2 days'
later new '-1 day'
make_archive "$W/one" stable key=up sources=y "Date: $(date_of '-3 days')"
new_times "$W/one"

# at NAME: what the archive at W/now has from now on.
at() {
	rm -rf "$W/now"
	cp -a "$W/$1" "$W/now"
}

at one
start_badserver "$W"
good_state "$BAD_URL/now"
cp -a "$SUITEFS_STORE" "$T/store.good"

again() {
	rm -rf "$SUITEFS_STORE"
	cp -a "$T/store.good" "$SUITEFS_STORE"
	bad_clear
}

packages() {
	suitefs mirror show --packages m
}

# --- it changes between two requests ------------------------------------------------

# (A rule with times= counts for a whole test: case= makes them differ.)
# InRelease was old a moment ago, the indexes are new: another look finds both
# new.  The old indexes are nowhere.
again
at new
bad_rule "/now/$IN" other "with=/two/$IN" times=1 case=1
run suitefs mirror update m
packages | grep -qx 'new_1.0_amd64' || fail "the new state was not taken"
[[ $(bad_count "/now/$IN") == 2 ]] || fail "InRelease was not looked at twice"

# An old InRelease for good: nothing fits, nothing changes.
again
keep_state
bad_rule "/now/$IN" other "with=/two/$IN"
bad_update "no form of $INDEX can be had: .*/now/$INDEX"
[[ $(bad_count "/now/$IN") == 2 ]] || fail "InRelease was not looked at twice"

# The other way round: indexes of yesterday.
again
bad_rule '/now/*/Packages.*' other "with=/two/$INDEX.xz"
bad_update "no form of $INDEX can be had: .*/now/$INDEX"

# They are still there by hash, though Release does not promise it.
hash=$(sha256sum <"$W/new/$INDEX.xz" | cut -d' ' -f1)
mkdir -p "$W/now/${INDEX%/*}/by-hash/SHA256"
cp "$W/new/$INDEX.xz" "$W/now/${INDEX%/*}/by-hash/SHA256/$hash"
: >"$BAD_LOG"
run suitefs mirror update m
packages | grep -qx 'new_1.0_amd64' || fail "the new state was not taken"
[[ $(bad_count "/now/$IN") == 1 ]] || fail "by hash was enough"

# It moves on all the time.
again
at one
bad_rule "/now/$IN" other "with=/two/$IN" times=1 case=2
bad_rule "/now/$IN" other "with=/new/$IN"
bad_update "the archive changes while it is read: no form of $INDEX"

# The second look fails for another reason: the first one's is told.
again
at new
bad_rule "/now/$IN" other "with=/two/$IN" times=1 case=3
bad_rule "/now/$IN" html
bad_update "no form of $INDEX can be had: .*/now/$INDEX"

# By another signature it is not the archive that moved on.
again
make_key other
cp -a "$W/new" "$W/forged"
sign_release "$W/forged/dists/stable" other
bad_rule "/now/$IN" other "with=/two/$IN" times=1 case=4
bad_rule "/now/$IN" other "with=/forged/$IN"
bad_update "no form of $INDEX can be had: .*/now/$INDEX"

# --- it lies about one file after the other -------------------------------------------

again
at one
AA=pool/main/a/aa/aa_1.0_amd64.deb
BB=pool/main/b/bb/bb_2.0_all.deb
BAD=$BAD_URL/now/$AA
blob_of() {
	local hash
	hash=$(sha256sum <"$W/one/$1" | cut -d' ' -f1)
	printf '%s/blobs/sha256/%s/%s\n' "$SUITEFS_STORE" "${hash:0:2}" "$hash"
}

faults=(
	'length by=-9|.'
	'truncate|.'
	'long|longer than|more than'
	'other|SHA-256'
	"other with=/now/$BB|."
	'status code=404|404'
	'status code=403|403'
	'html|HTML'
	'endless|longer than|more than'
	'reset after=100|.'
	'loop|redirects'
	"redirect to=file://$W/one/$AA|neither http nor https"
	'redirect to=/now/pool/nothing|404'
)
for fault in "${faults[@]}"; do
	bad_clear
	# shellcheck disable=SC2086 # words
	bad_rule "/now/$AA" ${fault%%|*}
	expect 1 "^suitefs: $BAD.*(${fault#*|})" \
		suitefs --quiet snapshot fetch s aa bb
	[[ ! -e $(blob_of $AA) ]] || fail "${fault%%|*}: a file was kept"
	[[ -e $(blob_of $BB) ]] || fail "${fault%%|*}: the other file suffers"
	rm "$(blob_of $BB)"
	# What is left of it is no hindrance.
	bad_clear
	run suitefs snapshot fetch s aa
	same "$(blob_of $AA)" "$W/one/$AA"
	rm "$(blob_of $AA)"
done

# The same to those who read through a mount; for a while it is not asked again.
need_fuse
mkdir "$T/mnt"
run suitefs mount "$T/mnt"
P=$T/mnt/snapshots/s
lies=0
for fault in "${faults[@]}"; do
	[[ ! $fault =~ ^(length|truncate|reset) ]] || continue # tried for long
	bad_clear
	# shellcheck disable=SC2086
	bad_rule "/now/$AA" ${fault%%|*}
	run umount "$T/mnt"
	# An endless body begins with the right bytes: another time they count.
	find "$SUITEFS_STORE/tmp" -type f -delete
	run suitefs mount "$T/mnt"
	! cat "$P/$AA" >"$T/got" 2>&1 || fail "${fault%%|*}: it is read"
	asked=$(bad_count "/now/$AA")
	! cat "$P/$AA" >"$T/got" 2>&1 || fail "${fault%%|*}: it is read"
	[[ $(bad_count "/now/$AA") == "$asked" ]] ||
		fail "${fault%%|*}: asked for again at once"
	lies=$((lies + 1))
done
[[ $lies -gt 5 ]] || fail "few lies were told"
bad_clear
run umount "$T/mnt"
run suitefs mount "$T/mnt"
same "$P/$AA" "$W/one/$AA"
