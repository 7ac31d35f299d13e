#include "base/glob.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

static const struct {
	const char *pattern, *text;
	bool matches;
} cases[] = {
    {"", "", true},
    {"", "a", false},
    {"a", "a", true},
    {"a", "b", false},
    {"a", "ab", false},
    {"*", "", true},
    {"*", "abc", true},
    {"*", "a/c", false},
    {"*/*", "a/c", true},
    {"*/*", "a/b/c", false},
    {"lib*", "lib", true},
    {"lib*", "libc6", true},
    {"lib*", "glib", false},
    {"*-dev", "libc6-dev", true},
    {"*-dev", "libc6-dev-bin", false},
    {"lib*-dev", "lib-dev", true},
    {"*a*b*c", "xxaxxbxxbc", true},
    {"*a*b*c", "xxaxxcxxbx", false},
    {"*ab", "aab", true},
    {"*aab", "aaab", true},
    {"a**b", "ab", true},
    {"?", "a", true},
    {"?", "", false},
    {"?", "/", false},
    {"?", "\xc3\xa9", true},
    {"??", "\xc3\xa9", false},
    {"?", "\xff", true},
    {"?\xa9", "\xc3\xa9", false},
    {"[abc]", "b", true},
    {"[abc]", "d", false},
    {"[a-c]x", "bx", true},
    {"[^a-c]", "d", true},
    {"[^a-c]", "b", false},
    {"[^a]", "/", false},
    {"[^a]*b", "xx/b", false},
    {"[.-0]", "/", false},
    {"[!a]", "!", true},
    {"[!a]", "b", false},
    {"[\xc3\xa0-\xc3\xaf]", "\xc3\xa9", true},
    {"[\xc3\xa0-\xc3\xaf]", "a", false},
    {"[\\]]", "]", true},
    {"[\\-a]", "-", true},
    {"\\*", "*", true},
    {"\\*", "a", false},
    {"\\\\", "\\", true},
    {"*a/*b", "a/c/a/b", false},
    {"pool/main/*/*", "pool/main/n/nginx", true},
};

static void
test_glob_match(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span pattern = span_of(cases[i].pattern);

		assert_null(glob_check(pattern));
		if (glob_match(pattern, span_of(cases[i].text)) !=
		    cases[i].matches)
			fail_msg("'%s' and '%s': expected %d", cases[i].pattern,
			    cases[i].text, cases[i].matches);
	}
}

static void
test_glob_check_refuses(void **state)
{
	static const char *const bad[] = {"[", "[a", "[]", "[]a]", "[^]",
	    "[a-]", "[-a]", "\\", "[\\", "[a-\\", "a[b"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!glob_check(span_of(bad[i])))
			fail_msg("'%s' was taken", bad[i]);
}

/* As many stars as there can be, and nothing that matches: a matcher that
 * tries every way to share the text out would not return. */
static void
test_glob_match_many_stars(void **state)
{
	char pattern[2001], text[20001];

	(void)state;
	for (size_t i = 0; i < 2000; i++)
		pattern[i] = i % 2 == 0 ? '*' : 'a';
	pattern[1999] = 'b';
	pattern[2000] = '\0';
	memset(text, 'a', 20000);
	text[20000] = '\0';
	assert_false(glob_match(span_of(pattern), span_of(text)));
	text[19999] = 'b';
	assert_true(glob_match(span_of(pattern), span_of(text)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_glob_match),
	    cmocka_unit_test(test_glob_check_refuses),
	    cmocka_unit_test(test_glob_match_many_stars),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
