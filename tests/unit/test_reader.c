#include "publish_fixture.h"

#include <errno.h>
#include <pthread.h>

#include "fs/compress.h"
#include "fs/list_reader.h"
#include "fs/reader.h"
#include "store/blob.h"
#include "store/content.h"
#include "store/form.h"

/* What the readers of one test share. */
static struct read_pool *pool;

static int
setup(void **state)
{
	struct scratch *s;

	if (scratch_setup(state) < 0)
		return -1;
	s = *state;
	return read_pool_new(s->store, &pool);
}

static int
teardown(void **state)
{
	read_pool_free(pool);
	pool = NULL;
	return scratch_teardown(state);
}

/* Any numbers, the same in every run. */
static uint32_t
next_number(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static struct reader *
open_content(enum content_kind kind, uint64_t number)
{
	struct content c = {kind, number};
	struct reader *r = NULL;

	assert_int_equal(reader_open(pool, c, &r), 0);
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
	compare_all(open_content(CONTENT_LIST, list), buf_span(&whole));
	buf_release(&whole);
}

static void
test_reader_empty_list(void **state)
{
	struct scratch *s = *state;
	struct buf none = {0};
	uint64_t list = make_list_of(s, &none);
	struct reader *r = open_content(CONTENT_LIST, list);
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
	compare_all(open_content(CONTENT_FORM, f.number), buf_span(&whole));
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
	    open_content(CONTENT_TEXT, text.number), span_of(text.bytes));
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
	compare_all(open_content(CONTENT_STANZA, package), stanza);
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
	assert_int_equal(reader_open(pool, c, &r), -EREMOTE);
	write_blob(s, &b);
	assert_int_equal(reader_open(pool, c, &r), 0);
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

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct content c = {kinds[i], 4711};
		struct reader *r;

		assert_int_equal(reader_open(pool, c, &r), -ENOENT);
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
	struct reader *r = open_content(CONTENT_LIST, list);
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

static void *
go_ahead(void *arg)
{
	reader_ahead(arg);
	return NULL;
}

/* As the mount does: who has answered goes on while others read. */
struct helpers {
	pthread_t threads[4096];
	size_t n;
};

static void
help(struct helpers *h, struct reader *r)
{
	if (!reader_begin_ahead(r))
		return;
	assert_true(h->n < ARRAY_LEN(h->threads));
	assert_int_equal(
	    pthread_create(&h->threads[h->n++], NULL, go_ahead, r), 0);
}

static void
end_help(struct helpers *h)
{
	while (h->n > 0)
		assert_int_equal(pthread_join(h->threads[--h->n], NULL), 0);
}

/* A list of some megabytes, and what it renders to. */
static uint64_t
large_list(struct scratch *s, struct buf *ret)
{
	uint64_t list = make_long_list(s, "pkg", 9000, 1);

	render_list(s, list, ret);
	assert_true(ret->len > (size_t)(4 * LIST_READER_AHEAD));
	return list;
}

static void
test_reader_ahead(void **state)
{
	static const size_t sizes[] = {4096, 50000, 131072, 1048576};
	static struct helpers h;
	struct buf whole = {0};
	uint64_t list = large_list(*state, &whole);
	char *piece = malloc(1048576);

	assert_non_null(piece);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct reader *r = open_content(CONTENT_LIST, list);
		size_t at = 0, helped;
		ssize_t n;

		while ((n = reader_read(r, piece, sizes[i], at)) > 0) {
			assert_memory_equal(piece, whole.ptr + at, (size_t)n);
			at += (size_t)n;
			help(&h, r);
		}
		assert_int_equal(n, 0);
		assert_int_equal(at, whole.len);
		helped = h.n;
		/* Who is still at it has it open as well. */
		reader_close(r);
		end_help(&h);
		assert_true(helped > 0);
	}
	free(piece);
	buf_release(&whole);
}

/* Nothing is rendered for those who do not read on. */
static void
test_reader_ahead_of_few(void **state)
{
	struct buf whole = {0};
	uint64_t list = large_list(*state, &whole);
	struct reader *r = open_content(CONTENT_LIST, list);
	size_t last = whole.len - 4096;
	char piece[4096];

	assert_false(reader_begin_ahead(r));
	assert_int_equal(reader_read(r, piece, sizeof(piece), 0), 4096);
	assert_false(reader_begin_ahead(r));
	assert_int_equal(reader_read(r, piece, sizeof(piece), last), 4096);
	assert_memory_equal(piece, whole.ptr + last, 4096);
	assert_false(reader_begin_ahead(r));
	assert_int_equal(reader_read(r, piece, sizeof(piece), 4096), 4096);
	assert_false(reader_begin_ahead(r));
	assert_int_equal(reader_read(r, piece, sizeof(piece), 8192), 4096);
	assert_true(reader_begin_ahead(r));
	/* One does it. */
	assert_false(reader_begin_ahead(r));
	reader_ahead(r);
	/* It is far enough. */
	assert_int_equal(reader_read(r, piece, sizeof(piece), 12288), 4096);
	assert_memory_equal(piece, whole.ptr + 12288, 4096);
	reader_close(r);
	buf_release(&whole);
}

/* Who stops in the middle keeps what was rendered; with much of it kept nobody
 * gets more, and everybody still reads. */
static void
test_reader_ahead_is_bounded(void **state)
{
	struct buf whole = {0};
	uint64_t list = large_list(*state, &whole);
	struct reader *r[100];
	char piece[4096];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(r); i++) {
		r[i] = open_content(CONTENT_LIST, list);
		for (size_t at = 0; at < 3 * sizeof(piece);
		     at += sizeof(piece)) {
			assert_int_equal(
			    reader_read(r[i], piece, sizeof(piece), at),
			    sizeof(piece));
			assert_memory_equal(
			    piece, whole.ptr + at, sizeof(piece));
		}
		if (reader_begin_ahead(r[i])) {
			reader_ahead(r[i]);
			n++;
		}
	}
	assert_true(n > 0);
	assert_true(n * LIST_READER_AHEAD <= READ_POOL_BYTES);
	compare_in_order(r[ARRAY_LEN(r) - 1], buf_span(&whole));
	for (size_t i = 0; i < ARRAY_LEN(r); i++)
		reader_close(r[i]);
	/* It is given back. */
	r[0] = open_content(CONTENT_LIST, list);
	for (size_t at = 0; at < 3 * sizeof(piece); at += sizeof(piece))
		assert_int_equal(
		    reader_read(r[0], piece, sizeof(piece), at), sizeof(piece));
	assert_true(reader_begin_ahead(r[0]));
	reader_ahead(r[0]);
	reader_close(r[0]);
	buf_release(&whole);
}

/* Several threads read one file, each a part of it, while another goes ahead
 * of any of them. */
static void *
read_part(void *arg)
{
	const struct shared *sh = arg;
	size_t part = sh->whole.len / 4, at = sh->seed * part;
	char piece[20000];

	for (size_t end = at + part; at < end; at += sizeof(piece)) {
		ssize_t n = reader_read(sh->r, piece, sizeof(piece), at);

		if (n <= 0 || memcmp(piece, sh->whole.ptr + at, (size_t)n) != 0)
			fail_msg("at %zu: %zd", at, n);
		if (reader_begin_ahead(sh->r))
			reader_ahead(sh->r);
	}
	return NULL;
}

static void
test_reader_ahead_of_several(void **state)
{
	struct buf whole = {0};
	uint64_t list = large_list(*state, &whole);
	struct reader *r = open_content(CONTENT_LIST, list);
	struct shared sh[4];
	pthread_t threads[ARRAY_LEN(sh)];

	for (unsigned i = 0; i < ARRAY_LEN(sh); i++) {
		sh[i] = (struct shared){r, buf_span(&whole), i};
		assert_int_equal(
		    pthread_create(&threads[i], NULL, read_part, &sh[i]), 0);
	}
	for (unsigned i = 0; i < ARRAY_LEN(sh); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	reader_close(r);
	buf_release(&whole);
}

#define pool_test(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    pool_test(test_reader_list),
	    pool_test(test_reader_empty_list),
	    pool_test(test_reader_form),
	    pool_test(test_reader_text),
	    pool_test(test_reader_stanza),
	    pool_test(test_reader_blob),
	    pool_test(test_reader_of_nothing),
	    cmocka_unit_test(test_reader_bytes),
	    pool_test(test_reader_takes_turns),
	    pool_test(test_reader_ahead),
	    pool_test(test_reader_ahead_of_few),
	    pool_test(test_reader_ahead_is_bounded),
	    pool_test(test_reader_ahead_of_several),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
