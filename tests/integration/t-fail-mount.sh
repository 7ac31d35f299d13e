#!/bin/bash
# While a mount serves, the disk is full or gives errors at any operation on files,
# and memory is refused at any allocation: who opens a file that has to be fetched
# gets it or EIO, with the reason in the log; nobody gets other bytes; what is there
# can be read on; and when all is well again, so does the file.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=tests/integration/lib-faults.sh
. "$TESTS/lib-faults.sh"

need_faults
need_fuse
for i in {1..24}; do
	DEB_SIZE=150000 make_deb "p$i" 1.0 all
	pool_add "$T/up" main "$DEB"
done
upstream "$T/up" aa/1.0
mirror_of m "file:$T/up"
run suitefs snapshot create one from mirror m
mkdir "$T/mnt" "$T/work"
"$PYTHON" "$TOP/tests/fault/mount_faults.py" --store "$SUITEFS_STORE" \
	--mount "$T/mnt" --snapshot one --want "$DEBS" --work "$T/work" \
	--suitefs "$SUITEFS" --lib "$LIB" --rounds "${ROUNDS:-60}" \
	--seconds "${SECONDS_EACH:-8}" ${SEED:+--seed "$SEED"} || fail "see above"
run suitefs --quiet db check --blobs
[[ ! -s $T/out ]] || { show_output && fail "there is damage"; }
