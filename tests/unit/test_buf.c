#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

static void
test_add_all_kinds(void **state)
{
	struct buf b = {0};

	(void)state;
	assert_int_equal(buf_add(&b, NULL, 0), 0);
	assert_string_equal(b.ptr, "");
	assert_int_equal(buf_add_str(&b, "ab"), 0);
	assert_int_equal(buf_add_span(&b, SPAN("c\0d")), 0);
	assert_int_equal(buf_add_char(&b, 'e'), 0);
	assert_int_equal(buf_addf(&b, "%d-%s", 42, "x"), 0);
	assert_int_equal(b.len, 10);
	assert_memory_equal(b.ptr, "abc\0de42-x", 11);
	assert_false(b.failed);
	buf_release(&b);
	assert_null(b.ptr);
}

static void
test_add_grows(void **state)
{
	struct buf b = {0};

	(void)state;
	for (int i = 0; i < 100000; i++)
		assert_int_equal(buf_add(&b, "0123456", 7), 0);
	assert_int_equal(b.len, 700000);
	assert_true(b.cap < 2 * 700000 + 2);
	for (size_t i = 0; i < b.len; i++)
		assert_int_equal(b.ptr[i], '0' + (int)(i % 7));
	assert_int_equal(b.ptr[b.len], 0);
	buf_release(&b);
}

static void
test_addf_longer_than_room(void **state)
{
	struct buf b = {0};

	(void)state;
	assert_int_equal(buf_addf(&b, "%1000d|", 1), 0);
	assert_int_equal(b.len, 1001);
	assert_int_equal(b.ptr[999], '1');
	assert_int_equal(b.ptr[1000], '|');
	buf_release(&b);
}

static void
test_reserve_too_much(void **state)
{
	struct buf b = {0};

	(void)state;
	assert_int_equal(buf_add_str(&b, "kept"), 0);
	assert_int_equal(buf_reserve(&b, SIZE_MAX), -ENOMEM);
	assert_int_equal(buf_reserve(&b, SIZE_MAX - 4), -ENOMEM);
	assert_true(b.failed);
	assert_string_equal(b.ptr, "kept");
	assert_int_equal(b.len, 4);
	/* A failed rendering is not handed out as if it were whole. */
	assert_null(buf_take(&b));
	assert_false(b.failed);
	assert_int_equal(b.len, 0);
}

static void
test_take_empties(void **state)
{
	struct buf b = {0};
	char *s;

	(void)state;
	assert_int_equal(buf_add_str(&b, "abc"), 0);
	s = buf_take(&b);
	assert_string_equal(s, "abc");
	free(s);
	assert_null(b.ptr);
	assert_int_equal(b.len + b.cap, 0);
	s = buf_take(&b);
	assert_string_equal(s, "");
	free(s);
}

static void
test_clear_keeps_memory(void **state)
{
	struct buf b = {0};
	char *ptr;

	(void)state;
	buf_clear(&b);
	assert_int_equal(buf_add_str(&b, "abc"), 0);
	ptr = b.ptr;
	buf_clear(&b);
	assert_int_equal(b.len, 0);
	assert_string_equal(b.ptr, "");
	assert_int_equal(buf_add_str(&b, "d"), 0);
	assert_ptr_equal(b.ptr, ptr);
	assert_true(span_eq(buf_span(&b), SPAN("d")));
	buf_release(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_add_all_kinds),
	    cmocka_unit_test(test_add_grows),
	    cmocka_unit_test(test_addf_longer_than_room),
	    cmocka_unit_test(test_reserve_too_much),
	    cmocka_unit_test(test_take_empties),
	    cmocka_unit_test(test_clear_keeps_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
