#include "store/origin.h"

#include <errno.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "scratch_store.h"

static void
test_origin_url_encodes(void **state)
{
	static const struct {
		const char *path, *expected;
	} cases[] = {
	    {"", "http://mirror.example.org/debian/"},
	    {"dists/bookworm/InRelease",
		"http://mirror.example.org/debian/dists/bookworm/InRelease"},
	    {"pool/a b", "http://mirror.example.org/debian/pool/a%20b"},
	    {"pool/x_1%3a2+b1~3.deb",
		"http://mirror.example.org/debian/pool/x_1%253a2%2Bb1~3.deb"},
	    {"a?b#c", "http://mirror.example.org/debian/a%3Fb%23c"},
	    {"\xc3\xa4", "http://mirror.example.org/debian/%C3%A4"},
	};
	struct origin o = {
	    .url = (char[]){"http://mirror.example.org/debian/"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *url = origin_url(&o, span_of(cases[i].path));

		assert_non_null(url);
		assert_string_equal(url, cases[i].expected);
		free(url);
	}
}

static void
test_origin_fallback_makes_urls(void **state)
{
	static const struct {
		const char *fallback;
		const char *expected[3]; /* the hash stands between them */
	} cases[] = {
	    {"http://a.example.org/", {"http://a.example.org/pool/a%20b"}},
	    {"http://a.example.org/file/@HASH@",
		{"http://a.example.org/file/", ""}},
	    {"http://a.example.org/@HASH@/x/@HASH@.deb",
		{"http://a.example.org/", "/x/", ".deb"}},
	};
	struct digest d;
	char hex[DIGEST_HEX_SIZE];

	(void)state;
	digest_of("x", 1, &d);
	digest_hex(&d, hex);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(buf_release) struct buf expected = {0};
		struct origin o = {0};

		for (size_t j = 0; j < 3 && cases[i].expected[j]; j++) {
			(void)buf_add_str(&expected, j ? hex : "");
			(void)buf_add_str(&expected, cases[i].expected[j]);
		}
		assert_false(expected.failed);
		assert_int_equal(
		    strs_add(&o.fallbacks, span_of(cases[i].fallback)), 0);
		CLEANUP_FREE char *url =
		    origin_fallback(&o, 0, SPAN("pool/a b"), &d);
		assert_non_null(url);
		assert_string_equal(url, expected.ptr);
		origin_release(&o);
	}
}

static int
put(struct txn *t, void *arg, struct error *err)
{
	(void)err;
	return origin_put(t, arg);
}

static void
test_origin_put_keeps_number(void **state)
{
	struct scratch *s = *state;
	struct origin a = {
	    .url = (char[]){"file:/a/"}, .ca = (char[]){"/etc/ca.pem"}};
	struct origin b = {.url = (char[]){"file:/b/"}}, got;
	struct txn *t;

	scratch_write(s, put, &a);
	scratch_write(s, put, &b);
	assert_int_equal(a.number, 1);
	assert_int_equal(b.number, 2);
	a.url = (char[]){"file:/moved/"};
	assert_int_equal(strs_add(&a.fallbacks, SPAN("file:/f/")), 0);
	scratch_write(s, put, &a);
	assert_int_equal(a.number, 1);

	t = scratch_read(s);
	assert_int_equal(origin_load(t, 1, &got), 0);
	assert_int_equal(got.number, 1);
	assert_string_equal(got.url, "file:/moved/");
	assert_string_equal(got.ca, "/etc/ca.pem");
	assert_null(got.cert);
	assert_null(got.key);
	assert_int_equal(got.fallbacks.n, 1);
	assert_string_equal(got.fallbacks.v[0], "file:/f/");
	strs_release(&a.fallbacks);
	origin_release(&got);
	assert_int_equal(origin_load(t, 3, &got), -ENOENT);
	txn_end(t);
}

static int
put_junk(struct txn *t, void *arg, struct error *err)
{
	(void)err;
	return txn_put64(t, T_ORIGINS, 7, *(struct span *)arg);
}

static void
test_origin_load_damaged(void **state)
{
	static const struct {
		const char *bytes; /* none of them has a NUL */
		int expected;
	} cases[] = {
	    {"\xff", -EIO},
	    {"\x92\x01", -EIO},
	    {"\x93\x01\x05\xc0", -EIO},
	    {"\x92\x03\xc0", -EPROTO},
	};
	struct scratch *s = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct span bytes = span_of(cases[i].bytes);
		struct origin got;

		scratch_write(s, put_junk, &bytes);
		struct txn *t = scratch_read(s);
		assert_int_equal(origin_load(t, 7, &got), cases[i].expected);
		txn_end(t);
	}
}

static void
test_origin_load_version_1(void **state)
{
	struct scratch *s = *state;
	struct span bytes = SPAN("\x95\x01\xa7"
				 "file:/a\xc0\xc0\xc0");
	struct origin got;

	scratch_write(s, put_junk, &bytes);
	struct txn *t = scratch_read(s);
	assert_int_equal(origin_load(t, 7, &got), 0);
	txn_end(t);
	assert_string_equal(got.url, "file:/a");
	assert_int_equal(got.fallbacks.n, 0);
	origin_release(&got);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_origin_url_encodes),
	    cmocka_unit_test(test_origin_fallback_makes_urls),
	    scratch_test(test_origin_load_version_1),
	    scratch_test(test_origin_put_keeps_number),
	    scratch_test(test_origin_load_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
