#include "publish_fixture.h"

#include <errno.h>
#include <pthread.h>

#include "fs/compress.h"
#include "fs/reader.h"
#include "store/blob.h"
#include "store/content.h"
#include "store/form.h"

/* Any numbers, the same in every run. */
static uint32_t
next_number(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static struct reader *
open_content(struct scratch *s, enum content_kind kind, uint64_t number)
{
	struct content c = {kind, number};
	struct reader *r = NULL;

	assert_int_equal(reader_open(s->store, c, &r), 0);
	return r;
}

/* Reads pieces of many sizes at many offsets and compares each. */
static void
compare_at_random(struct reader *r, struct span whole, uint32_t seed)
{
	char *piece = malloc(whole.len + 1);

	assert_non_null(piece);
	assert_int_equal(reader_size(r), whole.len);
	for (unsigned i = 0; i < 200; i++) {
		size_t offset = next_number(&seed) % (whole.len + 1);
		size_t len = next_number(&seed) % (i % 2 ? 64 : whole.len);
		size_t left = whole.len - offset;
		size_t expected = len < left ? len : left;
		ssize_t n = reader_read(r, piece, len, offset);

		if (n < 0 || (size_t)n != expected ||
		    memcmp(piece, whole.ptr + offset, expected) != 0)
			fail_msg("%zu bytes at %zu: %zd", len, offset, n);
	}
	free(piece);
}

static void
compare_in_order(struct reader *r, struct span whole)
{
	char piece[4096];
	size_t at = 0;
	ssize_t n;

	while ((n = reader_read(r, piece, sizeof(piece), at)) > 0) {
		assert_memory_equal(piece, whole.ptr + at, (size_t)n);
		at += (size_t)n;
	}
	assert_int_equal(n, 0);
	assert_int_equal(at, whole.len);
}

static void
compare_all(struct reader *r, struct span whole)
{
	compare_in_order(r, whole);
	compare_at_random(r, whole, 1);
	assert_int_equal(reader_fd(r), -1);
	reader_close(r);
}

static void
test_reader_list(void **state)
{
	struct scratch *s = *state;
	uint64_t list = make_long_list(s, "pkg", 900, 1);
	struct buf whole = {0};

	render_list(s, list, &whole);
	compare_all(open_content(s, CONTENT_LIST, list), buf_span(&whole));
	buf_release(&whole);
}

static void
test_reader_empty_list(void **state)
{
	struct scratch *s = *state;
	struct buf none = {0};
	uint64_t list = make_list_of(s, &none);
	struct reader *r = open_content(s, CONTENT_LIST, list);
	char byte;

	assert_int_equal(reader_size(r), 0);
	assert_int_equal(reader_read(r, &byte, 1, 0), 0);
	assert_int_equal(reader_read(r, &byte, 1, UINT64_MAX), 0);
	reader_close(r);
}

static void
test_reader_form(void **state)
{
	struct scratch *s = *state;
	uint64_t list = make_long_list(s, "pkg", 900, 1);
	struct form f = {0};
	struct buf whole = {0};
	struct error err;
	struct digest sha256;
	struct txn *t;

	assert_int_equal(
	    compress_list(s->store, list, CODEC_GZ, NULL, &f, &err), 0);
	t = scratch_read(s);
	for (size_t i = 0; i < f.npieces; i++) {
		struct span piece;

		assert_int_equal(piece_get(t, f.run[i], f.codec, &piece), 0);
		assert_int_equal(buf_add_span(&whole, piece), 0);
	}
	txn_end(t);
	digest_of(whole.ptr, whole.len, &sha256);
	assert_true(digest_eq(&sha256, &f.sha256));
	compare_all(open_content(s, CONTENT_FORM, f.number), buf_span(&whole));
	form_release(&f);
	buf_release(&whole);
}

struct text {
	const char *bytes;
	uint64_t number;
};

static int
put_text(struct txn *t, void *arg, struct error *err)
{
	struct text *text = arg;

	(void)err;
	return text_put(t, span_of(text->bytes), 0, &text->number);
}

static void
test_reader_text(void **state)
{
	struct scratch *s = *state;
	struct text text = {.bytes = "Suite: stable\nDate: today\n"};

	scratch_write(s, put_text, &text);
	compare_all(
	    open_content(s, CONTENT_TEXT, text.number), span_of(text.bytes));
}

static void
test_reader_stanza(void **state)
{
	struct scratch *s = *state;
	struct buf b = {0};
	struct digest d;
	uint64_t package;
	struct span stanza;
	struct txn *t;

	add_pool_stanza(&b, "hello", "amd64", 1);
	stanza = (struct span){b.ptr + 1, b.len - 1};
	digest_of(stanza.ptr, stanza.len, &d);
	(void)make_list(s, PACKAGE_BINARY, buf_span(&b));
	t = scratch_read(s);
	assert_int_equal(package_find(t, &d, &package), 0);
	txn_end(t);
	compare_all(open_content(s, CONTENT_STANZA, package), stanza);
	buf_release(&b);
}

struct blob_bytes {
	struct span bytes;
	struct digest sha256;
	uint64_t number;
};

static int
put_blob(struct txn *t, void *arg, struct error *err)
{
	struct blob_bytes *b = arg;

	(void)err;
	return blob_put(t, &b->sha256, b->bytes.len, &b->number);
}

static void
write_blob(struct scratch *s, const struct blob_bytes *b)
{
	struct blob_writer *w;
	struct error err;
	uint64_t have;

	assert_int_equal(blob_writer_new(s->store, &b->sha256, b->bytes.len, &w,
			     &have, &err),
	    0);
	assert_int_equal(
	    blob_writer_add(w, b->bytes.ptr, b->bytes.len, &err), 0);
	assert_int_equal(blob_writer_end(w, &err), 0);
	blob_writer_free(w);
}

static void
test_reader_blob(void **state)
{
	struct scratch *s = *state;
	struct blob_bytes b = {.bytes = SPAN("what a .deb holds")};
	struct content c = {.kind = CONTENT_BLOB};
	struct reader *r;

	digest_of(b.bytes.ptr, b.bytes.len, &b.sha256);
	scratch_write(s, put_blob, &b);
	c.number = b.number;
	assert_int_equal(reader_open(s->store, c, &r), -EREMOTE);
	write_blob(s, &b);
	assert_int_equal(reader_open(s->store, c, &r), 0);
	assert_true(reader_fd(r) >= 0);
	compare_in_order(r, b.bytes);
	compare_at_random(r, b.bytes, 2);
	reader_close(r);
}

static void
test_reader_of_nothing(void **state)
{
	static const enum content_kind kinds[] = {CONTENT_LIST, CONTENT_FORM,
	    CONTENT_TEXT, CONTENT_BLOB, CONTENT_STANZA};
	struct scratch *s = *state;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct content c = {kinds[i], 4711};
		struct reader *r;

		assert_int_equal(reader_open(s->store, c, &r), -ENOENT);
	}
	reader_close(NULL);
}

static void
test_reader_bytes(void **state)
{
	struct reader *r;
	char bytes[] = "a keyring";

	(void)state;
	assert_int_equal(reader_open_bytes(span_of(bytes), &r), 0);
	/* They were copied. */
	bytes[0] = 'x';
	compare_all(r, SPAN("a keyring"));
}

struct shared {
	struct reader *r;
	struct span whole;
	uint32_t seed;
};

static void *
read_shared(void *arg)
{
	struct shared *sh = arg;

	compare_at_random(sh->r, sh->whole, sh->seed);
	return NULL;
}

static void
test_reader_takes_turns(void **state)
{
	struct scratch *s = *state;
	uint64_t list = make_long_list(s, "pkg", 300, 1);
	struct reader *r = open_content(s, CONTENT_LIST, list);
	struct buf whole = {0};
	struct shared sh[4];
	pthread_t threads[ARRAY_LEN(sh)];

	render_list(s, list, &whole);
	for (unsigned i = 0; i < ARRAY_LEN(sh); i++) {
		sh[i] = (struct shared){r, buf_span(&whole), i};
		assert_int_equal(
		    pthread_create(&threads[i], NULL, read_shared, &sh[i]), 0);
	}
	for (unsigned i = 0; i < ARRAY_LEN(sh); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	reader_close(r);
	buf_release(&whole);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(test_reader_list),
	    scratch_test(test_reader_empty_list),
	    scratch_test(test_reader_form),
	    scratch_test(test_reader_text),
	    scratch_test(test_reader_stanza),
	    scratch_test(test_reader_blob),
	    scratch_test(test_reader_of_nothing),
	    cmocka_unit_test(test_reader_bytes),
	    scratch_test(test_reader_takes_turns),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
