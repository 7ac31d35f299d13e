#!/bin/bash
# snapshot verify of Debian's bookworm main beside apt-cache unmet on the same
# indexes: Pre-Depends and Depends, package by package.
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=tests/integration/lib-real.sh
. "$TESTS/lib-real.sh"

need apt-cache
real_upstream amd64
run suitefs --quiet mirror create --arch=amd64 --no-indexes \
	--keyring="$DEBIAN" debian "file:$REAL" bookworm main
run suitefs --quiet mirror update debian
run suitefs --quiet snapshot create monday from mirror debian

apt_private "$T/apt"
apt_source "deb [signed-by=$DEBIAN arch=amd64] file:$REAL bookworm main"
apt_update
apt-cache -i unmet | "$PYTHON" "$TESTS/relations.py" apt amd64 >"$T/apt-says"
suitefs --quiet snapshot verify --why monday >"$T/why" || :
awk '/^[^ ]/ { text = substr($0, 1, length($0) - length(" [amd64]")) }
	/^ / { split($1, part, "_")
		print part[1], part[2], $2, text }' "$T/why" |
	sort -u >"$T/suitefs-says"

# No differences are known.  Lines of diff(1) that are explained:
cat >"$T/explained" <<-'END'
END
diff "$T/apt-says" "$T/suitefs-says" | grep '^[<>]' >"$T/differ" || :
[[ -s $T/apt-says ]] || fail "apt has nothing to say"
same "$T/explained" "$T/differ" "what apt and suitefs say"
