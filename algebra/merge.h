#ifndef ALGEBRA_MERGE_H
#define ALGEBRA_MERGE_H

/*
 * Merging snapshots, after aptly: from left to right, component by component,
 * kind by kind, in the order of algebra/index_merge.h.
 */

#include <stdbool.h>

#include "algebra/derive.h"
#include "base/strs.h"

enum merge_keep {
	/* A source's package takes the place of all versions of the same name
	 * and architecture that sources before it have. */
	MERGE_REPLACE,
	/* All versions; where version, too, is the same, the last source's. */
	MERGE_ALL,
	/* The newest version of each name and architecture; of equal ones the
	 * last source's. */
	MERGE_LATEST,
};

struct merge_opts {
	enum merge_keep keep;
	const struct strs *architectures; /* only these; NULL or empty: all */
};

struct merge_result {
	uint64_t packages; /* of all indexes */
	uint64_t indexes;
};

/* Makes a snapshot of its inputs.  Errors are those of derive_new(), and
 * -EINVAL for an architecture that no input has. */
int merge_snapshots(struct store *s, const struct derive_opts *derive,
    const struct merge_opts *opts, struct merge_result *ret,
    struct error *err) MUST_CHECK;

#endif
