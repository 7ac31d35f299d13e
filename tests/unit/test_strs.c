#include "base/strs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

static void
test_add_many(void **state)
{
	struct strs s = {0};
	char text[16];

	(void)state;
	for (size_t i = 0; i < 1000; i++) {
		(void)snprintf(text, sizeof(text), "%zu", i);
		assert_int_equal(strs_add(&s, span_of(text)), 0);
		assert_int_equal(s.n, i + 1);
		assert_null(s.v[s.n]);
	}
	for (size_t i = 0; i < 1000; i++) {
		(void)snprintf(text, sizeof(text), "%zu", i);
		assert_string_equal(s.v[i], text);
	}
	strs_release(&s);
	assert_null(s.v);
	strs_release(&s);
}

static void
test_add_split_leaves_out_empty(void **state)
{
	struct strs s = {0};
	char *joined;

	(void)state;
	assert_int_equal(strs_add_split(&s, SPAN(",a,,b c,"), ','), 0);
	assert_int_equal(strs_add_split(&s, SPAN(" d \n\te "), 0), 0);
	assert_int_equal(strs_add_split(&s, SPAN(""), ','), 0);
	joined = strs_join(&s, "|");
	assert_string_equal(joined, "a|b c|d|e");
	free(joined);
	strs_release(&s);
}

static void
test_sort_has(void **state)
{
	struct strs s = {0};
	char *joined;

	(void)state;
	strs_sort(&s);
	assert_false(strs_has(&s, SPAN("a")));
	assert_int_equal(strs_add_split(&s, SPAN("b a C ab"), 0), 0);
	strs_sort(&s);
	joined = strs_join(&s, " ");
	assert_string_equal(joined, "C a ab b");
	free(joined);
	assert_true(strs_has(&s, SPAN("ab")));
	assert_false(strs_has(&s, SPAN("c")));
	assert_false(strs_has(&s, SPAN("")));
	strs_release(&s);
}

static void
test_add_all_of_itself(void **state)
{
	struct strs s = {0}, other = {0};
	char *joined;

	(void)state;
	assert_int_equal(strs_add_all(&s, &other), 0);
	assert_int_equal(strs_add_split(&s, SPAN("a b"), 0), 0);
	assert_int_equal(strs_add_all(&s, &s), 0);
	joined = strs_join(&s, "");
	assert_string_equal(joined, "abab");
	free(joined);
	strs_release(&s);
}

static void
test_join_empty(void **state)
{
	struct strs s = {0};
	char *joined = strs_join(&s, ", ");

	(void)state;
	assert_string_equal(joined, "");
	free(joined);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_add_many),
	    cmocka_unit_test(test_add_split_leaves_out_empty),
	    cmocka_unit_test(test_sort_has),
	    cmocka_unit_test(test_add_all_of_itself),
	    cmocka_unit_test(test_join_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
