# shellcheck shell=bash
# shellcheck disable=SC2034 # what is set here is for others
# Row: nginx with open_file_cache, 1,000 files of 16 KiB, beside ext4.

WEB_FILES=1000
WEB_SECONDS=${WEB_SECONDS:-5}

web_archive() {
	local dir=$T/web i

	mkdir -p "$dir/pool/main/w"
	for ((i = 0; i < WEB_FILES; i++)); do
		head -c 16384 /dev/urandom >"$dir/pool/main/w/w${i}_1_all.deb"
	done
	pool_archive "$dir"
}

web_prepare() {
	web_archive
	export SUITEFS_STORE=$T/store-web
	rm -rf "$SUITEFS_STORE"
	run suitefs mirror create --arch=amd64 --keyring="$KEYS/upstream.gpg" \
		web "file:$T/web" bookworm main
	run suitefs mirror update web
	run suitefs mirror fetch web
	run suitefs publish mirror --gpg-key="$KEY" --distribution=prod web
	mounted web
	cat >"$T/wrk.lua" <<-END
		math.randomseed(7)
		request = function()
			return wrk.format("GET", "/pool/main/w/w" ..
				math.random(0, $WEB_FILES - 1) .. "_1_all.deb")
		end
	END
	NGINX_EXTRA='open_file_cache max=10000 inactive=60s;
		open_file_cache_valid 60s; access_log off;'
	start_nginx "$MNT"
	WEB_MOUNT=$NGINX_URL
	start_nginx "$T/web"
	WEB_DISK=$NGINX_URL
	NGINX_EXTRA=''
}

web_rate() {
	local who=$1 url=$2 rate

	wrk -t1 -c16 -d1s -s "$T/wrk.lua" "$url" >/dev/null
	wrk -t1 -c16 -d"${WEB_SECONDS}s" -s "$T/wrk.lua" "$url" >"$T/wrk"
	! grep -q 'Non-2xx' "$T/wrk" || fail "$url: $(cat "$T/wrk")"
	rate=$(awk '/^Requests\/sec/ { print $2 }' "$T/wrk")
	value 'nginx, 16 KiB files, open_file_cache' "$who" "$rate" requests/s
}

web_round() {
	web_rate suitefs "$WEB_MOUNT"
	web_rate 'limit: ext4' "$WEB_DISK"
}
