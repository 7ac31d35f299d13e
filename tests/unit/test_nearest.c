#include "base/nearest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

static void
check(const char *word, const char *const *names, const char *expected)
{
	struct nearest n = {.word = span_of(word)};
	char out[NEAREST_SIZE];

	for (; *names; names++)
		nearest_try(&n, span_of(*names));
	assert_string_equal(nearest_question(&n, "", out), expected);
	assert_int_equal(nearest_found(&n), expected[0] != '\0');
}

static void
test_nearest_question(void **state)
{
	static const char *const days[] = {
	    "monday", "tuesday", "sunday", "m", NULL};
	static const char *const many[] = {
	    "abc1", "abc2", "abc3", "abc4", NULL};
	static const char *const none[] = {"", NULL};

	(void)state;
	check("mondy", days, "; is it monday?");
	check("modnay", days, "; is it monday?");
	check("mondayy", days, "; is it monday?");
	check("munday", days, "; is it monday, or sunday?");
	check("tuesday", days, "; is it tuesday?");
	check("friday", days, "");
	check("x", days, "");
	check("m", days, "; is it m?");
	check("to", days, "");
	check("", days, "");
	check("monday", none, "");
	check("abc", many, "");
	check("abc0", many, "");
	check("abc1", many, "; is it abc1?");
}

static void
test_nearest_long_words(void **state)
{
	char word[NEAREST_MAX_WORD + 2], out[NEAREST_SIZE];
	struct nearest n = {0};

	(void)state;
	memset(word, 'x', sizeof(word));
	/* As long as may be: three of them fill a message. */
	n.word = (struct span){word, NEAREST_MAX_WORD};
	for (int i = 0; i < NEAREST_MAX; i++)
		nearest_try(&n, (struct span){word, NEAREST_MAX_WORD});
	assert_int_equal(n.n, NEAREST_MAX);
	(void)nearest_question(&n, "--", out);
	assert_int_equal(out[strlen(out) - 1], '?');

	n = (struct nearest){.word = {word, NEAREST_MAX_WORD + 1}};
	nearest_try(&n, (struct span){word, NEAREST_MAX_WORD});
	assert_false(nearest_found(&n));
	n = (struct nearest){.word = {word, NEAREST_MAX_WORD}};
	nearest_try(&n, (struct span){word, NEAREST_MAX_WORD + 1});
	assert_false(nearest_found(&n));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_nearest_question),
	    cmocka_unit_test(test_nearest_long_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
