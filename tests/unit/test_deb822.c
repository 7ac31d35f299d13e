#include "base/deb822.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void
test_field_good(void **state)
{
	const struct {
		struct span in, name, value;
		size_t lines;
	} t[] = {
	    {SPAN("Package: apt\n"), SPAN("Package"), SPAN("apt"), 1},
	    {SPAN("Package:apt"), SPAN("Package"), SPAN("apt"), 1},
	    {SPAN("Package: \t apt \t\r\n"), SPAN("Package"), SPAN("apt"), 1},
	    {SPAN("Package:"), SPAN("Package"), SPAN(""), 1},
	    {SPAN("Package: \n"), SPAN("Package"), SPAN(""), 1},
	    {SPAN("A: b:c: d\n"), SPAN("A"), SPAN("b:c: d"), 1},
	    {SPAN("A: b\n c\n\td\n"), SPAN("A"), SPAN("b\n c\n\td"), 3},
	    {SPAN("A:\n c\n d"), SPAN("A"), SPAN("c\n d"), 3},
	    {SPAN("A: b\r\n c\r\n"), SPAN("A"), SPAN("b\r\n c"), 2},
	    {SPAN("A: b\n .\n # no comment\n"), SPAN("A"),
		SPAN("b\n .\n # no comment"), 3},
	    {SPAN("!\"$%&'()*+,/;<=>?@[]^_`{|}~: x\n"),
		SPAN("!\"$%&'()*+,/;<=>?@[]^_`{|}~"), SPAN("x"), 1},
	    {SPAN("A: \xc3\xbc\n"), SPAN("A"), SPAN("\xc3\xbc"), 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct span text = t[i].in;
		const char *why = NULL;
		struct field f;
		size_t line = 40;

		assert_int_equal(deb822_field(&text, &line, &f, &why), 1);
		assert_true(span_eq(f.name, t[i].name));
		assert_true(span_eq(f.value, t[i].value));
		assert_int_equal(line, 40 + t[i].lines);
		assert_int_equal(text.len, 0);
		assert_int_equal(deb822_field(&text, &line, &f, &why), 0);
		assert_int_equal(line, 40 + t[i].lines);
		assert_null(why);
	}
}

static void
test_field_bad(void **state)
{
	const struct {
		struct span in;
		const char *why;
		size_t line;
	} t[] = {
	    {SPAN("Package\n"), "no colon", 1},
	    {SPAN("A: b\nc\n: d\n"), "no colon", 2},
	    {SPAN(": b\n"), "no field name", 1},
	    {SPAN("A: b\n c\nX Y: z\n"), "bad character in a field name", 3},
	    {SPAN("A : b\n"), "bad character in a field name", 1},
	    {SPAN("\xc3\xbc: b\n"), "bad character in a field name", 1},
	    {SPAN("A\x7f: b\n"), "bad character in a field name", 1},
	    {SPAN("#A: b\n"), "bad first character of a field name", 1},
	    {SPAN("-----BEGIN: x\n"), "bad first character of a field name", 1},
	    {SPAN(" b\n"), "continuation line with nothing before it", 1},
	    {SPAN("\tb: c\n"), "continuation line with nothing before it", 1},
	    {SPAN("A: b\n\nC: d\n"), "blank line", 2},
	    {SPAN("A: b\0c\n"), "NUL byte", 1},
	    {SPAN("A: b\n c\n \0\n"), "NUL byte", 3},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct span text = t[i].in;
		const char *why = NULL;
		struct field f;
		size_t line = 0;
		int r;

		while ((r = deb822_field(&text, &line, &f, &why)) > 0)
			;
		assert_int_equal(r, -EBADMSG);
		assert_string_equal(why, t[i].why);
		assert_int_equal(line, t[i].line);
	}
}

static void
test_field_name_length(void **state)
{
	char in[FIELD_NAME_MAX + 2];
	struct span text = {in, FIELD_NAME_MAX + 1};
	const char *why = NULL;
	struct field f;
	size_t line = 0;

	(void)state;
	memset(in, 'a', sizeof(in));
	in[FIELD_NAME_MAX] = ':';
	assert_int_equal(deb822_field(&text, &line, &f, &why), 1);
	assert_int_equal(f.name.len, FIELD_NAME_MAX);
	in[FIELD_NAME_MAX] = 'a';
	in[FIELD_NAME_MAX + 1] = ':';
	text = (struct span){in, sizeof(in)};
	assert_int_equal(deb822_field(&text, &line, &f, &why), -EBADMSG);
	assert_string_equal(why, "field name too long");
}

static void
test_get_any_case(void **state)
{
	const struct span stanza =
	    SPAN("Package: a\nsize: 1\nSize: 2\nLong: x\n y\nEmpty:\n");
	const struct {
		struct span name;
		const char *value;
	} t[] = {
	    {SPAN("package"), "a"},
	    {SPAN("Size"), "1"},
	    {SPAN("LONG"), "x\n y"},
	    {SPAN("Empty"), ""},
	    {SPAN("y"), NULL},
	    {SPAN("Siz"), NULL},
	    {SPAN(""), NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct span value;
		bool found = deb822_get(stanza, t[i].name, &value);

		assert_int_equal(found, t[i].value != NULL);
		if (found)
			assert_true(span_eq(value, span_of(t[i].value)));
	}
}

static void
test_stanza_table(void **state)
{
	const struct {
		struct span in;
		const char *stanzas[3]; /* NULL: no more */
	} t[] = {
	    {SPAN(""), {NULL}},
	    {{NULL, 0}, {NULL}},
	    {SPAN("\n \n\t\r\n"), {NULL}},
	    {SPAN("A: b\n"), {"A: b\n"}},
	    {SPAN("A: b"), {"A: b"}},
	    {SPAN("A: b\n\nC: d\n"), {"A: b\n", "C: d\n"}},
	    {SPAN("\n\nA: b\n c\n\n\n\nC: d\n\n"), {"A: b\n c\n", "C: d\n"}},
	    {SPAN("A: b\n \t\r\nC: d"), {"A: b\n", "C: d"}},
	    {SPAN("A: b\r\n\r\nC: d\r\n"), {"A: b\r\n", "C: d\r\n"}},
	    {SPAN("A: b\n "), {"A: b\n"}},
	    {SPAN("A: b\n .\nC: d\n"), {"A: b\n .\nC: d\n"}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct span text = t[i].in, stanza;

		for (size_t k = 0; t[i].stanzas[k]; k++) {
			assert_true(deb822_stanza(&text, &stanza));
			assert_true(span_eq(stanza, span_of(t[i].stanzas[k])));
		}
		assert_false(deb822_stanza(&text, &stanza));
		assert_int_equal(text.len, 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_field_good),
	    cmocka_unit_test(test_field_bad),
	    cmocka_unit_test(test_field_name_length),
	    cmocka_unit_test(test_get_any_case),
	    cmocka_unit_test(test_stanza_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
