#ifndef ALGEBRA_CLOSURE_H
#define ALGEBRA_CLOSURE_H

/*
 * What packages need: to a set of chosen packages those are added that meet
 * their dependencies, and theirs in turn, breadth first.
 *
 * A group of alternatives that something chosen meets, or something present,
 * needs nothing more.  Otherwise the first alternative that anything meets
 * brings its first candidate, in the order of candidates_next().  A group that
 * nothing meets is passed over, as is what can't be read of a field.
 *
 * Memory grows with the packages of the states, not with what is chosen;
 * light records are all that is read.
 */

#include "base/error.h"
#include "base/strs.h"
#include "store/bits.h"
#include "store/state.h"
#include "store/txn.h"

struct closure_opts {
	/* Of packages of these architectures (and "all"); empty or NULL: of
	 * any that the states have. */
	const struct strs *architectures;
	/* Where the packages come from: those chosen, and those added. */
	const struct state *const *from;
	size_t nfrom;
	/* What is there anyway, or NULL: a dependency that it meets needs
	 * nothing more.  Packages of it count only while nothing of the same
	 * name and architecture is chosen, unless keep_old. */
	const struct state *present;
	bool keep_old;
	bool recommends, suggests; /* beside Pre-Depends and Depends */
	bool build;		   /* Build-Depends of chosen source packages */
	bool all_variants;	   /* every alternative brings its candidates */
};

/*
 * Adds the numbers of packages to chosen, which has numbers of packages of
 * `from`.  The transaction is the caller's; -EIO where a record is damaged;
 * -ENOMEM; -E2BIG with too many architectures.
 */
int closure_add(struct txn *t, const struct closure_opts *opts,
    struct bits *chosen, struct error *err) MUST_CHECK;

#endif
