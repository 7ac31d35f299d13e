#ifndef MIRROR_BLOB_FETCH_H
#define MIRROR_BLOB_FETCH_H

/*
 * One blob from wherever it can be had; private to mirror/.  See
 * mirror/blob_queue.h.
 */

#include <stdatomic.h>

#include "base/error.h"
#include "mirror/blob_queue.h"
#include "mirror/fetch.h"

/*
 * Tries the blob's places in order, and goes on where an earlier try was cut
 * off.  Where a compressed sister is present, or is all that can be had, the
 * blob is unpacked from it.  -ENOENT: every place says that it is not there, or
 * there is no place; -EINTR: *cancel became true; otherwise the first place's
 * error that says more.
 */
int blob_fetch_with(struct store *s, struct fetcher *f, uint64_t blob,
    const struct blob_queue_opts *opts, const atomic_bool *cancel,
    struct error *err) MUST_CHECK;

#endif
