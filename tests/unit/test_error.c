#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

static void
test_set_formats(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(
	    error_set(&err, -EBADMSG, "%s:%d: no colon", "x", 7), -EBADMSG);
	assert_string_equal(err.text, "x:7: no colon");
	assert_int_equal(error_set(NULL, -EIO, "nobody reads"), -EIO);
	assert_int_equal(error_sys(NULL, -EIO, "nobody reads"), -EIO);
	assert_int_equal(error_prefix(NULL, -EIO, "nobody reads"), -EIO);
}

static void
test_sys_adds_words(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(
	    error_sys(&err, -ENOENT, "cannot open %s", "x"), -ENOENT);
	assert_string_equal(
	    err.text, "cannot open x: No such file or directory");
}

static void
test_prefix_stacks(void **state)
{
	struct error err;

	(void)state;
	(void)error_set(&err, -EIO, "inner");
	assert_int_equal(error_prefix(&err, -EIO, "mirror %s", "m"), -EIO);
	assert_int_equal(error_prefix(&err, -EIO, "update"), -EIO);
	assert_string_equal(err.text, "update: mirror m: inner");
	/* Its own text as an argument. */
	(void)error_set(&err, -EIO, "again: %s", err.text);
	assert_string_equal(err.text, "again: update: mirror m: inner");
	/* Where nobody has said why. */
	err = (struct error){""};
	assert_int_equal(error_prefix(&err, -ENOMEM, "./stable"), -ENOMEM);
	assert_string_equal(err.text, "./stable: Cannot allocate memory");
}

static void
test_set_control_characters(void **state)
{
	const struct {
		const char *in, *out;
	} t[] = {
	    {"a\nb\033[1mc\x7f\r", "a?b?[1mc??"},
	    {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
	    /* CSI as one character, U+009B. */
	    {"a\xc2\x9b"
	     "1m",
		"a??1m"},
	    {"\xc2\xa0", "\xc2\xa0"},
	    {"\xc2", "\xc2"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct error err;

		(void)error_set(&err, -EIO, "%s", t[i].in);
		assert_string_equal(err.text, t[i].out);
	}
}

static void
test_set_too_long(void **state)
{
	struct error err;
	char text[5000];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	(void)error_set(&err, -EIO, "%s", text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	(void)error_sys(&err, -EIO, "%s", text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	(void)error_prefix(&err, -EIO, "p");
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	assert_memory_equal(err.text, "p: xxx", 6);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_set_formats),
	    cmocka_unit_test(test_sys_adds_words),
	    cmocka_unit_test(test_prefix_stacks),
	    cmocka_unit_test(test_set_control_characters),
	    cmocka_unit_test(test_set_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
