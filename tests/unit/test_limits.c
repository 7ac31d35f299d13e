#include "mirror/limits.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "mirror/rate.h"

static void
test_limit_values(void **state)
{
	static const struct {
		const char *text;
		unsigned fetches; /* 0: refused */
		uint64_t rate;	  /* likewise */
	} cases[] = {
	    {"1", 1, 1},
	    {"64", 64, 64},
	    {"65", 0, 65},
	    {"500k", 0, 500000},
	    {"2M", 0, 2000000},
	    {"1G", 0, 1000000000},
	    {"9223372036G", 0, UINT64_C(9223372036000000000)},
	    {"9223372037G", 0, 0},
	    {"18446744073709551616", 0, 0},
	    {"0", 0, 0},
	    {"", 0, 0},
	    {"k", 0, 0},
	    {"1K", 0, 0},
	    {"1kk", 0, 0},
	    {"-1", 0, 0},
	    {"1.5M", 0, 0},
	    {" 1", 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct span text = span_of(cases[i].text);
		unsigned fetches = 0;
		uint64_t rate = 0;

		assert_int_equal(limit_fetches(text, &fetches),
		    cases[i].fetches ? 0 : -EINVAL);
		assert_int_equal(fetches, cases[i].fetches);
		assert_int_equal(
		    limit_rate(text, &rate), cases[i].rate ? 0 : -EINVAL);
		assert_int_equal(rate, cases[i].rate);
	}
}

static void
test_limits_take_out_of_options(void **state)
{
	static const struct {
		const char *options, *rest;
		int expected;
		struct limits limits;
	} cases[] = {
	    {"", "", 0, {0}},
	    {"ro,allow_other", "ro,allow_other", 0, {0}},
	    {"fetches=8", "", 0, {8, 0, 0}},
	    {"ro,fetches=8,fetch_rate=2M,nodev,fetch_stall=5", "ro,nodev", 0,
		{8, 2000000, 5000}},
	    {"fetch_rate=1k,fetch_rate=2k", "", 0, {0, 2000, 0}},
	    {"fetch,fetched=1", "fetch,fetched=1", 0, {0}},
	    {"fetches", "", -EINVAL, {0}},
	    {"fetches=", "", -EINVAL, {0}},
	    {"ro,fetches=0", "", -EINVAL, {0}},
	    {"fetch_stall=86401", "", -EINVAL, {0}},
	    {"fetch_rate=fast", "", -EINVAL, {0}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(buf_release) struct buf rest = {0};
		struct limits got = {0};
		struct error err = {""};

		assert_int_equal(
		    limits_take(span_of(cases[i].options), &got, &rest, &err),
		    cases[i].expected);
		assert_int_equal(got.fetches, cases[i].limits.fetches);
		assert_int_equal(got.bytes_per_s, cases[i].limits.bytes_per_s);
		assert_int_equal(got.stall_ms, cases[i].limits.stall_ms);
		if (cases[i].expected < 0)
			assert_non_null(
			    strstr(err.text, "mount option 'fetch"));
		else
			assert_true(
			    span_eq(buf_span(&rest), span_of(cases[i].rest)));
	}
}

static double
seconds(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
test_rate_pay_takes_its_time(void **state)
{
	CLEANUP(rate_cleanup) struct rate *r = NULL;
	atomic_bool cancel = false;
	double from;

	(void)state;
	assert_int_equal(rate_new(0, &r), 0);
	assert_null(r);
	assert_int_equal(rate_pay(r, SIZE_MAX, NULL), 0);
	assert_int_equal(rate_new(100000, &r), 0);
	from = seconds();
	for (int i = 0; i < 5; i++)
		assert_int_equal(rate_pay(r, 10000, &cancel), 0);
	/* A quarter of a second is for free. */
	assert_true(seconds() - from >= 0.2);
	atomic_store(&cancel, true);
	assert_int_equal(rate_pay(r, 1000000, &cancel), -EINTR);
	assert_true(seconds() - from < 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_limit_values),
	    cmocka_unit_test(test_limits_take_out_of_options),
	    cmocka_unit_test(test_rate_pay_takes_its_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
