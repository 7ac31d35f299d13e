#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/record.h"

#define BYTES(literal) ((struct span){literal, sizeof(literal) - 1})
/* For tables: a compound literal is no constant. */
#define RAW(literal)                                                           \
	{                                                                      \
		literal, sizeof(literal) - 1                                   \
	}

static void
test_record_round_trip(void **state)
{
	struct record_writer w;
	struct record rec = {0};
	struct record_view v, inner;
	struct digest d, got;
	struct strs words = {0}, copy = {0};
	struct span bytes;
	char *s;

	(void)state;
	memset(d.byte, 7, sizeof(d.byte));
	assert_int_equal(strs_add(&words, SPAN("one")), 0);
	assert_int_equal(strs_add(&words, SPAN("")), 0);
	record_writer_init(&w);
	record_begin(&w, 3, 12);
	record_put_u64(&w, UINT64_MAX);
	record_put_i64(&w, INT64_MIN);
	record_put_i64(&w, INT64_MAX);
	record_put_bool(&w, true);
	record_put_str(&w, SPAN("text"));
	record_put_cstr(&w, NULL);
	record_put_cstr(&w, "c");
	record_put_bin(&w, "\0\1\2", 3);
	record_put_digest(&w, &d);
	record_put_nil(&w);
	record_put_strs(&w, &words);
	record_array(&w, 0);
	assert_int_equal(record_end(&w, &bytes), 0);

	assert_int_equal(record_parse(&rec, bytes, 3, &v), 0);
	assert_int_equal(v.n, 12);
	assert_true(record_u64(&v, 0) == UINT64_MAX);
	assert_true(record_i64(&v, 1) == INT64_MIN);
	assert_true(record_i64(&v, 2) == INT64_MAX);
	assert_true(record_bool(&v, 3));
	assert_true(span_eq(record_span(&v, 4), SPAN("text")));
	assert_true(record_is_nil(&v, 5));
	assert_null(record_dup(&v, 5));
	s = record_dup(&v, 6);
	assert_non_null(s);
	assert_string_equal(s, "c");
	free(s);
	assert_true(span_eq(record_span(&v, 7), BYTES("\0\1\2")));
	record_digest(&v, 8, &got);
	assert_true(digest_eq(&d, &got));
	assert_true(record_is_nil(&v, 9));
	assert_false(record_is_nil(&v, 8));
	record_strs(&v, 10, &copy);
	assert_int_equal(copy.n, 2);
	assert_string_equal(copy.v[0], "one");
	assert_string_equal(copy.v[1], "");
	inner = record_array_at(&v, 11);
	assert_int_equal(inner.n, 0);
	assert_false(rec.bad);
	record_release(&rec);
	record_writer_release(&w);
	strs_release(&words);
	strs_release(&copy);
}

/* Whatever part is asked for is that of the whole; cut short before its end,
 * it is none. */
static void
test_record_parse_some(void **state)
{
	const struct record_items version_2 = {0, 1};
	struct record_writer w;
	struct record rec = {0};
	struct record_view v, inner;
	struct span bytes, part;

	(void)state;
	record_writer_init(&w);
	record_begin(&w, 2, 5);
	record_put_u64(&w, 1000);
	record_put_str(&w, SPAN("two"));
	record_array(&w, 2);
	record_put_u64(&w, 7);
	record_array(&w, 0);
	record_put_str(&w, SPAN("four"));
	record_put_nil(&w);
	assert_int_equal(record_end(&w, &bytes), 0);

	assert_int_equal(
	    record_parse_some(&rec, bytes, 2, (struct record_items){1, 3}, &v),
	    0);
	assert_int_equal(v.n, 3);
	assert_true(span_eq(record_span(&v, 0), SPAN("two")));
	inner = record_array_at(&v, 1);
	assert_int_equal(inner.n, 2);
	assert_true(record_u64(&inner, 0) == 7);
	assert_true(span_eq(record_span(&v, 2), SPAN("four")));
	assert_false(rec.bad);
	assert_true(record_u64(&v, 3) == 0);
	assert_int_equal(rec.bad, -EBADMSG);

	/* nil, at the end, is a byte. */
	part = (struct span){bytes.ptr, bytes.len - 1};
	for (size_t first = 0; first <= 6; first++)
		for (size_t n = 0; n <= 6; n++) {
			struct record_items which = {first, n};
			size_t end = first + n;

			assert_int_equal(
			    record_parse_some(&rec, bytes, 2, which, &v),
			    end <= 5 ? 0 : -EBADMSG);
			assert_int_equal(
			    record_parse_some(&rec, part, 2, which, &v),
			    end < 5 ? 0 : -EBADMSG);
		}
	assert_int_equal(
	    record_parse_some(&rec, bytes, 1, version_2, &v), -EPROTO);
	assert_int_equal(
	    record_parse_some(&rec, SPAN("\x01"), 1, version_2, &v), -EBADMSG);
	assert_int_equal(
	    record_parse_some(&rec, (struct span){0}, 1, version_2, &v),
	    -EBADMSG);
	record_release(&rec);
	record_writer_release(&w);
}

static void
test_record_points_into_bytes(void **state)
{
	struct span bytes = BYTES("\x92\x01\xa3"
				  "abc");
	struct record rec = {0};
	struct record_view v;

	(void)state;
	assert_int_equal(record_parse(&rec, bytes, 1, &v), 0);
	assert_ptr_equal(record_span(&v, 0).ptr, bytes.ptr + 3);
	record_release(&rec);
}

static void
test_record_begin_reuses(void **state)
{
	struct record_writer w, moved;
	struct span bytes;

	(void)state;
	record_writer_init(&w);
	record_begin(&w, 1, 1);
	record_put_str(&w, SPAN("long and forgotten"));
	moved = w;
	record_begin(&moved, 1, 1);
	record_put_u64(&moved, 5);
	assert_int_equal(record_end(&moved, &bytes), 0);
	assert_true(span_eq(bytes, BYTES("\x92\x01\x05")));
	record_writer_release(&moved);
}

static void
test_record_parse_malformed(void **state)
{
	static const struct {
		struct span bytes;
		int want;
	} cases[] = {
	    {{"", 0}, -EBADMSG},
	    {{NULL, 0}, -EBADMSG},
	    {RAW("\x01"), -EBADMSG},	     /* no array */
	    {RAW("\x90"), -EBADMSG},	     /* no version */
	    {RAW("\x91\xa1x"), -EBADMSG},    /* a string for a version */
	    {RAW("\x91\xff"), -EBADMSG},     /* -1 */
	    {RAW("\x92\x01"), -EBADMSG},     /* truncated */
	    {RAW("\x91\x01\x01"), -EBADMSG}, /* more behind it */
	    {RAW("\x92\x01\xa5"
		 "four"),
		-EBADMSG},
	    {RAW("\x92\x01\xcf\0\0\0\0\0\0\0"), -EBADMSG},
	    {RAW("\x92\x01\xc6\xff\xff\xff\xff"), -EBADMSG},
	    {RAW("\x92\x01\xdb\x00"), -EBADMSG},
	    /* Arrays that would take memory by the gigabyte. */
	    {RAW("\xdd\x10\x00\x00\x00"), -EBADMSG},
	    {RAW("\x92\x01\xdd\xff\xff\xff\xff"), -EBADMSG},
	    {RAW("\x92\x01\xdc\xff\xff"), -EBADMSG},
	    /* Map, extension, float, the byte that is never used. */
	    {RAW("\x92\x01\x80"), -EBADMSG},
	    {RAW("\x92\x01\xde\0\0"), -EBADMSG},
	    {RAW("\x92\x01\xd4\0\0"), -EBADMSG},
	    {RAW("\x92\x01\xc7\0\0"), -EBADMSG},
	    {RAW("\x92\x01\xca\0\0\0\0"), -EBADMSG},
	    {RAW("\x92\x01\xc1"), -EBADMSG},
	    /* Depth: 8 arrays are good, 9 are not. */
	    {RAW("\x92\x01\x91\x91\x91\x91\x91\x91\x91\x01"), 0},
	    {RAW("\x92\x01\x91\x91\x91\x91\x91\x91\x91\x91\x01"), -EBADMSG},
	    {RAW("\x92\x01\x91\x91\x91\x91\x91\x91\x91\x90"), 0},
	    /* Versions. */
	    {RAW("\x91\x02"), 0},
	    {RAW("\x91\x00"), 0},
	    {RAW("\x91\x03"), -EPROTO},
	    {RAW("\x91\xcc\xff"), -EPROTO},
	    /* Any width of a number, and items that nobody asks for. */
	    {RAW("\x95\x01\xcd\1\2\xd1\xff\xfe\xc4\1x\xda\0\1x"), 0},
	};
	struct record rec = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct record_view v;
		int r = record_parse(&rec, cases[i].bytes, 2, &v);

		if (r != cases[i].want)
			fail_msg("case %zu: %d, not %d", i, r, cases[i].want);
	}
	record_release(&rec);
}

/* Asks for item i as each type in turn. */
enum ask { U64, I64, BOOL, SPN, DUP, DIGEST, ARRAY, STRS, NIL };

static void
ask(const struct record_view *v, size_t i, enum ask what)
{
	struct digest d, zero = {{0}};
	struct strs strs = {0};
	char *s;

	switch (what) {
	case U64:
		(void)record_u64(v, i);
		break;
	case I64:
		(void)record_i64(v, i);
		break;
	case BOOL:
		(void)record_bool(v, i);
		break;
	case SPN:
		if (*v->bad)
			assert_int_equal(record_span(v, i).len, 0);
		(void)record_span(v, i);
		break;
	case DUP:
		s = record_dup(v, i);
		free(s);
		break;
	case DIGEST:
		record_digest(v, i, &d);
		if (*v->bad)
			assert_true(digest_eq(&d, &zero));
		break;
	case ARRAY:
		(void)record_array_at(v, i);
		break;
	case STRS:
		record_strs(v, i, &strs);
		strs_release(&strs);
		break;
	case NIL:
		(void)record_is_nil(v, i);
		break;
	}
}

static void
test_record_wrong_type(void **state)
{
	/* 5, -1, true, "s", bytes, nil, [], [1] */
	struct span bytes = BYTES("\x99\x01\x05\xff\xc3\xa1s\xc4\1b\xc0\x90"
				  "\x91\x01");
	/* Which items each question accepts. */
	static const struct {
		enum ask what;
		const char *good;
	} cases[] = {
	    {U64, "0"},
	    {I64, "01"},
	    {BOOL, "2"},
	    {SPN, "34"},
	    {DUP, "35"},
	    {DIGEST, ""},
	    {ARRAY, "67"},
	    {STRS, "6"},
	    {NIL, "01234567"},
	};
	struct record rec = {0};
	struct record_view v;

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(cases); k++) {
		for (size_t i = 0; i < 9; i++) {
			bool good = strchr(cases[k].good, '0' + (char)i);

			assert_int_equal(record_parse(&rec, bytes, 1, &v), 0);
			assert_false(rec.bad);
			ask(&v, i, cases[k].what);
			if ((rec.bad != 0) == good)
				fail_msg("question %zu, item %zu", k, i);
		}
	}
	record_release(&rec);
}

static void
test_record_i64_too_large(void **state)
{
	struct span bytes =
	    BYTES("\x92\x01\xcf\x80\x00\x00\x00\x00\x00\x00\x00");
	struct record rec = {0};
	struct record_view v;

	(void)state;
	assert_int_equal(record_parse(&rec, bytes, 1, &v), 0);
	assert_true(record_i64(&v, 0) == 0);
	assert_true(rec.bad);
	record_release(&rec);
}

/* What was bad in an inner array is bad in all of the record. */
static void
test_record_bad_is_shared(void **state)
{
	struct record rec = {0};
	struct record_view v, inner;

	(void)state;
	assert_int_equal(
	    record_parse(&rec, BYTES("\x92\x01\x91\x91\x01"), 1, &v), 0);
	inner = record_array_at(&v, 0);
	inner = record_array_at(&inner, 0);
	assert_true(record_u64(&inner, 0) == 1);
	assert_false(rec.bad);
	assert_true(record_u64(&inner, 1) == 0);
	assert_true(rec.bad);
	record_release(&rec);
}

static void
test_record_large(void **state)
{
	enum { MANY = 100000 };
	struct record_writer w;
	struct record rec = {0};
	struct record_view v, inner;
	struct span bytes;

	(void)state;
	record_writer_init(&w);
	for (int round = 0; round < 2; round++) {
		record_begin(&w, 1, 1);
		record_array(&w, MANY);
		for (uint64_t i = 0; i < MANY; i++)
			record_put_u64(&w, i * i);
		assert_int_equal(record_end(&w, &bytes), 0);
		assert_int_equal(record_parse(&rec, bytes, 1, &v), 0);
		inner = record_array_at(&v, 0);
		assert_int_equal(inner.n, MANY);
		for (uint64_t i = 0; i < MANY; i++)
			assert_true(record_u64(&inner, i) == i * i);
	}
	record_release(&rec);
	record_writer_release(&w);
}

static void
test_record_put_too_long(void **state)
{
	struct record_writer w;
	struct span bytes;

	(void)state;
	record_writer_init(&w);
	record_begin(&w, 1, 1);
	record_put_str(&w, (struct span){"x", (size_t)1 << 30});
	assert_int_equal(record_end(&w, &bytes), -ENOMEM);
	record_begin(&w, 1, 0);
	assert_int_equal(record_end(&w, &bytes), 0);
	record_writer_release(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_record_round_trip),
	    cmocka_unit_test(test_record_parse_some),
	    cmocka_unit_test(test_record_points_into_bytes),
	    cmocka_unit_test(test_record_begin_reuses),
	    cmocka_unit_test(test_record_parse_malformed),
	    cmocka_unit_test(test_record_wrong_type),
	    cmocka_unit_test(test_record_i64_too_large),
	    cmocka_unit_test(test_record_bad_is_shared),
	    cmocka_unit_test(test_record_large),
	    cmocka_unit_test(test_record_put_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
