#!/bin/bash
# Makes a real upstream archive on disk out of what apt itself fetches.
#
#   real-upstream.sh DEST [ARCH...] [--sources] [--udebs] [--security]
#
# DEST becomes an archive root: dists/SUITE with InRelease as Debian signed it,
# the indexes byte for byte as Debian compressed them, their by-hash links, and
# a few small pool files.  --security makes DEST/security likewise.  What one
# call asked for stays part of DEST: later calls add to it and keep it whole.
#
# The archive's address comes from the machine's own apt configuration, the
# suite is $SUITE or bookworm.  Exit status 77: no such archive can be reached.
#
# apt keeps an index in the form it came in where KeepCompressedAs names that
# form; any other file of the archive is a target whose MetaKey says its name.
# shellcheck disable=SC2016 # $(COMPONENT) and the like are for apt to expand
set -eu -o pipefail
umask 022

SUITE=${SUITE:-bookworm}
KEYRING=${KEYRING:-/usr/share/keyrings/debian-archive-keyring.gpg}
# Small packages, hello's dependencies, one of Architecture: all.
POOL_BINARIES=(hello libc6 libgcc-s1 gcc-12-base libcrypt1 hostname netbase)
POOL_SOURCES=(hello hostname)
POOL_UDEBS=(udpkg di-utils)

say() {
	printf 'real-upstream: %s\n' "$*" >&2
}

skip() {
	say "skip: $*"
	exit 77
}

usage() {
	sed -n '4s/^# */usage: /p' "$0" >&2
	exit 2
}

# The URI of the first source in the machine's configuration that matches $1, a
# regular expression for "RELEASE COMPONENT URI".
configured_uri() {
	apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' \
		'Created-By: Packages' 2>/dev/null |
		awk -v re="$1" '$0 ~ re { print $3; exit }'
}

# target KIND ID KEY SETTINGS: one index target; KIND is deb or deb-src.  Those
# with the ID Packages and Sources are the ones apt reads itself.
target() {
	local kind=$1 id=$2 key=$3 more=$4

	cat <<-END
		Acquire::IndexTargets::$kind::$id {
			MetaKey "$key"; ShortDescription "${key##*/}";
			Description "\$(RELEASE)/\$(COMPONENT) $key"; $more
		};
	END
}

# file_target KIND KEY: a file of the archive that is fetched as it is.
file_target() {
	target "$1" "$(printf '%s' "$2" | tr -c 'A-Za-z0-9' '-')" "$2" \
		'KeepCompressed "no"; Optional "1";'
}

# The targets of one binary component: the index apt reads, and files as such.
binary_targets() {
	local arch

	target deb Packages '$(COMPONENT)/binary-$(ARCHITECTURE)/Packages' \
		'KeepCompressedAs "xz";'
	for arch in "${archs[@]}"; do
		file_target deb "\$(COMPONENT)/binary-$arch/Packages.gz"
		file_target deb "\$(COMPONENT)/binary-$arch/Release"
	done
}

# make_conf STATE URI SUITE COMPONENT: apt.conf and sources.list in STATE.
make_conf() {
	local state=$1 uri=$2 suite=$3 component=$4 name

	mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
	: >"$state/status"
	printf 'deb [signed-by=%s] %s %s %s\n' "$KEYRING" "$uri" "$suite" \
		"$component" >"$state/sources.list"
	{
		printf 'Dir::State "%s";\n' "$state"
		printf 'Dir::State::status "%s/status";\n' "$state"
		printf 'Dir::Cache "%s/cache";\n' "$state"
		printf 'Dir::Cache::pkgcache "pkgcache.bin";\n'
		printf 'Dir::Cache::srcpkgcache "srcpkgcache.bin";\n'
		printf 'Dir::Etc::sourcelist "%s/sources.list";\n' "$state"
		printf 'Dir::Etc::%s "/dev/null";\n' sourceparts preferences \
			preferencesparts
		printf '#clear APT::Architectures;\n'
		printf 'APT::Architectures { '
		printf '"%s"; ' "${archs[@]}"
		printf '};\nAPT::Architecture "%s";\n' "${archs[0]}"
		printf 'APT::Get::List-Cleanup "false";\n'
		printf 'Acquire::GzipIndexes "true";\n'
		printf 'Acquire::PDiffs "false";\n'
		printf 'Acquire::Retries "2";\n'
		printf '#clear Acquire::IndexTargets;\n'
		binary_targets
		if [[ $component == main ]]; then
			for name in Translation-en.xz Translation-de.bz2; do
				file_target deb "main/i18n/$name"
			done
		fi
		if [[ $component == main && $sources ]]; then
			printf 'deb-src [signed-by=%s] %s %s %s\n' "$KEYRING" \
				"$uri" "$suite" main >>"$state/sources.list"
			target deb-src Sources main/source/Sources \
				'KeepCompressedAs "xz";'
			for name in Sources.gz Release; do
				file_target deb-src "main/source/$name"
			done
		fi
	} >"$state/apt.conf"
}

# The SHA256 section of the InRelease $1, verified, as "HASH SIZE NAME".
listed() {
	gpgv --keyring "$KEYRING" --output - "$1" 2>/dev/null |
		awk '/^[^ ]/ { in_list = /^SHA256:/ } /^ / && in_list {
			print $1, $2, $3 }'
}

# place DISTS FILE NAME: FILE as NAME and under its hash, if Release lists it.
place() {
	local dists=$1 file=$2 name=$3 want have

	want=$(awk -v n="$name" '$3 == n { print $1 }' "$listing")
	[[ $want ]] || { say "$name is not in Release"; return 1; }
	have=$(sha256sum "$file")
	[[ ${have%% *} == "$want" ]] || {
		say "$name has another hash than Release says"
		return 1
	}
	mkdir -p "$dists/${name%/*}/by-hash/SHA256"
	cp "$file" "$dists/$name.new"
	chmod 0644 "$dists/$name.new"
	mv "$dists/$name.new" "$dists/$name"
	ln -f "$dists/$name" "$dists/${name%/*}/by-hash/SHA256/$want"
}

# update STATE: apt-get update; skips when offline and DEST is not whole.
update() {
	if apt-get -c "$1/apt.conf" -o pkgCacheFile::Generate=false -qq \
		update >"$1/log" 2>&1 &&
		! grep -q '^[WE]: ' "$1/log"; then
		return 0
	fi
	sed 's/^/real-upstream: /' "$1/log" >&2
	return 1
}

# The file apt keeps its InRelease in, for the configuration in $1.
inrelease() {
	find "$1/lists" -maxdepth 1 -name '*_InRelease' | head -n 1
}

# dists STATE ROOT SUITE COMPONENT: everything apt has fetched, into ROOT.
dists() {
	local state=$1 dists=$2/dists/$3 component=$4 release key file stamp

	release=$(inrelease "$state")
	[[ $release ]] || skip "apt keeps no InRelease"
	stamp=$state/placed
	if [[ -e $dists/InRelease ]] && cmp -s "$release" "$dists/InRelease" &&
		[[ $(cat "$stamp" 2>/dev/null) == "$(wanted)" ]]; then
		return 0
	fi
	rm -f "$stamp"
	listing=$state/listing
	listed "$release" >"$listing"
	[[ -s $listing ]] || { say "$release: bad signature"; return 1; }
	mkdir -p "$dists"
	while read -r key file; do
		[[ -e $file && $key != */binary-all/* ]] || continue
		case $file in
		*.xz) key=${key%.xz}.xz ;;
		esac
		place "$dists" "$file" "$key"
	done < <(apt-get -c "$state/apt.conf" indextargets \
		--format '$(METAKEY) $(FILENAME)')
	cp "$release" "$dists/InRelease.new.$$"
	chmod 0644 "$dists/InRelease.new.$$"
	mv "$dists/InRelease.new.$$" "$dists/InRelease"
	wanted >"$stamp"
	say "$dists: $component of $(sed -n 's/^Date: //p' "$dists/InRelease")"
}

# pool_one STATE ROOT URI COMMAND...: what COMMAND would download, into ROOT.
# COMMAND --print-uris gives: 'URI' NAME SIZE HASH
pool_one() {
	local state=$1 root=$2 base=$3 uri name path
	shift 3

	rm -rf "$state/dl"
	mkdir -p "$state/dl"
	if [[ $(id -u) == 0 ]]; then
		chown _apt "$state/dl"
	fi
	(cd "$state/dl" && "$@" -qq) >&2 || return 1
	while read -r uri name _; do
		uri=${uri#\'}
		uri=${uri%\'}
		path=${uri#"$base"}
		[[ $path != "$uri" ]] || return 1
		path=$(printf '%b' "${path//%/\\x}")
		[[ $path == pool/* && $path != *..* ]] || return 1
		mkdir -p "$root/${path%/*}"
		chmod 0644 "$state/dl/$name"
		mv "$state/dl/$name" "$root/$path"
	done < <("$@" --print-uris | grep "^'")
	rm -rf "$state/dl"
}

# pool STATE ROOT URI COMMAND PACKAGE...: the files of each package, once per
# Release.  The first has to be there, the others are for variety.
pool() {
	local state=$1 root=$2 uri=$3 command=$4 first=$5 name stamp release
	shift 4

	stamp=$state/pooled-${command// /-}
	release=$(inrelease "$state")
	release=$(sha256sum <"$release")
	[[ $(cat "$stamp" 2>/dev/null) != "$release $*" ]] || return 0
	for name; do
		# shellcheck disable=SC2086 # the command has words
		pool_one "$state" "$root" "$uri" \
			apt-get -c "$state/apt.conf" $command "$name" ||
			[[ $name != "$first" ]] || return 1
	done
	printf '%s\n' "$release $*" >"$stamp"
}

# One line that says what DEST holds.
wanted() {
	printf '%s ' "${archs[@]}" ${sources:+--sources} ${udebs:+--udebs} \
		${security:+--security}
	printf '\n'
}

# suite STATE ROOT URI SUITE COMPONENT: one component of one suite, whole.
suite() {
	local state=$1 root=$2 uri=$3 suite=$4 component=$5

	make_conf "$state" "$uri" "$suite" "$component"
	if ! update "$state"; then
		if [[ $(cat "$state/placed" 2>/dev/null) == "$(wanted)" ]]; then
			say "offline: $root is used as it is"
			return 0
		fi
		skip "cannot fetch $suite/$component"
	fi
	dists "$state" "$root" "$suite" "$component"
}

parse() {
	local arg old=()

	(($# >= 1)) || usage
	dest=$1
	shift
	[[ $dest != -* ]] || usage
	mkdir -p "$dest/.apt"
	dest=$(cd "$dest" && pwd)
	if [[ -e $dest/.apt/wanted ]]; then
		read -ra old <"$dest/.apt/wanted"
	fi
	archs=() sources='' udebs='' security=''
	for arg in "${old[@]}" "$@"; do
		case $arg in
		--sources) sources=y ;;
		--udebs) udebs=y ;;
		--security) security=y ;;
		-*) usage ;;
		*) [[ " ${archs[*]} " == *" $arg "* ]] || archs+=("$arg") ;;
		esac
	done
	((${#archs[@]})) || archs=(amd64)
}

main() {
	local main_uri security_uri tool a

	parse "$@"
	for tool in apt-get apt-cache gpgv sha256sum flock; do
		command -v "$tool" >/dev/null || skip "no $tool"
	done
	[[ -r $KEYRING ]] || skip "no $KEYRING"
	exec 9>"$dest/.apt/lock"
	flock 9
	main_uri=$(configured_uri "^$SUITE main .*/debian/\$")
	[[ $main_uri ]] ||
		main_uri=$(configured_uri '^[a-z]+ main .*/debian/$')
	[[ $main_uri ]] || skip "apt is not configured for a Debian archive"

	a=$dest/.apt/main
	suite "$a" "$dest" "$main_uri" "$SUITE" main
	pool "$a" "$dest" "$main_uri" download \
		"${POOL_BINARIES[@]/%/:${archs[0]}}"
	if [[ $sources ]]; then
		pool "$a" "$dest" "$main_uri" 'source --download-only' \
			"${POOL_SOURCES[@]}"
	fi
	if [[ $udebs ]]; then
		a=$dest/.apt/udebs
		suite "$a" "$dest" "$main_uri" "$SUITE" main/debian-installer
		pool "$a" "$dest" "$main_uri" download \
			"${POOL_UDEBS[@]/%/:${archs[0]}}"
	fi
	if [[ $security ]]; then
		security_uri=$(configured_uri "^$SUITE-security main ")
		[[ $security_uri ]] ||
			security_uri=$(configured_uri '^[a-z]+-security main ')
		# A minimal system's apt does not know it; it stands beside.
		[[ $security_uri ]] || security_uri=${main_uri%/}-security/
		suite "$dest/.apt/security" "$dest/security" "$security_uri" \
			"$SUITE-security" main
	fi
	wanted >"$dest/.apt/wanted"
}

main "$@"
