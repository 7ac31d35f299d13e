#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/url.h"

static void
test_url_shown_table(void **state)
{
	static const struct {
		const char *url, *expected;
	} cases[] = {
	    {"http://h/x", "http://h/x"},
	    {"http://u:p@h/x@y", "http://h/x@y"},
	    {"http://u:p@q@h/x", "http://h/x"},
	    {"https://u@h", "https://h"},
	    {"file:///a@b", "file:///a@b"},
	    {"file:/a@b", "file:/a@b"},
	    {"", ""},
	};
	char out[URL_SHOWN_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(buf_release) struct buf b = {0};

		assert_string_equal(
		    url_shown(cases[i].url, out), cases[i].expected);
		assert_int_equal(url_add_shown(&b, cases[i].url), 0);
		assert_string_equal(b.ptr, cases[i].expected);
	}
}

static void
test_url_shown_long(void **state)
{
	CLEANUP(buf_release) struct buf b = {0};
	char longer[2 * URL_SHOWN_SIZE], out[URL_SHOWN_SIZE];

	(void)state;
	memset(longer, 'a', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(strlen(url_shown(longer, out)), URL_SHOWN_SIZE - 1);
	assert_string_equal(out + URL_SHOWN_SIZE - 4, "...");
	assert_int_equal(url_add_shown(&b, longer), 0);
	assert_string_equal(b.ptr, longer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_url_shown_table),
	    cmocka_unit_test(test_url_shown_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
