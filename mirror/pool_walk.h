#ifndef MIRROR_POOL_WALK_H
#define MIRROR_POOL_WALK_H

/*
 * The walk over the files of a state, each of which is seen once; private to
 * mirror/.  See mirror/pool.h.
 */

#include "algebra/query.h"
#include "mirror/blob_batch.h"
#include "mirror/pool.h"
#include "store/bits.h"
#include "store/blob_presence.h"
#include "store/state.h"
#include "store/txn.h"

struct walk_query {
	struct query *query;
	struct query_run *run;
	bool matched; /* something */
};

struct walk {
	struct txn *txn; /* the caller's */
	const struct pool_want *want;
	struct bits seen; /* blob numbers */
	struct blob_presence presence;
	struct walk_query *queries; /* one for each that is wanted */
	size_t nqueries;	    /* 0: all packages */
	struct error *err;
	struct pool_count count;
	bool collect; /* not only count */
	struct blob_item *missing;
	size_t nmissing, cap;
	size_t npool; /* of the missing, the first: pool files */
};

/* A blob that is wanted. */
struct walk_blob {
	uint64_t number, size;
	const struct digest *sha256;
};

/* Counts it, unless it has been seen, and notes it where it is missing. */
int walk_blob(struct walk *w, const struct walk_blob *b,
    struct file_count *count) MUST_CHECK;
/* Goes through what the state's Release lists. */
int walk_listed(struct walk *w, const struct state *state) MUST_CHECK;

#endif
