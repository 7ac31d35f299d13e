#include "store/origin.h"

#include <errno.h>

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
	scratch_write(s, put, &a);
	assert_int_equal(a.number, 1);

	t = scratch_read(s);
	assert_int_equal(origin_load(t, 1, &got), 0);
	assert_int_equal(got.number, 1);
	assert_string_equal(got.url, "file:/moved/");
	assert_string_equal(got.ca, "/etc/ca.pem");
	assert_null(got.cert);
	assert_null(got.key);
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
	    {"\x92\x02\xc0", -EPROTO},
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_origin_url_encodes),
	    scratch_test(test_origin_put_keeps_number),
	    scratch_test(test_origin_load_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
