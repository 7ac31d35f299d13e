#ifndef FS_ARMOR_H
#define FS_ARMOR_H

/* ASCII armour of public keys, RFC 4880 section 6. */

#include "base/buf.h"
#include "base/span.h"

int armor_public_keys(struct span binary, struct buf *out) MUST_CHECK;

#endif
