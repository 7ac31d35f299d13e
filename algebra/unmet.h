#ifndef ALGEBRA_UNMET_H
#define ALGEBRA_UNMET_H

/*
 * Which dependencies of a state's packages nothing meets, in the state or in
 * others beside it.  For each architecture as apt would have it on a machine
 * of that architecture to which those of all the others are foreign ones.
 *
 * One walk over the light records, a second one only where it is asked who
 * wants what is missing.  Each different group of alternatives is kept and
 * looked up once, however many packages have it.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/span.h"
#include "base/strs.h"
#include "store/package.h"
#include "store/state.h"
#include "store/txn.h"

/* A dependency field that can't be read; the group at fault is passed over. */
struct unmet_fault {
	struct span package; /* name_version_architecture */
	const char *field;   /* "Depends" */
	struct span group;
	const char *why;
};
typedef void unmet_fault_fn(const struct unmet_fault *f, void *arg);

struct unmet_asker {
	struct span package; /* name_version_architecture */
	enum relation relation;
};

/* One alternative that nothing meets, of a group that is not met. */
struct unmet {
	struct span dependency; /* "name (>= version)" */
	struct span architecture;
	/* Who asks for it, by name; empty unless `why`. */
	const struct unmet_asker *askers;
	size_t naskers;
};
/* 0 to go on; its errors are passed on.  All that is lent is lent until it
 * returns. */
typedef int unmet_fn(const struct unmet *u, void *arg);

struct unmet_opts {
	const struct state *state;	    /* whose dependencies */
	const struct state *const *sources; /* what may meet them, too */
	size_t nsources;
	const struct strs *architectures; /* empty: all that there are */
	bool recommends, suggests;	  /* beside Pre-Depends and Depends */
	bool build; /* Build-Depends* of source packages, with no profile */
	/* Every alternative that nothing meets, even where another one of its
	 * group is met. */
	bool all_variants;
	bool why;
	unmet_fault_fn *fault; /* or NULL */
	unmet_fn *fn;
	void *arg;
};

/*
 * Calls fn for each unmet dependency, ordered by its text and architecture;
 * how many there are is returned.  -EINVAL: the state has packages, but names
 * no architecture; -E2BIG: too many; -EIO: a record is damaged.
 */
int unmet_find(
    struct txn *t, const struct unmet_opts *opts, struct error *err) MUST_CHECK;

#endif
