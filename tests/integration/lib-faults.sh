# shellcheck shell=bash
# What the tests share in which things go wrong; sourced by them after lib.sh.
# shellcheck source=tests/integration/lib-publish.sh
. "$TESTS/lib-publish.sh"

# How many rounds a scene has, and for how many seconds: "make torture" gives
# more of both.  SEED repeats a run.
ROUNDS=${TORTURE_ROUNDS:-}
SECONDS_EACH=${TORTURE_SECONDS:-}
# What the faults befall, unless SCENES says it; "make torture" has more of it.
SOME_SCENES='init first update create rename fetch publish switch unpublish drop'
SOME_SCENES+=' cleanup'
[[ ! $ROUNDS ]] ||
	SOME_SCENES+=' follow all web edit forget filter merge pull renew backup'
LIB=${SUITEFS%/*}/fault/fault.so
WALK=${SUITEFS%/*}/fault/walk

need_faults() {
	[[ -e $LIB && -e $WALK ]] || skip "no $LIB; make unit-tests builds it"
	# Sanitizers want to be the first to have malloc().
	! sanitized || skip "not with sanitizers"
	need gpg "$PYTHON"
}

# fault_store: $T/base, a store with something of everything, and archives that
# have moved on: mirror m of $T/up, of which it has two states; snapshots one and
# two, the pool files of one present, and old, which nobody needs; one published
# as stable.  $T/other is an archive that it has not got yet.
fault_store() {
	local i

	export SUITEFS_STORE=$T/base
	make_key ours
	for i in 1 2 3 4 5 6 7 8; do
		upstream_only "$T/up" "p$i/1.0"
	done
	upstream "$T/up" only/1.0
	mirror_of m "file:$T/up"
	run suitefs snapshot create old from mirror m
	run suitefs --quiet snapshot fetch old only
	upstream "$T/up" -only aa/1.0 bb/1.0
	run suitefs mirror update m
	run suitefs snapshot create one from mirror m
	run suitefs --quiet snapshot fetch one
	run suitefs --quiet publish snapshot --distribution=stable \
		--gpg-key=ours@example.org one
	run suitefs --quiet publish snapshot --prefix=was --distribution=stable \
		--gpg-key=ours@example.org old
	run suitefs publish drop --prefix=was stable
	run suitefs snapshot drop old
	run suitefs snapshot create old from mirror m
	upstream "$T/up" aa/2.0 cc/1.0
	run suitefs mirror update m
	run suitefs snapshot create two from mirror m
	upstream "$T/up" dd/1.0
	upstream "$T/other" zz/1.0 yy/1.0
	run suitefs mirror create --keyring="$KEYS/up.gpg" other \
		"file:$T/other" stable
	run suitefs --quiet db check --blobs
}

# upstream_only DIR PACKAGE/VERSION: into the pool, without indexes yet.
upstream_only() {
	[[ -e $KEYS/up.gpg ]] || make_key up
	make_deb "${2%/*}" "${2#*/}" all
	pool_add "$1" main "$DEB"
}

# scene NAME: what it is, as OPTIONS of faults.py and a COMMAND.
scene() {
	BASE=$T/base
	OPTIONS=()
	PROGRAM=("$SUITEFS" --quiet)
	case $1 in
	init)
		BASE=$T/nothing
		OPTIONS=(--may-be-none --again 'is there already|exists')
		COMMAND=(mirror create "--keyring=$KEYS/up.gpg" m
			"file:$T/up" stable)
		;;
	first) COMMAND=(mirror update other) ;;
	update) COMMAND=(mirror update m) ;;
	create)
		OPTIONS=(--again 'is there already|exists')
		COMMAND=(snapshot create three from mirror m)
		;;
	rename)
		OPTIONS=(--again 'no snapshot')
		COMMAND=(snapshot rename one first)
		;;
	fetch) COMMAND=(snapshot fetch two) ;;
	publish)
		OPTIONS=(--again 'is there already|exists|is published')
		COMMAND=(publish snapshot --prefix=p --distribution=new
			--gpg-key=ours@example.org two)
		;;
	switch) COMMAND=(publish switch stable two) ;;
	unpublish)
		OPTIONS=(--takes-away --again 'nothing is published')
		COMMAND=(publish drop stable)
		;;
	drop)
		OPTIONS=(--takes-away --again 'no snapshot')
		COMMAND=(snapshot drop old)
		;;
	cleanup)
		OPTIONS=(--takes-away)
		COMMAND=(db cleanup --grace=0)
		;;
	follow)
		variant publish mirror --distribution=live \
			--gpg-key=ours@example.org m
		COMMAND=(mirror update m)
		;;
	all)
		variant mirror edit --pool=all m
		COMMAND=(mirror update m)
		;;
	web)
		[[ ${NGINX_URL-} ]] || start_nginx "$T/up"
		variant mirror edit --url="$NGINX_URL" --pool=all m
		COMMAND=(mirror update m)
		;;
	edit) COMMAND=(mirror edit --arch=amd64 --filter=aa m) ;;
	forget)
		OPTIONS=(--takes-away --again 'no mirror')
		COMMAND=(mirror drop m)
		;;
	filter)
		OPTIONS=(--again 'is there already|exists')
		COMMAND=(snapshot filter two three aa)
		;;
	merge)
		OPTIONS=(--again 'is there already|exists')
		COMMAND=(snapshot merge three one two)
		;;
	pull)
		OPTIONS=(--again 'is there already|exists')
		COMMAND=(snapshot pull one two three cc)
		;;
	renew) COMMAND=(publish update --force stable) ;;
	backup)
		PROGRAM=()
		COMMAND=(bash "$T/backup-store")
		backup_store >"$T/backup-store"
		;;
	mount)
		PROGRAM=()
		COMMAND=(bash "$T/read-mount" snapshots/two)
		read_mount >"$T/read-mount"
		;;
	*) fail "what is the scene $1?" ;;
	esac
}

# variant COMMAND...: the scene begins after COMMAND.
variant() {
	BASE=$T/variant
	rm -rf "$BASE"
	cp -a "$T/base" "$BASE"
	run suitefs --quiet --store="$BASE" "$@"
}

# A script that makes a backup: it is whole, or not there, now as after a failure.
backup_store() {
	cat <<-'END'
		set -u
		copy=$SUITEFS_STORE/tmp/copy
		check() {
			[[ -e $copy ]] || return 0
			there=$(mktemp -d)
			mkdir "$there/db"
			mv "$copy" "$there/db/data.mdb"
			env -u LD_PRELOAD "$SUITEFS" --quiet --store="$there" \
				db check && [[ $(env -u LD_PRELOAD "$SUITEFS" \
				--store="$there" snapshot list) ]] ||
				exit 9
			rm -r "$there"
		}
		check
		status=0
		"$SUITEFS" --quiet db backup "$copy" || status=$?
		check
		exit $status
	END
}

# A script that mounts the store and reads all of the directory $1 in it, so that
# files that are remote are fetched.
read_mount() {
	cat <<-'END'
		set -eu
		mnt=$(mktemp -d)
		"$SUITEFS" mount -f "$mnt" &
		trap 'umount "$mnt" || fusermount3 -u "$mnt"; wait; rmdir "$mnt"' EXIT
		for ((i = 0; i < 500; i++)); do
			! mountpoint -q "$mnt" || break
			sleep 0.02
		done
		find "$mnt/$1" -type f -exec cat {} + >/dev/null
	END
}

# faults_in NAME MODE ROUNDS SECONDS: in the scene that has been set.
faults_in() {
	mkdir -p "$T/work"
	"$PYTHON" "$TOP/tests/fault/faults.py" "$2" --name "$1" \
		--base "$BASE" --work "$T/work" --suitefs "$SUITEFS" \
		--lib "$LIB" --walk "$WALK" --rounds "$3" --seconds "$4" \
		${SEED:+--seed "$SEED"} "${OPTIONS[@]}" \
		-- "${PROGRAM[@]}" "${COMMAND[@]}"
}

# faults MODE ROUNDS SECONDS SCENE...: in each scene, unless "make torture" says
# otherwise.
faults() {
	local mode=$1 rounds=${ROUNDS:-$2} seconds=${SECONDS_EACH:-$3} name
	local failed=''
	shift 3

	for name; do
		scene "$name"
		faults_in "$name" "$mode" "$rounds" "$seconds" ||
			failed+=" $name"
	done
	[[ ! $failed ]] || fail "$mode:$failed"
}
