#include "base/date.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"

#define SOMETIME INT64_C(1747475487) /* Sat, 17 May 2025 09:51:27 UTC */

static void
test_parse_good(void **state)
{
	const struct {
		struct span in;
		int64_t t;
	} t[] = {
	    {SPAN("Sat, 17 May 2025 09:51:27 UTC"), SOMETIME},
	    {SPAN("  Sat,  17 May 2025\t09:51:27 GMT \r"), SOMETIME},
	    {SPAN("Sat, 17 May 2025 09:51:27 Z"), SOMETIME},
	    {SPAN("Sat, 17 May 2025 09:51:27 +0000"), SOMETIME},
	    {SPAN("Sat, 17 May 2025 09:51:27 -0000"), SOMETIME},
	    {SPAN("Sat, 17 May 2025 11:51:27 +0200"), SOMETIME},
	    {SPAN("Sat, 17 May 2025 05:21:27 -0430"), SOMETIME},
	    {SPAN("17 May 2025 09:51:27 UTC"), SOMETIME},
	    {SPAN("sat, 17 may 2025 09:51:27 utc"), SOMETIME},
	    {SPAN("Sat May 17 09:51:27 2025"), SOMETIME},
	    {SPAN("Sat, 17 May 2025 09:51 UTC"), SOMETIME - 27},
	    {SPAN("Thu, 1 Jan 1970 00:00:00 UTC"), 0},
	    {SPAN("Thu, 01 Jan 1970 00:00:59 UTC"), 59},
	    {SPAN("Thu, 29 Feb 2024 00:00:00 UTC"), 1709164800},
	    {SPAN("Tue, 29 Feb 2000 00:00:00 UTC"), 951782400},
	    {SPAN("Tue, 19 Jan 2038 03:14:08 UTC"), INT64_C(1) << 31},
	    {SPAN("Fri, 31 Dec 9999 23:59:59 UTC"), 253402300799},
	    {SPAN("Sat, 31 Dec 2016 23:59:60 UTC"), 1483228800},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		int64_t got = -1;

		assert_int_equal(date_parse(t[i].in, &got), 0);
		assert_int_equal(got, t[i].t);
	}
}

static void
test_parse_bad(void **state)
{
	const struct span t[] = {SPAN(""), SPAN("now"), SPAN("Sat,"),
	    SPAN("Sat, 17 May 2025 09:51:27"),
	    SPAN("Sat, 17 May 2025 09:51:27 CEST"),
	    SPAN("Sat, 17 May 2025 09:51:27 +2"),
	    SPAN("Sat, 17 May 2025 09:51:27 +02:00"),
	    SPAN("Sat, 17 May 2025 09:51:27 +0260"),
	    SPAN("Sat, 17 May 2025 09:51:27 UTC x"),
	    SPAN("Sat, 17 May 2025 09:51:27 UTC x y z"),
	    SPAN("Sat, 17 May 2025 9:51:27 UTC"),
	    SPAN("Sat, 17 May 2025 24:00:00 UTC"),
	    SPAN("Sat, 17 May 2025 09:60:00 UTC"),
	    SPAN("Sat, 17 May 2025 09:51:61 UTC"),
	    SPAN("Sat, 17 May 2025 09:51: UTC"),
	    SPAN("Sat, 17 May 2025 09:51:27: UTC"),
	    SPAN("Sat, 17 May 2025 :09:51 UTC"),
	    SPAN("Sat, 17 May 2025 09 UTC"), SPAN("Sat, 17 May 2025 : UTC"),
	    SPAN("Sat, 00 May 2025 09:51:27 UTC"),
	    SPAN("Sat, 31 Apr 2025 09:51:27 UTC"),
	    SPAN("Sat, 29 Feb 2025 09:51:27 UTC"),
	    SPAN("Sat, 29 Feb 2100 09:51:27 UTC"),
	    SPAN("Sat, 17 Mai 2025 09:51:27 UTC"),
	    SPAN("Sat, 17 May 25 09:51:27 UTC"),
	    SPAN("Sat, 17 May 12025 09:51:27 UTC"),
	    SPAN("Sat, 17 May 1969 09:51:27 UTC"),
	    SPAN("Thu, 01 Jan 1970 00:00:00 +0001"),
	    SPAN("Xyz, 17 May 2025 09:51:27 UTC"),
	    SPAN("Sat 17 May 2025 09:51:27 UTC"),
	    SPAN("Sat May 17 09:51:27 UTC 2025"), SPAN("2025-05-17T09:51:27Z"),
	    SPAN("1747475487"), SPAN("Sat, 17 May 2025 09:51:27 UTC\0")};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		int64_t got = -1;

		assert_int_equal(date_parse(t[i], &got), -EBADMSG);
		assert_int_equal(got, -1);
	}
}

static void
test_parse_ignores_local_zone(void **state)
{
	int64_t t;

	(void)state;
	assert_int_equal(setenv("TZ", "XYZ-5", 1), 0);
	tzset();
	assert_int_equal(date_parse(SPAN("Sat May 17 09:51:27 2025"), &t), 0);
	assert_int_equal(t, SOMETIME);
}

static void
test_format_forms(void **state)
{
	char out[DATE_SIZE];

	(void)state;
	assert_string_equal(
	    date_format(SOMETIME, out), "Sat, 17 May 2025 09:51:27 UTC");
	assert_string_equal(
	    date_format(0, out), "Thu, 01 Jan 1970 00:00:00 UTC");
	assert_string_equal(date_format_id(SOMETIME, out), "20250517T095127Z");
	assert_string_equal(
	    date_format_iso(SOMETIME, out), "2025-05-17T09:51:27Z");
	assert_string_equal(
	    date_format_iso(INT64_MAX, out), "9999-12-31T23:59:59Z");
	assert_string_equal(
	    date_format_iso(INT64_MIN, out), "0001-01-01T00:00:00Z");
}

static void
test_format_parses_again(void **state)
{
	char out[DATE_SIZE];

	(void)state;
	/* A step that is no multiple of a day meets all kinds of days. */
	for (int64_t t = 0; t < INT64_C(253402300799); t += 86400 * 97 + 7919) {
		int64_t back = -1;

		assert_int_equal(
		    date_parse(span_of(date_format(t, out)), &back), 0);
		assert_int_equal(back, t);
	}
}

static void
test_duration_table(void **state)
{
	const struct {
		struct span in;
		int r;
		int64_t s;
	} t[] = {
	    {SPAN("0"), 0, 0},
	    {SPAN("90"), 0, 90},
	    {SPAN("90s"), 0, 90},
	    {SPAN("15m"), 0, 900},
	    {SPAN("12h"), 0, 43200},
	    {SPAN("7d"), 0, 604800},
	    {SPAN("2w"), 0, 1209600},
	    {SPAN("1d12h"), 0, 129600},
	    {SPAN("1m1m"), 0, 120},
	    {SPAN(""), -EINVAL, 0},
	    {SPAN("d"), -EINVAL, 0},
	    {SPAN("1d12"), -EINVAL, 0},
	    {SPAN("1y"), -EINVAL, 0},
	    {SPAN("-1d"), -EINVAL, 0},
	    {SPAN("1 d"), -EINVAL, 0},
	    {SPAN("1.5h"), -EINVAL, 0},
	    {SPAN("99999999999999999999"), -EINVAL, 0},
	    {SPAN("9223372036854775808"), -EINVAL, 0},
	    {SPAN("9223372036854775807w"), -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		int64_t s = 0;

		assert_int_equal(duration_parse(t[i].in, &s), t[i].r);
		assert_int_equal(s, t[i].s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_parse_good),
	    cmocka_unit_test(test_parse_bad),
	    cmocka_unit_test(test_parse_ignores_local_zone),
	    cmocka_unit_test(test_format_forms),
	    cmocka_unit_test(test_format_parses_again),
	    cmocka_unit_test(test_duration_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
