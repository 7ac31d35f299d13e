#!/bin/bash
# snapshot pull and filter out of Debian's bookworm main: what is pulled, with what it
# needs, apt can install from the mounted snapshot alone, whenever it can from
# the whole of it.
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=tests/integration/lib-real.sh
. "$TESTS/lib-real.sh"
# shellcheck source=tests/integration/lib-mirror.sh
. "$TESTS/lib-mirror.sh"

need_fuse
PACKAGES=(hello git nginx build-essential postgresql default-jdk texlive-latex-base
	libreoffice kde-plasma-desktop gnome-core)
MNT=$T/mnt
real_upstream amd64
run suitefs --quiet mirror create --arch=amd64 --no-indexes \
	--keyring="$DEBIAN" debian "file:$REAL" bookworm main
run suitefs --quiet mirror update debian
run suitefs --quiet snapshot create monday from mirror debian
run suitefs --quiet snapshot create nil empty
for name in "${PACKAGES[@]}"; do
	run suitefs --quiet snapshot pull nil monday "with-$name" "Name (= $name)"
	grep -q "^+ [a-z0-9]* $name - " "$T/out" || fail "$name is not pulled"
	run suitefs snapshot verify "with-$name"
	# Pulled into nothing, or chosen from all, is the same.
	run suitefs --quiet snapshot filter --with-deps monday "only-$name" \
		"Name (= $name)"
	expect_nothing suitefs snapshot diff "with-$name" "only-$name"
done
mkdir "$MNT"
run suitefs mount "$MNT"

# installs NAME SNAPSHOT OPTIONS: simulated, in an empty root, from it alone.
installs() {
	local suite

	for suite in "$MNT/snapshots/$2/dists"/*; do
		apt_source "deb [$3] file:$MNT/snapshots/$2 ${suite##*/} main"
	done
	apt_update
	apt-get -s install "$1" >"$T/sim" 2>&1 && grep -q "^Inst $1 " "$T/sim"
}

apt_private "$T/apt"
for name in "${PACKAGES[@]}"; do
	if ! installs "$name" "with-$name" trusted=yes; then
		mv "$T/sim" "$T/sim.with"
		installs "$name" monday "signed-by=$DEBIAN" ||
			fail "not even from the whole suite: $name"
		tail -n 20 "$T/sim.with" >&2
		fail "apt installs $name from the source, and not from the pull"
	fi
	printf '%s: %s packages were pulled, apt installs %s\n' "$name" \
		"$(suitefs snapshot show --packages "with-$name" | wc -l)" \
		"$(grep -c ^Inst "$T/sim")"
done
run umount "$MNT"
