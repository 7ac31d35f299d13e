#ifndef MIRROR_POOL_H
#define MIRROR_POOL_H

/*
 * Making files present: the pool files of a whole state, or of the packages
 * that match queries, and the files that its Release lists.
 */

#include <stdatomic.h>
#include <stdint.h>

#include "base/error.h"
#include "base/progress.h"
#include "base/strs.h"
#include "mirror/blob_queue.h"
#include "store/txn.h"

struct state;

struct file_count {
	uint64_t files, bytes;		       /* all, each file once */
	uint64_t missing_files, missing_bytes; /* of these: remote */
	/* Of the missing: nobody had them when they were last asked for. */
	uint64_t gone_files, gone_bytes;
};

struct pool_count {
	struct file_count pool;
	/* What Release lists, without what the store makes by itself or by
	 * unpacking another file of these. */
	struct file_count listed;
	const char *unknown; /* the first of the queries that nothing matches */
};

/* What any of the queries matches (algebra/query.h), of these architectures;
 * NULL or empty: all. */
struct pool_want {
	uint64_t state;
	const struct strs *queries;
	const struct strs *architectures;
	const struct state *unsaved; /* in place of the number, or NULL */
	bool listed;		     /* the files that Release lists as well */
};

/* -EINVAL: a query that cannot be parsed; -E2BIG: one that takes too long. */
int pool_count(struct txn *t, const struct pool_want *want,
    struct pool_count *ret, struct error *err) MUST_CHECK;

struct pool_result {
	uint64_t fetched_files, fetched_bytes;
	uint64_t failed_files;
	/* Files that Release lists and the archive has not got, or refuses to
	 * give: no failures.  absent tells of the first. */
	uint64_t absent_files;
	struct error absent;
};
typedef void pool_failed_fn(void *arg, const char *why);

/*
 * Fetches what is missing, several at once.  Goes on after a file that can't
 * be had (failed is called with a line that names it, by one thread at a time)
 * and then returns -EIO; -ENOSPC and -EINTR (*cancel became true) end it at
 * once.  *ret is filled in at a failure too.
 */
int pool_fetch(struct store *s, const struct pool_want *want,
    const struct blob_queue_opts *opts, const atomic_bool *cancel,
    pool_failed_fn *failed, void *arg, struct pool_result *ret,
    struct error *err) MUST_CHECK;

#endif
