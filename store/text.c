#include "store/text.h"

#include <errno.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "store/content.h"
#include "store/head.h"

/*
 * The record, version 1: size, mtime, SHA-256, number of the text that it is
 * compressed against (or 0), how many texts have to be unpacked before it, a
 * zstd frame.
 */
enum { TEXT_SIZE, TEXT_MTIME, TEXT_SHA256, TEXT_LIKE, TEXT_DEPTH, TEXT_FRAME };

#define TEXT_VERSION   1
#define TEXT_ITEMS     6
#define TEXT_MAX       ((uint64_t)16 * 1024 * 1024) /* bytes of a text */
#define TEXT_MAX_DEPTH 4
#define TEXT_LEVEL     9

struct text {
	struct text_info info;
	uint64_t depth;
	struct span frame;
};

static int
text_load(struct txn *t, uint64_t number, struct record *rec, struct text *ret)
{
	struct record_view v;
	struct span bytes;
	int r = txn_get64(t, T_TEXTS, number, &bytes);

	if (r == 0)
		r = head_parse(bytes, TEXT_VERSION, rec, &v);
	if (r < 0)
		return r;
	ret->info.size = record_u64(&v, TEXT_SIZE);
	ret->info.mtime = record_i64(&v, TEXT_MTIME);
	record_digest(&v, TEXT_SHA256, &ret->info.sha256);
	ret->info.like = record_u64(&v, TEXT_LIKE);
	ret->depth = record_u64(&v, TEXT_DEPTH);
	ret->frame = record_span(&v, TEXT_FRAME);
	if (ret->info.size > TEXT_MAX || ret->depth > TEXT_MAX_DEPTH ||
	    (ret->info.like != 0) != (ret->depth != 0))
		return -EIO;
	return head_check(rec);
}

int
text_info(struct txn *t, uint64_t number, struct text_info *ret)
{
	CLEANUP(record_release) struct record rec = {0};
	struct text text;
	int r = text_load(t, number, &rec, &text);

	if (r < 0)
		return r;
	*ret = text.info;
	return 0;
}

/* Adds the text to out, given that of the text it is like. */
static int
unpack(const struct text *text, struct span like, struct buf *out)
{
	size_t size = (size_t)text->info.size, got;
	struct digest sha256;
	ZSTD_DCtx *ctx;

	if (buf_reserve(out, size) < 0)
		return -ENOMEM;
	ctx = ZSTD_createDCtx();
	if (!ctx)
		return -ENOMEM;
	got = ZSTD_DCtx_refPrefix(ctx, like.ptr, like.len);
	if (!ZSTD_isError(got))
		got = ZSTD_decompressDCtx(ctx, out->ptr + out->len, size,
		    text->frame.ptr, text->frame.len);
	(void)ZSTD_freeDCtx(ctx);
	if (ZSTD_getErrorCode(got) == ZSTD_error_memory_allocation)
		return -ENOMEM;
	if (ZSTD_isError(got) || got != size)
		return -EIO;
	digest_of(out->ptr + out->len, size, &sha256);
	if (!digest_eq(&sha256, &text->info.sha256))
		return -EIO;
	out->len += size;
	out->ptr[out->len] = '\0';
	return 0;
}

/* depth is what the one that needs this text leaves it. */
static int
text_get_at(struct txn *t, uint64_t number, uint64_t depth, struct buf *out)
{
	CLEANUP(record_release) struct record rec = {0};
	CLEANUP(buf_release) struct buf like = {0};
	struct text text;
	int r = text_load(t, number, &rec, &text);

	if (r < 0)
		return r;
	if (text.depth > depth)
		return -EIO;
	if (text.info.like != 0) {
		r = text_get_at(t, text.info.like, text.depth - 1, &like);
		if (r < 0)
			return r == -ENOENT ? -EIO : r;
	}
	return unpack(&text, buf_span(&like), out);
}

int
text_get(struct txn *t, uint64_t number, struct buf *out)
{
	return text_get_at(t, number, TEXT_MAX_DEPTH, out);
}

/* The window has to reach over the other text to its first byte. */
static int
window_log(size_t len)
{
	int log = 10;

	while (log < 27 && (size_t)1 << log < len)
		log++;
	return log;
}

static int
pack(struct span bytes, struct span like, struct buf *out)
{
	size_t bound = ZSTD_compressBound(bytes.len), got;
	ZSTD_CCtx *ctx;

	if (buf_reserve(out, bound) < 0)
		return -ENOMEM;
	ctx = ZSTD_createCCtx();
	if (!ctx)
		return -ENOMEM;
	(void)ZSTD_CCtx_setParameter(ctx, ZSTD_c_compressionLevel, TEXT_LEVEL);
	if (like.len > 0) {
		(void)ZSTD_CCtx_setParameter(
		    ctx, ZSTD_c_windowLog, window_log(bytes.len + like.len));
		(void)ZSTD_CCtx_refPrefix(ctx, like.ptr, like.len);
	}
	got = ZSTD_compress2(
	    ctx, out->ptr + out->len, bound, bytes.ptr, bytes.len);
	(void)ZSTD_freeCCtx(ctx);
	if (ZSTD_isError(got))
		return -ENOMEM;
	out->len += got;
	return 0;
}

/* Unpacks the similar text.  One that takes too many others to unpack is not
 * worth it: *depth is 0 then. */
static int
get_like(struct txn *t, uint64_t like, struct buf *out, uint64_t *ret_depth)
{
	CLEANUP(record_release) struct record rec = {0};
	struct text text;
	int r = text_load(t, like, &rec, &text);

	*ret_depth = 0;
	if (r < 0 || text.depth == TEXT_MAX_DEPTH)
		return r;
	*ret_depth = text.depth + 1;
	return text_get(t, like, out);
}

static int
text_store(struct txn *t, uint64_t number, const struct text *text)
{
	struct record_writer w;
	int r;

	record_writer_init(&w);
	record_begin(&w, TEXT_VERSION, TEXT_ITEMS);
	record_put_u64(&w, text->info.size);
	record_put_i64(&w, text->info.mtime);
	record_put_digest(&w, &text->info.sha256);
	record_put_u64(&w, text->info.like);
	record_put_u64(&w, text->depth);
	record_put_bin(&w, text->frame.ptr, text->frame.len);
	r = head_put64(t, T_TEXTS, number, &w);
	record_writer_release(&w);
	return r;
}

static int
text_new(struct txn *t, struct span bytes, uint64_t like, struct text *text,
    uint64_t *ret)
{
	CLEANUP(buf_release) struct buf other = {0};
	CLEANUP(buf_release) struct buf frame = {0};
	int r = 0;

	text->info.size = bytes.len;
	if (like != 0)
		r = get_like(t, like, &other, &text->depth);
	if (r < 0)
		return r;
	text->info.like = text->depth > 0 ? like : 0;
	r = pack(bytes, buf_span(&other), &frame);
	if (r < 0)
		return r;
	text->frame = buf_span(&frame);
	r = txn_take_stamps(t, C_STAMP_TEXT, 1, &text->info.mtime);
	if (r == 0)
		r = txn_take(t, C_TEXT, 1, ret);
	return r < 0 ? r : text_store(t, *ret, text);
}

int
text_put(struct txn *t, struct span bytes, uint64_t like, uint64_t *ret)
{
	struct text text = {0};
	struct content c = {0};
	uint64_t number = 0;
	int r;

	if (bytes.len > TEXT_MAX)
		return -E2BIG;
	digest_of(bytes.ptr, bytes.len, &text.info.sha256);
	r = content_find(t, &text.info.sha256, &c);
	if (r < 0 && r != -ENOENT)
		return r;
	if (c.kind == CONTENT_TEXT) {
		*ret = c.number;
		return 0;
	}
	r = text_new(t, bytes, like, &text, &number);
	/* A list or form of the same bytes needs no download either. */
	if (r == 0 && (c.number == 0 || c.kind == CONTENT_BLOB))
		r = content_put(t, &text.info.sha256,
		    (struct content){CONTENT_TEXT, number});
	if (r == 0)
		*ret = number;
	return r;
}
