#ifndef STORE_DECOMPRESS_H
#define STORE_DECOMPRESS_H

/*
 * Streaming decompression: compressed bytes are pushed in, plain bytes come
 * out through a callback.  xz (any number of streams), gz (members), bz2,
 * zst (frames) and plain.  Never yields more than the limit; memory of the
 * decoders is bounded (xz: DECOMPRESS_XZ_MEM).
 */

#include <stdint.h>

#include "base/error.h"
#include "store/form.h"

#define DECOMPRESS_XZ_MEM (96 * 1024 * 1024) /* bytes */

struct decompress;
typedef int decompress_fn(void *arg, const void *ptr, size_t len);

int decompress_new(enum codec codec, uint64_t limit, decompress_fn *fn,
    void *arg, struct decompress **ret) MUST_CHECK;
void decompress_free(struct decompress *d);
static inline void
decompress_cleanup(struct decompress **d)
{
	decompress_free(*d);
}
/* -EBADMSG: damaged, or of another format; -E2BIG: more than limit; fn's own
 * negative result. */
int decompress_add(struct decompress *d, const void *ptr, size_t len,
    struct error *err) MUST_CHECK;
/* -EBADMSG: the compressed data ends too soon. */
int decompress_end(struct decompress *d, struct error *err) MUST_CHECK;

#endif
