#include "store/bits.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void
test_bits_set_and_next(void **state)
{
	static const uint64_t in[] = {0, 1, 7, 8, 63, 8192, 100000, 1000001};
	struct bits b = {0};
	uint64_t n = 0;

	(void)state;
	assert_false(bits_has(&b, 0));
	assert_true(bits_next(&b, 0) == UINT64_MAX);
	for (size_t i = ARRAY_LEN(in); i-- > 0;)
		assert_int_equal(bits_set(&b, in[i]), 1);
	for (size_t i = 0; i < ARRAY_LEN(in); i++) {
		assert_int_equal(bits_set(&b, in[i]), 0);
		assert_true(bits_has(&b, in[i]));
		n = bits_next(&b, n);
		assert_true(n == in[i]);
		n++;
	}
	assert_true(bits_next(&b, n) == UINT64_MAX);
	assert_true(bits_next(&b, UINT64_MAX) == UINT64_MAX);
	assert_false(bits_has(&b, 2));
	assert_false(bits_has(&b, UINT64_MAX));
	bits_release(&b);
	assert_false(bits_has(&b, 1));
}

static void
test_bits_set_has_a_limit(void **state)
{
	struct bits b = {0};

	(void)state;
	assert_int_equal(bits_set(&b, BITS_MAX + 1), -E2BIG);
	assert_int_equal(bits_set(&b, UINT64_MAX), -E2BIG);
	bits_release(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bits_set_and_next),
	    cmocka_unit_test(test_bits_set_has_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
