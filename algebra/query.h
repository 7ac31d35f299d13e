#ifndef ALGEBRA_QUERY_H
#define ALGEBRA_QUERY_H

/*
 * Queries: which packages are meant.  The language is aptly's;
 * suitefs-query(7) describes it.
 *
 * A query is parsed once and immutable: any thread may use it.  A run matches
 * packages with it, one thread at a time.  What a package's light record
 * (store/package.h) can decide is decided by it; only where that leaves the
 * answer open is the stanza read.
 */

#include "base/span.h"
#include "base/strs.h"
#include "store/package.h"
#include "store/txn.h"

#define QUERY_MAX_LEN	(64 * 1024) /* bytes of a query */
#define QUERY_MAX_DEPTH 100	    /* '(' within one another */

struct query;

/* -EINVAL: err says where and why: "column 17: expected a value after >=";
 * columns count characters, from 1.  -ENOMEM. */
int query_parse(
    struct span text, struct query **ret, struct error *err) MUST_CHECK;
/*
 * The query that several arguments of a command make: what any of them
 * matches.  err names the one that is wrong.  Without any argument *ret is
 * NULL: the query that matches all.
 */
int query_parse_any(
    const struct strs *texts, struct query **ret, struct error *err) MUST_CHECK;
void query_free(struct query *q);
static inline void
query_cleanup(struct query **q)
{
	query_free(*q);
}

struct query_run;
/* q must outlive the run; NULL matches all. */
int query_run_new(
    struct store *s, const struct query *q, struct query_run **ret) MUST_CHECK;
void query_run_free(struct query_run *run);
static inline void
query_run_cleanup(struct query_run **run)
{
	query_run_free(*run);
}

/*
 * 1 where the package matches, else 0.  -E2BIG: a regular expression takes too
 * long (err names it); -EIO: a record is damaged or missing; -ENOMEM.
 */
int query_match(struct query_run *run, struct txn *t, const struct package *p,
    struct error *err) MUST_CHECK;
/* How many packages of the run had to be read in full. */
uint64_t query_run_stanzas(const struct query_run *run);

#endif
