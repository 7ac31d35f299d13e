#ifndef STORE_CLEANUP_H
#define STORE_CLEANUP_H

/*
 * Takes away what nothing reaches (store/reach.h): records, files of blobs,
 * and downloads that nobody goes on with.
 *
 * It has the hold (store/hold.h) alone from before it looks until it is done,
 * so that nothing is looked for meanwhile that could be garbage, and nothing
 * stored that is not reached yet; updates wait for it, and it for them.
 * Records that single transactions store meanwhile have numbers that were not
 * given out when it looked: they stay.
 *
 * Mounts and other programs go on.  What they read is there for as long as a
 * transaction of theirs; open files of blobs have their bytes; and while any
 * other program has the store open, roots that were dropped less than `grace`
 * seconds ago count as reached, with all that they show.
 *
 * Records go in many short transactions: first what leads to garbage by hash,
 * then garbage from the top down, so that at any instant whatever is named is
 * there.  It may be killed at any instant, too; the next one finds the rest.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/progress.h"
#include "store/txn.h"

#define CLEANUP_GRACE	  3600	/* seconds */
#define CLEANUP_DOWNLOADS 86400 /* seconds without a byte */

struct cleanup_opts {
	bool dry_run;  /* only count */
	int64_t grace; /* seconds; < 0: CLEANUP_GRACE, or 0 where no other
			* program has the store open */
	struct progress *progress;
	const atomic_bool *cancel; /* or NULL */
};

struct cleanup_count {
	uint64_t n;
	uint64_t bytes; /* keys and values, or the file's */
};

struct cleanup_result {
	struct cleanup_count tables[T_COUNT];
	struct cleanup_count files, downloads;
	uint64_t kept_roots; /* dropped, but not long enough ago */
};

/* What was done until then is in *ret after a failure too.  -EIO: something is
 * missing or damaged, so that what is reached is not known: nothing was taken;
 * -EINTR: stopped. */
int cleanup_store(struct store *s, const struct cleanup_opts *opts,
    struct cleanup_result *ret, struct error *err) MUST_CHECK;

#endif
