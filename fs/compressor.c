#include "fs/compressor.h"

#include <errno.h>
#include <libdeflate.h>
#include <lzma.h>
#include <stdlib.h>
#include <zstd.h>

#define XZ_CHECK LZMA_CHECK_CRC64

struct frame {
	lzma_index *index;
};

bool
compressor_can(enum codec codec)
{
	return codec == CODEC_GZ || codec == CODEC_XZ || codec == CODEC_ZST;
}

int
compressor_init(struct compressor *c, enum codec codec)
{
	*c = (struct compressor){.codec = codec};
	switch (codec) {
	case CODEC_GZ:
		c->gz = libdeflate_alloc_compressor(COMPRESS_GZ_LEVEL);
		return c->gz ? 0 : -ENOMEM;
	case CODEC_ZST:
		c->zst = ZSTD_createCCtx();
		return c->zst ? 0 : -ENOMEM;
	case CODEC_XZ:
		return 0;
	default:
		return -EINVAL;
	}
}

void
compressor_release(struct compressor *c)
{
	libdeflate_free_compressor(c->gz);
	(void)ZSTD_freeCCtx(c->zst);
}

static int
run_gz(struct compressor *c, struct span text, struct buf *out)
{
	size_t room = libdeflate_gzip_compress_bound(c->gz, text.len);

	if (buf_reserve(out, room) < 0)
		return -ENOMEM;
	out->len =
	    libdeflate_gzip_compress(c->gz, text.ptr, text.len, out->ptr, room);
	return out->len > 0 ? 0 : -EIO;
}

static int
run_zst(struct compressor *c, struct span text, struct buf *out)
{
	size_t room = ZSTD_compressBound(text.len), len;

	if (buf_reserve(out, room) < 0)
		return -ENOMEM;
	len = ZSTD_compressCCtx(
	    c->zst, out->ptr, room, text.ptr, text.len, COMPRESS_ZST_LEVEL);
	if (ZSTD_isError(len))
		return -ENOMEM;
	out->len = len;
	return 0;
}

static int
run_xz(struct span text, struct buf *out)
{
	size_t room = lzma_block_buffer_bound(text.len);
	lzma_options_lzma options;
	lzma_filter filters[] = {
	    {LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, NULL}};
	lzma_block block = {.check = XZ_CHECK, .filters = filters};

	if (lzma_lzma_preset(&options, COMPRESS_XZ_LEVEL))
		return -EIO;
	/* More than the text can't be used, and costs memory on both sides. */
	if (text.len < options.dict_size)
		options.dict_size = text.len > LZMA_DICT_SIZE_MIN
					? (uint32_t)text.len
					: LZMA_DICT_SIZE_MIN;
	if (room == 0 || buf_reserve(out, room) < 0)
		return -ENOMEM;
	switch (
	    lzma_block_buffer_encode(&block, NULL, (const uint8_t *)text.ptr,
		text.len, (uint8_t *)out->ptr, &out->len, room)) {
	case LZMA_OK:
		return 0;
	case LZMA_MEM_ERROR:
		return -ENOMEM;
	default:
		return -EIO;
	}
}

int
compressor_run(struct compressor *c, struct span text, struct buf *out)
{
	buf_clear(out);
	switch (c->codec) {
	case CODEC_GZ:
		return run_gz(c, text, out);
	case CODEC_ZST:
		return run_zst(c, text, out);
	default:
		return run_xz(text, out);
	}
}

int
frame_new(enum codec codec, struct frame **ret)
{
	struct frame *f;

	*ret = NULL;
	if (codec != CODEC_XZ)
		return 0;
	f = calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->index = lzma_index_init(NULL);
	if (!f->index) {
		free(f);
		return -ENOMEM;
	}
	*ret = f;
	return 0;
}

void
frame_free(struct frame *f)
{
	if (!f)
		return;
	lzma_index_end(f->index, NULL);
	free(f);
}

static void
free_filters(lzma_filter *filters)
{
	for (size_t i = 0; filters[i].id != LZMA_VLI_UNKNOWN; i++)
		free(filters[i].options);
}

/* A block's header says how long it is, compressed and not. */
int
frame_add(struct frame *f, struct span piece)
{
	lzma_filter filters[LZMA_FILTERS_MAX + 1];
	lzma_block block = {.check = XZ_CHECK, .filters = filters};
	const uint8_t *head = (const uint8_t *)piece.ptr;

	if (!f)
		return 0;
	if (piece.len == 0 || head[0] == 0)
		return -EIO;
	block.header_size = lzma_block_header_size_decode(head[0]);
	if (block.header_size > piece.len ||
	    lzma_block_header_decode(&block, NULL, head) != LZMA_OK)
		return -EIO;
	free_filters(filters);
	if (lzma_block_total_size(&block) != piece.len)
		return -EIO;
	switch (lzma_index_append(f->index, NULL,
	    lzma_block_unpadded_size(&block), block.uncompressed_size)) {
	case LZMA_OK:
		return 0;
	case LZMA_MEM_ERROR:
		return -ENOMEM;
	default:
		return -EIO;
	}
}

static lzma_stream_flags
stream_flags(const struct frame *f)
{
	return (lzma_stream_flags){
	    .check = XZ_CHECK, .backward_size = lzma_index_size(f->index)};
}

int
frame_head(const struct frame *f, struct buf *out)
{
	uint8_t head[LZMA_STREAM_HEADER_SIZE];
	lzma_stream_flags flags;

	if (!f)
		return 0;
	flags = stream_flags(f);
	if (lzma_stream_header_encode(&flags, head) != LZMA_OK)
		return -EIO;
	return buf_add(out, (const char *)head, sizeof(head));
}

int
frame_tail(const struct frame *f, struct buf *out)
{
	lzma_stream_flags flags;
	uint8_t *at;
	size_t size, len = 0;

	if (!f)
		return 0;
	flags = stream_flags(f);
	size = (size_t)flags.backward_size;
	if (buf_reserve(out, out->len + size + LZMA_STREAM_HEADER_SIZE) < 0)
		return -ENOMEM;
	at = (uint8_t *)out->ptr + out->len;
	if (lzma_index_buffer_encode(f->index, at, &len, size) != LZMA_OK ||
	    lzma_stream_footer_encode(&flags, at + len) != LZMA_OK)
		return -EIO;
	out->len += len + LZMA_STREAM_HEADER_SIZE;
	return 0;
}
