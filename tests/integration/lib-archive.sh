# shellcheck shell=bash
# Keys, packages and archives for integration tests; sourced by lib.sh.
# shellcheck disable=SC2034 # what is set here is for the tests

# --- keys -----------------------------------------------------------------

# make_key NAME [expired|revoked|passphrase=TEXT]: a throw-away ed25519 key in
# $GNUPGHOME.  Sets KEY to its fingerprint; $KEYS/NAME.gpg and .asc have the
# public key.  A revoked key still signs, only the public key in $KEYS says so.
make_key() {
	local name=$1 kind=${2-} expire=never pass='' time=() other

	need gpg gpgconf gpgv
	case $kind in
	expired)
		expire=2d
		printf '20200101T000000\n' >"$KEYS/$name.time"
		time=(--faked-system-time '20200101T000000!')
		;;
	passphrase=*) pass=${kind#*=} ;;
	'' | revoked) ;;
	*) fail "make_key: what is $kind?" ;;
	esac
	printf '%s' "$pass" >"$KEYS/$name.pass"
	run gpg --batch --no-tty --pinentry-mode loopback \
		--passphrase-file "$KEYS/$name.pass" "${time[@]}" \
		--quick-gen-key "$name <$name@example.org>" ed25519 sign \
		"$expire"
	KEY=$(gpg --batch --no-auto-check-trustdb --with-colons \
		--list-keys "=$name <$name@example.org>" 2>/dev/null |
		awk -F: '$1 == "fpr" { print $10; exit }')
	printf '%s\n' "$KEY" >"$KEYS/$name.fpr"
	gpg --batch --export "$KEY" >"$KEYS/$name.gpg"
	if [[ $kind == revoked ]]; then
		other=$(mktemp -d "$T/gnupg.XXXX")
		sed 's/^:-----/-----/' "$GNUPGHOME/openpgp-revocs.d/$KEY.rev" \
			>"$other/rev"
		run gpg --batch --homedir "$other" --import "$KEYS/$name.gpg" \
			"$other/rev"
		gpg --batch --homedir "$other" --export "$KEY" \
			>"$KEYS/$name.gpg"
		gpgconf --homedir "$other" --kill all
		rm -rf "$other"
	fi
	gpg --batch --enarmor <"$KEYS/$name.gpg" 2>/dev/null |
		sed -e '/^Comment:/d' -e 's/ARMORED FILE/PUBLIC KEY BLOCK/' \
			>"$KEYS/$name.asc"
}

# sign_with NAMES GPG-OPTION... : gpg with the keys NAMES, separated by commas.
# With a key that has expired it is the day it was made.
sign_with() {
	local name list options=()

	IFS=, read -ra list <<<"$1"
	shift
	for name in "${list[@]}"; do
		options+=(--local-user "$(cat "$KEYS/$name.fpr")"
			--passphrase-file "$KEYS/$name.pass")
		if [[ -e $KEYS/$name.time ]]; then
			options+=(--faked-system-time "$(cat "$KEYS/$name.time")!")
		fi
	done
	run gpg --batch --no-tty --yes --pinentry-mode loopback \
		--digest-algo SHA512 "${options[@]}" "$@"
}

# sign_release DIR NAMES [both|inline|detached]: signs DIR/Release.
sign_release() {
	local dir=$1 names=$2 how=${3:-both}

	rm -f "$dir/InRelease" "$dir/Release.gpg"
	if [[ $how != detached ]]; then
		sign_with "$names" --clearsign --output "$dir/InRelease" \
			"$dir/Release"
	fi
	if [[ $how != inline ]]; then
		sign_with "$names" --armor --detach-sign \
			--output "$dir/Release.gpg" "$dir/Release"
	fi
}

# --- packages -------------------------------------------------------------

# set_fields FILE "Field: value"...: replaces fields of the one stanza in FILE,
# or appends them.  An empty value removes a field.
set_fields() {
	local file=$1
	shift

	(($#)) || return 0
	awk 'function name_of(line) {
			return substr(line, 1, index(line, ":") - 1)
		}
		BEGIN {
			n = ARGC
			for (i = 2; i < n; i++) {
				field[i] = ARGV[i]
				ARGV[i] = ""
				last[name_of(field[i])] = i
			}
		}
		/^[^ \t]/ { drop = name_of($0) in last }
		!drop
		END {
			for (i = 2; i < n; i++)
				if (last[name_of(field[i])] == i &&
				    field[i] !~ /^[^:]*:[ \t\n]*$/)
					print field[i]
		}' "$file" "$@" >"$file.new"
	mv "$file.new" "$file"
}

# make_deb NAME VERSION ARCH ["Field: value"...]: a real package in $DEBS with
# /usr/share/NAME/file in it.  Sets DEB to its file.  DEB_SIZE: so many bytes
# of incompressible content more.
make_deb() {
	make_binary deb "$@"
}

# make_udeb NAME VERSION ARCH ["Field: value"...]
make_udeb() {
	make_binary udeb "$@" 'Section: debian-installer'
}

make_binary() {
	local kind=$1 name=$2 version=$3 arch=$4 dir=$T/make_binary
	shift 4

	need dpkg-deb
	rm -rf "$dir"
	mkdir -p "$dir/DEBIAN" "$dir/usr/share/$name"
	printf '%s %s %s\n' "$name" "$version" "$arch" \
		>"$dir/usr/share/$name/file"
	if [[ ${DEB_SIZE-} ]]; then
		head -c "$DEB_SIZE" /dev/urandom >"$dir/usr/share/$name/blob"
	fi
	cat >"$dir/DEBIAN/control" <<-END
		Package: $name
		Version: $version
		Architecture: $arch
		Maintainer: A Tester <tester@example.org>
		Section: misc
		Priority: optional
		Description: test package $name
		 There is nothing useful in it.
	END
	set_fields "$dir/DEBIAN/control" "$@"
	DEB=$DEBS/${name}_${version#*:}_$arch.$kind
	run dpkg-deb --root-owner-group -Zxz -z1 --build "$dir" "$DEB"
	rm -rf "$dir"
}

# make_source NAME VERSION ["Field: value"...]: a source package in $DEBS, the
# fields are for its stanza.  Sets DSC to its .dsc.  A version with a revision
# gets an upstream tarball of its own.
make_source() {
	local name=$1 version=$2 dir=$T/make_source top format=native upstream
	shift 2

	need dpkg-source
	version=${version#*:}
	upstream=${version%-*}
	top=$dir/$name-$upstream
	rm -rf "$dir"
	mkdir -p "$top"
	printf '%s\n' "$name" >"$top/README"
	if [[ $version == *-* ]]; then
		format=quilt
		tar -C "$dir" --owner=0 --group=0 --mtime=@"$SOURCE_DATE_EPOCH" \
			-cJf "$dir/${name}_$upstream.orig.tar.xz" \
			"$name-$upstream"
	fi
	mkdir -p "$top/debian/source"
	printf '3.0 (%s)\n' "$format" >"$top/debian/source/format"
	cat >"$top/debian/control" <<-END
		Source: $name
		Section: misc
		Priority: optional
		Maintainer: A Tester <tester@example.org>
		Standards-Version: 4.6.2
	END
	set_fields "$top/debian/control" "$@"
	cat >>"$top/debian/control" <<-END

		Package: $name
		Architecture: any
		Description: test package $name
		 There is nothing useful in it.
	END
	cat >"$top/debian/changelog" <<-END
		$name ($version) unstable; urgency=low

		  * A release.

		 -- A Tester <tester@example.org>  Tue, 14 Nov 2023 22:13:20 +0000
	END
	(cd "$dir" && run dpkg-source -Zxz -z1 -b "$name-$upstream")
	find "$dir" -maxdepth 1 -type f -exec mv -t "$DEBS" {} +
	DSC=$DEBS/${name}_$version.dsc
	rm -rf "$dir"
}

# pool_add DIR COMPONENT FILE...: packages into the pool of the archive DIR;
# with a .dsc come the files it names.
pool_add() {
	local dir=$1 component=$2 file name sub
	shift 2

	for file; do
		name=${file##*/}
		sub=$dir/pool/$component/${name:0:1}/${name%%_*}
		mkdir -p "$sub"
		cp "$file" "$sub/"
		[[ $file == *.dsc ]] || continue
		awk '/^[^ ]/ { f = /^Files:/ } /^ / && f { print $3 }' "$file" |
			while read -r name; do
				cp "${file%/*}/$name" "$sub/"
			done
	done
}

# --- archives -------------------------------------------------------------

# make_archive DIR SUITE [OPTION=VALUE...] ["Field: value"...]: indexes and a
# signed Release in DIR/dists/SUITE for what DIR/pool holds.  Options:
#
#	components=main,contrib  each lists DIR/pool/COMPONENT     (main)
#	prefix=updates/          before the components in Release
#	arches=amd64,arm64                                         (amd64)
#	forms=gz,xz              plain gz xz bz2 zst lz4; plain is always in
#	                         Release, on disk only where it is named (gz,xz)
#	sources=y udebs=y byhash=y
#	key=NAME[,NAME...]       made by make_key; none: unsigned  (none)
#	sign=both                both, inline or detached
#
# The fields replace those of Release or are added.  Packages can be changed
# after the fact through a function edit_index FILE, where the test has one.
make_archive() {
	local dir=$1 suite=$2 components=main prefix='' arches=amd64 \
		forms=gz,xz sources='' udebs='' byhash='' key=none sign=both \
		fields=() dists component arch
	shift 2

	archive_options "$@"
	need apt-ftparchive dpkg-scanpackages
	dists=$dir/dists/$suite
	rm -rf "$dists"
	for component in ${components//,/ }; do
		mkdir -p "$dir/pool/$component"
		for arch in ${arches//,/ }; do
			make_packages "$dir" "pool/$component" "$arch" deb \
				"$dists/$component/binary-$arch/Packages"
			[[ ! $udebs ]] || make_packages "$dir" \
				"pool/$component" "$arch" udeb \
				"$dists/$component/debian-installer/binary-$arch/Packages"
		done
		[[ ! $sources ]] || make_sources "$dir" "pool/$component" \
			"$dists/$component/source/Sources"
	done
	make_release "$dists" "Suite: $suite" "Codename: $suite" \
		"Architectures: ${arches//,/ }" \
		"Components: $prefix${components//,/ $prefix}"
}

# make_flat_archive DIR [OPTION=VALUE...] ["Field: value"...]: likewise for the
# packages right in DIR, which is a suite of its own (URL DIR, suite ./).
make_flat_archive() {
	local dir=$1 components='' prefix='' arches=amd64 forms=gz,xz \
		sources='' udebs='' byhash='' key=none sign=both fields=()
	shift

	archive_options "$@"
	need apt-ftparchive
	make_packages "$dir" . '' deb "$dir/Packages"
	[[ ! $sources ]] || make_sources "$dir" . "$dir/Sources"
	make_release "$dir"
}

# Sets the locals of its caller.
archive_options() {
	local option

	for option; do
		if [[ $option =~ ^[A-Z][A-Za-z-]*:\  ]]; then
			fields+=("$option")
			continue
		fi
		case ${option%%=*} in
		components | prefix | arches | forms | sources | udebs | \
			byhash | key | sign)
			printf -v "${option%%=*}" %s "${option#*=}"
			;;
		*) fail "make_archive: what is $option?" ;;
		esac
	done
}

# With the hashes that Debian has.
ftparchive() {
	apt-ftparchive -o APT::FTPArchive::SHA1=false \
		-o APT::FTPArchive::SHA512=false "$@"
}

# make_packages TOP POOL ARCH deb|udeb INDEX
make_packages() {
	local top=$1 pool=$2 arch=$3 kind=$4 index=$5 options=()

	mkdir -p "${index%/*}"
	index=$(cd "${index%/*}" && pwd)/${index##*/}
	if [[ $kind == deb ]]; then
		[[ ! $arch ]] || options=(--arch "$arch")
		# It takes udebs for packages too.
		(cd "$top" && ftparchive "${options[@]}" packages "$pool") |
			awk 'BEGIN { RS = ""; ORS = "\n\n" }
				!/\nFilename: [^\n]*\.udeb\n/' >"$index"
	else
		(cd "$top" && dpkg-scanpackages -m -t udeb -a "$arch" \
			"$pool" 2>/dev/null) >"$index"
	fi
	finish_index "$index"
}

# make_sources TOP POOL INDEX
make_sources() {
	local top=$1 pool=$2 index=$3

	mkdir -p "${index%/*}"
	(cd "$top" && ftparchive sources "$pool") \
		>"$index" 2>"$T/err" || { show_output && fail "$index"; }
	finish_index "$index"
}

# finish_index INDEX: edited by the test, then in every form.
finish_index() {
	local index=$1 form

	! declare -F edit_index >/dev/null || edit_index "$index"
	for form in ${forms//,/ }; do
		case $form in
		plain) ;;
		gz) gzip -9nc "$index" >"$index.gz" ;;
		xz) xz -c "$index" >"$index.xz" ;;
		bz2) bzip2 -c "$index" >"$index.bz2" ;;
		zst) zstd -qc "$index" >"$index.zst" ;;
		lz4) lz4 -qc "$index" >"$index.lz4" ;;
		*) fail "make_archive: what is the form $form?" ;;
		esac
	done
}

# make_release DIR ["Field: value"...]: with the fields of make_archive's caller
# after those given, and signed as it says.
make_release() {
	local dir=$1 file listed=()
	shift

	[[ ! $byhash ]] || fields=('Acquire-By-Hash: yes' "${fields[@]}")
	rm -f "$dir/Release" "$dir/InRelease" "$dir/Release.gpg"
	# Not in DIR, where it would be listed itself.
	(cd "$dir" && ftparchive release .) >"$T/release"
	release_head "$T/release" "$@" "${fields[@]}" >"$dir/Release"
	while read -r file; do
		if [[ ${file##*/} != *.* && ,$forms, != *,plain,* ]]; then
			rm "$file"
		else
			listed+=("$file")
		fi
	done < <(find "$dir" \( -name 'Packages*' -o -name 'Sources*' \) \
		-type f ! -path '*/by-hash/*')
	[[ ! $byhash || ${#listed[@]} == 0 ]] || by_hash "${listed[@]}"
	[[ $key == none ]] || sign_release "$dir" "$key" "$sign"
}

# by_hash FILE...
by_hash() {
	local dir hash file

	sha256sum "$@" | while read -r hash file; do
		dir=${file%/*}/by-hash/SHA256
		[[ -d $dir ]] || mkdir -p "$dir"
		ln -f "$file" "$dir/$hash"
	done
}

# release_head FILE "Field: value"...: FILE with fields of its head changed.
release_head() {
	local file=$1 head=$T/release-head
	shift

	sed '/^[A-Z0-9a-z]*:$/,$d' "$file" >"$head"
	set_fields "$head" "$@"
	cat "$head"
	sed -n '/^[A-Z0-9a-z]*:$/,$p' "$file"
}

# date_of [WHEN]: a date as Release has it; WHEN as date(1) takes it.
date_of() {
	date -u -d "${1:-now}" '+%a, %d %b %Y %H:%M:%S UTC'
}

# new_times DIR: every file below gets a time that none had before, that servers
# notice what has changed within one second.
new_times() {
	: "${NEXT_TIME:=$SOURCE_DATE_EPOCH}"
	NEXT_TIME=$((NEXT_TIME + 10))
	find "$1" -type f -exec touch -d "@$NEXT_TIME" {} +
}

# --- apt ------------------------------------------------------------------

# apt_private DIR [LINE...]: an apt of its own below DIR.  From here on apt-get,
# apt-cache and so on see nothing of the machine's configuration, lists or
# installed packages (APT_CONFIG); they install into DIR/root, which is empty.
# LINEs are added to apt.conf.  As root apt works as _apt, as it does in life.
apt_private() {
	local dir=$1 sub
	shift

	need apt-get
	for sub in etc/apt.conf.d etc/preferences.d etc/sources.list.d \
		etc/trusted.gpg.d etc/auth.conf.d state/lists/partial \
		cache/archives/partial log root/var/lib/dpkg/info \
		root/var/lib/dpkg/updates root/var/lib/dpkg/triggers; do
		mkdir -p "$dir/$sub"
	done
	dir=$(cd "$dir" && pwd)
	touch "$dir/root/var/lib/dpkg/status" "$dir/etc/sources.list"
	[[ $(id -u) != 0 ]] ||
		chown _apt "$dir/state/lists/partial" "$dir/cache/archives/partial"
	cat >"$dir/apt.conf" <<-END
		Dir::Etc "$dir/etc";
		Dir::State "$dir/state";
		Dir::State::status "$dir/root/var/lib/dpkg/status";
		Dir::Cache "$dir/cache";
		Dir::Log "$dir/log";
		APT::Architecture "amd64";
		APT::Architectures { "amd64"; };
		APT::Get::Assume-Yes "true";
		Acquire::Languages "none";
		Acquire::Retries "0";
		DPkg::Options { "--root=$dir/root"; "--log=$dir/log/dpkg"; };
		DPkg::Path "$PATH";
	END
	(($# == 0)) || printf '%s\n' "$@" >>"$dir/apt.conf"
	export APT_CONFIG=$dir/apt.conf
	APT_DIR=$dir
	APT_LISTS=$dir/state/lists
}

# apt_source LINE...: the sources.list of apt_private's apt.
apt_source() {
	printf '%s\n' "$@" >"$APT_DIR/etc/sources.list"
}

# apt_update: which has to succeed without a warning.  apt exits with 0 where it
# goes on with the old indexes.
apt_update() {
	run apt-get -q update
	if grep -qE '^[WE]:' "$T/out" "$T/err"; then
		show_output
		fail "apt-get update has something to say"
	fi
}

# apt_installed NAME: the version in apt_private's root, or nothing.
apt_installed() {
	dpkg-query --admindir="$APT_DIR/root/var/lib/dpkg" -W \
		-f '${Version}\n' "$1" 2>/dev/null || :
}
