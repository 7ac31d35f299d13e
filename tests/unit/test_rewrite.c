#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "fs/rewrite.h"

#define SHA "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define BINARY(package, source, filename)                                      \
	"Package: " package "\n" source                                        \
	"Version: 1.0\nArchitecture: all\n" filename "Size: 1\nSHA256: " SHA   \
	"\nDescription: d\n more\n"
#define SOURCE(package, directory)                                             \
	"Package: " package "\nVersion: 1.0\n" directory                       \
	"Checksums-Sha256:\n " SHA " 1 x_1.0.dsc\nFormat: 1.0\n"

static const struct {
	enum package_kind kind;
	bool needed;
	const char *stanza, *expected; /* NULL: -EBADMSG */
} cases[] = {
    {PACKAGE_BINARY, true, BINARY("hello", "", "Filename: ./a/h.deb\n"),
	BINARY("hello", "", "Filename: pool/main/h/hello/h.deb\n")},
    {PACKAGE_BINARY, true, BINARY("libx1", "", "Filename: h.deb\n"),
	BINARY("libx1", "", "Filename: pool/main/libx/libx1/h.deb\n")},
    {PACKAGE_BINARY, true, BINARY("lib", "", "filename:   h.deb  \n"),
	BINARY("lib", "", "filename:   pool/main/l/lib/h.deb  \n")},
    {PACKAGE_UDEB, true,
	BINARY("a-udeb", "Source: zoo (2)\n", "Filename: h.udeb\n"),
	BINARY("a-udeb", "Source: zoo (2)\n",
	    "Filename: pool/main/z/zoo/h.udeb\n")},
    {PACKAGE_BINARY, true, BINARY("a", "Source: b/c\n", "Filename: h.deb\n"),
	NULL},
    {PACKAGE_BINARY, false, BINARY("hello", "", "Filename: pool/h/h.deb\n"),
	NULL},
    {PACKAGE_BINARY, true, BINARY("hello", "", "Filename: pooled/h.deb\n"),
	BINARY("hello", "", "Filename: pool/main/h/hello/h.deb\n")},
    {PACKAGE_SOURCE, true, SOURCE("x", "Directory: dir\n"),
	SOURCE("x", "Directory: pool/main/x/x\n")},
    {PACKAGE_SOURCE, true, SOURCE("x", ""),
	SOURCE("x", "") "Directory: pool/main/x/x\n"},
    {PACKAGE_SOURCE, false, SOURCE("x", "Directory: pool/x\n"), NULL},
};

static void
test_rewrite_stanza(void **state)
{
	struct light l = {0};
	struct error err = {""};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct span stanza = span_of(cases[i].stanza);
		struct buf out = {0};
		int r = light_from_stanza(stanza, cases[i].kind, 1, &l, &err);

		if (r < 0)
			fail_msg("case %zu: %s", i, err.text);
		assert_int_equal(rewrite_needed(&l), cases[i].needed);
		if (!cases[i].needed)
			continue;
		r = rewrite_stanza(stanza, &l, "main", &out);
		assert_int_equal(r, cases[i].expected ? 0 : -EBADMSG);
		if (cases[i].expected)
			assert_string_equal(out.ptr, cases[i].expected);
		buf_release(&out);
	}
	light_release(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rewrite_stanza),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
