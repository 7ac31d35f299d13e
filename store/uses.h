#ifndef STORE_USES_H
#define STORE_USES_H

/* Which publications have a snapshot or mirror as their source. */

#include "base/buf.h"
#include "store/publication.h"

/* Adds their places, "prefix/distribution" ("./bookworm" at the root), with
 * commas between them. */
int uses_names(struct txn *t, enum source_kind kind, const char *source,
    struct buf *out) MUST_CHECK;
/* The source has got another name: they follow. */
int uses_rename(struct txn *t, enum source_kind kind, const char *from,
    const char *to) MUST_CHECK;

#endif
