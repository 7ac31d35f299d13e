#ifndef STORE_UNKNOWN_H
#define STORE_UNKNOWN_H

/* What is said of a name that nothing has: with those that may have been meant
 * (base/nearest.h). */

#include "base/error.h"
#include "store/txn.h"

enum unknown_kind {
	UNKNOWN_SNAPSHOT = 1 << 0,
	UNKNOWN_MIRROR = 1 << 1,
};

/* "no snapshot or mirror is named bokworm; is it bookworm?"; kinds are those
 * that were looked for.  Returns -ENOENT. */
int unknown_name(
    struct txn *t, unsigned kinds, const char *name, struct error *err);
/* "nothing is published at ./tesing; is it testing?", of what there is under
 * the prefix ("": the root).  Returns -ENOENT. */
int unknown_publication(struct txn *t, const char *prefix,
    const char *distribution, struct error *err);

#endif
