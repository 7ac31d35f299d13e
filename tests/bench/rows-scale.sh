# shellcheck shell=bash
# shellcheck disable=SC2034 # what is set here is for others
# How time, memory and the store grow: with architectures (ARCH_COUNTS, 1 2 5 10),
# with daily snapshots (DAYS, 1000), and with publications in one prefix
# (PUBLICATIONS, 100).  SCALE names the parts, all three of them by default.

SCALE=${SCALE:-architectures,days,publications}
ARCH_COUNTS=${ARCH_COUNTS:-1 2 5 10}
DAYS=${DAYS:-1000}
PUBLICATIONS=${PUBLICATIONS:-100}
ARCHES=(amd64 arm64 armel armhf i386 mips64el mipsel ppc64el riscv64 s390x)

# is_point N: is it one of those that are measured?
is_point() {
	case $1 in
	1 | 2 | 5 | 10 | 20 | 50 | *00) return 0 ;;
	esac
	return 1
}

# scaled SERIES X COMMAND...: seconds, also of the processors, and anonymous and
# resident MB at the most.
scaled() {
	local series=$1 x=$2
	shift 2

	measure "$series" "$x" "$@"
	tail -n 1 "$OUT/runs.tsv" | awk -F'\t' -v OFS='\t' '{
		print $1, "time", $2, $3, "s"
		print $1, "processor", $2, $4 + $5, "s"
		print $1, "anonymous", $2, $7 / 1024, "MB"
		print $1, "resident", $2, $6 / 1024, "MB" }' >>"$OUT/scale.tsv"
}

# scale_store DIR ARCHITECTURES: a new store that mirrors DIR.
scale_store() {
	export SUITEFS_STORE=$T/store-scale
	rm -rf "$SUITEFS_STORE"
	run suitefs mirror create --arch="$2" --keyring="$KEYS/upstream.gpg" \
		m "file:$1" bookworm main
}

# In MB, of which SERIES is X: the database's pages in use, and files.
scale_size() {
	local size

	size=$(suitefs --json db stats | "$PYTHON" -c '
import json, sys
s = json.load(sys.stdin)
print((s["file_bytes"] - s["free_bytes"]) / 1e6)')
	scale "$1" 'database' "$2" "$size" MB
	size=$(du -sb "$SUITEFS_STORE/blobs" | awk '{ print $1 / 1e6 }')
	scale "$1" 'files' "$2" "$size" MB
}

# The index of another architecture, as xz with the window of its level 6, which
# is what a reader's memory depends on, and the speed of its level 1.
scale_index() {
	local dir=$T/ten/dists/bookworm/main/binary-$1

	mkdir -p "$dir"
	sed -e "s/^Architecture: amd64/Architecture: $1/" \
		-e "s/^\(Filename: .*\)_amd64\.deb/\1_$1.deb/" \
		"$T/days/1-debian/$PLACE/Packages" >"$dir/Packages"
	xz -k --lzma2=preset=1,dict=8MiB "$dir/Packages"
}

# Ten architectures: the packages of amd64 once more for each, those for all
# architectures as they are, as in Debian.
scale_architectures() {
	local n list

	say "architectures: $ARCH_COUNTS"
	export -f scale_index
	printf '%s\n' "${ARCHES[@]}" |
		T=$T PLACE=$PLACE xargs -P "$(nproc)" -I{} bash -c 'scale_index {}'
	release "$T/ten" "${ARCHES[*]}"
	for n in $ARCH_COUNTS; do
		list=$(IFS=, && printf '%s' "${ARCHES[*]:0:n}")
		scale_store "$T/ten" "$list"
		settle
		scaled 'architectures: mirror update' "$n" \
			"$SUITEFS" mirror update m
		scale_size 'architectures: the store' "$n"
		run suitefs snapshot create one from mirror m
		scaled 'architectures: snapshot verify' "$n" \
			"$SUITEFS" snapshot verify one
		settle
		scaled 'architectures: publish snapshot' "$n" "$SUITEFS" publish \
			snapshot --gpg-key="$KEY" --distribution=prod one
	done
	rm -rf "$T/ten"
}

scale_point() {
	local day=$1

	scale_size 'days: the store' "$day"
	scaled 'days: snapshot list' "$day" "$SUITEFS" snapshot list
	scaled 'days: diff of neighbours' "$day" \
		"$SUITEFS" snapshot diff "d$((day - 1))" "d$day"
	scaled 'days: diff of the ends' "$day" \
		"$SUITEFS" snapshot diff d0 "d$day"
	scaled 'days: db cleanup, nothing to do' "$day" "$SUITEFS" db cleanup
	mkdir -p "$T/mnt.days"
	scaled 'days: mount' "$day" "$SUITEFS" mount "$T/mnt.days"
	scaled 'days: ls snapshots' "$day" ls "$T/mnt.days/snapshots"
	run unmount_one "$T/mnt.days"
}

# next_day DAY: what days.py has made of it is signed and stands at $T/daily/now.
next_day() {
	local made

	read -r made <&"${SCALE_DAYS[0]}"
	[[ $made == "$1" ]] || fail "days.py made '$made', not $1"
	sign_release "$T/daily/$1/dists/bookworm" upstream inline
	ln -sfn "$T/daily/$1" "$T/daily/now.new"
	mv -T "$T/daily/now.new" "$T/daily/now"
	[[ $1 == 0 ]] || rm -rf "${T:?}/daily/$(($1 - 1))"
}

# The day after is made while one is stored, but not while that is measured.
scale_days() {
	local day

	say "$DAYS daily snapshots"
	mkdir -p "$T/daily"
	cp "$T/days/1-debian/$PLACE/Packages" "$T/daily/"
	coproc SCALE_DAYS { exec "$TOP/tests/bench/days.py" "$T/daily"; }
	own_pid "$SCALE_DAYS_PID"
	echo 0 >&"${SCALE_DAYS[1]}"
	for ((day = 0; day <= DAYS; day++)); do
		next_day "$day"
		if ((day == 0)); then
			scale_store "$T/daily/now" amd64
		fi
		if is_point "$day"; then
			settle
			scaled 'days: mirror update' "$day" \
				"$SUITEFS" mirror update m
			scaled 'days: snapshot create' "$day" "$SUITEFS" \
				snapshot create "d$day" from mirror m
			scale_point "$day"
			echo "$((day + 1))" >&"${SCALE_DAYS[1]}"
		else
			echo "$((day + 1))" >&"${SCALE_DAYS[1]}"
			run suitefs mirror update m
			run suitefs snapshot create "d$day" from mirror m
		fi
	done
	end_pid "$SCALE_DAYS_PID"
	for ((day = 1; day < DAYS; day += 2)); do
		run suitefs snapshot drop "d$day"
	done
	settle
	scaled 'days: db cleanup, half were dropped' "$DAYS" \
		"$SUITEFS" db cleanup --grace=0
	scale_size 'days: the store, half were dropped' "$DAYS"
	rm -rf "$T/daily" "$SUITEFS_STORE"
}

# The two of an odd number and of an even one.
scale_publish() {
	local i=$1 name=one other=two

	((i % 2)) || name=two other=one
	if ! is_point "$i"; then
		run suitefs publish snapshot --prefix=many --gpg-key="$KEY" \
			--distribution="d$i" "$name"
		return
	fi
	scaled 'publications: publish snapshot' "$i" "$SUITEFS" publish \
		snapshot --prefix=many --gpg-key="$KEY" --distribution="d$i" \
		"$name"
	scaled 'publications: publish switch' "$i" \
		"$SUITEFS" publish switch --prefix=many "d$i" "$other"
	scaled 'publications: publish list' "$i" "$SUITEFS" publish list
	wait_for 10 test -e "$MNT/many/dists/d$i/InRelease"
	scaled 'publications: ls pool/main/a' "$i" ls "$MNT/many/pool/main/a"
	scale "publications: the mount's memory" anonymous "$i" \
		"$(awk '/^RssAnon/ { print $2 / 1024 }' "/proc/$MOUNT_PID/status")" \
		MB
}

scale_publications() {
	local i

	say "$PUBLICATIONS publications"
	scale_store "$T/days/1-debian" amd64
	run suitefs mirror update m
	run suitefs snapshot create one from mirror m
	run suitefs mirror edit --url="file:$T/days/2-debian" m
	run suitefs mirror update m
	run suitefs snapshot create two from mirror m
	mounted publications
	for ((i = 1; i <= PUBLICATIONS; i++)); do
		scale_publish "$i"
	done
	unmounted
}

scale_once() {
	local part

	for part in ${SCALE//,/ }; do
		"scale_$part"
	done
}
