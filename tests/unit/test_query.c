#include "algebra/query.h"

#include <errno.h>

#include "scratch_store.h"
#include "store/heavy.h"

static const char *const stanzas[] = {
    "Package: nginx\nVersion: 1.22.1-9\nArchitecture: amd64\n"
    "Maintainer: Someone <a@mirror.example.org>\nDepends: libc6 (>= 2.34)\n"
    "Provides: httpd, nginx-abi (= 1.22.1-1)\nSection: httpd\n"
    "Priority: optional\n",

    "Package: nginx-common\nSource: nginx\nVersion: 1.22.1-9\n"
    "Architecture: all\nMulti-Arch: foreign\nSection: contrib/httpd\n"
    "Description: small, powerful\n a server\n .\n of pages\n",

    "Package: libc6\nSource: glibc (2.36-9)\nVersion: 2.36-9+b1\n"
    "Architecture: i386\nEssential: Yes\nMulti-Arch: same\nSection: libs\n"
    "Installed-Size: 900\nOdd-Field:\n",

    "Package: apache2\nVersion: 1:2.4.57-2~deb12u1\nArchitecture: amd64\n"
    "Provides: httpd (= 1:2.4), httpd-cgi\nSection: httpd\n"
    "Essential: no\n",
};
static const char source_stanza[] =
    "Package: nginx\nBinary: nginx, nginx-common\nVersion: 1.22.1-9\n"
    "Architecture: any all\nBuild-Depends: debhelper-compat (= 13)\n"
    "Directory: pool/main/n/nginx\nChecksums-Sha256:\n "
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 0 "
    "nginx_1.22.1.orig.tar.gz\n";
static const char udeb_stanza[] =
    "Package: libc6-udeb\nSource: glibc\nVersion: 2.36-9\n"
    "Architecture: amd64\nSection: debian-installer\n";
static const char file_fields[] =
    "Filename: pool/x.deb\nSize: 0\nSHA256: "
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n";

#define PACKAGES 6 /* the four, a source package, a udeb */

/* Bits, as the tables below write what matches. */
enum {
	NGINX = 1,
	COMMON = 2,
	LIBC = 4,
	APACHE = 8,
	SOURCE = 16,
	UDEB = 32,
	ALL = 63
};

struct fixture {
	struct scratch *s;
	char *text[PACKAGES];
	struct package p[PACKAGES];
};

static char *
text_of(size_t i)
{
	struct buf b = {0};

	if (i == 4)
		(void)buf_add_str(&b, source_stanza);
	else
		(void)buf_addf(
		    &b, "%s%s", i == 5 ? udeb_stanza : stanzas[i], file_fields);
	return buf_take(&b);
}

static int
put_all(struct txn *t, void *arg, struct error *err)
{
	struct fixture *f = arg;
	CLEANUP(heavy_cleanup) struct heavy *h = NULL;
	int r = heavy_new(txn_store(t), &h);

	(void)err;
	for (size_t i = 0; r == 0 && i < PACKAGES; i++) {
		CLEANUP(buf_release) struct buf b = {0};

		r = heavy_compress(h, span_of(f->text[i]), &b);
		if (r == 0)
			r = txn_put64(t, T_HEAVY, i + 1, buf_span(&b));
	}
	return r;
}

static int
setup(void **state)
{
	static const enum package_kind kinds[PACKAGES] = {
	    [4] = PACKAGE_SOURCE, [5] = PACKAGE_UDEB};
	struct fixture *f = calloc(1, sizeof(*f));
	struct error err = {""};

	assert_non_null(f);
	assert_int_equal(scratch_setup((void **)&f->s), 0);
	for (size_t i = 0; i < PACKAGES; i++) {
		f->text[i] = text_of(i);
		assert_non_null(f->text[i]);
		f->p[i].number = i + 1;
		if (light_from_stanza(span_of(f->text[i]), kinds[i], 1,
			&f->p[i].light, &err) < 0)
			fail_msg("%s", err.text);
	}
	scratch_write(f->s, put_all, f);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < PACKAGES; i++) {
		package_release(&f->p[i]);
		free(f->text[i]);
	}
	assert_int_equal(scratch_teardown((void **)&f->s), 0);
	free(f);
	return 0;
}

#define with_packages(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

static struct query *
parsed(const char *text)
{
	struct query *q = NULL;
	struct error err = {""};

	if (query_parse(span_of(text), &q, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	return q;
}

/* The bits of those that match; *ret_read is how many were read in full. */
static unsigned
matching(struct fixture *f, const struct query *q, uint64_t *ret_read)
{
	CLEANUP(query_run_cleanup) struct query_run *run = NULL;
	CLEANUP(txn_cleanup) struct txn *t = scratch_read(f->s);
	struct error err = {""};
	unsigned bits = 0;

	assert_int_equal(query_run_new(f->s->store, q, &run), 0);
	for (size_t i = 0; i < PACKAGES; i++) {
		int r = query_match(run, t, &f->p[i], &err);

		if (r < 0)
			fail_msg("%s", err.text);
		bits |= (unsigned)r << i;
	}
	*ret_read = query_run_stanzas(run);
	return bits;
}

struct expected {
	const char *query;
	unsigned bits;
	unsigned read; /* packages whose stanza has to be read */
};

static void
check_all(struct fixture *f, const struct expected *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		CLEANUP(query_cleanup) struct query *q = parsed(v[i].query);
		uint64_t read;
		unsigned bits = matching(f, q, &read);

		if (bits != v[i].bits || read != v[i].read)
			fail_msg("%s: %#x instead of %#x, %u read", v[i].query,
			    bits, v[i].bits, (unsigned)read);
	}
}

static void
test_query_match_packages(void **state)
{
	static const struct expected v[] = {
	    {"nginx", NGINX | SOURCE, 0},
	    {"nginx {source}", SOURCE, 0},
	    {"nginx {amd64}", NGINX, 0},
	    {"nginx-common {amd64}", COMMON, 0},
	    {"nginx-common {source}", 0, 0},
	    {"nginx-common {all}", COMMON, 0},
	    {"nginx (>= 1.9)", NGINX | SOURCE, 0},
	    {"nginx (>> 1.22.1-9)", 0, 0},
	    {"nginx (1.22.1-9)", NGINX | SOURCE, 0},
	    {"nginx (= 0:1.22.1-9) {amd64}", NGINX, 0},
	    {"nginx (<< 1.22.1-9)", 0, 0},
	    {"nginx (<= 1.22.1-9)", NGINX | SOURCE, 0},
	    {"nginx (< 1.22.1-9)", NGINX | SOURCE, 0},
	    {"nginx (> 1.22.1-9)", NGINX | SOURCE, 0},
	    {"nginx (% 1.22*)", NGINX | SOURCE, 0},
	    {"nginx (~ ^1\\.22)", NGINX | SOURCE, 0},
	    {"apache2 (<< 1:2.4.57-2)", APACHE, 0},
	    /* Provided; without a version it meets no condition. */
	    {"httpd", NGINX | APACHE, 0},
	    {"httpd-cgi", APACHE, 0},
	    {"httpd (>= 1:2.0)", APACHE, 0},
	    {"httpd (>= 0)", APACHE, 0},
	    {"nginx-abi (= 1.22.1-1)", NGINX, 0},
	    {"nginx-abi (>> 1.22.1-1)", 0, 0},
	    {"nginx-abi (% 1.*)", NGINX, 0},
	    {"nginx_1.22.1-9_amd64", NGINX, 0},
	    {"nginx_1.22.1-9_source", SOURCE, 0},
	    {"nginx_1.22.1-9_i386", 0, 0},
	    {"libc6-udeb", UDEB, 0},
	    {"nothing", 0, 0},
	};

	check_all(*state, v, ARRAY_LEN(v));
}

static void
test_query_match_light_fields(void **state)
{
	static const struct expected v[] = {
	    {"Name", ALL, 0},
	    {"Name (= nginx)", NGINX | SOURCE, 0},
	    {"name", 0, 0},
	    {"Name (% nginx*)", NGINX | COMMON | SOURCE, 0},
	    {"Name (~ \"^(nginx|libc6)$\")", NGINX | LIBC | SOURCE, 0},
	    {"Name (>= nginx)", NGINX | COMMON | SOURCE, 0},
	    {"Package (<< libc6-udeb)", LIBC | APACHE, 0},
	    {"$Version", ALL, 0},
	    {"$Version (>= 2.36-9)", LIBC | APACHE | UDEB, 0},
	    {"$Version (= 0:2.36-9)", UDEB, 0},
	    {"Version (= 0:2.36-9)", 0, 0},
	    {"Version (>= 1:)", LIBC | APACHE | UDEB, 0},
	    {"$Version (% 2.*)", LIBC | UDEB, 0},
	    {"$Version (~ ^1:)", APACHE, 0},
	    {"$Architecture (= amd64)", NGINX | COMMON | APACHE | UDEB, 0},
	    {"$Architecture (= all)", COMMON, 0},
	    {"$Architecture (= source)", SOURCE, 0},
	    {"$Architecture (% a*)", NGINX | COMMON | APACHE | UDEB, 0},
	    {"$Source (= nginx)", NGINX | COMMON, 0},
	    {"$Source", ALL & ~SOURCE, 0},
	    {"$Source (= glibc)", LIBC | UDEB, 0},
	    {"$SourceVersion (= 2.36-9)", LIBC | UDEB, 0},
	    {"$SourceVersion (>= 1:1)", APACHE, 0},
	    {"$SourceVersion (= 0:2.36-9)", LIBC | UDEB, 0},
	    {"$PackageType (= deb)", NGINX | COMMON | LIBC | APACHE, 0},
	    {"$PackageType (= source)", SOURCE, 0},
	    {"$PackageType (= udeb)", UDEB, 0},
	    {"Multi-Arch", COMMON | LIBC, 0},
	    {"multi-arch (= same)", 0, 0},
	    {"Multi-arch (= same)", LIBC, 0},
	    {"Depends (~ libc6)", NGINX, 0},
	    {"Build-Depends", SOURCE, 0},
	    {"Provides (% *httpd*)", NGINX | APACHE, 0},
	};

	check_all(*state, v, ARRAY_LEN(v));
}

static void
test_query_match_stanza_fields(void **state)
{
	static const struct expected v[] = {
	    {"Section (= httpd)", NGINX | APACHE, 6},
	    {"section (= httpd)", 0, 0},
	    {"Section (% *httpd)", NGINX | APACHE, 6},
	    {"Section (% */*)", COMMON, 6},
	    {"Priority", NGINX, 6},
	    {"!Priority", ALL & ~NGINX, 6},
	    {"Odd-Field", 0, 6},
	    {"Priority (<< z)", ALL, 6},
	    {"Installed-Size (>> 1000)", LIBC, 6},
	    {"Description (= \"small, powerful\n a server\n .\n of pages\")",
		COMMON, 6},
	    {"Description (~ server$)", 0, 6},
	    {"Description (~ \"powerful\\n.*server\")", 0, 6},
	    {"Description (~ \"powerful\\\\n.*server\")", COMMON, 6},
	    {"Source (= nginx)", COMMON, 6},
	    {"Source (= \"glibc (2.36-9)\")", LIBC, 6},
	    {"Binary (~ nginx-common)", SOURCE, 6},
	    /* Only the source package's stanza has to be read. */
	    {"Architecture (= amd64)", NGINX | APACHE | UDEB, 1},
	    {"Architecture (= \"any all\")", SOURCE, 1},
	    {"Essential (= yes)", 0, 1},
	    {"Essential (= Yes)", LIBC, 1},
	    {"Essential", LIBC | APACHE, 6},
	    {"Essential (= no)", APACHE, 6},
	    /* What else is asked for has decided most. */
	    {"Name (= nginx), Section (= httpd)", NGINX, 2},
	    {"Section (= httpd), nginx {amd64}", NGINX, 1},
	    {"nginx | Section (= libs)", NGINX | LIBC | SOURCE, 4},
	    {"Name | Section", ALL, 0},
	    {"!Name, Section", 0, 0},
	};

	check_all(*state, v, ARRAY_LEN(v));
}

static void
test_query_match_combined(void **state)
{
	static const struct expected v[] = {
	    {"nginx | apache2", NGINX | APACHE | SOURCE, 0},
	    {"nginx,$PackageType(source)", SOURCE, 0},
	    {"!nginx", ALL & ~(NGINX | SOURCE), 0},
	    {"! ! nginx", NGINX | SOURCE, 0},
	    {"!!!nginx", ALL & ~(NGINX | SOURCE), 0},
	    {"nginx | libc6, $Architecture (= amd64)", NGINX | SOURCE, 0},
	    {"(nginx | libc6), $Architecture (= i386)", LIBC, 0},
	    {"((((nginx))))", NGINX | SOURCE, 0},
	    {"!(nginx | apache2)", COMMON | LIBC | UDEB, 0},
	    {"!(nginx, httpd)", ALL & ~NGINX, 0},
	    {"nginx | (apache2 | (libc6 | nothing)) | nothing",
		NGINX | APACHE | LIBC | SOURCE, 0},
	    {"httpd, nginx, !$PackageType (= source)", NGINX, 0},
	    {"(httpd, nginx), (nginx, httpd)", NGINX, 0},
	    {"'nginx'|\"apache2\"", NGINX | APACHE | SOURCE, 0},
	    {"Name (= \"ngi\\nx\")", NGINX | SOURCE, 0},
	    {"\tnginx\n", NGINX | SOURCE, 0},
	};

	check_all(*state, v, ARRAY_LEN(v));
}

static void
test_query_parse_any(void **state)
{
	char *two[] = {(char[]){"nginx | libc6"}, (char[]){"apache2"}};
	char *bad[] = {(char[]){"nginx"}, (char[]){"apache2 ("}};
	struct strs texts = {two, 2};
	CLEANUP(query_cleanup) struct query *q = NULL;
	CLEANUP(query_cleanup) struct query *none = NULL;
	struct error err = {""};
	uint64_t read;

	assert_int_equal(query_parse_any(&texts, &q, &err), 0);
	assert_int_equal(
	    matching(*state, q, &read), NGINX | LIBC | APACHE | SOURCE);
	texts.v = bad;
	assert_int_equal(query_parse_any(&texts, &none, &err), -EINVAL);
	assert_string_equal(err.text,
	    "query \"apache2 (\": column 10: expected an operator or a value");
	texts.n = 0;
	assert_int_equal(query_parse_any(&texts, &none, &err), 0);
	assert_null(none);
	assert_int_equal(matching(*state, none, &read), ALL);
}

static void
test_query_match_explodes(void **state)
{
	struct fixture *f = *state;
	CLEANUP(query_cleanup)
	struct query *q =
	    parsed("Maintainer (~ '^([a-z@<> .]|[A-Za-z@<> .])+(0|1)$')");
	CLEANUP(query_run_cleanup) struct query_run *run = NULL;
	CLEANUP(txn_cleanup) struct txn *t = scratch_read(f->s);
	struct error err = {""};

	assert_int_equal(query_run_new(f->s->store, q, &run), 0);
	assert_int_equal(query_match(run, t, &f->p[0], &err), -E2BIG);
	assert_non_null(strstr(err.text, "[a-z@"));
}

static void
test_query_match_lost_stanza(void **state)
{
	struct fixture *f = *state;
	CLEANUP(query_cleanup) struct query *q = parsed("Section");
	CLEANUP(query_run_cleanup) struct query_run *run = NULL;
	CLEANUP(txn_cleanup) struct txn *t = scratch_read(f->s);
	struct error err = {""};

	f->p[0].number = 1000;
	assert_int_equal(query_run_new(f->s->store, q, &run), 0);
	assert_int_equal(query_match(run, t, &f->p[0], &err), -EIO);
	assert_non_null(strstr(err.text, "nginx"));
}

/* The message says what is wrong, and where. */
static void
test_query_parse_refuses(void **state)
{
	static const struct {
		const char *query, *text;
	} v[] = {
	    {"", "column 1: expected a package name, a field or '('"},
	    {"  ", "column 3: expected a package name, a field or '('"},
	    {"nginx, Name (>= )",
		"column 17: expected a value after >=, not ')'"},
	    {"nginx (>=", "column 10: expected a value after >="},
	    {"nginx (", "column 8: expected an operator or a value"},
	    {"nginx ()", "column 8: expected an operator or a value, not ')'"},
	    {"nginx (>= 1", "column 12: expected ')' after the value"},
	    {"nginx (>= 1 2)",
		"column 13: expected ')' after the value, not '2'"},
	    {"nginx (>= >= 1)",
		"column 11: expected a value after >=, not '>='"},
	    {"nginx,", "column 7: expected a package name, a field or '(' "
		       "after ','"},
	    {"nginx | , apache2", "column 9: expected a package name, a field "
				  "or '(' after '|', not ','"},
	    {"!", "column 2: expected a package name, a field or '(' "
		  "after '!'"},
	    {"(", "column 2: expected a package name, a field or '(' "
		  "after '('"},
	    {"(nginx", "column 7: expected ',', '|' or ')'"},
	    {"(nginx apache2)",
		"column 8: expected ',', '|' or ')', not 'apache2'"},
	    {"nginx)", "column 6: ')' without '(' before it"},
	    {"nginx apache2", "column 7: expected ',' or '|', not 'apache2'"},
	    {"nginx {", "column 8: expected an architecture after '{'"},
	    {"nginx {amd64", "column 13: expected '}' after the architecture"},
	    {"Name (= nginx) {amd64}",
		"column 16: {architecture} goes with a package's name only; "
		"use $Architecture"},
	    {"nginx>=1.0", "column 1: 'nginx>=1.0' is no name; a condition is "
			   "in parentheses: NAME (>= VALUE)"},
	    {"a, 'nginx", "column 4: the quote that begins here does not end"},
	    {"a, 'nginx\\'",
		"column 4: the quote that begins here does not end"},
	    {"''", "column 1: an empty name"},
	    {"\xc3\xa9\xc3\xa9 (", "column 5: expected an operator or a value"},
	    {"$Sauce (= a)",
		"column 1: there is no $Sauce; there are $Version, "
		"$Architecture, $Source, $SourceVersion and $PackageType"},
	    {"Name (% '[a')", "column 9: pattern '[a': '[' without ']'"},
	    {"Name (~ 'a(')", "column 9: regular expression: missing closing "
			      "parenthesis, at its byte 3"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(v); i++) {
		struct query *q = NULL;
		struct error err = {""};
		int r = query_parse(span_of(v[i].query), &q, &err);

		if (r != -EINVAL)
			fail_msg("%s: %d", v[i].query, r);
		assert_string_equal(err.text, v[i].text);
	}
}

static int
parse_result(struct buf *b)
{
	struct query *q = NULL;
	struct error err = {""};
	int r = query_parse(buf_span(b), &q, &err);

	assert_int_equal(r < 0, err.text[0] != '\0');
	query_free(q);
	return r;
}

static void
test_query_parse_limits(void **state)
{
	CLEANUP(buf_release) struct buf deep = {0};
	CLEANUP(buf_release) struct buf wide = {0};
	CLEANUP(buf_release) struct buf nots = {0};

	(void)state;
	for (unsigned i = 0; i < QUERY_MAX_DEPTH; i++)
		(void)buf_add_str(&deep, "!(");
	(void)buf_add_str(&deep, "a");
	for (unsigned i = 0; i < QUERY_MAX_DEPTH; i++)
		(void)buf_add_str(&deep, ")");
	assert_int_equal(parse_result(&deep), 0);
	buf_clear(&deep);
	for (unsigned i = 0; i <= QUERY_MAX_DEPTH; i++)
		(void)buf_add_str(&deep, "(");
	assert_int_equal(parse_result(&deep), -EINVAL);

	/* No nesting, however many. */
	for (unsigned i = 0; i < QUERY_MAX_LEN / 2 - 1; i++)
		(void)buf_add_str(&wide, i % 3 ? "a|" : "a,");
	(void)buf_add_str(&wide, "a");
	assert_int_equal(parse_result(&wide), 0);
	(void)buf_add_str(&wide, "aa");
	assert_int_equal(parse_result(&wide), -EINVAL);
	for (unsigned i = 0; i < QUERY_MAX_LEN - 1; i++)
		(void)buf_add_str(&nots, "!");
	(void)buf_add_str(&nots, "a");
	assert_int_equal(parse_result(&nots), 0);
	buf_clear(&nots);
	(void)buf_add(&nots, "a\0b", 3);
	assert_int_equal(parse_result(&nots), -EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    with_packages(test_query_match_packages),
	    with_packages(test_query_match_light_fields),
	    with_packages(test_query_match_stanza_fields),
	    with_packages(test_query_match_combined),
	    with_packages(test_query_match_explodes),
	    with_packages(test_query_match_lost_stanza),
	    with_packages(test_query_parse_any),
	    cmocka_unit_test(test_query_parse_refuses),
	    cmocka_unit_test(test_query_parse_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
