#ifndef STORE_DROPPED_H
#define STORE_DROPPED_H

/*
 * Roots that lost their name, and when: a mount may have files and directories
 * of such a tree open, so that db cleanup leaves it alone for a while.  Those
 * who drop a name or let it point elsewhere note the old root, in the same
 * transaction.  A root that has a name is not dropped, whatever stands here.
 */

#include <stdint.h>

#include "store/txn.h"

/* Notes that the root (0: none) is dropped now. */
int dropped_put(struct txn *t, uint64_t root) MUST_CHECK;

typedef int dropped_each_fn(uint64_t root, int64_t when, void *arg);
int dropped_each(struct txn *t, dropped_each_fn *fn, void *arg);

#endif
