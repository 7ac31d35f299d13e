#include "store/decompress.h"

#include <bzlib.h>
#include <errno.h>
#include <lzma.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#define OUT_BLOCK   (128 * 1024)	/* bytes handed over at once */
#define IN_MAX	    (256 * 1024 * 1024) /* bytes: counts in int and unsigned */
#define ZST_LOG_MAX 27			/* window: 128 MiB, zstd's own limit */
#define GZ_WINDOW   (15 + 16)		/* largest window, gzip header */

/* Bytes that are being taken in. */
struct in {
	const unsigned char *ptr;
	size_t len;
};

struct decoder {
	const char *name;
	int (*open)(struct decompress *d);
	/* Takes all of in. */
	int (*add)(struct decompress *d, struct in in, struct error *err);
	/* Takes what the decoder still holds; may be NULL. */
	int (*end)(struct decompress *d, struct error *err);
	void (*close)(struct decompress *d);
};

struct decompress {
	const struct decoder *decoder;
	uint64_t limit, total; /* bytes */
	decompress_fn *fn;
	void *arg;
	/* Whether the input may end here: a stream, member or frame is
	 * complete. */
	bool whole;
	int r; /* the error that ended it: no more is taken */
	bool opened;
	bool in_frame; /* zst: of the frame a byte at least is taken */
	union {
		lzma_stream xz;
		z_stream gz;
		bz_stream bz2;
		ZSTD_DStream *zst;
	};
	unsigned char out[OUT_BLOCK];
};

static int
emit(struct decompress *d, const void *ptr, size_t len, struct error *err)
{
	if (len == 0)
		return 0;
	if (len > d->limit - d->total)
		return error_set(err, -E2BIG,
		    "more than %llu bytes when decompressed",
		    (unsigned long long)d->limit);
	d->total += len;
	return d->fn(d->arg, ptr, len);
}

static int
damaged(const struct decompress *d, struct error *err)
{
	return error_set(err, -EBADMSG, "damaged %s data", d->decoder->name);
}

static int
no_memory(struct error *err)
{
	return error_set(err, -ENOMEM, "out of memory");
}

static int
plain_add(struct decompress *d, struct in in, struct error *err)
{
	return emit(d, in.ptr, in.len, err);
}

static int
xz_open(struct decompress *d)
{
	lzma_ret l;

	d->xz = (lzma_stream)LZMA_STREAM_INIT;
	l = lzma_stream_decoder(&d->xz, DECOMPRESS_XZ_MEM, LZMA_CONCATENATED);
	return l == LZMA_OK ? 0 : -ENOMEM;
}

static int
xz_judge(const struct decompress *d, lzma_ret l, struct error *err)
{
	switch (l) {
	case LZMA_OK:
	case LZMA_STREAM_END:
	case LZMA_BUF_ERROR: /* wants more input */
		return 0;
	case LZMA_MEM_ERROR:
		return no_memory(err);
	case LZMA_MEMLIMIT_ERROR:
		return error_set(err, -E2BIG,
		    "xz data that takes more than %d bytes of memory",
		    DECOMPRESS_XZ_MEM);
	case LZMA_FORMAT_ERROR:
		return error_set(err, -EBADMSG, "not xz data");
	default:
		return damaged(d, err);
	}
}

/* With LZMA_RUN until all is taken, with LZMA_FINISH to the stream's end. */
static int
xz_run(struct decompress *d, lzma_action action, struct error *err)
{
	lzma_ret l;

	do {
		int r;

		d->xz.next_out = d->out;
		d->xz.avail_out = OUT_BLOCK;
		l = lzma_code(&d->xz, action);
		r = emit(d, d->out, OUT_BLOCK - d->xz.avail_out, err);
		if (r == 0)
			r = xz_judge(d, l, err);
		if (r < 0)
			return r;
	} while (l == LZMA_OK && (d->xz.avail_in > 0 || d->xz.avail_out == 0));
	d->whole = l == LZMA_STREAM_END;
	return 0;
}

static int
xz_add(struct decompress *d, struct in in, struct error *err)
{
	d->xz.next_in = in.ptr;
	d->xz.avail_in = in.len;
	return xz_run(d, LZMA_RUN, err);
}

static int
xz_end(struct decompress *d, struct error *err)
{
	d->xz.next_in = NULL;
	d->xz.avail_in = 0;
	return xz_run(d, LZMA_FINISH, err);
}

static void
xz_close(struct decompress *d)
{
	lzma_end(&d->xz);
}

static int
gz_open(struct decompress *d)
{
	d->gz = (z_stream){0};
	return inflateInit2(&d->gz, GZ_WINDOW) == Z_OK ? 0 : -ENOMEM;
}

static int
gz_step(struct decompress *d, struct error *err)
{
	int z, r;

	/* The next member begins where one has ended. */
	if (d->whole && inflateReset(&d->gz) != Z_OK)
		return damaged(d, err);
	d->gz.next_out = d->out;
	d->gz.avail_out = OUT_BLOCK;
	z = inflate(&d->gz, Z_NO_FLUSH);
	d->whole = z == Z_STREAM_END;
	r = emit(d, d->out, OUT_BLOCK - d->gz.avail_out, err);
	if (r < 0)
		return r;
	if (z == Z_MEM_ERROR)
		return no_memory(err);
	if (z != Z_OK && z != Z_STREAM_END && z != Z_BUF_ERROR)
		return damaged(d, err);
	return 0;
}

static int
gz_add(struct decompress *d, struct in in, struct error *err)
{
	/* zlib's type is not const, but it does not write there. */
	d->gz.next_in = (unsigned char *)in.ptr;
	d->gz.avail_in = (unsigned)in.len;
	do {
		int r = gz_step(d, err);

		if (r < 0)
			return r;
	} while (d->gz.avail_in > 0 || (!d->whole && d->gz.avail_out == 0));
	return 0;
}

static void
gz_close(struct decompress *d)
{
	(void)inflateEnd(&d->gz);
}

static int
bz2_open(struct decompress *d)
{
	d->bz2 = (bz_stream){0};
	return BZ2_bzDecompressInit(&d->bz2, 0, 0) == BZ_OK ? 0 : -ENOMEM;
}

static void
bz2_close(struct decompress *d)
{
	(void)BZ2_bzDecompressEnd(&d->bz2);
}

/* The next stream begins where one has ended; libbz2 has no reset. */
static int
bz2_reopen(struct decompress *d)
{
	char *next_in = d->bz2.next_in;
	unsigned avail_in = d->bz2.avail_in;

	bz2_close(d);
	d->opened = false;
	if (bz2_open(d) < 0)
		return -ENOMEM;
	d->opened = true;
	d->bz2.next_in = next_in;
	d->bz2.avail_in = avail_in;
	return 0;
}

static int
bz2_step(struct decompress *d, struct error *err)
{
	int b, r;

	if (d->whole && bz2_reopen(d) < 0)
		return no_memory(err);
	d->bz2.next_out = (char *)d->out;
	d->bz2.avail_out = OUT_BLOCK;
	b = BZ2_bzDecompress(&d->bz2);
	d->whole = b == BZ_STREAM_END;
	r = emit(d, d->out, OUT_BLOCK - d->bz2.avail_out, err);
	if (r < 0)
		return r;
	if (b == BZ_MEM_ERROR)
		return no_memory(err);
	return b == BZ_OK || b == BZ_STREAM_END ? 0 : damaged(d, err);
}

static int
bz2_add(struct decompress *d, struct in in, struct error *err)
{
	d->bz2.next_in = (char *)in.ptr;
	d->bz2.avail_in = (unsigned)in.len;
	do {
		int r = bz2_step(d, err);

		if (r < 0)
			return r;
	} while (d->bz2.avail_in > 0 || (!d->whole && d->bz2.avail_out == 0));
	return 0;
}

static int
zst_open(struct decompress *d)
{
	size_t z;

	d->zst = ZSTD_createDStream();
	if (!d->zst)
		return -ENOMEM;
	z = ZSTD_DCtx_setParameter(d->zst, ZSTD_d_windowLogMax, ZST_LOG_MAX);
	if (!ZSTD_isError(z))
		return 0;
	(void)ZSTD_freeDStream(d->zst);
	return -ENOMEM;
}

static int
zst_judge(const struct decompress *d, size_t z, struct error *err)
{
	if (!ZSTD_isError(z))
		return 0;
	switch (ZSTD_getErrorCode(z)) {
	case ZSTD_error_memory_allocation:
		return no_memory(err);
	case ZSTD_error_frameParameter_windowTooLarge:
		return error_set(err, -E2BIG,
		    "zst data with a window of more than %u bytes",
		    1U << ZST_LOG_MAX);
	default:
		return damaged(d, err);
	}
}

/*
 * A frame's first byte is handed over alone.  libzstd decodes a frame that it
 * gets as a whole in another way, which finds it damaged where it has less than
 * its header says; that must not depend on how the input arrives.
 */
static int
zst_add(struct decompress *d, struct in in, struct error *err)
{
	ZSTD_inBuffer from = {in.ptr, 0, 0};
	ZSTD_outBuffer to = {d->out, OUT_BLOCK, 0};

	do {
		size_t z;
		int r;

		from.size = d->in_frame ? in.len : from.pos + 1;
		to.pos = 0;
		z = ZSTD_decompressStream(d->zst, &to, &from);
		r = emit(d, d->out, to.pos, err);
		if (r == 0)
			r = zst_judge(d, z, err);
		if (r < 0)
			return r;
		/* 0 only at a frame's very end. */
		d->whole = z == 0;
		d->in_frame = !d->whole;
	} while (from.pos < in.len || (!d->whole && to.pos == to.size));
	return 0;
}

static void
zst_close(struct decompress *d)
{
	(void)ZSTD_freeDStream(d->zst);
}

static const struct decoder decoders[] = {
    [CODEC_PLAIN] = {"plain", NULL, plain_add, NULL, NULL},
    [CODEC_GZ] = {"gz", gz_open, gz_add, NULL, gz_close},
    [CODEC_XZ] = {"xz", xz_open, xz_add, xz_end, xz_close},
    [CODEC_ZST] = {"zst", zst_open, zst_add, NULL, zst_close},
    [CODEC_BZ2] = {"bz2", bz2_open, bz2_add, NULL, bz2_close},
};

int
decompress_new(enum codec codec, uint64_t limit, decompress_fn *fn, void *arg,
    struct decompress **ret)
{
	CLEANUP(decompress_cleanup) struct decompress *d = NULL;

	if ((size_t)codec >= ARRAY_LEN(decoders))
		return -EINVAL;
	d = malloc(sizeof(*d));
	if (!d)
		return -ENOMEM;
	/* All but the block of out, which needs no zeroes. */
	memset(d, 0, offsetof(struct decompress, out));
	d->decoder = &decoders[codec];
	d->limit = limit;
	d->fn = fn;
	d->arg = arg;
	d->whole = codec == CODEC_PLAIN;
	if (d->decoder->open) {
		int r = d->decoder->open(d);

		if (r < 0)
			return r;
		d->opened = true;
	}
	*ret = TAKE(d);
	return 0;
}

void
decompress_free(struct decompress *d)
{
	if (!d)
		return;
	if (d->opened)
		d->decoder->close(d);
	free(d);
}

int
decompress_add(
    struct decompress *d, const void *ptr, size_t len, struct error *err)
{
	const unsigned char *p = ptr;

	while (len > 0) {
		size_t n = len < IN_MAX ? len : IN_MAX;

		if (d->r == 0)
			d->r = d->decoder->add(d, (struct in){p, n}, err);
		if (d->r < 0)
			return d->r;
		p += n;
		len -= n;
	}
	return 0;
}

int
decompress_end(struct decompress *d, struct error *err)
{
	if (d->r == 0 && d->decoder->end)
		d->r = d->decoder->end(d, err);
	if (d->r == 0 && !d->whole)
		d->r = error_set(err, -EBADMSG, "%s data that ends too soon",
		    d->decoder->name);
	return d->r;
}
