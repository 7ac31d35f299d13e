# shellcheck shell=bash
# Rows: snapshot create, verify and diff, and what one more of them takes.

# The store at $T/store-tiny is at day 2; here it begins anew.
snapshot_prepare() {
	today 1 tiny
	new_store store-tiny tiny
	run suitefs mirror update bookworm
	aptly_new
	run run_aptly -keyring="$KEYS/upstream.gpg" mirror update bookworm
}

snapshot_next_day() {
	today 2 tiny
	run suitefs mirror update bookworm
	run run_aptly -keyring="$KEYS/upstream.gpg" mirror update bookworm
}

# snapshot_create NAME
snapshot_create() {
	settle
	measure 'snapshot create' suitefs \
		"$SUITEFS" snapshot create "$1" from mirror bookworm
	measure 'snapshot create' aptly aptly -config="$T/aptly.conf" \
		snapshot create "$1" from mirror bookworm
}

snapshot_round() {
	snapshot_prepare
	snapshot_create one
	snapshot_next_day
	snapshot_create two
	measure 'snapshot verify' suitefs \
		"$SUITEFS" snapshot verify one
	measure 'snapshot verify' aptly aptly -config="$T/aptly.conf" \
		snapshot verify one
	measure 'snapshot diff, 0.5 % changed' suitefs \
		"$SUITEFS" snapshot diff one two
	measure 'snapshot diff, 0.5 % changed' aptly \
		aptly -config="$T/aptly.conf" snapshot diff one two
}

# table_bytes NAME: bytes of a table's pages, now.
table_bytes() {
	suitefs --json db stats | "$PYTHON" -c '
import json, sys
tables = json.load(sys.stdin)["tables"]
print(tables[sys.argv[1]]["bytes"])' "$1"
}

# compact: bytes of the database without free pages.
compact() {
	rm -f "$T/copy"
	run suitefs db backup "$T/copy"
	stat -c %s "$T/copy"
}

# What a day adds to the store, and how much of it is new stanzas.
snapshot_size() {
	local before after heavy light blobs row='one more daily snapshot'

	today 1 debian
	new_store store-size debian
	run suitefs mirror update bookworm
	run suitefs snapshot create one from mirror bookworm
	before=$(compact) heavy=$(table_bytes heavy) light=$(table_bytes light)
	blobs=$(du -sb "$SUITEFS_STORE/blobs" | cut -f1)
	today 2 debian
	run suitefs mirror update bookworm
	run suitefs snapshot create two from mirror bookworm
	after=$(compact)
	heavy=$(($(table_bytes heavy) - heavy))
	light=$(($(table_bytes light) - light))
	value "$row" 'suitefs: all of the database' $((after - before)) bytes
	value "$row" 'suitefs: stanzas, heavy and light' $((heavy + light)) bytes
	value "$row" 'suitefs: beyond the stanzas' \
		$((after - before - heavy - light)) bytes
	value "$row" "suitefs: upstream's compressed index, a file" \
		$(($(du -sb "$SUITEFS_STORE/blobs" | cut -f1) - blobs)) bytes
}
