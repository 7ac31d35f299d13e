#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"

static void
test_clock_later_carries(void **state)
{
	static const struct {
		struct timespec then;
		unsigned ms;
		struct timespec expected;
	} cases[] = {
	    {{5, 0}, 0, {5, 0}},
	    {{5, 1}, 999, {5, 999000001}},
	    {{5, 1000000}, 999, {6, 0}},
	    {{5, 999999999}, 1, {6, 999999}},
	    {{5, 999999999}, 3600001, {3606, 999999}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct timespec got = clock_later(cases[i].then, cases[i].ms);

		assert_int_equal(got.tv_sec, cases[i].expected.tv_sec);
		assert_int_equal(got.tv_nsec, cases[i].expected.tv_nsec);
	}
}

/* One clock in three units. */
static void
test_clock_units_agree(void **state)
{
	int64_t ns = clock_ns(), ms = clock_ms(), s = clock_s();
	struct timespec in = clock_in(2500);

	(void)state;
	assert_true(ns > 0);
	assert_in_range(ms, ns / 1000000, clock_ns() / 1000000);
	assert_in_range(s, ms / 1000, clock_ms() / 1000);
	assert_in_range((int64_t)in.tv_sec * 1000 + in.tv_nsec / 1000000,
	    ms + 2500, clock_ms() + 2500);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_clock_later_carries),
	    cmocka_unit_test(test_clock_units_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
