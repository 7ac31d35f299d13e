#include "base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* FIPS 180-2, appendix B, and the empty message. */
static const struct {
	const char *in, *hex;
} known[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb924"
	 "27ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223"
	    "b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	"248d6a61d20638b8e5c026930c3e6039"
	"a33ce45964ff2167f6ecedd419db06c1"},
};

static void
check(const struct digest *d, const char *hex)
{
	char out[DIGEST_HEX_SIZE];

	assert_string_equal(digest_hex(d, out), hex);
}

static void
test_of_known(void **state)
{
	struct digest d;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		digest_of(known[i].in, strlen(known[i].in), &d);
		check(&d, known[i].hex);
	}
	digest_of(NULL, 0, &d);
	check(&d, known[0].hex);
}

static void
test_end_starts_anew(void **state)
{
	CLEANUP(hash_cleanup) struct hash *h = NULL;
	struct digest d;

	(void)state;
	assert_int_equal(hash_new(&h), 0);
	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < ARRAY_LEN(known); i++) {
			for (const char *p = known[i].in; *p; p++)
				hash_add(h, p, 1);
			hash_add(h, NULL, 0);
			hash_end(h, &d);
			check(&d, known[i].hex);
		}
}

static void
test_fork_goes_on_apart(void **state)
{
	CLEANUP(hash_cleanup) struct hash *a = NULL;
	CLEANUP(hash_cleanup) struct hash *b = NULL;
	struct digest d;

	(void)state;
	assert_int_equal(hash_new(&a), 0);
	hash_add(a, "ab", 2);
	assert_int_equal(hash_fork(a, &b), 0);
	hash_add(b, "x", 1);
	hash_add(a, "c", 1);
	hash_end(a, &d);
	check(&d, known[1].hex);
	hash_end(b, &d);
	assert_int_not_equal(d.byte[0], 0xba);
	hash_free(NULL);
}

static void
test_parse_forms(void **state)
{
	char hex[DIGEST_HEX_SIZE + 1];
	struct digest d, other;

	(void)state;
	digest_of("abc", 3, &other);
	assert_int_equal(digest_parse(span_of(known[1].hex), &d), 0);
	assert_true(digest_eq(&d, &other));
	(void)digest_hex(&d, hex);
	for (char *p = hex; *p; p++)
		if (*p >= 'a')
			*p = (char)(*p - 'a' + 'A');
	memset(&d, 0, sizeof(d));
	assert_int_equal(digest_parse(span_of(hex), &d), 0);
	assert_int_equal(digest_cmp(&d, &other), 0);

	assert_int_equal(digest_parse((struct span){hex, 63}, &d), -EBADMSG);
	hex[64] = '0';
	assert_int_equal(digest_parse((struct span){hex, 65}, &d), -EBADMSG);
	assert_int_equal(digest_parse(SPAN(""), &d), -EBADMSG);
	static const char not_hex[] = "g/:@`G \x80";
	for (size_t i = 0; i < sizeof(not_hex); i++) {
		hex[63] = not_hex[i];
		assert_int_equal(
		    digest_parse((struct span){hex, 64}, &d), -EBADMSG);
	}
	/* *ret only on success. */
	assert_true(digest_eq(&d, &other));
}

static void
test_cmp_bytewise(void **state)
{
	struct digest a = {{1}}, b = {{1, 0xff}}, c = {{2}};

	(void)state;
	assert_true(digest_cmp(&a, &b) < 0);
	assert_true(digest_cmp(&c, &b) > 0);
	assert_false(digest_eq(&a, &b));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_of_known),
	    cmocka_unit_test(test_end_starts_anew),
	    cmocka_unit_test(test_fork_goes_on_apart),
	    cmocka_unit_test(test_parse_forms),
	    cmocka_unit_test(test_cmp_bytewise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
