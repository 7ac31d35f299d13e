#include "base/span.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"

static void
test_eq_nocase(void **state)
{
	const struct {
		struct span a, b;
		bool eq, nocase;
	} t[] = {
	    {SPAN(""), {NULL, 0}, true, true},
	    {SPAN("Date"), SPAN("Date"), true, true},
	    {SPAN("Date"), SPAN("dATE"), false, true},
	    {SPAN("Date"), SPAN("Dates"), false, false},
	    /* Differ in the same bit as letters of two cases do. */
	    {SPAN("[@"), SPAN("{`"), false, false},
	    {SPAN("\xc4"), SPAN("\xe4"), false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		assert_int_equal(span_eq(t[i].a, t[i].b), t[i].eq);
		assert_int_equal(span_eq_nocase(t[i].a, t[i].b), t[i].nocase);
	}
}

static void
test_cmp_bytewise(void **state)
{
	/* In ascending order. */
	const struct span t[] = {SPAN(""), SPAN("\0"), SPAN("A"), SPAN("a"),
	    SPAN("a\0"), SPAN("ab"), SPAN("b"), SPAN("\xff")};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		for (size_t k = 0; k < ARRAY_LEN(t); k++) {
			int r = span_cmp(t[i], t[k]);

			assert_int_equal((r > 0) - (r < 0), (i > k) - (i < k));
		}
}

static void
test_starts_ends(void **state)
{
	const struct {
		struct span s, part;
		bool starts, ends;
	} t[] = {
	    {SPAN("abc"), SPAN("ab"), true, false},
	    {SPAN("abc"), SPAN("bc"), false, true},
	    {SPAN("abc"), SPAN("abc"), true, true},
	    {SPAN("abc"), SPAN("abcd"), false, false},
	    {SPAN("abc"), {NULL, 0}, true, true},
	    {{NULL, 0}, {NULL, 0}, true, true},
	    {{NULL, 0}, SPAN("a"), false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		assert_int_equal(span_starts(t[i].s, t[i].part), t[i].starts);
		assert_int_equal(span_ends(t[i].s, t[i].part), t[i].ends);
	}
}

static void
test_trim(void **state)
{
	const struct {
		struct span in, out;
	} t[] = {
	    {SPAN(" \t\r\na b\r\n"), SPAN("a b")},
	    {SPAN(" \n"), SPAN("")},
	    {SPAN("x"), SPAN("x")},
	    {{NULL, 0}, {NULL, 0}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		assert_true(span_eq(span_trim(t[i].in), t[i].out));
}

static void
test_word_all(void **state)
{
	struct span text = SPAN("  main\tcontrib\r\n non-free "), w;

	(void)state;
	assert_true(span_word(&text, &w));
	assert_true(span_eq(w, SPAN("main")));
	assert_true(span_word(&text, &w));
	assert_true(span_eq(w, SPAN("contrib")));
	assert_true(span_word(&text, &w));
	assert_true(span_eq(w, SPAN("non-free")));
	assert_false(span_word(&text, &w));
	assert_false(span_word(&text, &w));
	text = (struct span){NULL, 0};
	assert_false(span_word(&text, &w));
}

static void
test_cut_separators(void **state)
{
	struct span text = SPAN("a,,b,"), w;

	(void)state;
	assert_true(span_cut(&text, ',', &w));
	assert_true(span_eq(w, SPAN("a")));
	assert_true(span_cut(&text, ',', &w));
	assert_true(span_eq(w, SPAN("")));
	assert_true(span_cut(&text, ',', &w));
	assert_true(span_eq(w, SPAN("b")));
	assert_false(span_cut(&text, ',', &w));
}

static void
test_lines(void **state)
{
	static const struct {
		struct span text;
		size_t lines;
	} cases[] = {
	    {SPAN_INIT(""), 0},
	    {SPAN_INIT("\n"), 1},
	    {SPAN_INIT("a"), 1},
	    {SPAN_INIT("a\n"), 1},
	    {SPAN_INIT("a\n\nb"), 3},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(span_lines(cases[i].text), cases[i].lines);
}

static void
test_u64_limits(void **state)
{
	const struct {
		struct span in;
		int r;
		uint64_t n;
	} t[] = {
	    {SPAN("0"), 0, 0},
	    {SPAN("007"), 0, 7},
	    {SPAN("18446744073709551615"), 0, UINT64_MAX},
	    {SPAN("18446744073709551616"), -ERANGE, 0},
	    {SPAN("99999999999999999999999"), -ERANGE, 0},
	    {SPAN("99999999999999999999999x"), -EINVAL, 0},
	    {SPAN(""), -EINVAL, 0},
	    {SPAN("-1"), -EINVAL, 0},
	    {SPAN("+1"), -EINVAL, 0},
	    {SPAN(" 1"), -EINVAL, 0},
	    {SPAN("1\0"), -EINVAL, 0},
	    {SPAN("0x1"), -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		uint64_t n = 0;

		assert_int_equal(span_u64(t[i].in, &n), t[i].r);
		assert_true(n == t[i].n);
	}
}

static void
test_dup_terminates(void **state)
{
	char *s = span_dup((struct span){"abcdef", 3});

	(void)state;
	assert_string_equal(s, "abc");
	free(s);
	s = span_dup((struct span){NULL, 0});
	assert_string_equal(s, "");
	free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_eq_nocase),
	    cmocka_unit_test(test_cmp_bytewise),
	    cmocka_unit_test(test_starts_ends),
	    cmocka_unit_test(test_trim),
	    cmocka_unit_test(test_word_all),
	    cmocka_unit_test(test_cut_separators),
	    cmocka_unit_test(test_lines),
	    cmocka_unit_test(test_u64_limits),
	    cmocka_unit_test(test_dup_terminates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
