#ifndef STORE_FILTER_H
#define STORE_FILTER_H

/*
 * Snapshots of some packages of another: those that a query matches, and on
 * request what these need.  Each index keeps its order.
 */

#include <stdbool.h>

#include "base/strs.h"
#include "store/derive.h"
#include "store/query.h"

struct filter_opts {
	const struct query *query; /* NULL matches all */
	bool with_deps;		   /* and what they need: store/closure.h */
	const struct strs *architectures; /* only these; NULL or empty: all */
};

/* Makes a snapshot of its one input.  Errors are those of derive_new() and
 * query_match(), and -EINVAL for an architecture that it does not have. */
int filter_snapshot(struct store *s, const struct derive_opts *derive,
    const struct filter_opts *opts, uint64_t *ret_packages,
    struct error *err) MUST_CHECK;

#endif
