#ifndef ALGEBRA_HOLDERS_H
#define ALGEBRA_HOLDERS_H

/* All that have a name and a state: mirrors, snapshots, publications. */

#include "store/txn.h"

enum holder_kind {
	HOLDER_MIRROR,
	HOLDER_SNAPSHOT,
	HOLDER_PUBLICATION,
	HOLDER_KINDS
};

struct holder {
	enum holder_kind kind;
	/* Of a publication "prefix/distribution", "./bookworm" at the root. */
	const char *name;
	uint64_t state;
};

/*
 * Calls fn for each, in the order of the kinds, and of the names within them;
 * not for a mirror that was never updated.  fn's first result other than 0
 * ends it and is returned.
 */
typedef int holders_fn(const struct holder *h, void *arg);
int holders_each(struct txn *t, holders_fn *fn, void *arg);

#endif
