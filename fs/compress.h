#ifndef FS_COMPRESS_H
#define FS_COMPRESS_H

/*
 * Compressed forms of lists.  Each run is compressed to a piece of its own,
 * which is kept, so that a list that shares runs with an earlier one costs only
 * what is new: gzip members by libdeflate, frames by zstd.
 *
 * Pieces are made by a few threads while the calling one hashes and stores
 * them in order; the write lock is held only to store.
 */

#include <stdbool.h>

#include "base/error.h"
#include "base/progress.h"
#include "store/form.h"
#include "store/store.h"

#define COMPRESS_GZ_LEVEL  6
#define COMPRESS_ZST_LEVEL 9

/* Can lists be written in this form? */
bool compress_can(enum codec codec);

/*
 * Finds or makes the form of a list; *ret is loaded, release it with
 * form_release().  A list without packages has no pieces, but its compressed
 * file is not empty: that is a text (store/text.h), and *ret has its size and
 * hash and the number 0.  -EINVAL: a codec that can't be written.
 */
int compress_list(struct store *s, uint64_t list, enum codec codec,
    struct progress *p, struct form *ret, struct error *err) MUST_CHECK;

#endif
