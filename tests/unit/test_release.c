#include "base/release.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define HASH_A                                                                 \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HASH_B                                                                 \
	"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define DATE "Date: Sat, 17 May 2025 09:51:27 UTC\n"

static void
test_parse_all_fields(void **state)
{
	const struct span text =
	    SPAN("Origin: Debian\n"
		 "Label: Debian\r\n"
		 "suite: stable\n"
		 "Version: 12.11\n"
		 "Codename: bookworm\n"
		 "Changelogs: https://mirror.example.org/@\n" DATE
		 "Valid-Until: Sat, 24 May 2025 09:51:27 "
		 "UTC\n"
		 "Acquire-By-Hash: yes\n"
		 "NotAutomatic: yes\n"
		 "ButAutomaticUpgrades: no\n"
		 "No-Support-for-Architecture-all: "
		 "Packages\n"
		 "Architectures: all amd64 arm64\n"
		 "Components: main\n updates/contrib\n"
		 "Description: Debian 12.11\n More\n"
		 "Signed-By: A,\n B\n"
		 "MD5Sum:\n not looked at\n"
		 "SHA256:\n"
		 " " HASH_B "  1484322 main/b\n"
		 " " HASH_A " 0 main/a\r\n"
		 "SHA512:\n nor this\n");
	const struct release_file *f;
	struct release r;
	struct error err;

	(void)state;
	assert_int_equal(release_parse(text, &r, &err), 0);
	assert_true(span_eq(r.origin, SPAN("Debian")));
	assert_true(span_eq(r.label, SPAN("Debian")));
	assert_true(span_eq(r.suite, SPAN("stable")));
	assert_true(span_eq(r.version, SPAN("12.11")));
	assert_true(span_eq(r.codename, SPAN("bookworm")));
	assert_true(span_eq(r.description, SPAN("Debian 12.11\n More")));
	assert_true(span_eq(r.signed_by, SPAN("A,\n B")));
	assert_int_equal(r.date, 1747475487);
	assert_int_equal(r.valid_until, 1747475487 + 7 * 86400);
	assert_true(r.acquire_by_hash);
	assert_true(r.not_automatic);
	assert_false(r.but_automatic_upgrades);
	assert_true(r.no_arch_all);
	assert_int_equal(r.architectures.n, 3);
	assert_string_equal(r.architectures.v[2], "arm64");
	assert_int_equal(r.components.n, 2);
	assert_string_equal(r.components.v[1], "updates/contrib");
	assert_int_equal(r.nfiles, 2);
	assert_true(span_eq(r.files[0].path, SPAN("main/a")));
	assert_int_equal(r.files[0].sha256.byte[31], 0xaa);
	assert_int_equal(r.files[0].size, 0);
	f = release_find(&r, SPAN("main/b"));
	assert_ptr_equal(f, &r.files[1]);
	assert_int_equal(f->size, 1484322);
	assert_null(release_find(&r, SPAN("main/")));
	assert_null(release_find(&r, SPAN("")));
	release_free(&r);
	release_free(&r);
}

static void
test_parse_least(void **state)
{
	struct release r;
	struct error err;

	(void)state;
	/* A flat archive without a date. */
	assert_int_equal(
	    release_parse(
		SPAN("SHA256:\n " HASH_A " 5 ./Packages\n"), &r, &err),
	    0);
	assert_int_equal(r.date, 0);
	assert_int_equal(r.valid_until, 0);
	assert_int_equal(r.suite.len, 0);
	assert_false(r.acquire_by_hash);
	assert_non_null(release_find(&r, SPAN("Packages")));
	release_free(&r);
	/* A suite that has nothing yet. */
	assert_int_equal(
	    release_parse(
		SPAN("\n" DATE "Components: main\nSHA256:\n"), &r, &err),
	    0);
	assert_int_equal(r.nfiles, 0);
	assert_null(release_find(&r, SPAN("Packages")));
	release_free(&r);
}

static void
test_parse_same_path_same_content(void **state)
{
	struct release r;
	struct error err;

	(void)state;
	assert_int_equal(
	    release_parse(SPAN("SHA256:\n " HASH_A " 5 b\n " HASH_B
			       " 5 a\n " HASH_A " 5 ./b\n " HASH_A " 5 b\n"),
		&r, &err),
	    0);
	assert_int_equal(r.nfiles, 2);
	assert_int_equal(release_find(&r, SPAN("b"))->sha256.byte[0], 0xaa);
	release_free(&r);
}

static void
test_parse_bad(void **state)
{
	const struct {
		struct span in;
		const char *text;
	} t[] = {
	    {SPAN(""), "Release is empty"},
	    {SPAN("\n \n"), "Release is empty"},
	    {SPAN(DATE), "no field SHA256"},
	    {SPAN(DATE "\nSHA256:\n"), "no field SHA256"},
	    {SPAN("Components: main\nSHA256:\n"), "no field Date"},
	    {SPAN("Suite: x\nnonsense\n"), "line 2: no colon"},
	    {SPAN("\n\nSuite: x\nnonsense\n"), "line 4: no colon"},
	    {SPAN("Suite: x\nDate: today\nSHA256:\n"),
		"line 2: field Date: 'today' is not a date"},
	    {SPAN("Date:\nSHA256:\n"), "line 1: field Date: '' is not a date"},
	    {SPAN(DATE "Valid-Until: 1\n"),
		"line 2: field Valid-Until: '1' is not a date"},
	    {SPAN(DATE "Suite: a\nSUITE: b\n"),
		"line 3: field SUITE is given twice"},
	    {SPAN("SHA256:\nSHA256:\n"), "line 2: field SHA256 is given twice"},
	    {SPAN("Components: main\n ../x\n"),
		"line 2: field Components: '../x' has a part '..'"},
	    {SPAN("Architectures: /\n"),
		"line 1: field Architectures: '/' is absolute"},
	    {SPAN("SHA256:\n " HASH_A " 1 a\n " HASH_A " 1\n"),
		"line 3: field SHA256: '" HASH_A
		" 1' is not a hash, a size and a path"},
	    {SPAN("SHA256:\n " HASH_A " 1 a b\n"),
		"line 2: field SHA256: '" HASH_A
		" 1 a b' is not a hash, a size and a path"},
	    {SPAN("SHA256:\n a" HASH_A " 1 a\n"),
		"line 2: field SHA256: 'a" HASH_A "' is not a SHA-256"},
	    {SPAN("SHA256:\n " HASH_A " -1 a\n"),
		"line 2: field SHA256: '-1' is not a size"},
	    {SPAN("SHA256:\n " HASH_A " 99999999999999999999 a\n"),
		"line 2: field SHA256: '99999999999999999999' is not a size"},
	    {SPAN("SHA256:\n " HASH_A " 1099511627777 a\n"),
		"line 2: field SHA256: '1099511627777' is beyond the largest "
		"size"},
	    {SPAN("SHA256:\n " HASH_A " 1 a/../../b\n"),
		"line 2: field SHA256: 'a/../../b' has a part '..'"},
	    {SPAN("SHA256:\n " HASH_A " 1 ./\n"),
		"line 2: field SHA256: './' is empty"},
	    {SPAN("SHA256:\n " HASH_A " 1 a\n " HASH_A " 2 a\n"), NULL},
	    {SPAN("SHA256:\n " HASH_A " 1 a\n " HASH_B " 1 a\n"), NULL},
	};
	struct release untouched = {.date = 77};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct error err = {""};

		assert_int_equal(
		    release_parse(t[i].in, &untouched, &err), -EBADMSG);
		if (t[i].text)
			assert_string_equal(err.text, t[i].text);
		else
			assert_non_null(strstr(err.text,
			    "'a' is listed twice with different content"));
		assert_int_equal(untouched.date, 77);
	}
	assert_int_equal(
	    release_parse((struct span){"", RELEASE_MAX + 1}, &untouched, NULL),
	    -E2BIG);
}

static void
list_files(struct buf *b, int n, bool doubles)
{
	buf_clear(b);
	(void)buf_add_str(b, "SHA256:\n");
	/* Backwards: sorted input of the wrong kind. */
	for (int i = n; i > 0; i--)
		(void)buf_addf(b, " %s 1 p%d\n", HASH_A, doubles ? 1 : i);
	assert_false(b->failed);
}

static void
test_parse_too_many_files(void **state)
{
	struct buf b = {0};
	struct release r;
	struct error err;

	(void)state;
	for (int doubles = 0; doubles < 2; doubles++) {
		const int most = doubles ? RELEASE_MAX_FILES : 150000;

		list_files(&b, most, doubles);
		assert_int_equal(release_parse(buf_span(&b), &r, &err), 0);
		assert_int_equal(r.nfiles, doubles ? 1 : most);
		assert_non_null(release_find(&r, SPAN("p1")));
		release_free(&r);
	}
	list_files(&b, RELEASE_MAX_FILES + 1, true);
	assert_int_equal(release_parse(buf_span(&b), &r, &err), -EBADMSG);
	assert_string_equal(
	    err.text, "line 1: field SHA256: more than 200000 files");
	buf_release(&b);
}

static void
test_parse_too_many_words(void **state)
{
	struct buf b = {0};
	struct release r;
	struct error err;

	(void)state;
	(void)buf_add_str(&b, "Components:");
	for (int i = 0; i < 1001; i++)
		(void)buf_addf(&b, " c%d", i);
	(void)buf_add_str(&b, "\nSHA256:\n");
	assert_int_equal(release_parse(buf_span(&b), &r, &err), -EBADMSG);
	assert_string_equal(
	    err.text, "line 1: field Components: 'c1000' is one word too many");
	buf_release(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_parse_all_fields),
	    cmocka_unit_test(test_parse_least),
	    cmocka_unit_test(test_parse_same_path_same_content),
	    cmocka_unit_test(test_parse_bad),
	    cmocka_unit_test(test_parse_too_many_files),
	    cmocka_unit_test(test_parse_too_many_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
