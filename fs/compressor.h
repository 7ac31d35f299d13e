#ifndef FS_COMPRESSOR_H
#define FS_COMPRESSOR_H

/*
 * Pieces of compressed indexes, each made on its own: gzip members and zstd
 * frames, which may follow each other, and the blocks of an xz stream.  Of that
 * there has to be one (apt reads no further), so what stands before and behind
 * the blocks is made too: RFC 1952, RFC 8878, "The .xz File Format" 1.1.0.
 */

#include <stdbool.h>

#include "base/buf.h"
#include "base/span.h"
#include "store/form.h"

#define COMPRESS_GZ_LEVEL  6
#define COMPRESS_XZ_LEVEL  6
#define COMPRESS_ZST_LEVEL 9

/* One thread's tools; a zeroed one has none. */
struct compressor {
	enum codec codec;
	struct libdeflate_compressor *gz;
	struct ZSTD_CCtx_s *zst;
};

/* Is there a compressor for that? */
bool compressor_can(enum codec codec);
int compressor_init(struct compressor *c, enum codec codec) MUST_CHECK;
void compressor_release(struct compressor *c);
/* Puts text, compressed to a piece, in the place of what out has. */
int compressor_run(
    struct compressor *c, struct span text, struct buf *out) MUST_CHECK;

/* What stands around pieces. */
struct frame;

/* *ret is NULL for codecs without. */
int frame_new(enum codec codec, struct frame **ret) MUST_CHECK;
void frame_free(struct frame *f);
static inline void
frame_cleanup(struct frame **f)
{
	frame_free(*f);
}
/* Counts the next piece; NULL frames take all.  -EIO: it is none. */
int frame_add(struct frame *f, struct span piece) MUST_CHECK;
/* Adds what stands before the first and behind the last piece; nothing where f
 * is NULL. */
int frame_head(const struct frame *f, struct buf *out) MUST_CHECK;
int frame_tail(const struct frame *f, struct buf *out) MUST_CHECK;

#endif
