#include "base/version.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

/* How a stands to b: -1, 0, 1. */
static const struct pair {
	const char *a, *b;
	int order;
} pairs[] = {
    {"1", "1", 0},
    {"1", "2", -1},
    {"9", "10", -1},
    {"1.0", "1.0-0", 0},
    {"1.0", "1.0-1", -1},
    {"1.0-0", "1.0-00", 0},
    {"0:1.0", "1.0", 0},
    {"00:1.0", "0:1.0", 0},
    {"1:0", "99999", 1},
    {"2:1", "10:0", -1},
    {"1.0~rc1", "1.0", -1},
    {"1.0~~", "1.0~", -1},
    {"1.0~~a", "1.0~", -1},
    {"1.0~", "1.0~a", -1},
    {"1.0-1~bpo12+1", "1.0-1", -1},
    {"1.0~rc1-1", "1.0-0.1", -1},
    {"1.0a", "1.0", 1},
    {"1.0a", "1.0+", -1},
    {"1.0+", "1.0.", -1},
    {"1.0Z", "1.0a", -1},
    {"1.0", "1.0.0", -1},
    {"1.0", "1.", 0},
    {"1.0.", "1.", 1},
    {"1.0-1", "1.0-1+b1", -1},
    {"1.0-1-1", "1.0-2", 1},
    {"1.0-1-1", "1.0-1-1", 0},
    {"1-1-1", "1-1", 1},
    {"1.00", "1.0", 0},
    {"1.001", "1.1", 0},
    {"1.01", "1.010", -1},
    {"1a0", "1a", 0},
    {"1a0b", "1ab", -1},
    {"0", "0~", 1},
    {"0-0~", "0", -1},
    {"1:1-1", "1:1", 1},
    {"1:2:3", "1:2.3", 1},
    {"18446744073709551616", "18446744073709551615", 1},
    {"4294967296", "0", 1},
    {"20250517000000000000000000000000001", "20250517000000000000000000000000",
	1},
    {"00000000000000000000000000000000000001", "1", 0},
    {"1.2.3-4ubuntu5", "1.2.3-4ubuntu10", -1},
    {"6.1.0-35-amd64", "6.1.0-4-amd64", 1},
    {"2.36-9+deb12u10", "2.36-9+deb12u9", 1},
    {"1.0+dfsg", "1.0+dfsg1", -1},
    {"1.0+~1", "1.0+", -1},
};

static int
sign(int n)
{
	return (n > 0) - (n < 0);
}

static void
test_cmp_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		struct span a = span_of(pairs[i].a), b = span_of(pairs[i].b);

		if (sign(version_cmp(a, b)) != pairs[i].order)
			print_error("%s and %s\n", pairs[i].a, pairs[i].b);
		assert_int_equal(sign(version_cmp(a, b)), pairs[i].order);
		assert_int_equal(sign(version_cmp(b, a)), -pairs[i].order);
		assert_int_equal(version_cmp(a, a), 0);
	}
}

/* What dpkg refuses must still be put into some order, and always the same. */
static void
test_cmp_odd(void **state)
{
	const struct span t[] = {SPAN(""), {NULL, 0}, SPAN(":"), SPAN("-"),
	    SPAN("~"), SPAN("a:1"), SPAN("1:"), SPAN("-1"), SPAN("1-"),
	    SPAN("\0"), SPAN("1\0"), SPAN("\xff"), SPAN(" 1 "), SPAN("a")};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		for (size_t k = 0; k < ARRAY_LEN(t); k++)
			assert_int_equal(sign(version_cmp(t[i], t[k])),
			    -sign(version_cmp(t[k], t[i])));
	assert_int_equal(version_cmp(SPAN(" 1\n"), SPAN("1")), 0);
	assert_int_equal(version_cmp(SPAN(""), SPAN("0")), 0);
	assert_int_equal(version_cmp(SPAN("1.0-"), SPAN("1.0")), 0);
	/* A span may be part of a longer text. */
	assert_int_equal(version_cmp((struct span){"1.05", 3}, SPAN("1.0")), 0);
	assert_int_equal(version_cmp((struct span){"1~", 1}, SPAN("1")), 0);
}

/* Whether dpkg says that a stands so to b; -1 without dpkg. */
static int
ask_dpkg(const char *a, const char *relation, const char *b)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		(void)freopen("/dev/null", "w", stderr);
		(void)execlp("dpkg", "dpkg", "--compare-versions", a, relation,
		    b, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status) == 127 ? -1 : WEXITSTATUS(status) == 0;
}

static void
test_cmp_as_dpkg(void **state)
{
	static const char *const relations[] = {"lt", "eq", "gt"};

	(void)state;
	if (ask_dpkg("1", "eq", "1") < 0) {
		print_message("no dpkg here: not compared with it\n");
		skip();
	}
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		int r =
		    sign(version_cmp(span_of(pairs[i].a), span_of(pairs[i].b)));

		if (ask_dpkg(pairs[i].a, relations[r + 1], pairs[i].b) == 1)
			continue;
		print_error("dpkg: not %s %s %s\n", pairs[i].a,
		    relations[r + 1], pairs[i].b);
		fail();
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cmp_table),
	    cmocka_unit_test(test_cmp_odd),
	    cmocka_unit_test(test_cmp_as_dpkg),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
