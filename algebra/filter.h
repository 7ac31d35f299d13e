#ifndef ALGEBRA_FILTER_H
#define ALGEBRA_FILTER_H

/*
 * Snapshots of some packages of another: those that a query matches, and on
 * request what these need.  Each index keeps its order.
 */

#include <stdbool.h>

#include "algebra/derive.h"
#include "algebra/query.h"
#include "base/strs.h"

struct filter_opts {
	const struct query *query; /* NULL matches all */
	bool with_deps;		   /* and what they need: algebra/closure.h */
	const struct strs *architectures; /* only these; NULL or empty: all */
};

/* Makes a snapshot of its one input.  Errors are those of derive_new() and
 * query_match(), and -EINVAL for an architecture that it does not have. */
int filter_snapshot(struct store *s, const struct derive_opts *derive,
    const struct filter_opts *opts, uint64_t *ret_packages,
    struct error *err) MUST_CHECK;

#endif
