#ifndef MIRROR_UNPACK_H
#define MIRROR_UNPACK_H

/* From a present blob to the blob that it is when it is unpacked.  Private to
 * mirror/. */

#include <stdatomic.h>

#include "base/error.h"
#include "base/hash.h"
#include "store/blob.h"

struct unpack {
	struct store *store;
	struct digest sha256; /* of the compressed blob */
	uint64_t size;
	enum codec codec;
	uint64_t limit; /* bytes of what comes out */
	const atomic_bool *cancel;
};

/* Adds what comes out to a writer that is at its first byte.  -ENOENT: the
 * compressed blob is not present; -EBADMSG: it is damaged; -E2BIG: beyond the
 * limit; -EINTR; the writer's errors. */
int unpack_into(const struct unpack *u, struct blob_writer *w,
    struct error *err) MUST_CHECK;

#endif
