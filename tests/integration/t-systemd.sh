#!/bin/bash
# The units that are installed: what systemd says of them.
. "$(dirname "$0")/lib.sh" || exit

need systemd-analyze make
UNITS=$T/root/usr/lib/systemd/system
BIN=$T/bin
mkdir -p "$BIN"
ln -s "$(realpath "$(command -v "$SUITEFS")")" "$BIN/suitefs"
run make -C "$TOP" -s install-units DESTDIR="$T/root" PREFIX=/usr BINDIR="$BIN"
[[ $(find "$UNITS" -name 'suitefs-*' | wc -l) == 3 ]] ||
	fail "installed are $(ls "$UNITS")"
! grep -r '@BINDIR@' "$UNITS" || fail "a place is left open"

cd "$UNITS"
for unit in suitefs-mount@suitefs.service suitefs-update@bookworm.service \
	suitefs-update@bookworm.timer; do
	run systemd-analyze verify --man=no "./$unit"
	[[ ! -s $T/err ]] || fail "systemd on $unit: $(cat "$T/err")"
done

# exposure UNIT TENTHS: no more than that, of 100.
exposure() {
	run systemd-analyze security --offline=true --threshold="$2" "./$1"
	tail -n 1 "$T/out"
}

exposure suitefs-mount@.service 48
exposure suitefs-update@.service 25

# Nothing that gives the service a mount namespace, where nobody sees its mounts.
own_namespace='ProtectSystem|ProtectHome|ProtectKernel[A-Za-z]*|ProtectControlGroups
	|ProtectProc|ProcSubset|ProtectHostname|ProtectClock|Private[A-Za-z]*
	|ReadWritePaths|ReadOnlyPaths|InaccessiblePaths|ExecPaths|NoExecPaths
	|TemporaryFileSystem|Bind[A-Za-z]*|RootDirectory|RootImage|DynamicUser
	|MountFlags|MountAPIVFS|StateDirectory|RuntimeDirectory|LogNamespace'
own_namespace=$(tr -d '\n\t' <<<"$own_namespace")
! grep -E "^($own_namespace)=" suitefs-mount@.service ||
	fail "the mount would be hidden in a namespace"

# What the unit starts is understood.
command=$(sed -n 's/^ExecStart=//p' suitefs-mount@.service |
	sed "s,\${STORE},$T/store,; s,\${OPTIONS},allow_other,; s,\${MOUNTPOINT},$T/none,")
read -ra words <<<"$command"
expect_line 1 "$T/store: there is no store" "${words[@]}"
command=$(sed -n 's/^ExecStart=//p' suitefs-update@.service |
	sed "s,\${STORE},$T/store,; s,%i,bookworm,")
read -ra words <<<"$command"
expect 1 'bookworm|no store|not a suitefs store' "${words[@]}"
