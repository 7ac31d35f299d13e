#ifndef FS_COMPRESS_H
#define FS_COMPRESS_H

/*
 * Compressed forms of lists.  Each run is compressed to a piece of its own,
 * which is kept, so that a list that shares runs with an earlier one costs only
 * what is new: see fs/compressor.h.  For xz, a few runs are joined to a piece.
 *
 * Pieces are made by a few threads while the calling one hashes and stores
 * them in order; the write lock is held only to store.
 */

#include "base/error.h"
#include "base/progress.h"
#include "store/form.h"
#include "store/store.h"

/*
 * Finds or makes the form of a list; *ret is loaded, release it with
 * form_release().  A list without packages has no pieces, but its compressed
 * file is not empty: that is a text (store/text.h), and *ret has its size and
 * hash and the number 0.  -EINVAL: a codec that can't be written.
 */
int compress_list(struct store *s, uint64_t list, enum codec codec,
    struct progress *p, struct form *ret, struct error *err) MUST_CHECK;

#endif
