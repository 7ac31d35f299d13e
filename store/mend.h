#ifndef STORE_MEND_H
#define STORE_MEND_H

/*
 * Makes damaged and missing records again, for db check --repair.
 *
 * Where from, in this order: other records (a light record from its stanza, the
 * tables by hash and of paths from what they lead to, a prefix's tree from its
 * publications), compressed indexes that the store has (forms, and upstream's
 * as blobs), and upstream, which may still have an index by its hash.
 *
 * What is stored is proven: a stanza by its digest or by its place in an index
 * whose hash Release says, a run and a list by that index, a form by the hash
 * that Release says.  What can't be proven stays as it is.  Each step is a few
 * transactions after which everything is as whole as before or more so, and
 * can be done again: it may be stopped at any time.
 *
 * The caller has the hold alone (store/hold.h): what nothing reaches, and is
 * damaged, goes.
 */

#include <stdatomic.h>

#include "base/error.h"
#include "base/progress.h"
#include "store/bits.h"
#include "store/form.h"
#include "store/store.h"
#include "store/txn.h"

/* What lies above this layer; each may be NULL. */
struct mend_help {
	/* Makes the blob with this number present, where somebody has it.  What
	 * it answers is not trusted; -EINTR and -ENOSPC end the mending. */
	int (*fetch)(
	    void *arg, uint64_t blob, uint64_t size, struct error *err);
	/* Makes the form of a list anew, as publishing does (fs/compress.h). */
	int (*compress)(
	    void *arg, uint64_t list, enum codec codec, struct error *err);
	void *arg;
};

struct mend_opts {
	/* By table and number: what a check found something wrong with. */
	const struct bits *suspects;
	const uint64_t *limits;		  /* by table: see mend_limits() */
	int64_t latest_text, latest_blob; /* mtimes that were given out */
	const struct mend_help *help;	  /* or NULL */
	struct progress *progress;
	const atomic_bool *cancel; /* or NULL */
};

/* For each table whose keys are numbers, one that none of them, and of those
 * that are missing, is likely to be beyond: what is, a damaged record says, and
 * sets of bits that had it would take all memory. */
int mend_limits(
    struct store *s, uint64_t ret[T_COUNT], struct error *err) MUST_CHECK;

/* 0, whatever could be mended: check again.  -EINTR, -ENOSPC, -ENOMEM, or the
 * database can't be written. */
int mend_store(struct store *s, const struct mend_opts *opts,
    struct error *err) MUST_CHECK;

#endif
