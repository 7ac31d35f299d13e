# shellcheck shell=bash
# Rows: mirror update, first, unchanged, and with 0.5 % of the stanzas changed.

# What the work comes down to, with the tools of the trade.
mirror_limits() {
	local day=$T/days/1-tiny/$PLACE

	# shellcheck disable=SC2016 # for the inner shell
	measure 'mirror update, first' 'limit: xz -dc, sha256sum' \
		sh -c 'xz -dc "$0" | sha256sum' "$day/Packages.xz"
	measure 'mirror update, unchanged' 'limit: curl InRelease' \
		curl -sf -o /dev/null "$UPSTREAM_URL/tiny/dists/bookworm/InRelease"
}

# suitefs_update WHO KIND: the three of them, in a new store.
suitefs_updates() {
	local who=$1 kind=$2

	today 1 "$kind"
	new_store "store-$kind" "$kind"
	settle
	measure 'mirror update, first' "$who" "$SUITEFS" mirror update bookworm
	measure 'mirror update, unchanged' "$who" \
		"$SUITEFS" mirror update bookworm
	today 2 "$kind"
	settle
	measure 'mirror update, 0.5 % changed' "$who" \
		"$SUITEFS" mirror update bookworm
}

mirror_round() {
	mirror_limits
	suitefs_updates suitefs tiny
	suitefs_updates "suitefs, Debian's own" debian
	today 1 tiny
	aptly_new
	settle
	aptly_update 'mirror update, first'
	aptly_update 'mirror update, unchanged'
	today 2 tiny
	settle
	aptly_update 'mirror update, 0.5 % changed'
}

# reprepro fetches each file to a place of its own, so its first update downloads
# all of them; that is measured apart, and once.  REPREPRO=no leaves it out.
reprepro_once() {
	local key

	[[ ${REPREPRO-yes} == yes ]] || return 0
	key=$(cat "$KEYS/upstream.fpr")
	say 'reprepro downloads its packages'
	today 1 tiny
	mkdir -p "$T/reprepro/conf"
	cat >"$T/reprepro/conf/distributions" <<-END
		Codename: bookworm
		Architectures: amd64
		Components: main
		Update: up
		SignWith: $key
		DebIndices: Packages Release . .gz
	END
	cat >"$T/reprepro/conf/updates" <<-END
		Name: up
		Method: $UPSTREAM_URL/tiny
		Suite: bookworm
		Components: main
		Architectures: amd64
		VerifyRelease: ${key: -16}
	END
	measure 'mirror update, first, with all packages' reprepro \
		reprepro -b "$T/reprepro" --silent update bookworm
	measure 'mirror update, unchanged' reprepro \
		reprepro -b "$T/reprepro" --silent update bookworm
}
