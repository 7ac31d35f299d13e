#ifndef STORE_WALK_H
#define STORE_WALK_H

/*
 * A walk through a whole table that keeps no transaction open for long: one
 * that lasts would keep all pages that writers free meanwhile from being used
 * again.  The table may change between two of its transactions.
 */

#include <stdatomic.h>

#include "store/txn.h"

#define WALK_KEY_MAX 511

/* 0 to go on, 1 to pause behind this entry, or an error. */
typedef int walk_fn(
    struct txn *t, struct span key, struct span value, void *arg);

struct walk {
	struct store *store;
	enum table table;
	walk_fn *fn;
	void *arg;
	const atomic_bool *cancel; /* or NULL */
	/* The last key that fn was given. */
	char last[WALK_KEY_MAX];
	size_t last_len;
};

/* Goes on with the walk, which begins at the first key: 1 where fn paused it,
 * 0 at the end; -EINTR; fn's errors, for which it has filled in what it has. */
int walk_on(struct walk *w, struct error *err) MUST_CHECK;

#endif
