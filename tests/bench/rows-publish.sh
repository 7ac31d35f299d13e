# shellcheck shell=bash
# Rows: publish snapshot and publish switch, gzip, signed.

# Fills $T/store-KIND with the snapshots one and two, unless it has them.
publish_prepare() {
	local kind=$1

	today 1 "$kind"
	new_store "store-$kind" "$kind"
	run suitefs mirror update bookworm
	run suitefs snapshot create one from mirror bookworm
	today 2 "$kind"
	run suitefs mirror update bookworm
	run suitefs snapshot create two from mirror bookworm
}

suitefs_publish() {
	local who=$1 kind=$2

	# In a new store: nothing is compressed yet.
	publish_prepare "$kind"
	settle
	measure 'publish snapshot' "$who" "$SUITEFS" publish snapshot \
		--gpg-key="$KEY" --distribution=prod one
	settle
	measure 'publish switch, 0.5 % changed' "$who" \
		"$SUITEFS" publish switch prod two
	measure 'publish update, unchanged' "$who" \
		"$SUITEFS" publish update prod
}

aptly_publish() {
	today 1 tiny
	aptly_new
	run run_aptly -keyring="$KEYS/upstream.gpg" mirror update bookworm
	run run_aptly snapshot create one from mirror bookworm
	today 2 tiny
	run run_aptly -keyring="$KEYS/upstream.gpg" mirror update bookworm
	run run_aptly snapshot create two from mirror bookworm
	settle
	measure 'publish snapshot' aptly aptly -config="$T/aptly.conf" \
		-gpg-key="$KEY" -skip-contents -skip-bz2 -batch \
		-distribution=prod publish snapshot one
	settle
	measure 'publish switch, 0.5 % changed' aptly \
		aptly -config="$T/aptly.conf" -gpg-key="$KEY" -skip-contents \
		-skip-bz2 -batch publish switch prod two
}

publish_limits() {
	local day=$T/days/1-tiny/$PLACE

	measure 'publish snapshot' 'limit: gzip -6 on one core' \
		gzip -6c "$day/Packages"
	measure 'publish snapshot' 'limit: sha256sum of the index' \
		sha256sum "$day/Packages"
}

publish_round() {
	publish_limits
	suitefs_publish suitefs tiny
	suitefs_publish "suitefs, Debian's own" debian
	aptly_publish
}
