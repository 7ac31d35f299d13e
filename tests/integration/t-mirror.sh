#!/bin/bash
# Mirrors: the commands, and every way in which a good archive can come.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=lib-mirror.sh
. "$TESTS/lib-mirror.sh" || exit

need nginx gpg zstd
WWW=$T/www
UP=--keyring=$KEYS/up.gpg

make_key up
make_key other
for i in aa:amd64 bb:all cc:arm64; do
	make_deb "${i%:*}" 1.0 "${i#*:}"
	# shellcheck disable=SC2153 # make_deb sets DEB
	pool_add "$WWW" main "$DEB"
done
make_deb dd 1:2.0-1 amd64
pool_add "$WWW" contrib "$DEB"
make_source src 1.0-1
pool_add "$WWW" main "$DSC"
make_udeb udeb 1.0 amd64
pool_add "$WWW" main "$DEB"
make_archive "$WWW" stable key=up components=main,contrib arches=amd64,arm64 \
	sources=y udebs=y
mkdir "$T/bad"
start_badserver "$T"
URL=$BAD_URL/www

# lists [MIRROR]: "PATH=PACKAGES" of each list of a mirror's state.
lists() {
	run suitefs --json mirror show "${1-m}"
	json '[l["path"].replace("/Packages", "") + "=" + str(l["packages"])
		for l in j["state"]["lists"]]'
}

# expect_lists TEXT [MIRROR]
expect_lists() {
	[[ $(lists "${2-m}") == "$1" ]] ||
		fail "the lists are '$(lists "${2-m}")', not '$1'"
}

# update_from MIRROR URL SUITE [OPTION|COMPONENT...]: made and updated in a store
# of its own, which holds no index yet.  Leaves the lists in LISTS.
update_from() {
	local name=$1
	shift

	SUITEFS_STORE=$T/store.$name
	run suitefs mirror create "$UP" "$name" "$@"
	run suitefs --quiet mirror update "$name"
	[[ ! -s $T/err ]] || fail "mirror update warns: $(cat "$T/err")"
	LISTS=$(lists "$name")
}

# --- create, list, show -------------------------------------------------------

run suitefs mirror create --arch=amd64,arm64 --source --udeb "$UP" m "$URL" \
	stable main contrib
[[ ! -s $T/out && $(bad_count) == 0 ]] || fail "mirror create does too much"
expect_output "m $URL/ stable main contrib [amd64 arm64] source udeb (never updated)" \
	suitefs mirror list
run suitefs mirror show m
for line in "URL: *$URL/" 'Suite: *stable' 'Components: *main contrib' \
	'Architectures: *amd64 arm64' 'Source: *yes' 'Udeb: *yes' \
	"Keyrings: *$KEYS/up.gpg" 'Updated: *never'; do
	grep -qx "$line" "$T/out" || fail "mirror show lacks '$line'"
done
expect_nothing suitefs mirror show --packages m
expect_output '[]' suitefs --json mirror show --packages m
expect_json 'None False main contrib' \
	'[j["updated"], "state" in j] + j["components"]' suitefs --json mirror show m
expect_line 1 'never been updated' suitefs snapshot create s from mirror m
expect_line 1 'never been updated' suitefs mirror fetch m
expect_line 1 "'?m'? exists already|exists already.*m" \
	suitefs mirror create "$UP" m "$URL" stable main
expect_line 2 'name' suitefs mirror create "$UP" a/b "$URL" stable main
expect_line 2 'name' suitefs mirror create "$UP" .. "$URL" stable main
expect_line 2 'ftp://' suitefs mirror create "$UP" x ftp://x/debian stable main
expect_line 2 'no host' suitefs mirror create "$UP" x http:///debian stable main
expect_line 2 'file:' suitefs mirror create "$UP" x file:debian stable main
expect_line 2 'query' suitefs mirror create "$UP" x "$URL/?a=b" stable main
expect_line 2 'flat archive' suitefs mirror create "$UP" x "$URL" ./ main
expect_line 2 '/nowhere' suitefs mirror create --keyring=/nowhere x "$URL" stable
for bad in ../x a//b /a ''; do
	expect_line 2 'suite' suitefs mirror create "$UP" x "$URL" "$bad" main
	expect_line 2 'component' suitefs mirror create "$UP" x "$URL" stable "$bad"
done
expect_line 1 'no mirror.*nothing' suitefs mirror show nothing
expect_line 1 'no mirror.*nothing' suitefs mirror update nothing

# --- update -------------------------------------------------------------------

run suitefs --json mirror update m
[[ $(json '[j[0][k] for k in ("name", "changed", "packages", "new_packages",
	"indexes_fetched", "indexes_kept")]') == 'm True 7 6 10 0' ]] ||
	fail "mirror update --json: $(cat "$T/out")"
MAIN='main/binary-amd64=2 main/binary-arm64=2 main/debian-installer/binary-amd64=1'
MAIN+=' main/debian-installer/binary-arm64=0 main/source/Sources=1'
CONTRIB='contrib/binary-amd64=1 contrib/binary-arm64=0'
CONTRIB+=' contrib/debian-installer/binary-amd64=0'
CONTRIB+=' contrib/debian-installer/binary-arm64=0 contrib/source/Sources=0'
expect_lists "$MAIN $CONTRIB"
run suitefs mirror show --packages m
sort -u "$T/out" >"$T/packages"
printf '%s\n' aa_1.0_amd64 bb_1.0_all cc_1.0_arm64 'dd_1:2.0-1_amd64' \
	src_1.0-1_source udeb_1.0_amd64 | sort | same - "$T/packages"
run suitefs mirror show m
grep -qx "Signed-By: *$(cat "$KEYS/up.fpr")" "$T/out" || fail "no Signed-By"
grep -q '^Unsigned' "$T/out" && fail "shown as unsigned"
# Every index once, the smallest form of it, none by hash.
[[ $(bad_count '*/by-hash/*') == 0 ]] || fail "by-hash, which is not offered"
awk '$3 == 200 && n[$2]++ { exit 1 }' "$BAD_LOG" || fail "fetched twice"
run suitefs snapshot create s from mirror m
keep_state

# Nothing new: one request, and nothing but the time of it changes.
unchanged() {
	bad_clear
	run suitefs --json mirror update m
	[[ $(json '[j[0][k] for k in ("changed", "indexes_fetched")]') == 'False 0' ]] ||
		fail "an unchanged update: $(cat "$T/out")"
}
unchanged
[[ $(cut -d' ' -f1-3 "$BAD_LOG") == 'GET /www/dists/stable/InRelease 304' ]] ||
	fail "an unchanged update asks for: $(cat "$BAD_LOG")"
# Whose server gives no validators sends it again, but no more than that.
bad_clear
bad_rule '*' plain
run suitefs --json mirror update m
[[ $(json 'j[0]["changed"]') == False && $(bad_count) == 1 ]] ||
	fail "without validators: $(cat "$BAD_LOG")"
unchanged
unchanged
[[ $(cut -d' ' -f1-3 "$BAD_LOG") == 'GET /www/dists/stable/InRelease 304' ]] ||
	fail "the validators are not those of the last answer"

# A new Release of the same indexes: none of them is fetched.
release_again() {
	sed "s/^Date:.*/Date: $(date_of "$1")/" "$WWW/dists/stable/Release" \
		>"$T/release"
	cp "$T/release" "$WWW/dists/stable/Release"
	sign_release "$WWW/dists/stable" up
	new_times "$WWW/dists"
}
release_again '+1 minute'
bad_clear
run suitefs --json mirror update m
[[ $(json '[j[0][k] for k in ("changed", "indexes_fetched", "indexes_kept")]') == \
	'True 0 10' ]] || fail "a new Release only: $(cat "$T/out")"
[[ $(bad_count '*/main/*') == 0 && $(bad_count '*/contrib/*') == 0 ]] ||
	fail "an unchanged index is fetched again: $(cat "$BAD_LOG")"
[[ $(bad_count) == 3 ]] || fail "a new Release only: $(cat "$BAD_LOG")"

# One package more: its list, and no other.
make_deb ee 1.0 amd64
pool_add "$WWW" contrib "$DEB"
make_archive "$WWW" stable key=up components=main,contrib arches=amd64,arm64 \
	sources=y udebs=y "Date: $(date_of '+2 minutes')"
new_times "$WWW/dists"
bad_clear
run suitefs --json mirror update m
[[ $(json '[j[0][k] for k in ("new_packages", "indexes_fetched")]') == '1 1' ]] ||
	fail "one package more: $(cat "$T/out")"
[[ $(bad_count '*/contrib/binary-amd64/Packages*') -ge 1 &&
	$(bad_count '*/main/*') == 0 ]] || fail "one package more: $(cat "$BAD_LOG")"
expect_lists "$MAIN ${CONTRIB/binary-amd64=1/binary-amd64=2}"
expect_output "$(cat "$T/packages")" bash -c \
	"\"$SUITEFS\" snapshot show --packages s | sort -u"
unchanged
run suitefs --quiet mirror update --force m
unchanged

# Several at once; one that fails does not keep the others.
run suitefs mirror create "$UP" gone "$BAD_URL/gone" stable main
run suitefs mirror create "$UP" n "$URL" stable main
expect_line 1 'mirror gone: .*gone.*stable' suitefs --quiet mirror update gone n
expect_lists 'main/binary-amd64=2 main/binary-arm64=2' n
run suitefs mirror drop gone
run suitefs mirror drop n

# --- edit, rename, drop -------------------------------------------------------

expect_line 2 'nothing to change' suitefs mirror edit m
run suitefs mirror edit --component=contrib --arch=amd64 --no-source --no-udeb m
run suitefs mirror list
grep -qx "m $URL/ stable contrib \[amd64\]" "$T/out" || fail "edit: $(cat "$T/out")"
run suitefs --json mirror update m
[[ $(json 'j[0]["indexes_fetched"]') == 0 ]] || fail "edit to less fetches"
expect_lists contrib/binary-amd64=2
run suitefs mirror edit --component= --arch= --source m
run suitefs --quiet mirror update m
expect_lists "main/binary-amd64=2 main/binary-arm64=2 main/source/Sources=1 \
contrib/binary-amd64=2 contrib/binary-arm64=0 contrib/source/Sources=0"
expect_line 2 '/nowhere' suitefs mirror edit --keyring=/nowhere m
expect_line 2 'suite' suitefs mirror edit --suite=../x m
expect_line 2 'component' suitefs mirror edit --component=a,../x m
expect_line 2 'architecture' suitefs mirror edit --arch=a/b m
expect_line 2 'ftp' suitefs mirror edit --url=ftp://x/ m
cp -r "$WWW" "$T/moved"
run suitefs mirror edit --url="$BAD_URL/moved" --component=main m
bad_clear
run suitefs --quiet mirror update m
[[ $(bad_count '/moved/dists/stable/InRelease') == 1 ]] || fail "not moved"
expect_lists 'main/binary-amd64=2 main/binary-arm64=2 main/source/Sources=1'
run suitefs mirror edit --url="$URL" m

run suitefs mirror create --allow-unsigned n "$URL" stable main
expect_line 2 'neither a keyring' suitefs mirror edit --no-allow-unsigned n
expect_line 1 'exists already' suitefs mirror rename m n
expect_line 1 'no mirror.*nothing' suitefs mirror rename nothing x
expect_line 2 'name' suitefs mirror rename m x/y
run suitefs mirror rename m o
expect_line 1 'no mirror.*m' suitefs mirror show m
run suitefs --quiet mirror update o
expect_json 'n o' 'sorted(m["name"] for m in j)' suitefs --json mirror list
run suitefs mirror list
grep -q '^n .* unsigned' "$T/out" || fail "n is not shown as unsigned"
grep -q '^o .* unsigned' "$T/out" && fail "o is shown as unsigned"
run suitefs mirror drop n
run suitefs mirror drop o
expect_nothing suitefs mirror list
expect_line 1 'no mirror.*o' suitefs mirror drop o
# The snapshot of a mirror that is no more.
expect_output "$(cat "$T/packages")" bash -c \
	"\"$SUITEFS\" snapshot show --packages s | sort -u"
run suitefs mirror create "$UP" m "$URL" stable main
run suitefs --quiet mirror update m

# --- what is mirrored ---------------------------------------------------------

update_from all "$URL" stable
[[ $LISTS == 'main/binary-amd64=2 main/binary-arm64=2 contrib/binary-amd64=2 contrib/binary-arm64=0' ]] ||
	fail "without components and architectures: $LISTS"
update_from some "$URL" stable contrib --arch=arm64 --udeb
[[ $LISTS == 'contrib/binary-arm64=0 contrib/debian-installer/binary-arm64=0' ]] ||
	fail "one component, one architecture: $LISTS"

# A suite with a slash, and components with a prefix as security archives had.
mkdir "$T/security"
make_deb sec 1.0 amd64
pool_add "$T/security" main "$DEB"
pool_add "$T/security" contrib "$DEB"
make_archive "$T/security" stable/updates key=up components=main,contrib \
	prefix=updates/
update_from sec1 "$BAD_URL/security" stable/updates updates/main
[[ $LISTS == main/binary-amd64=1 ]] || fail "updates/main: $LISTS"
update_from sec2 "$BAD_URL/security" stable/updates main
[[ $LISTS == main/binary-amd64=1 ]] || fail "main for updates/main: $LISTS"
update_from sec3 "$BAD_URL/security" stable/updates
[[ $LISTS == 'main/binary-amd64=1 contrib/binary-amd64=1' ]] ||
	fail "all of stable/updates: $LISTS"

# Flat archives, at the URL and below it.
mkdir "$T/flat" "$T/flat/dir"
cp "$DEBS"/{aa,bb}_*.deb "$T/flat/"
cp "$DEBS"/dd_*.deb "$T/flat/dir/"
cp "$DEBS"/src_* "$T/flat/dir/"
# Names of files are relative to the URL, as apt has it.
# shellcheck disable=SC2317 # called by make_flat_archive
edit_index() {
	sed -i -e 's,^Filename: \./,Filename: dir/,' -e '/^Directory:/d' "$1"
	[[ $1 != *Sources ]] || sed -i '/^Package:/a Directory: dir' "$1"
}
make_flat_archive "$T/flat/dir" key=up sources=y
unset -f edit_index
make_flat_archive "$T/flat" key=up
update_from flat1 "$BAD_URL/flat" ./
[[ $LISTS == 'Packages=3' ]] || fail "a flat archive: $LISTS"
update_from flat2 "$BAD_URL/flat" dir/ --source
[[ $LISTS == 'Packages=1 Sources=1' ]] || fail "a flat archive in dir/: $LISTS"
update_from flat3 "file:$T/flat" dir/
[[ $LISTS == 'Packages=1' ]] || fail "a flat archive of files: $LISTS"
# Their files are where the indexes say.
for file in flat1:aa_1.0_amd64.deb flat2:src_1.0-1.dsc flat2:dd_2.0-1_amd64.deb \
	flat3:dd_2.0-1_amd64.deb sec1:sec_1.0_amd64.deb; do
	name=${file%%:*}
	SUITEFS_STORE=$T/store.$name
	run suitefs --quiet mirror fetch "$name"
	[[ ! -s $T/err ]] || fail "mirror fetch $name: $(cat "$T/err")"
	hash=$(sha256sum <"$DEBS/${file#*:}")
	has_blob "${hash%% *}" || fail "$file is not present"
done

# --- forms and by-hash --------------------------------------------------------

for form in plain gz xz bz2 zst; do
	make_archive "$T/$form" stable key=up forms="$form"
	cp -r "$WWW/pool" "$T/$form/"
	make_archive "$T/$form" stable key=up forms="$form"
	bad_clear
	update_from "$form" "$BAD_URL/$form" stable
	[[ $form == plain || $(bad_count "*/Packages.$form") == 1 ]] ||
		fail "as $form: $(cat "$BAD_LOG")"
	[[ $LISTS == main/binary-amd64=2 ]] || fail "as $form: $LISTS"
	expect_json True 'len(j["state"]["lists"]) == 1 and
		j["state"]["lists"][0]["bytes"] > 500' suitefs --json mirror show "$form"
done
# Where the smallest form is not there, the next one does.
make_archive "$T/two" stable key=up forms=gz,xz,bz2,zst
rm "$T"/two/dists/stable/main/binary-amd64/Packages.{xz,gz,zst}
cp -r "$WWW/pool" "$T/two/"
update_from two "$BAD_URL/two" stable
# A .gz of two members, an .xz of two streams.
for tool in gzip:gz xz:xz; do
	mkdir -p "$T/parts.$tool"
	cp -r "$WWW/pool" "$T/parts.$tool/"
	make_archive "$T/parts.$tool" stable key=up forms="plain,${tool#*:}"
	index=$T/parts.$tool/dists/stable/main/binary-amd64/Packages
	(head -c 300 "$index" | "${tool%:*}" -c && tail -c +301 "$index" |
		"${tool%:*}" -c) >"$index.${tool#*:}"
	# shellcheck disable=SC2034 # read by make_release
	forms=${tool#*:} byhash='' key=up sign=both fields=()
	make_release "$T/parts.$tool/dists/stable" 'Suite: stable' \
		'Architectures: amd64' 'Components: main'
	update_from "parts.${tool%:*}" "$BAD_URL/parts.$tool" stable
	[[ $LISTS == main/binary-amd64=2 ]] || fail "$tool in two parts: $LISTS"
done

mkdir "$T/hash"
cp -r "$WWW/pool" "$T/hash/"
make_archive "$T/hash" stable key=up byhash=y sources=y
# Only the names by hash are there, as while an archive is being changed.
find "$T/hash/dists" \( -name 'Packages.*' -o -name 'Sources.*' \) -delete
bad_clear
update_from hash "$BAD_URL/hash" stable --source
[[ $LISTS == 'main/binary-amd64=2 main/source/Sources=1' ]] || fail "by hash: $LISTS"
[[ $(bad_count '*/by-hash/SHA256/*') == 2 && $(bad_count) == 5 ]] ||
	fail "by hash: $(cat "$BAD_LOG")"
make_archive "$T/hash" stable key=up byhash=y
rm -r "$T"/hash/dists/stable/main/binary-amd64/by-hash
update_from nohash "$BAD_URL/hash" stable
[[ $LISTS == main/binary-amd64=2 ]] || fail "no by-hash after all: $LISTS"

# --- Release files and keyrings -----------------------------------------------

DISTS=$T/one/dists/stable
mkdir "$T/one"
cp -r "$WWW/pool" "$T/one/"
make_archive "$T/one" stable key=up sign=inline
rm "$DISTS/Release"
update_from inline "$BAD_URL/one" stable
make_archive "$T/one" stable key=up sign=detached
update_from detached "$BAD_URL/one" stable
bad_clear
run suitefs --json mirror update detached
[[ $(json 'j[0]["changed"]') == False && $(bad_count) == 2 &&
	$(bad_count '*/Release') == 1 ]] || fail "unchanged: $(cat "$BAD_LOG")"
grep -q '/Release 304 ' "$BAD_LOG" || fail "Release: $(cat "$BAD_LOG")"
# It gets an InRelease, and loses it again.
sign_release "$DISTS" up both
run suitefs --quiet mirror update detached
sign_release "$DISTS" up detached
run suitefs --quiet mirror update detached
run suitefs mirror show detached
grep -qx "Signed-By: *$(cat "$KEYS/up.fpr")" "$T/out" || fail "no Signed-By"
# A binary Release.gpg.
sign_with up --detach-sign --output "$DISTS/Release.gpg" "$DISTS/Release"
update_from binary "$BAD_URL/one" stable

make_archive "$T/one" stable key=up
UP=--keyring=$KEYS/up.asc update_from armoured "$BAD_URL/one" stable
cat "$KEYS/other.gpg" "$KEYS/up.gpg" >"$T/both.gpg"
UP=--keyring=$T/both.gpg update_from both "$BAD_URL/one" stable
cat "$KEYS/other.asc" "$KEYS/up.asc" >"$T/both.asc"
UP=--keyring=$T/both.asc update_from both.asc "$BAD_URL/one" stable
UP=--keyring=$KEYS/other.gpg update_from two-rings "$BAD_URL/one" stable \
	"--keyring=$KEYS/up.asc"
run suitefs mirror show two-rings
grep -qx "Signed-By: *$(cat "$KEYS/up.fpr")" "$T/out" || fail "no Signed-By"
# A name relative to where the command was given.
(cd "$KEYS" && run suitefs mirror create --keyring=up.gpg here "$BAD_URL/one" stable)
run suitefs --quiet mirror update here

# --- file: --------------------------------------------------------------------

update_from file1 "file:$T/one" stable
expect_json False 'j[0]["changed"]' suitefs --json mirror update file1
update_from file2 "file://$T/one/" stable
[[ $LISTS == main/binary-amd64=2 ]] || fail "file: $LISTS"
ln -s "one" "$T/with space"
update_from file3 "file:$T/with%20space" stable
[[ $LISTS == main/binary-amd64=2 ]] || fail "file: with a blank: $LISTS"

# --- https, redirects, proxies, passwords ---------------------------------------

make_tls
start_nginx "$T" tls
run suitefs mirror create "$UP" tls "$NGINX_URL/one" stable
expect_line 1 "$NGINX_URL/one/dists/stable/InRelease: .*certificate" \
	suitefs --quiet mirror update tls
run suitefs mirror edit --ca="$T/tls/ca.pem" tls
run suitefs --quiet mirror update tls
expect_lists main/binary-amd64=2 tls
stop_nginx "$NGINX_PID"
NGINX_EXTRA="ssl_client_certificate $T/tls/ca.pem; ssl_verify_client on;" \
	start_nginx "$T" tls
run suitefs mirror create "$UP" --ca="$T/tls/ca.pem" client "$NGINX_URL/one" stable
expect_line 1 "$NGINX_URL/one/dists/stable/InRelease: " \
	suitefs --quiet mirror update client
run suitefs mirror edit --cert="$T/tls/client.pem" --key="$T/tls/client.key" client
run suitefs --quiet mirror update client
expect_lists main/binary-amd64=2 client
stop_nginx "$NGINX_PID"

bad_clear
bad_rule '/old/dists/stable/main/*' redirect to=/one/dists/stable/main/binary-amd64/Packages.gz code=301
bad_rule '/old/dists/stable/InRelease' redirect to=/one/dists/stable/InRelease
bad_rule '/old/dists/stable/Release' redirect to=/one/dists/stable/Release code=307
bad_rule '/old/dists/stable/Release.gpg' redirect to=/one/dists/stable/Release.gpg code=308
make_archive "$T/one" stable key=up forms=gz
update_from redirected "$BAD_URL/old" stable
[[ $LISTS == main/binary-amd64=2 ]] || fail "redirected: $LISTS"
expect_json False 'j[0]["changed"]' suitefs --json mirror update redirected
bad_clear

# nginx takes absolute URLs, as a proxy is asked for them.
printf 'joe:%s\n' "$(openssl passwd -apr1 secret)" >"$T/htpasswd"
chmod 0644 "$T/htpasswd"
NGINX_EXTRA="location /private/ {
	alias $T/one/; auth_basic x; auth_basic_user_file $T/htpasswd; }" \
	start_nginx "$T"
export http_proxy=$NGINX_URL no_proxy=127.0.0.1
update_from proxied http://mirror.example.org/one stable
grep -q 'mirror.example.org/one/dists/stable/InRelease\|GET /one/dists/stable/InRelease' \
	"$NGINX_LOG" || fail "not through the proxy: $(cat "$NGINX_LOG")"
SUITEFS_STORE=$T/store
before=$(wc -l <"$NGINX_LOG")
run suitefs --quiet mirror update m
[[ $(wc -l <"$NGINX_LOG") == "$before" ]] || fail "no_proxy is not heeded"
unset http_proxy no_proxy
# An unchanged update by nginx's log.
run suitefs mirror create "$UP" nginx "$NGINX_URL/one" stable
run suitefs --quiet mirror update nginx
: >"$NGINX_LOG"
run suitefs --quiet mirror update nginx
[[ $(wc -l <"$NGINX_LOG") == 1 ]] || fail "unchanged: $(cat "$NGINX_LOG")"
grep -q '/InRelease HTTP/1.1" 304 ' "$NGINX_LOG" || fail "$(cat "$NGINX_LOG")"

run suitefs mirror create "$UP" private "$NGINX_URL/private" stable
expect_line 1 '/private/dists/stable/InRelease: 401' \
	suitefs --quiet mirror update private
printf 'machine 127.0.0.1 login joe password secret\n' >"$HOME/.netrc"
chmod 0600 "$HOME/.netrc"
run suitefs --quiet mirror update private
expect_lists main/binary-amd64=2 private
rm "$HOME/.netrc"
run suitefs mirror create "$UP" password "${NGINX_URL/:\/\//:\/\/joe:wrong@}/private" stable
expect_line 1 '/private/dists/stable/InRelease: 401' \
	suitefs --quiet mirror update password
! grep -q wrong "$T/err" || fail "the password is shown"
run suitefs mirror edit --url="${NGINX_URL/:\/\//:\/\/joe:secret@}/private" password
run suitefs --quiet mirror update password
expect_lists main/binary-amd64=2 password

# --- what it says -------------------------------------------------------------

SUITEFS_STORE=$T/store
run suitefs --quiet mirror update m
[[ ! -s $T/out && ! -s $T/err ]] || fail "--quiet isn't"
run suitefs mirror update m
grep -q 'm is up to date' "$T/err" || fail "what was done is not said"
[[ $(find "$SUITEFS_STORE/tmp" -type f | wc -l) == 0 ]] ||
	fail "left in tmp: $(ls "$SUITEFS_STORE/tmp")"

# --- without libcurl ----------------------------------------------------------

# Who does not fetch has no need of it.
mkdir "$T/lib"
: >"$T/lib/libcurl.so.4"
without() {
	LD_LIBRARY_PATH=$T/lib suitefs "$@"
}
run without snapshot create frozen from mirror m
run without snapshot diff frozen frozen
run without mirror show m
why='cannot fetch: .*libcurl\.so\.4: file too short$'
expect_line 1 "$why" without mirror update m
expect_line 1 "$why" without mirror create "$UP" more "$NGINX_URL/one" stable
run suitefs --quiet mirror update m
