# shellcheck shell=bash
# shellcheck disable=SC2034 # what is set here is for others
# How time, memory and the store grow: with architectures (ARCH_COUNTS, 1 2 5 10),
# with daily snapshots (DAYS, 1000), and with publications in one prefix
# (PUBLICATIONS, 100).

DAYS=${DAYS:-1000}
PUBLICATIONS=${PUBLICATIONS:-100}
ARCHES=(amd64 arm64 armel armhf i386 mips64el mipsel ppc64el riscv64 s390x)

# scaled SERIES X COMMAND...: seconds, and anonymous and resident MB at the most.
scaled() {
	local series=$1 x=$2
	shift 2

	measure "$series" "$x" "$@"
	tail -n 1 "$OUT/runs.tsv" | awk -F'\t' -v OFS='\t' '{
		print $1, "time", $2, $3, "s"
		print $1, "anonymous", $2, $7 / 1024, "MB"
		print $1, "resident", $2, $6 / 1024, "MB" }' >>"$OUT/scale.tsv"
}

# day DIR DAY ARCHITECTURES: writes and signs it.
scale_day() {
	rm -f "$1"/dists/bookworm/{InRelease,Release.gpg}
	"$TOP/tests/bench/next_day.py" "$@"
	sign_release "$1/dists/bookworm" upstream inline
}

# scale_store DIR ARCHITECTURES: a new store that mirrors DIR.
scale_store() {
	export SUITEFS_STORE=$T/store-scale
	rm -rf "$SUITEFS_STORE"
	run suitefs mirror create --arch="$2" --keyring="$KEYS/upstream.gpg" \
		m "file:$1" bookworm main
}

# Ten architectures: the packages of amd64 once more for each, those for all
# architectures as they are, as in Debian.
scale_architectures() {
	local dir=$T/ten arch n list

	say 'ten architectures'
	for arch in "${ARCHES[@]}"; do
		mkdir -p "$dir/dists/bookworm/main/binary-$arch"
		sed -e "s/^Architecture: amd64/Architecture: $arch/" \
			-e "s/^\(Filename: .*\)_amd64\.deb/\1_$arch.deb/" \
			"$T/days/1-debian/$PLACE/Packages" \
			>"$dir/dists/bookworm/main/binary-$arch/Packages"
	done
	scale_day "$dir" 0 "${ARCHES[*]}"
	for n in ${ARCH_COUNTS:-1 2 5 10}; do
		list=$(IFS=, && printf '%s' "${ARCHES[*]:0:n}")
		scale_store "$dir" "$list"
		settle
		scaled 'architectures: mirror update' "$n" \
			"$SUITEFS" mirror update m
		run suitefs snapshot create one from mirror m
		scaled 'architectures: snapshot verify' "$n" \
			"$SUITEFS" snapshot verify one
			scaled 'architectures: publish snapshot' "$n" "$SUITEFS" publish \
			snapshot --gpg-key="$KEY" --distribution=prod one
	done
	rm -rf "$dir"
}

scale_point() {
	local day=$1 first=$2

	suitefs --json db stats | "$PYTHON" -c '
import json, sys
s = json.load(sys.stdin)
print((s["file_bytes"] - s["free_bytes"]) / 1e6)' >"$T/size"
	scale 'days: the database' size "$day" "$(cat "$T/size")" MB
	scaled 'days: snapshot list' "$day" "$SUITEFS" snapshot list
	scaled 'days: diff of neighbours' "$day" \
		"$SUITEFS" snapshot diff "d$((day - 1))" "d$day"
	scaled 'days: diff of the ends' "$day" \
		"$SUITEFS" snapshot diff "d$first" "d$day"
	mkdir -p "$T/mnt.days"
	scaled 'days: mount' "$day" "$SUITEFS" mount "$T/mnt.days"
	scaled 'days: ls snapshots' "$day" ls "$T/mnt.days/snapshots"
	run unmount_one "$T/mnt.days"
}

scale_days() {
	local dir=$T/daily day

	say "$DAYS daily snapshots"
	mkdir -p "$dir/$PLACE"
	cp "$T/days/1-debian/$PLACE/Packages" "$dir/$PLACE/"
	scale_day "$dir" 0 amd64
	scale_store "$dir" amd64
	run suitefs mirror update m
	run suitefs snapshot create d0 from mirror m
	for ((day = 1; day <= DAYS; day++)); do
		scale_day "$dir" "$day" amd64
		case $day in
		1 | 2 | 5 | 10 | 20 | 50 | *00)
			settle
			scaled 'days: mirror update' "$day" \
				"$SUITEFS" mirror update m
			;;
		*) run suitefs mirror update m ;;
		esac
		run suitefs snapshot create "d$day" from mirror m
		case $day in
		1 | 2 | 5 | 10 | 20 | 50 | *00) scale_point "$day" 0 ;;
		esac
	done
	for ((day = 1; day < DAYS; day += 2)); do
		run suitefs snapshot drop "d$day"
	done
	scaled 'days: db cleanup after half were dropped' "$DAYS" \
		"$SUITEFS" db cleanup --grace=0
}

scale_publications() {
	local i name

	say "$PUBLICATIONS publications"
	scale_store "$T/days/1-debian" amd64
	run suitefs mirror update m
	run suitefs snapshot create one from mirror m
	run suitefs mirror edit --url="file:$T/days/2-debian" m
	run suitefs mirror update m
	run suitefs snapshot create two from mirror m
	mounted publications
	for ((i = 1; i <= PUBLICATIONS; i++)); do
		name=one
		((i % 2)) || name=two
		case $i in
		1 | 2 | 5 | 10 | 20 | 50 | *00)
			scaled 'publications: publish snapshot' "$i" \
				"$SUITEFS" publish snapshot --prefix=many \
				--gpg-key="$KEY" --distribution="d$i" "$name"
			scaled 'publications: publish switch' "$i" \
				"$SUITEFS" publish switch --prefix=many "d$i" \
				"$([[ $name == one ]] && echo two || echo one)"
			wait_for 10 test -e "$MNT/many/dists/d$i/InRelease"
			scaled 'publications: ls pool/main/a' "$i" \
				ls "$MNT/many/pool/main/a"
			awk '/^RssAnon/ { print $2 / 1024 }' \
				"/proc/$MOUNT_PID/status" >"$T/anonymous"
			scale "publications: the mount's memory" anonymous \
				"$i" "$(cat "$T/anonymous")" MB
			;;
		*)
			run suitefs publish snapshot --prefix=many \
				--gpg-key="$KEY" --distribution="d$i" "$name"
			;;
		esac
	done
	unmounted
}

scale_once() {
	scale_architectures
	scale_days
	scale_publications
}
