#ifndef STORE_UNKNOWN_H
#define STORE_UNKNOWN_H

/* What is said of a name that nothing has: with the one that was meant,
 * perhaps, where another is almost the same. */

#include "base/error.h"
#include "store/txn.h"

enum unknown_kind {
	UNKNOWN_SNAPSHOT = 1 << 0,
	UNKNOWN_MIRROR = 1 << 1,
};

/* "no snapshot or mirror is named bokworm; did you mean bookworm?"; kinds are
 * those that were looked for.  Returns -ENOENT. */
int unknown_name(
    struct txn *t, unsigned kinds, const char *name, struct error *err);

#endif
