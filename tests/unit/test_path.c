#include "base/path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"

static void
test_check_table(void **state)
{
	const struct {
		struct span in;
		const char *why;
	} t[] = {
	    {SPAN("pool/main/a/apt/apt_2.6_amd64.deb"), NULL},
	    {SPAN("a"), NULL},
	    {SPAN("..."), NULL},
	    {SPAN(".hidden/..b"), NULL},
	    {SPAN("gr\xc3\xbc\xc3\x9f"), NULL},
	    {SPAN("with blank"), NULL},
	    {SPAN(""), "is empty"},
	    {{NULL, 0}, "is empty"},
	    {SPAN("/etc/passwd"), "is absolute"},
	    {SPAN("/"), "is absolute"},
	    {SPAN("a//b"), "has an empty part"},
	    {SPAN("a/"), "has an empty part"},
	    {SPAN("."), "has a part '.'"},
	    {SPAN("./a"), "has a part '.'"},
	    {SPAN("a/."), "has a part '.'"},
	    {SPAN(".."), "has a part '..'"},
	    {SPAN("a/../b"), "has a part '..'"},
	    {SPAN("a/.."), "has a part '..'"},
	    {SPAN("a\0b"), "has a control character"},
	    {SPAN("a\nb"), "has a control character"},
	    {SPAN("a\x7f"), "has a control character"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		const char *why = path_check(t[i].in);

		if (t[i].why)
			assert_string_equal(why, t[i].why);
		else
			assert_null(why);
	}
}

static void
test_check_lengths(void **state)
{
	char text[PATH_MAX_LEN + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i % 256 == 255 ? '/' : 'a';
	/* Four parts of 255 bytes and three slashes. */
	assert_null(path_check((struct span){text, 1023}));
	text[1023] = 'a';
	assert_string_equal(path_check((struct span){text, 1024}),
	    "has a part of more than 255 bytes");
	text[1000] = '/';
	assert_null(path_check((struct span){text, 1024}));
	assert_string_equal(
	    path_check((struct span){text, 1025}), "is longer than 1024 bytes");
	assert_null(path_check((struct span){text, 255}));
	text[255] = 'a';
	assert_string_equal(path_check((struct span){text, 256}),
	    "has a part of more than 255 bytes");
}

static void
test_strip_dot(void **state)
{
	const struct {
		struct span in, out;
	} t[] = {
	    {SPAN("./Packages"), SPAN("Packages")},
	    {SPAN("././a/./b"), SPAN("a/./b")},
	    {SPAN("../a"), SPAN("../a")},
	    {SPAN("./"), SPAN("")},
	    {SPAN(".//a"), SPAN("/a")},
	    {SPAN(".a"), SPAN(".a")},
	    {SPAN(""), SPAN("")},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		assert_true(span_eq(path_strip_dot(t[i].in), t[i].out));
}

static void
test_name_check_table(void **state)
{
	char text[NAME_MAX_LEN + 1];
	const struct span good[] = {SPAN("bookworm"), SPAN("0"),
	    SPAN("a+-.:_~@Z"), SPAN("main-20251123T180000Z")};
	const struct span bad[] = {SPAN(""), {NULL, 0}, SPAN("-a"), SPAN(".a"),
	    SPAN("a/b"), SPAN("a b"), SPAN("a\n"), SPAN("a\0"), SPAN("_a"),
	    SPAN("a\xc3\xbc"), SPAN("a\\"), SPAN("a*")};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_null(name_check(good[i]));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_non_null(name_check(bad[i]));
	memset(text, 'a', sizeof(text));
	assert_null(name_check((struct span){text, NAME_MAX_LEN}));
	assert_non_null(name_check((struct span){text, NAME_MAX_LEN + 1}));
}

static void
test_base_dir(void **state)
{
	const struct {
		struct span in, dir, base;
	} t[] = {
	    {SPAN("a/b/c"), SPAN("a/b"), SPAN("c")},
	    {SPAN("c"), SPAN(""), SPAN("c")},
	    {SPAN("a/"), SPAN("a"), SPAN("")},
	    {SPAN("/a"), SPAN(""), SPAN("a")},
	    {SPAN(""), SPAN(""), SPAN("")},
	    {{NULL, 0}, SPAN(""), SPAN("")},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		assert_true(span_eq(path_dir(t[i].in), t[i].dir));
		assert_true(span_eq(path_base(t[i].in), t[i].base));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_check_table),
	    cmocka_unit_test(test_check_lengths),
	    cmocka_unit_test(test_strip_dot),
	    cmocka_unit_test(test_name_check_table),
	    cmocka_unit_test(test_base_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
