# shellcheck shell=bash
# shellcheck disable=SC2034 # what is set here is for others
# What the rows of the benchmark share; sourced by run.sh after lib.sh.
#
# Results go to three tables in $OUT, with tabs between fields:
#   runs.tsv    ROW WHO seconds user system peak-KiB anonymous-KiB status
#               (measure.c), one line for each run of a command
#   values.tsv  ROW WHO number unit: what is no run of a command (rates, sizes)
#   scale.tsv   SERIES WHO x number unit: points of curves

wants() {
	[[ ,$ROWS, == *,$1,* ]]
}

# Are there rows with other programs?
compares() {
	wants mirror || wants snapshot || wants publish || wants memory
}

say() {
	printf 'bench: %s\n' "$*" >&2
}

# measure ROW WHO COMMAND...: has to end with 0, or with an answer: 3 of suitefs
# (verify, diff), 1 of diff(1).
measure() {
	local status=0

	"$MEASURE" "$OUT/runs.tsv" "$@" >"$T/out" 2>"$T/err" || status=$?
	case "$status ${3##*/}" in
	0\ * | '3 suitefs' | '1 diff') return 0 ;;
	esac
	show_output
	fail "$2: exit status $status: ${*:3}"
}

# value ROW WHO NUMBER UNIT
value() {
	local IFS=$'\t'

	printf '%s\n' "$*" >>"$OUT/values.tsv"
}

# scale SERIES WHO X NUMBER UNIT
scale() {
	local IFS=$'\t'

	printf '%s\n' "$*" >>"$OUT/scale.tsv"
}

# seconds_of COMMAND...: sets SECONDS_TAKEN.
seconds_of() {
	local start=$EPOCHREALTIME

	"$@"
	SECONDS_TAKEN=$(awk -v s="$start" -v e="$EPOCHREALTIME" \
		'BEGIN { printf "%.6f", e - s }')
}

# rate ROW WHO FILE: MB/s of reading a file once.
rate() {
	local bytes

	bytes=$(stat -c %s "$3")
	seconds_of dd if="$3" of=/dev/null bs=1M status=none
	value "$1" "$2" "$(awk -v b="$bytes" -v s="$SECONDS_TAKEN" \
		'BEGIN { printf "%.1f", b / s / 1e6 }')" MB/s
}

# Everything that was written goes to disk now, not in the middle of what is
# measured next.
settle() {
	sync
}

# --- the archives -----------------------------------------------------------------

PLACE=dists/bookworm/main/binary-amd64

# stanzas DAY tiny|debian: bookworm's, of a day: from the second on, each 200th
# stanza has another version and another file.  tiny: with size and hashes of
# the one file that the server returns for all of pool/.
stanzas() {
	local size md5 sha256

	size=$(stat -c %s "$T/tiny")
	md5=$(md5sum <"$T/tiny")
	sha256=$(sha256sum <"$T/tiny")
	xz -dc "$REAL/$PLACE/Packages.xz" |
		awk -v day="$1" -v tiny="$([[ $2 == tiny ]] && echo 1)" \
			-v size="$size" -v md5="${md5%% *}" \
			-v sha256="${sha256%% *}" '
		BEGIN { RS = ""; ORS = "\n\n" }
		day > 1 && NR % 200 == day {
			sub(/\nVersion: [^\n]*/, "&+day" day)
			sub(/\nFilename: [^\n]*_/, "&day" day "_")
			sub(/\nSHA256: ......../,
				sprintf("\nSHA256: %08x", NR * 16 + day))
		}
		tiny {
			sub(/\nSize: [^\n]*/, "\nSize: " size)
			sub(/\nMD5sum: [^\n]*/, "\nMD5sum: " md5)
			sub(/\nSHA256: [^\n]*/, "\nSHA256: " sha256)
		}
		{ print }'
}

# release DIR: writes and signs the Release of what is in DIR.
release() {
	(cd "$1/dists/bookworm" && rm -f Release InRelease Release.gpg &&
		apt-ftparchive release .) >"$T/release"
	release_head "$T/release" 'Suite: bookworm' 'Codename: bookworm' \
		"Architectures: ${2:-amd64}" 'Components: main' \
		>"$1/dists/bookworm/Release"
	sign_release "$1/dists/bookworm" upstream
}

# make_day DAY tiny|debian: $T/days/DAY-KIND, an archive without a pool.
make_day() {
	local dir=$T/days/$1-$2

	mkdir -p "$dir/$PLACE"
	stanzas "$1" "$2" >"$dir/$PLACE/Packages"
	gzip -6nk "$dir/$PLACE/Packages"
	xz "-${XZ_LEVEL:-6}" -T2 -k "$dir/$PLACE/Packages"
	release "$dir"
}

# pool_archive DIR: an archive of what is in DIR/pool, which has no stanzas.
pool_archive() {
	local dir=$1 sha256 path name

	mkdir -p "$dir/dists/bookworm/main/binary-amd64"
	(cd "$dir" && find pool -type f -exec sha256sum {} +) |
		while read -r sha256 path; do
			name=${path##*/}
			printf 'Package: %s\nVersion: 1\n' "${name%%_*}"
			printf 'Architecture: all\nFilename: %s\n' "$path"
			printf 'Size: %s\n' "$(stat -c %s "$dir/$path")"
			printf 'SHA256: %s\n' "$sha256"
			printf 'Description: a file\n\n'
		done >"$dir/dists/bookworm/main/binary-amd64/Packages"
	release "$dir"
}

# today DAY KIND: that is what the server has at $UPSTREAM_URL/KIND from now on.
today() {
	ln -sfn "$T/days/$1-$2" "$T/up/$2.new"
	mv -T "$T/up/$2.new" "$T/up/$2"
}

make_upstream() {
	local kind kinds=debian

	say 'making the archives'
	"$TESTS/real-upstream.sh" "$REAL" amd64 >&2
	make_key upstream
	printf 'not a package\n' >"$T/tiny"
	mkdir -p "$T/up" "$T/days"
	! compares || kinds='debian tiny'
	for kind in $kinds; do
		make_day 1 "$kind"
		sleep 1.1 # another Date
		make_day 2 "$kind"
		today 1 "$kind"
	done
	PACKAGES=$(grep -c ^Package: "$T/days/1-debian/$PLACE/Packages")
	cp "$T/tiny" "$T/up/tiny.file"
	NGINX_EXTRA="location ~ ^/(tiny|debian)/pool/ {
			try_files /tiny.file =404; }" start_nginx "$T/up"
	UPSTREAM_URL=$NGINX_URL
	rm -f "$NGINX_LOG"
	ln -s /dev/null "$NGINX_LOG"
}

# --- suitefs and its peers ----------------------------------------------------------

# new_store NAME KIND: an empty store $T/NAME with the mirror bookworm.
new_store() {
	export SUITEFS_STORE=$T/$1
	rm -rf "$SUITEFS_STORE"
	run suitefs mirror create --arch=amd64 \
		--keyring="$KEYS/upstream.gpg" bookworm "$UPSTREAM_URL/$2" \
		bookworm main
}

# aptly as it is fastest: pool and database on the same disk as the store, no
# legacy pool paths, no check of dependencies, no Contents, no bz2, gpg itself.
# The pool has the one file already, so that nothing is downloaded: see aptly_new.
run_aptly() {
	aptly -config="$T/aptly.conf" "$@"
}

aptly_new() {
	rm -rf "$T/aptly/db" "$T/aptly/public"
	mkdir -p "$T/aptly"
	cat >"$T/aptly.conf" <<-END
		{"rootDir": "$T/aptly", "downloadConcurrency": 8,
		 "architectures": ["amd64"], "gpgProvider": "gpg",
		 "skipLegacyPool": true, "skipContentsPublishing": true,
		 "skipBz2Publishing": true, "gpgDisableVerify": false,
		 "dependencyFollowSuggests": false,
		 "dependencyFollowRecommends": false,
		 "dependencyFollowAllVariants": false,
		 "dependencyFollowSource": false}
	END
	run run_aptly -keyring="$KEYS/upstream.gpg" mirror create bookworm \
		"$UPSTREAM_URL/tiny" bookworm main
}

aptly_update() {
	measure "$1" aptly aptly -config="$T/aptly.conf" \
		-keyring="$KEYS/upstream.gpg" mirror update bookworm
}

# Once, not measured: all 63,440 downloads of the one file, which leave it in
# the pool for every new database.
aptly_fill_pool() {
	say 'aptly downloads its packages (not measured)'
	aptly_new
	run run_aptly -keyring="$KEYS/upstream.gpg" mirror update bookworm
}

# mounted NAME [OPTION...]: mounts the store at $T/mnt.NAME; sets MNT and
# MOUNT_PID.
mounted() {
	MNT=$T/mnt.$1
	mkdir -p "$MNT"
	run suitefs mount "${@:2}" "$MNT"
	MOUNT_PID=$(mount_processes "$MNT" worker)
}

unmounted() {
	run unmount_one "$MNT"
	wait_for 10 gone "$MOUNT_PID" || :
}
