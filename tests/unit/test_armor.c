#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h wants the above. */
#include <cmocka.h>

#include "fs/armor.h"

#define BEGIN "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n"
#define END   "-----END PGP PUBLIC KEY BLOCK-----\n"

static void
test_armor_known_answers(void **state)
{
	static const struct {
		struct span binary;
		const char *expected;
	} cases[] = {
	    {{NULL, 0}, BEGIN "=twTO\n" END},
	    /* The check value of CRC-24/OPENPGP: 0x21cf02. */
	    {{"123456789", 9}, BEGIN "MTIzNDU2Nzg5\n=Ic8C\n" END},
	    {{"12345678", 8}, BEGIN "MTIzNDU2Nzg=\n=UZU8\n" END},
	    {{"1234567", 7}, BEGIN "MTIzNDU2Nw==\n=FuX2\n" END},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf out = {0};

		assert_int_equal(armor_public_keys(cases[i].binary, &out), 0);
		assert_string_equal(out.ptr, cases[i].expected);
		buf_release(&out);
	}
}

static void
test_armor_wraps_lines(void **state)
{
	char zeros[49] = {0};
	struct buf out = {0};
	struct span rest, line;

	(void)state;
	assert_int_equal(
	    armor_public_keys((struct span){zeros, sizeof(zeros)}, &out), 0);
	rest = buf_span(&out);
	assert_true(span_cut(&rest, '\n', &line));
	assert_true(span_cut(&rest, '\n', &line));
	assert_int_equal(line.len, 0);
	assert_true(span_cut(&rest, '\n', &line));
	assert_int_equal(line.len, 64);
	assert_true(span_cut(&rest, '\n', &line));
	assert_true(span_eq(line, SPAN("AA==")));
	buf_release(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_armor_known_answers),
	    cmocka_unit_test(test_armor_wraps_lines),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
