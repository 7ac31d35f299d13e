# shellcheck shell=bash
# Servers on 127.0.0.1 for integration tests; sourced by lib.sh.
# shellcheck disable=SC2034 # what is set here is for the tests

# A port that was free just now.  Who starts a server tries again on another
# one when it has been taken meanwhile.
free_port() {
	local port

	while port=$((20000 + RANDOM % 12000)); do
		(: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
	done
	printf '%d\n' "$port"
}

# answers URL: whether anything speaks HTTP there.
answers() {
	curl -sk -o /dev/null --max-time 5 "$1" ||
		[[ $? == 56 ]] # asks for a client's certificate
}

nginx_conf() {
	local dir=$1 root=$2 port=$3 tls=$4

	[[ $(id -u) != 0 ]] || printf 'user %s;\n' "${NGINX_USER:-www-data}"
	cat <<-END
		daemon off;
		worker_processes 1;
		pid $dir/pid;
		error_log $dir/error.log;
		events { worker_connections 256; }
		http {
			access_log $dir/access.log;
			client_body_temp_path $dir/tmp;
			proxy_temp_path $dir/tmp;
			fastcgi_temp_path $dir/tmp;
			uwsgi_temp_path $dir/tmp;
			scgi_temp_path $dir/tmp;
			default_type application/octet-stream;
			sendfile on;
			server {
				listen 127.0.0.1:$port${tls:+ ssl};
				root $root;
				autoindex on;
				${NGINX_EXTRA-}
			}
		}
	END
}

# start_nginx ROOT [tls]: serves ROOT; sets NGINX_URL, NGINX_PID, NGINX_LOG.
# NGINX_EXTRA: more lines for its server block.  With tls, make_tls came before.
start_nginx() {
	local root=$1 tls=${2-} dir port try scheme=http NGINX_EXTRA=${NGINX_EXTRA-}

	need nginx curl
	if [[ $tls ]]; then
		scheme=https
		NGINX_EXTRA+="
			ssl_certificate $T/tls/server.pem;
			ssl_certificate_key $T/tls/server.key;"
	fi
	for try in 1 2 3 4 5; do
		dir=$(mktemp -d "$T/nginx.XXXX")
		chmod 0755 "$dir"
		port=$(free_port)
		NGINX_URL=$scheme://127.0.0.1:$port
		NGINX_LOG=$dir/access.log
		nginx_conf "$dir" "$root" "$port" "$tls" >"$dir/conf"
		nginx -p "$dir" -c "$dir/conf" -e "$dir/error.log" \
			>"$dir/out" 2>&1 &
		NGINX_PID=$!
		own_pid "$NGINX_PID"
		wait_for 10 nginx_settled "$dir" "$NGINX_PID" || :
		if gone "$NGINX_PID" || [[ ! -s $dir/pid ]]; then
			continue
		fi
		wait_for 10 answers "$NGINX_URL/" && return 0
	done
	cat "$dir/out" "$dir/error.log" >&2
	fail "nginx does not start (tried $try times)"
}

nginx_settled() {
	[[ -s $1/pid ]] || gone "$2"
}

# stop_nginx PID
stop_nginx() {
	end_pid "$1"
}

# make_tls: an authority of our own, a certificate for 127.0.0.1 and one for a
# client: $T/tls/{ca,server,client}.{pem,key}
make_tls() {
	local dir=$T/tls name san

	need openssl
	mkdir -p "$dir"
	run openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
		-nodes -days 2 -subj '/CN=test authority' \
		-keyout "$dir/ca.key" -out "$dir/ca.pem"
	for name in server client; do
		san='DNS:localhost,IP:127.0.0.1'
		run openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
			-nodes -subj "/CN=$name" -keyout "$dir/$name.key" \
			-out "$dir/$name.csr"
		run openssl x509 -req -days 2 -in "$dir/$name.csr" \
			-CA "$dir/ca.pem" -CAkey "$dir/ca.key" -CAcreateserial \
			-extfile <(printf 'subjectAltName=%s\n' "$san") \
			-out "$dir/$name.pem"
	done
	chmod 0644 "$dir"/*.key
}

# start_badserver ROOT: serves ROOT with the faults that bad_rule names; sets
# BAD_URL and BAD_PID.  badserver.py tells what faults there are.
start_badserver() {
	local dir

	need "$PYTHON"
	dir=$(mktemp -d "$T/bad.XXXX")
	BAD_RULES=$dir/rules
	BAD_LOG=$dir/log
	: >"$BAD_RULES"
	: >"$BAD_LOG"
	"$PYTHON" "$TESTS/badserver.py" --root "$1" --rules "$BAD_RULES" \
		--log "$BAD_LOG" --port-file "$dir/port" >"$dir/out" 2>&1 &
	BAD_PID=$!
	own_pid "$BAD_PID"
	if ! wait_for 10 test -s "$dir/port"; then
		cat "$dir/out" >&2
		fail "badserver does not start"
	fi
	BAD_URL=http://127.0.0.1:$(cat "$dir/port")
}

# bad_rule GLOB FAULT [NAME=VALUE...]: from the next request on.
bad_rule() {
	printf '%s\n' "$*" >>"$BAD_RULES"
}

# bad_clear: no faults, and the log begins anew.
bad_clear() {
	: >"$BAD_RULES"
	: >"$BAD_LOG"
}

# bad_count [GLOB]: how many requests for paths that match GLOB so far.
bad_count() {
	local glob=${1:-*} path n=0

	while read -r _ path _; do
		# shellcheck disable=SC2053 # a glob
		[[ $path != $glob ]] || n=$((n + 1))
	done <"$BAD_LOG"
	printf '%d\n' "$n"
}
