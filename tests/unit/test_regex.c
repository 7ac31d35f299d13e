#include "base/regex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "base/buf.h"

static struct regex *
compiled(const char *pattern)
{
	struct regex *re = NULL;
	struct error err = {""};

	if (regex_new(span_of(pattern), &re, &err) < 0)
		fail_msg("'%s': %s", pattern, err.text);
	return re;
}

static int
match(const char *pattern, struct span text)
{
	CLEANUP(regex_cleanup) struct regex *re = compiled(pattern);
	CLEANUP(regex_run_cleanup) struct regex_run *run = NULL;
	struct error err = {""};
	int r;

	assert_int_equal(regex_run_new(0, &run), 0);
	r = regex_match(re, run, text, &err);
	assert_int_equal(err.text[0] != '\0', r < 0);
	return r;
}

static void
test_regex_match(void **state)
{
	static const struct {
		const char *pattern, *text;
		int expected;
	} cases[] = {
	    {"", "", 1},
	    {"b", "abc", 1},
	    {"^b", "abc", 0},
	    {"^a.*c$", "abc", 1},
	    {"c$", "abc\n", 0},
	    {"^nginx(-core|-light)?$", "nginx-light", 1},
	    {"^nginx(-core|-light)?$", "nginx-full", 0},
	    {"^.$", "\xc3\xa9", 1},
	    {"(a)(b)(c)(d)", "abcd", 1},
	    {"b", "\xff\xfe b", 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int r = match(cases[i].pattern, span_of(cases[i].text));

		if (r != cases[i].expected)
			fail_msg("'%s' in '%s': %d", cases[i].pattern,
			    cases[i].text, r);
	}
	assert_int_equal(match("^$", (struct span){0}), 1);
	assert_int_equal(match("a.*z", (struct span){"abz", 2}), 0);
}

static void
test_regex_new_refuses(void **state)
{
	static const char *const bad[] = {"(", "[a", "a**+*", "\\", "(?<!a*)b",
	    "((a{1,1000}){1,1000}){1,1000}", "\\C", "\xff"};
	struct regex *re = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct error err = {""};

		assert_int_equal(
		    regex_new(span_of(bad[i]), &re, &err), -EINVAL);
		assert_true(strncmp(err.text, "regular expression: ", 20) == 0);
	}
}

/* Each would take longer than anybody lives. */
static void
test_regex_match_explodes(void **state)
{
	static const char *const exploding[] = {"^(a+)+$", "^(a|a)*$",
	    "(x+x+)+y|^(a*)*b$", "^(((a*)*)*)*$", "^(?:a?){60}(b|d)"};
	struct span text =
	    SPAN("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(exploding); i++) {
		int r = match(exploding[i], text);

		if (r != -E2BIG)
			fail_msg("'%s': %d", exploding[i], r);
	}
}

/* One text does not take too much, but all of them do. */
static void
test_regex_match_run_is_limited(void **state)
{
	CLEANUP(regex_cleanup) struct regex *re = compiled("^(a+)+$");
	CLEANUP(regex_run_cleanup) struct regex_run *run = NULL;
	struct span text = SPAN("aaaaaaaaaaaaaac");
	struct error err = {""};
	int r = 0;

	(void)state;
	assert_int_equal(regex_run_new(1 << 22, &run), 0);
	assert_int_equal(regex_match(re, run, text, &err), 0);
	for (unsigned i = 0; r == 0 && i < 100000; i++)
		r = regex_match(re, run, text, &err);
	assert_int_equal(r, -E2BIG);
	assert_non_null(strstr(err.text, "^(a+)+$"));
}

/* What people write about the longest fields that there are is within it. */
static void
test_regex_match_long_text(void **state)
{
	CLEANUP(buf_release) struct buf b = {0};

	(void)state;
	for (unsigned i = 0; i < 20000; i++)
		assert_int_equal(
		    buf_addf(&b, "librust-x%u-dev (>= %u), ", i, i % 7), 0);
	assert_int_equal(match("^.*librust-x19999-dev.*$", buf_span(&b)), 1);
	assert_int_equal(match("rust.*nothing", (struct span){b.ptr, 3000}), 0);
	assert_int_equal(match("(^|, )librust-x7-dev( |,|$)", buf_span(&b)), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_regex_match),
	    cmocka_unit_test(test_regex_new_refuses),
	    cmocka_unit_test(test_regex_match_explodes),
	    cmocka_unit_test(test_regex_match_run_is_limited),
	    cmocka_unit_test(test_regex_match_long_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
