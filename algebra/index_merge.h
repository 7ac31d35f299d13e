#ifndef ALGEBRA_INDEX_MERGE_H
#define ALGEBRA_INDEX_MERGE_H

/*
 * Making one index out of several lists (algebra/index_plan.h): the caller says
 * which packages are taken, and they come in an order in which the result
 * shares the runs of its sources: that of the source's names and then the
 * packages', as Debian's are sorted, where the largest list is sorted so, else
 * that of the names.
 *
 *   index_merge_walk()     looks at all packages, list by list
 *   index_merge_collect()  all lists at once, in order
 *
 * Both hold short transactions of their own; the caller has the hold.
 */

#include <stdatomic.h>
#include <stdbool.h>

#include "algebra/index_plan.h"
#include "algebra/list_cursor.h"
#include "base/error.h"

struct index_merge {
	struct store *store;
	const atomic_bool *cancel; /* or NULL */
	const struct index_plan_item *item;
	/* The rest is the module's. */
	struct txn *t;
	unsigned n;		     /* packages looked at in it */
	struct list_cursor *cursors; /* one for each part */
	bool by_source;		     /* how the result is sorted */
};

/* part: index of the list in the item; t is good until it returns.  An error,
 * or 1 where collecting takes the package. */
typedef int index_merge_fn(
    struct txn *t, size_t part, const struct package *p, void *arg);

void index_merge_release(struct index_merge *m);
/* Every package that belongs to the index, hidden lists included. */
int index_merge_walk(struct index_merge *m, index_merge_fn *fn, void *arg,
    struct error *err) MUST_CHECK;
/* Of the lists that are not hidden: adds the numbers of those that fn takes.
 * Where nothing was walked before, in the order of names. */
int index_merge_collect(struct index_merge *m, index_merge_fn *fn, void *arg,
    struct run_packages *out, struct error *err) MUST_CHECK;

#endif
