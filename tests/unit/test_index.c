#include "store/index.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/deb822.h"

/* Stanzas as they were given, each as "<line>:<text>|". */
struct got {
	struct buf text;
	int r; /* what the callback returns */
};

static int
take(void *arg, struct span stanza, size_t line, struct error *err)
{
	struct got *g = arg;

	if (g->r < 0)
		return error_set(err, g->r, "the callback's");
	assert_true(span_ends(stanza, SPAN("\n")));
	assert_int_equal(buf_addf(&g->text, "%zu:", line), 0);
	assert_int_equal(buf_add_span(&g->text, stanza), 0);
	return buf_add_char(&g->text, '|');
}

static void
got_release(struct got *g)
{
	buf_release(&g->text);
}

#define BUF CLEANUP(buf_release)
#define GOT CLEANUP(got_release)

/* Pushes in: first bytes, then by pieces of step. */
static int
read_by(struct span in, size_t first, size_t step, struct got *got,
    struct error *err)
{
	CLEANUP(index_reader_cleanup) struct index_reader *r = NULL;
	struct digest digest, expected;
	uint64_t len;
	size_t n = first;
	size_t total = in.len;
	int result;

	digest_of(in.ptr, in.len, &expected);
	assert_int_equal(index_reader_new(take, got, &r), 0);
	while (in.len > 0) {
		n = n < in.len ? n : in.len;
		result = index_reader_add(r, in.ptr, n, err);
		if (result < 0)
			return result;
		in.ptr += n;
		in.len -= n;
		n = step;
	}
	result = index_reader_end(r, &digest, &len, err);
	if (result < 0)
		return result;
	assert_true(digest_eq(&digest, &expected));
	assert_int_equal(len, total);
	return 0;
}

struct index_case {
	const char *in, *expected;
};

static const struct index_case cases[] = {
    {"", ""},
    {"\n", ""},
    {"\n\n \n\t\r\n", ""},
    {"  ", ""},
    {"A: 1\n", "1:A: 1\n|"},
    {"A: 1", "1:A: 1\n|"},
    {"A: 1\n\n", "1:A: 1\n|"},
    {"A: 1\nB: 2\n\nC: 3\n", "1:A: 1\nB: 2\n|4:C: 3\n|"},
    {"A: 1\n\n\n\nC: 3", "1:A: 1\n|5:C: 3\n|"},
    {"\n\nA: 1\n\nB: 2\n\n\n", "3:A: 1\n|5:B: 2\n|"},
    {"A: 1\r\nB: 2\r\n\r\nC: 3\r\n", "1:A: 1\r\nB: 2\r\n|4:C: 3\r\n|"},
    {"A: 1\r\n\r\nC: 3\r", "1:A: 1\r\n|3:C: 3\r\n|"},
    {"A: 1\n \t\nB: 2\n", "1:A: 1\n|3:B: 2\n|"},
    {"A: 1\n  x\n .\n y\n\nB: 2\n  ", "1:A: 1\n  x\n .\n y\n|6:B: 2\n|"},
    {" \n  x\n\nA: 1\n", "2:  x\n|4:A: 1\n|"},
    {"A: 1\n\n \n  \nB: 2 \n", "1:A: 1\n|5:B: 2 \n|"},
};

static void
check(const struct index_case *c, size_t first, size_t step)
{
	struct got got GOT = {0};
	assert_int_equal(read_by(span_of(c->in), first, step, &got, NULL), 0);
	assert_string_equal(got.text.ptr ? got.text.ptr : "", c->expected);
}

static void
test_index_reader_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		check(&cases[i], SIZE_MAX, SIZE_MAX);
}

static void
test_index_reader_cut_at_every_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t len = strlen(cases[i].in);

		for (size_t cut = 1; cut < len; cut++)
			check(&cases[i], cut, SIZE_MAX);
	}
}

static void
test_index_reader_small_pieces(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (size_t step = 1; step < 6; step++)
			check(&cases[i], step, step);
	}
}

/* The same stanzas as deb822_stanza() finds. */
static void
test_index_reader_agrees_with_deb822(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct span rest, stanza;
		size_t n = 0;

		struct buf text BUF = {0};
		struct got got GOT = {0};
		assert_int_equal(buf_add_str(&text, cases[i].in), 0);
		if (text.len == 0 || text.ptr[text.len - 1] != '\n')
			assert_int_equal(buf_add_char(&text, '\n'), 0);
		assert_int_equal(read_by(buf_span(&text), 3, 2, &got, NULL), 0);
		rest = buf_span(&text);
		while (deb822_stanza(&rest, &stanza)) {
			assert_non_null(memmem(got.text.ptr, got.text.len,
			    stanza.ptr, stanza.len));
			n++;
		}
		for (size_t k = 0; k < got.text.len; k++)
			n -= got.text.ptr[k] == '|';
		assert_int_equal(n, 0);
	}
}

static void
test_index_reader_nul_byte(void **state)
{
	static const struct span in = {"A: 1\n\nB: \0002\n\n", 13};

	(void)state;
	for (size_t step = 1; step <= in.len; step++) {
		struct error err = {""};

		struct got got GOT = {0};
		assert_int_equal(read_by(in, step, step, &got, &err), -EBADMSG);
		assert_string_equal(err.text, "line 3: NUL byte");
	}
}

/* A stanza of len bytes of text with lines of 64, between two others. */
static void
make_long(struct buf *b, size_t len)
{
	size_t end;

	assert_int_equal(buf_add_str(b, "A: 1\n\n"), 0);
	end = b->len + len;
	while (b->len < end)
		assert_int_equal(
		    buf_add_char(b, b->len % 64 == 63 ? '\n' : 'x'), 0);
	b->ptr[b->len - 1] = '\n';
	assert_int_equal(buf_add_str(b, " \n\nB: 2\n"), 0);
}

static void
test_index_reader_limit(void **state)
{
	static const size_t steps[] = {SIZE_MAX, 4096, 1000003, 1};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		struct error err = {""};

		struct buf fits BUF = {0};
		struct buf over BUF = {0};
		struct got good GOT = {0};
		struct got bad GOT = {0};
		make_long(&fits, STANZA_MAX);
		make_long(&over, STANZA_MAX + 1);
		assert_int_equal(
		    read_by(buf_span(&fits), steps[i], steps[i], &good, &err),
		    0);
		assert_true(good.text.len > STANZA_MAX);
		assert_int_equal(
		    read_by(buf_span(&over), steps[i], steps[i], &bad, &err),
		    -EBADMSG);
		assert_string_equal(
		    err.text, "line 3: stanza of more than 524288 bytes");
		assert_string_equal(bad.text.ptr, "1:A: 1\n|");
	}
}

/* Without an end, or with nothing but blanks: memory stays bounded. */
static void
test_index_reader_endless_line(void **state)
{
	static const char fills[] = {'x', ' ', '\r'};
	static const size_t steps[] = {SIZE_MAX, 4096};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(fills) * 2; i++) {
		struct buf in BUF = {0};
		struct got got GOT = {0};
		assert_int_equal(buf_reserve(&in, 4 * STANZA_MAX), 0);
		in.len = 4 * STANZA_MAX;
		memset(in.ptr, fills[i / 2], in.len);
		assert_int_equal(read_by(buf_span(&in), steps[i % 2],
				     steps[i % 2], &got, NULL),
		    -EBADMSG);
		in.ptr[in.len - 1] = '\n';
		assert_int_equal(read_by(buf_span(&in), steps[i % 2],
				     steps[i % 2], &got, NULL),
		    -EBADMSG);
	}
}

static void
test_index_reader_callback_fails(void **state)
{
	CLEANUP(index_reader_cleanup) struct index_reader *r = NULL;
	struct error err = {""};
	struct digest digest;
	uint64_t len;

	(void)state;
	struct got got GOT = {.r = -EDOM};
	assert_int_equal(index_reader_new(take, &got, &r), 0);
	assert_int_equal(index_reader_add(r, "A: 1\n\n", 6, &err), -EDOM);
	assert_string_equal(err.text, "the callback's");
	/* It stays ended. */
	got.r = 0;
	assert_int_equal(index_reader_add(r, "A: 1\n\n", 6, &err), -EDOM);
	assert_int_equal(index_reader_end(r, &digest, &len, &err), -EDOM);
	assert_int_equal(got.text.len, 0);
}

static void
test_index_reader_last_callback_fails(void **state)
{
	(void)state;
	struct got got GOT = {.r = -EDOM};
	assert_int_equal(
	    read_by(SPAN("A: 1\n"), SIZE_MAX, SIZE_MAX, &got, NULL), -EDOM);
	index_reader_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_index_reader_whole),
	    cmocka_unit_test(test_index_reader_cut_at_every_byte),
	    cmocka_unit_test(test_index_reader_small_pieces),
	    cmocka_unit_test(test_index_reader_agrees_with_deb822),
	    cmocka_unit_test(test_index_reader_nul_byte),
	    cmocka_unit_test(test_index_reader_limit),
	    cmocka_unit_test(test_index_reader_endless_line),
	    cmocka_unit_test(test_index_reader_callback_fails),
	    cmocka_unit_test(test_index_reader_last_callback_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
