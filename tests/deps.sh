#!/bin/bash
# Installs the Debian packages that a target of the Makefile needs.
#
#	tests/deps.sh [build|demo|check|boot|lint|bench]...      (build)
#
# Does nothing at all where they are there.  Otherwise root installs them, and
# anybody else is told what to install, exit status 1.
set -eu -o pipefail
export LC_ALL=C DEBIAN_FRONTEND=noninteractive

# A|B: either; the name has changed between releases of Debian.  What is merely
# recommended isn't installed, so it is named where it is needed (libc6-dev).
build='gcc libc6-dev make pkgconf|pkg-config libfuse3-dev fuse3 liblmdb-dev
	libmsgpack-c-dev|libmsgpack-dev libcurl4-openssl-dev libgpgme-dev
	liblzma-dev zlib1g-dev libbz2-dev libzstd-dev libdeflate-dev
	libssl-dev libjansson-dev libpcre2-dev'
demo="$build apt-utils dpkg-dev gnupg gpgv nginx-light|nginx curl xz-utils
	bzip2 zstd ca-certificates"
check="$demo libcmocka-dev rsync python3-minimal python3 python3-apt lz4 attr
	openssl procps mandoc mmdebstrap systemd graphviz"
# shellcheck disable=SC2034 # the arguments name them
boot="$check systemd-container"
# shellcheck disable=SC2034
lint="$build clang clang-format clang-tidy cppcheck shellcheck mandoc
	libcmocka-dev libclang-rt-14-dev|libclang-rt-dev"
# shellcheck disable=SC2034
bench="$check aptly reprepro wrk gnuplot-nox|gnuplot"

installed() {
	[[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == \
		installed ]]
}

# missing WORD...: those of which no alternative is installed, each once.
missing() {
	local word name seen=' '

	for word; do
		[[ $seen != *" $word "* ]] || continue
		seen+="$word "
		for name in ${word//|/ }; do
			installed "$name" && continue 2
		done
		printf '%s\n' "$word"
	done
}

# The first alternative of each word that apt can install.
choose() {
	local word name

	for word; do
		for name in ${word//|/ }; do
			if [[ $(apt-cache policy "$name" 2>/dev/null) == \
				*'Candidate: '[!\(]* ]]; then
				printf '%s\n' "$name"
				continue 2
			fi
		done
		printf 'deps: no package %s\n' "${word//|/ or }" >&2
		return 1
	done
}

# No server is to be started because tests have a use for its program.
policy=/usr/sbin/policy-rc.d
own_policy=
forbid_services() {
	[[ ! -e $policy ]] || return 0
	own_policy=y
	trap allow_services EXIT
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 0755 "$policy"
}

allow_services() {
	[[ ! $own_policy ]] || rm -f "$policy"
	own_policy=
}

install_packages() {
	local names nginx=y

	apt-get -q update
	mapfile -t names < <(choose "$@" || printf '%s\n' '!')
	[[ ${names[-1]} != '!' ]] || return 1
	! command -v nginx >/dev/null || nginx=
	forbid_services
	apt-get -q install -y --no-install-recommends "${names[@]}"
	allow_services
	# Nor at the next boot.
	if [[ $nginx ]] && command -v nginx systemctl >/dev/null; then
		systemctl -q disable nginx.service 2>/dev/null || :
	fi
}

main() {
	local wanted=() words set

	(($#)) || set -- build
	for set; do
		case $set in
		build | demo | check | boot | lint | bench)
			read -rd '' -a words <<<"${!set}" || :
			wanted+=("${words[@]}")
			;;
		*)
			sed -n '4s/^#[[:space:]]*/usage: /p' "$0" >&2
			exit 2
			;;
		esac
	done
	mapfile -t wanted < <(missing "${wanted[@]}")
	((${#wanted[@]})) || exit 0
	if [[ $(id -u) != 0 ]]; then
		printf 'deps: please install: %s\n' "${wanted[*]%%|*}" >&2
		exit 1
	fi
	command -v apt-get dpkg-query >/dev/null || {
		printf 'deps: not Debian; needed: %s\n' "${wanted[*]}" >&2
		exit 1
	}
	install_packages "${wanted[@]}"
}

main "$@"
