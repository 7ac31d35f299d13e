# shellcheck shell=bash
# What the tests with Debian's real archive share; sourced by them after lib.sh.
# shellcheck disable=SC2034 # what is set here is for the tests

DEBIAN=/usr/share/keyrings/debian-archive-keyring.gpg
REAL=${REAL:-${TMPDIR:-/tmp}/suitefs-upstream}

# real_upstream [OPTION...]: $REAL is what real-upstream.sh makes.
real_upstream() {
	local status=0

	need apt-get gpgv xz
	[[ -e $DEBIAN ]] || skip "no $DEBIAN"
	"$TESTS/real-upstream.sh" "$REAL" "$@" || status=$?
	[[ $status != 77 ]] || skip "no Debian archive can be reached"
	[[ $status == 0 ]] || fail "real-upstream.sh failed"
}

# archive_uri SUFFIX: where the machine's apt finds main of an archive whose
# address ends so; without a slash at its end.
archive_uri() {
	# shellcheck disable=SC2016 # for apt to expand
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' \
		'Component: main' 2>/dev/null |
		sed 's,/$,,' | grep -m 1 -- "/$1\$"
}

# proxied NAME URI: a location @NAME of nginx that asks the archive at URI.
proxied() {
	local host=${2#*://} path=''

	[[ $host != */* ]] || path=/${host#*/}
	host=${host%%/*}
	cat <<-END
		location @$1 {
			rewrite ^(/security)?/(.*)\$ $path/\$2 break;
			proxy_pass ${2%%://*}://$host;
			proxy_http_version 1.1;
			proxy_set_header Host $host;
			proxy_set_header Connection "";
			proxy_ssl_server_name on;
		}
	END
}

# start_archive: serves $REAL as start_nginx does, and what is not there from
# the archive itself: a whole Debian archive on loopback, with as many requests
# to the real one as there are readers.  False where that can't be reached; then
# $REAL is all there is.
start_archive() {
	local main security

	main=$(archive_uri debian) || main=
	security=$(archive_uri debian-security) || security=
	: "${security:=$main-security}"
	if [[ $main ]] && curl -sfo /dev/null --max-time 10 \
		--head "$main/dists/bookworm/InRelease"; then
		NGINX_EXTRA="location / { try_files \$uri @main; }
			location /security/ { try_files \$uri @security; }
			$(proxied main "$main")
			$(proxied security "$security")" start_nginx "$REAL"
		return 0
	fi
	start_nginx "$REAL"
	return 1
}
