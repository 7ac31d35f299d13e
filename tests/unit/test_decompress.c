#include "store/decompress.h"

#include <bzlib.h>
#include <errno.h>
#include <lzma.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

#include "base/buf.h"

#define PLAIN_SIZE (300 * 1000) /* more than two blocks of output */
#define BOMB_SIZE  (32 * 1024 * 1024)

static const enum codec packed[] = {CODEC_GZ, CODEC_XZ, CODEC_ZST, CODEC_BZ2};

struct got {
	struct buf plain;
	int r; /* what the callback returns */
};

static int
take(void *arg, const void *ptr, size_t len)
{
	struct got *g = arg;

	if (g->r < 0)
		return g->r;
	return buf_add(&g->plain, ptr, len);
}

/* Text that does compress, but not to nothing. */
static void
make_plain(struct buf *b, size_t size)
{
	uint32_t x = 1;

	while (b->len < size) {
		x = x * 1664525 + 1013904223;
		assert_int_equal(buf_addf(b, "Package: p%u\n", x >> 20), 0);
	}
	b->len = size;
}

static void
pack_gz(struct span in, struct buf *out)
{
	z_stream z = {0};
	size_t room;

	assert_int_equal(
	    deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY),
	    Z_OK);
	room = deflateBound(&z, in.len);
	assert_int_equal(buf_reserve(out, room), 0);
	z.next_in = (unsigned char *)(uintptr_t)in.ptr;
	z.avail_in = (unsigned)in.len;
	z.next_out = (unsigned char *)out->ptr + out->len;
	z.avail_out = (unsigned)room;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	out->len += z.total_out;
	(void)deflateEnd(&z);
}

static void
pack_xz(struct span in, struct buf *out)
{
	size_t room = lzma_stream_buffer_bound(in.len);
	size_t len = 0;

	assert_int_equal(buf_reserve(out, room), 0);
	assert_int_equal(lzma_easy_buffer_encode(1, LZMA_CHECK_CRC64, NULL,
			     (const uint8_t *)in.ptr, in.len,
			     (uint8_t *)out->ptr + out->len, &len, room),
	    LZMA_OK);
	out->len += len;
}

static void
pack_zst(struct span in, struct buf *out)
{
	size_t room = ZSTD_compressBound(in.len);
	size_t len;

	assert_int_equal(buf_reserve(out, room), 0);
	len = ZSTD_compress(out->ptr + out->len, room, in.ptr, in.len, 3);
	assert_false(ZSTD_isError(len));
	out->len += len;
}

static void
pack_bz2(struct span in, struct buf *out)
{
	unsigned room = (unsigned)(in.len + in.len / 100 + 600);

	assert_int_equal(buf_reserve(out, room), 0);
	assert_int_equal(BZ2_bzBuffToBuffCompress(out->ptr + out->len, &room,
			     (char *)(uintptr_t)(in.len ? in.ptr : ""),
			     (unsigned)in.len, 9, 0, 0),
	    BZ_OK);
	out->len += room;
}

static void
pack(enum codec codec, struct span in, struct buf *out)
{
	switch (codec) {
	case CODEC_GZ:
		pack_gz(in, out);
		break;
	case CODEC_XZ:
		pack_xz(in, out);
		break;
	case CODEC_ZST:
		pack_zst(in, out);
		break;
	case CODEC_BZ2:
		pack_bz2(in, out);
		break;
	default:
		assert_int_equal(buf_add_span(out, in), 0);
	}
}

/* Pushes in by pieces of step bytes; the result of the first that fails. */
static int
unpack_by(enum codec codec, struct span in, size_t step, uint64_t limit,
    struct got *got, struct error *err)
{
	CLEANUP(decompress_cleanup) struct decompress *d = NULL;
	int r = decompress_new(codec, limit, take, got, &d);

	while (r == 0 && in.len > 0) {
		size_t n = in.len < step ? in.len : step;

		r = decompress_add(d, in.ptr, n, err);
		in.ptr += n;
		in.len -= n;
	}
	return r < 0 ? r : decompress_end(d, err);
}

static int
unpack(enum codec codec, struct span in, struct got *got)
{
	return unpack_by(codec, in, SIZE_MAX, UINT64_MAX, got, NULL);
}

static void
got_release(struct got *g)
{
	buf_release(&g->plain);
}

#define BUF CLEANUP(buf_release)
#define GOT CLEANUP(got_release)

static void
assert_got(const struct got *got, struct span plain)
{
	assert_true(span_eq(buf_span(&got->plain), plain));
}

static void
test_decompress_all_codecs_any_pieces(void **state)
{
	static const size_t sizes[] = {0, 1, 100, PLAIN_SIZE};
	static const size_t steps[] = {1, 7, 4096, SIZE_MAX};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(packed) * 16; i++) {
		enum codec codec = packed[i / 16];
		size_t step = steps[i % 4];
		int r;

		struct buf plain BUF = {0};
		struct buf bytes BUF = {0};
		struct got got GOT = {0};
		make_plain(&plain, sizes[i / 4 % 4]);
		pack(codec, buf_span(&plain), &bytes);
		r = unpack_by(
		    codec, buf_span(&bytes), step, plain.len, &got, NULL);
		assert_int_equal(r, 0);
		assert_got(&got, buf_span(&plain));
	}
}

static void
test_decompress_plain(void **state)
{
	(void)state;
	struct got got GOT = {0};
	struct got none GOT = {0};
	assert_int_equal(
	    unpack_by(CODEC_PLAIN, SPAN("hello"), 2, 5, &got, NULL), 0);
	assert_got(&got, SPAN("hello"));
	assert_int_equal(unpack(CODEC_PLAIN, SPAN(""), &none), 0);
	assert_int_equal(none.plain.len, 0);
}

static void
test_decompress_several_streams(void **state)
{
	static const size_t steps[] = {1, SIZE_MAX};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(packed) * 2; i++) {
		struct buf bytes BUF = {0};
		struct got got GOT = {0};
		pack(packed[i / 2], SPAN("one "), &bytes);
		pack(packed[i / 2], SPAN(""), &bytes);
		pack(packed[i / 2], SPAN("two"), &bytes);
		assert_int_equal(unpack_by(packed[i / 2], buf_span(&bytes),
				     steps[i % 2], 7, &got, NULL),
		    0);
		assert_got(&got, SPAN("one two"));
	}
}

/* A frame that says 32 bytes and has none, as another that is right follows. */
static void
test_decompress_zst_less_than_said(void **state)
{
	struct error err = {""};
	int by_one, at_once;

	(void)state;
	struct buf bytes BUF = {0};
	struct got one GOT = {0};
	struct got all GOT = {0};
	assert_int_equal(
	    buf_add(&bytes, "\x28\xb5\x2f\xfd\x20\x20\x01\0\0", 9), 0);
	pack_zst(SPAN("two"), &bytes);
	by_one =
	    unpack_by(CODEC_ZST, buf_span(&bytes), 1, UINT64_MAX, &one, &err);
	at_once = unpack_by(
	    CODEC_ZST, buf_span(&bytes), SIZE_MAX, UINT64_MAX, &all, &err);
	assert_int_equal(by_one, at_once);
	assert_got(&one, buf_span(&all.plain));
}

static void
test_decompress_xz_padding(void **state)
{
	(void)state;
	struct buf bytes BUF = {0};
	struct got got GOT = {0};
	pack_xz(SPAN("one "), &bytes);
	assert_int_equal(buf_add(&bytes, "\0\0\0\0", 4), 0);
	pack_xz(SPAN("two"), &bytes);
	assert_int_equal(unpack(CODEC_XZ, buf_span(&bytes), &got), 0);
	assert_got(&got, SPAN("one two"));
}

static void
test_decompress_truncated_anywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(packed); i++) {
		struct buf plain BUF = {0};
		struct buf bytes BUF = {0};
		make_plain(&plain, 200);
		pack(packed[i], buf_span(&plain), &bytes);
		for (size_t len = 0; len < bytes.len; len++) {
			struct error err = {""};

			struct got got GOT = {0};
			struct span cut = {bytes.ptr, len};
			assert_int_equal(
			    unpack_by(packed[i], cut, 16, 200, &got, &err),
			    -EBADMSG);
			assert_non_null(strstr(err.text, "ends too soon"));
		}
	}
}

static void
test_decompress_truncated_second_stream(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(packed); i++) {
		struct buf bytes BUF = {0};
		struct got got GOT = {0};
		pack(packed[i], SPAN("one"), &bytes);
		pack(packed[i], SPAN("two"), &bytes);
		bytes.len--;
		assert_int_equal(
		    unpack(packed[i], buf_span(&bytes), &got), -EBADMSG);
	}
}

static void
test_decompress_trailing_garbage(void **state)
{
	static const struct span garbage[] = {
	    {"x", 1}, {"garbage at the end", 18}, {"\0\0\0\0\0", 5}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(packed) * 3; i++) {
		struct error err = {""};

		struct buf bytes BUF = {0};
		struct got got GOT = {0};
		pack(packed[i / 3], SPAN("hello"), &bytes);
		assert_int_equal(buf_add_span(&bytes, garbage[i % 3]), 0);
		assert_int_equal(unpack_by(packed[i / 3], buf_span(&bytes),
				     SIZE_MAX, UINT64_MAX, &got, &err),
		    -EBADMSG);
		assert_true(err.text[0] != '\0');
	}
}

static void
test_decompress_other_format(void **state)
{
	static const char *const names[] = {"gz", "xz", "zst", "bz2"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(packed) * 4; i++) {
		enum codec from = packed[i / 4];
		enum codec to = packed[i % 4];
		struct error err = {""};

		struct buf bytes BUF = {0};
		struct got got GOT = {0};
		if (from == to)
			continue;
		pack(from, SPAN("Package: hello\n"), &bytes);
		assert_int_equal(unpack_by(to, buf_span(&bytes), SIZE_MAX,
				     UINT64_MAX, &got, &err),
		    -EBADMSG);
		assert_non_null(strstr(err.text, names[i % 4]));
	}
}

static void
test_decompress_damaged(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(packed); i++) {
		struct buf plain BUF = {0};
		struct buf bytes BUF = {0};
		struct got got GOT = {0};
		/* zstd's frames have no checksum by default; the others do. */
		if (packed[i] == CODEC_ZST)
			continue;
		make_plain(&plain, 2000);
		pack(packed[i], buf_span(&plain), &bytes);
		bytes.ptr[bytes.len / 2] ^= 1;
		assert_int_equal(
		    unpack(packed[i], buf_span(&bytes), &got), -EBADMSG);
	}
}

static void
test_decompress_bomb(void **state)
{
	(void)state;
	struct buf plain BUF = {0};
	assert_int_equal(buf_reserve(&plain, BOMB_SIZE), 0);
	memset(plain.ptr, 0, BOMB_SIZE);
	plain.len = BOMB_SIZE;
	for (size_t i = 0; i < ARRAY_LEN(packed); i++) {
		struct error err = {""};

		struct buf bytes BUF = {0};
		struct got got GOT = {0};
		pack(packed[i], buf_span(&plain), &bytes);
		assert_int_equal(unpack_by(packed[i], buf_span(&bytes),
				     SIZE_MAX, 1000000, &got, &err),
		    -E2BIG);
		assert_true(got.plain.len <= 1000000);
		assert_non_null(strstr(err.text, "1000000"));
	}
}

static void
test_decompress_limit_is_exact(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(packed) + 1; i++) {
		enum codec codec =
		    i < ARRAY_LEN(packed) ? packed[i] : CODEC_PLAIN;

		struct buf bytes BUF = {0};
		struct got fits GOT = {0};
		struct got over GOT = {0};
		pack(codec, SPAN("hello"), &bytes);
		assert_int_equal(
		    unpack_by(codec, buf_span(&bytes), 1, 5, &fits, NULL), 0);
		assert_int_equal(
		    unpack_by(codec, buf_span(&bytes), 1, 4, &over, NULL),
		    -E2BIG);
		assert_true(over.plain.len <= 4);
	}
}

static void
test_decompress_xz_memory(void **state)
{
	lzma_options_lzma o;
	size_t len = 0;

	(void)state;
	struct buf bytes BUF = {0};
	struct got got GOT = {0};
	assert_false(lzma_lzma_preset(&o, 0));
	o.dict_size = 2 * DECOMPRESS_XZ_MEM;
	lzma_filter filters[] = {
	    {LZMA_FILTER_LZMA2, &o}, {LZMA_VLI_UNKNOWN, NULL}};
	assert_int_equal(buf_reserve(&bytes, 1024), 0);
	assert_int_equal(
	    lzma_stream_buffer_encode(filters, LZMA_CHECK_CRC32, NULL,
		(const uint8_t *)"hello", 5, (uint8_t *)bytes.ptr, &len, 1024),
	    LZMA_OK);
	bytes.len = len;
	assert_int_equal(unpack(CODEC_XZ, buf_span(&bytes), &got), -E2BIG);
}

static void
test_decompress_xz_best_preset(void **state)
{
	size_t len = 0;

	(void)state;
	struct buf bytes BUF = {0};
	struct got got GOT = {0};
	assert_int_equal(buf_reserve(&bytes, 1024), 0);
	assert_int_equal(lzma_easy_buffer_encode(9 | LZMA_PRESET_EXTREME,
			     LZMA_CHECK_SHA256, NULL, (const uint8_t *)"hello",
			     5, (uint8_t *)bytes.ptr, &len, 1024),
	    LZMA_OK);
	bytes.len = len;
	assert_int_equal(unpack(CODEC_XZ, buf_span(&bytes), &got), 0);
	assert_got(&got, SPAN("hello"));
}

static void
test_decompress_callback_fails(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(packed); i++) {
		CLEANUP(decompress_cleanup) struct decompress *d = NULL;

		struct buf bytes BUF = {0};
		struct got got GOT = {.r = -EDOM};
		struct error err = {"the callback's"};
		pack(packed[i], SPAN("hello"), &bytes);
		assert_int_equal(
		    decompress_new(packed[i], 5, take, &got, &d), 0);
		assert_int_equal(
		    decompress_add(d, bytes.ptr, bytes.len, &err), -EDOM);
		assert_string_equal(err.text, "the callback's");
		/* It stays ended. */
		got.r = 0;
		assert_int_equal(decompress_add(d, "x", 1, &err), -EDOM);
		assert_int_equal(decompress_end(d, &err), -EDOM);
	}
}

static void
test_decompress_new_unknown_codec(void **state)
{
	struct decompress *d = NULL;

	(void)state;
	assert_int_equal(
	    decompress_new((enum codec)99, 5, take, NULL, &d), -EINVAL);
	assert_null(d);
	decompress_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_decompress_all_codecs_any_pieces),
	    cmocka_unit_test(test_decompress_plain),
	    cmocka_unit_test(test_decompress_several_streams),
	    cmocka_unit_test(test_decompress_zst_less_than_said),
	    cmocka_unit_test(test_decompress_xz_padding),
	    cmocka_unit_test(test_decompress_truncated_anywhere),
	    cmocka_unit_test(test_decompress_truncated_second_stream),
	    cmocka_unit_test(test_decompress_trailing_garbage),
	    cmocka_unit_test(test_decompress_other_format),
	    cmocka_unit_test(test_decompress_damaged),
	    cmocka_unit_test(test_decompress_bomb),
	    cmocka_unit_test(test_decompress_limit_is_exact),
	    cmocka_unit_test(test_decompress_xz_memory),
	    cmocka_unit_test(test_decompress_xz_best_preset),
	    cmocka_unit_test(test_decompress_callback_fails),
	    cmocka_unit_test(test_decompress_new_unknown_codec),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
