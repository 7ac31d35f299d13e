#ifndef STORE_GONE_H
#define STORE_GONE_H

/*
 * Blobs that nobody had any more when they were last asked for: every place
 * said so.  Only commands write it down.  A blob that is present is not gone,
 * whatever stands here: a mount may have fetched it since.
 */

#include <stddef.h>
#include <stdint.h>

#include "store/blob.h"
#include "store/txn.h"

/* Notes that n blobs (numbers) were not to be had at that time. */
int gone_put(
    struct txn *t, const uint64_t *blobs, size_t n, int64_t when) MUST_CHECK;
/* Forgets it of those n that are noted. */
int gone_forget(struct txn *t, const uint64_t *blobs, size_t n) MUST_CHECK;
/* -ENOENT: not known to be gone.  *ret, which may be NULL, is when it was
 * noted. */
int gone_find(struct txn *t, uint64_t blob, int64_t *ret) MUST_CHECK;
/* Can the blob be had: is it here, or does something name a place for it where
 * it is not known to be gone?  1, 0, or a negative errno. */
int gone_servable(struct txn *t, const struct blob *b) MUST_CHECK;

#endif
