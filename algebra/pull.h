#ifndef ALGEBRA_PULL_H
#define ALGEBRA_PULL_H

/*
 * Pulling packages from one snapshot into another, as a third, after aptly.
 *
 * What a query matches in the source comes with what it needs of the source
 * (algebra/closure.h) beyond what the first snapshot has.  Of what came, old
 * versions of the same name, architecture and kind leave.  Packages come to the
 * indexes that they stand in at the source: component, architecture, kind.
 */

#include <stdbool.h>
#include <stdint.h>

#include "algebra/derive.h"
#include "algebra/query.h"

struct pull_opts {
	const struct query *query; /* NULL: all */
	/* What may come: NULL or empty: the architectures of the first
	 * snapshot ("source" among them where it has source packages), or of
	 * the source where it has none. */
	const struct strs *architectures;
	bool all_matches; /* not only the newest of a name and architecture */
	bool no_remove;	  /* old versions stay */
	bool no_deps;
	bool recommends, suggests; /* beside Pre-Depends and Depends */
	bool dry_run;		   /* nothing is made */
	/* Called in the end, outside any transaction, with the state before
	 * and the one that comes of it; an error is passed on.  Or NULL. */
	int (*changed)(struct store *s, const struct state *before,
	    const struct state *after, void *arg);
	void *arg;
};

struct pull_result {
	uint64_t matches; /* packages that the query named */
	uint64_t needed;  /* that came for them */
	uint64_t packages, indexes;
};

/*
 * derive names the new snapshot and has two inputs: the first snapshot and the
 * source.  Errors are those of derive_new(), query_match(), closure_add();
 * -EINVAL for an architecture that neither has.
 */
int pull_snapshot(struct store *s, const struct derive_opts *derive,
    const struct pull_opts *opts, struct pull_result *ret,
    struct error *err) MUST_CHECK;

#endif
