#ifndef ALGEBRA_HOLDINGS_H
#define ALGEBRA_HOLDINGS_H

/*
 * Where packages are: which mirrors, snapshots and publications have each of
 * some.  Memory is a bit for each of them and each package, and one for each
 * run of the store; runs that have none of the packages are read once.
 */

#include "algebra/holders.h"
#include "base/error.h"
#include "store/bits.h"

struct holdings;

/* The transaction and the set are the caller's.  -EIO; -ENOMEM. */
int holdings_find(struct txn *t, const struct bits *packages,
    struct holdings **ret, struct error *err) MUST_CHECK;
void holdings_free(struct holdings *h);
static inline void
holdings_cleanup(struct holdings **h)
{
	holdings_free(*h);
}

/* Calls fn for each that has the package, in the order of holders_each(); fn's
 * first result other than 0 ends it and is returned. */
int holdings_each(
    const struct holdings *h, uint64_t package, holders_fn *fn, void *arg);

#endif
