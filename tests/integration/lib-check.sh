# shellcheck shell=bash
# Checks of whole archives as clients see them; sourced by lib.sh.

# shellcheck disable=SC2034 # what is set here is for the tests
# release_list FILE: "SHA256 SIZE PATH" of each file that a Release lists.
release_list() {
	awk '/^[A-Za-z0-9]+:/ { on = $1 == "SHA256:" ; next }
		on && NF == 3 && /^ / { print $1, $2, $3 }' "$1"
}

# check_dists DIR KEYRING [partly]: DIR has Release, InRelease and Release.gpg,
# good for gpgv and alike; each file that Release lists has its size and hash,
# under its name and under by-hash.  partly: what is not there at all is fine,
# as where upstream has not got it either.
check_dists() {
	local dir=$1 keyring=$2 partly=${3-} hash size path file files=()

	run gpgv --keyring "$keyring" --output "$T/inrelease" "$dir/InRelease"
	if [[ ! $partly || -e $dir/Release.gpg ]]; then
		run gpgv --keyring "$keyring" "$dir/Release.gpg" "$dir/Release"
		same "$T/inrelease" "$dir/Release"
	fi
	while read -r hash size path; do
		for file in "$dir/$path" \
			"$dir/${path%/*}/by-hash/SHA256/$hash"; do
			[[ ! $partly || -e $file ]] || continue
			files+=("$file")
			printf '%s %s\n' "$size" "$file" >&3
			printf '%s  %s\n' "$hash" "$file"
		done
	done < <(release_list "$T/inrelease") >"$T/hashes" 3>"$T/sizes"
	((${#files[@]})) || fail "$dir: Release lists nothing that is there"
	stat -c '%s %n' "${files[@]}" >"$T/sizes.now" || fail "stat in $dir"
	same "$T/sizes" "$T/sizes.now" "sizes in Release and in $dir"
	sha256sum --quiet --check "$T/hashes" >&2 ||
		fail "hashes in Release and in $dir differ"
	CHECKED=${#files[@]}
}

# check_nothing_else DIR: every file in DIR is one that its Release lists, an old
# generation's by-hash name, or Release itself.
check_nothing_else() {
	local dir=$1 file

	release_list "$dir/InRelease" | awk '{ print $3 }' | sort >"$T/listed"
	(cd "$dir" && find . -type f ! -path '*/by-hash/*') | sed 's,^\./,,' |
		grep -vxE 'InRelease|Release|Release.gpg' | sort >"$T/there"
	while read -r file; do
		fail "$dir/$file is not listed by Release"
	done < <(comm -13 "$T/listed" "$T/there")
}
