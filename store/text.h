#ifndef STORE_TEXT_H
#define STORE_TEXT_H

/*
 * Texts: small files kept whole in the database (InRelease, Release,
 * Release.gpg).  Immutable; the same bytes are stored once.  A text may be
 * compressed against another that is much like it (Release against the
 * InRelease that holds it).
 */

#include <stdint.h>

#include "base/buf.h"
#include "base/hash.h"
#include "store/txn.h"

/* Stores bytes, or finds them; like: number of a similar text, or 0.  -E2BIG
 * beyond 16 MiB; -ENOENT: there is no text `like`. */
int text_put(
    struct txn *t, struct span bytes, uint64_t like, uint64_t *ret) MUST_CHECK;
/* Adds the text to out.  -ENOENT; -EIO: damaged. */
int text_get(struct txn *t, uint64_t number, struct buf *out) MUST_CHECK;

struct text_info {
	uint64_t size;
	int64_t mtime;
	struct digest sha256;
	uint64_t like; /* needed to unpack it, too; or 0 */
};
int text_info(struct txn *t, uint64_t number, struct text_info *ret) MUST_CHECK;

#endif
