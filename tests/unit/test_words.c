#include "algebra/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

static void
test_add_numbers(void **state)
{
	CLEANUP(words_release) struct words w = {0};
	char text[32];
	uint32_t number;

	(void)state;
	assert_int_equal(words_find(&w, SPAN("a")), WORD_NONE);
	/* More than the first table has room for, of every length. */
	for (int round = 0; round < 2; round++)
		for (uint32_t i = 0; i < 5000; i++) {
			(void)snprintf(
			    text, sizeof(text), "%*u", (int)(i % 30), i);
			assert_int_equal(
			    words_add(&w, span_of(text), &number), 0);
			assert_int_equal(number, i);
			assert_int_equal(words_find(&w, span_of(text)), i);
		}
	assert_int_equal(words_add(&w, SPAN(""), &number), 0);
	assert_int_equal(number, 5000);
	assert_int_equal(words_get(&w, number).len, 0);
	assert_true(span_eq(words_get(&w, 7), SPAN("      7")));
	assert_int_equal(words_find(&w, SPAN("nothing")), WORD_NONE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_add_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
