#include "publish_fixture.h"

#include <errno.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include "fs/compress.h"
#include "store/content.h"

static struct form
make_form(struct scratch *s, uint64_t list, enum codec codec)
{
	struct form f = {0};
	struct error err = {""};
	int r = compress_list(s->store, list, codec, NULL, &f, &err);

	if (r < 0)
		fail_msg("compress_list: %d %s", r, err.text);
	return f;
}

/* What a reader of the form gets. */
static void
read_form(struct scratch *s, const struct form *f, struct buf *out)
{
	struct txn *t = scratch_read(s);

	assert_int_equal(buf_add_span(out, buf_span(&f->head)), 0);
	for (size_t i = 0; i < f->npieces; i++) {
		struct span piece;

		assert_int_equal(f->offset[i], out->len);
		assert_int_equal(piece_get(t, f->run[i], f->codec, &piece), 0);
		assert_int_equal(buf_add_span(out, piece), 0);
	}
	assert_int_equal(f->offset[f->npieces], out->len);
	assert_int_equal(buf_add_span(out, buf_span(&f->tail)), 0);
	txn_end(t);
}

static void
gunzip(struct span in, struct buf *out)
{
	z_stream z = {.next_in = (Bytef *)(uintptr_t)in.ptr,
	    .avail_in = (unsigned)in.len};
	char block[4096];

	assert_int_equal(inflateInit2(&z, 16 + 15), Z_OK);
	while (z.avail_in > 0) {
		int r;

		z.next_out = (Bytef *)block;
		z.avail_out = sizeof(block);
		r = inflate(&z, Z_NO_FLUSH);
		assert_true(r == Z_OK || r == Z_STREAM_END);
		assert_int_equal(
		    buf_add(out, block, sizeof(block) - z.avail_out), 0);
		if (r == Z_STREAM_END)
			assert_int_equal(inflateReset(&z), Z_OK);
	}
	assert_int_equal(inflateEnd(&z), Z_OK);
}

static void
unzstd(struct span in, struct buf *out)
{
	ZSTD_DCtx *ctx = ZSTD_createDCtx();
	ZSTD_inBuffer from = {in.ptr, in.len, 0};
	char block[4096];

	assert_non_null(ctx);
	while (from.pos < from.size) {
		ZSTD_outBuffer to = {block, sizeof(block), 0};

		assert_false(
		    ZSTD_isError(ZSTD_decompressStream(ctx, &to, &from)));
		assert_int_equal(buf_add(out, block, to.pos), 0);
	}
	(void)ZSTD_freeDCtx(ctx);
}

/* One stream and nothing behind it, as apt reads it. */
static void
unxz(struct span in, struct buf *out)
{
	lzma_stream z = LZMA_STREAM_INIT;
	char block[4096];
	lzma_ret r;

	assert_int_equal(lzma_stream_decoder(&z, UINT64_MAX, 0), LZMA_OK);
	z.next_in = (const uint8_t *)in.ptr;
	z.avail_in = in.len;
	do {
		z.next_out = (uint8_t *)block;
		z.avail_out = sizeof(block);
		r = lzma_code(&z, LZMA_FINISH);
		assert_true(r == LZMA_OK || r == LZMA_STREAM_END);
		assert_int_equal(
		    buf_add(out, block, sizeof(block) - z.avail_out), 0);
	} while (r == LZMA_OK);
	assert_int_equal(z.avail_in, 0);
	lzma_end(&z);
}

static void
assert_digest_of(struct span bytes, const struct digest *expected)
{
	struct digest d;

	digest_of(bytes.ptr, bytes.len, &d);
	assert_true(digest_eq(&d, expected));
}

static void
test_compress_list_unpacks_to_the_index(void **state)
{
	static const struct {
		enum codec codec;
		void (*unpack)(struct span in, struct buf *out);
		unsigned packages;
	} cases[] = {
	    {CODEC_GZ, gunzip, 1},
	    {CODEC_GZ, gunzip, 3000},
	    {CODEC_XZ, unxz, 1},
	    {CODEC_XZ, unxz, 3000},
	    {CODEC_ZST, unzstd, 1},
	    {CODEC_ZST, unzstd, 3000},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint64_t list =
		    make_long_list(*state, "p", cases[i].packages, 0);
		struct form f = make_form(*state, list, cases[i].codec);
		struct buf packed = {0}, plain = {0}, expected = {0};

		read_form(*state, &f, &packed);
		assert_int_equal(packed.len, f.size);
		assert_digest_of(buf_span(&packed), &f.sha256);
		cases[i].unpack(buf_span(&packed), &plain);
		render_list(*state, list, &expected);
		assert_true(span_eq(buf_span(&plain), buf_span(&expected)));
		buf_release(&packed);
		buf_release(&plain);
		buf_release(&expected);
		form_release(&f);
	}
}

static void
test_compress_list_finds_what_was_made(void **state)
{
	uint64_t list = make_long_list(*state, "p", 500, 0);
	struct form first = make_form(*state, list, CODEC_GZ);
	struct form again = make_form(*state, list, CODEC_GZ);

	assert_int_equal(first.number, again.number);
	assert_int_equal(first.mtime, again.mtime);
	assert_true(digest_eq(&first.sha256, &again.sha256));
	form_release(&first);
	form_release(&again);
}

static void
test_compress_list_enters_the_content(void **state)
{
	uint64_t list = make_long_list(*state, "p", 10, 0);
	struct form f = make_form(*state, list, CODEC_GZ);
	struct txn *t = scratch_read(*state);
	struct content c;

	assert_int_equal(content_find(t, &f.sha256, &c), 0);
	assert_int_equal(c.kind, CONTENT_FORM);
	assert_int_equal(c.number, f.number);
	txn_end(t);
	form_release(&f);
}

/* Two lists that differ in one package share all pieces but a few. */
static void
test_compress_list_shares_pieces(void **state)
{
	struct scratch *s = *state;
	struct form a = make_form(s, make_long_list(s, "p", 3000, 0), CODEC_GZ);
	uint64_t before, after;
	struct txn *t = scratch_read(s);
	struct form b;

	assert_int_equal(txn_count(t, T_PIECES, &before), 0);
	txn_end(t);
	b = make_form(s, make_long_list(s, "p", 3000, 9999), CODEC_GZ);
	t = scratch_read(s);
	assert_int_equal(txn_count(t, T_PIECES, &after), 0);
	txn_end(t);
	assert_true(a.npieces > 8);
	assert_true(after > before);
	assert_true(after - before <= 3);
	assert_false(digest_eq(&a.sha256, &b.sha256));
	form_release(&a);
	form_release(&b);
}

/* xz pieces have several runs, and what was made is found again. */
static void
test_compress_list_joins_runs(void **state)
{
	struct scratch *s = *state;
	struct list l = {0};
	uint64_t before, after;
	struct txn *t;
	struct form a = make_form(s, make_long_list(s, "p", 3000, 0), CODEC_XZ);
	struct form b;

	t = scratch_read(s);
	assert_int_equal(list_load(t, a.list, &l), 0);
	assert_in_range(a.npieces, l.nruns / 6, l.nruns / 2);
	assert_int_equal(txn_count(t, T_PIECES, &before), 0);
	txn_end(t);
	b = make_form(s, make_long_list(s, "p", 3000, 9999), CODEC_XZ);
	t = scratch_read(s);
	assert_int_equal(txn_count(t, T_PIECES, &after), 0);
	txn_end(t);
	assert_true(after > before && after - before <= 3);
	list_release(&l);
	form_release(&a);
	form_release(&b);
}

/* Not zero bytes: something that can be unpacked. */
static void
check_empty(struct scratch *s, enum codec codec,
    void (*unpack)(struct span in, struct buf *out))
{
	uint64_t list = make_list(s, PACKAGE_BINARY, SPAN(""));
	struct form f = make_form(s, list, codec);
	struct txn *t = scratch_read(s);
	struct buf packed = {0}, plain = {0};
	struct content c;

	assert_int_equal(content_find(t, &f.sha256, &c), 0);
	assert_int_equal(c.kind, CONTENT_TEXT);
	assert_int_equal(text_get(t, c.number, &packed), 0);
	txn_end(t);
	assert_true(packed.len > 0);
	assert_int_equal(packed.len, f.size);
	unpack(buf_span(&packed), &plain);
	assert_int_equal(plain.len, 0);
	buf_release(&packed);
	buf_release(&plain);
	form_release(&f);
}

static void
test_compress_list_empty(void **state)
{
	check_empty(*state, CODEC_GZ, gunzip);
	check_empty(*state, CODEC_XZ, unxz);
	check_empty(*state, CODEC_ZST, unzstd);
}

static void
test_compress_list_cannot(void **state)
{
	struct scratch *s = *state;
	uint64_t list = make_long_list(s, "p", 3, 0);
	static const struct {
		enum codec codec;
		int r;
	} cases[] = {{CODEC_PLAIN, -EINVAL}, {CODEC_BZ2, -EINVAL}};
	struct form f;
	struct error err;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(compress_list(s->store, list, cases[i].codec,
				     NULL, &f, &err),
		    cases[i].r);
	assert_int_equal(
	    compress_list(s->store, 12345, CODEC_GZ, NULL, &f, &err), -ENOENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(test_compress_list_unpacks_to_the_index),
	    scratch_test(test_compress_list_finds_what_was_made),
	    scratch_test(test_compress_list_enters_the_content),
	    scratch_test(test_compress_list_shares_pieces),
	    scratch_test(test_compress_list_joins_runs),
	    scratch_test(test_compress_list_empty),
	    scratch_test(test_compress_list_cannot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
