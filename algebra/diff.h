#ifndef ALGEBRA_DIFF_H
#define ALGEBRA_DIFF_H

/*
 * What differs between two states, package by package.
 *
 * Packages are compared as sets, component by component and kind by kind: which
 * of the lists of a component has a package, and where in it, is no difference.
 * Runs that both have are never read, of the others only the packages' numbers,
 * and light records only of packages that one has and the other has not.
 */

#include <stdbool.h>

#include "base/error.h"
#include "base/strs.h"
#include "store/heavy.h"
#include "store/state.h"

enum diff_change {
	DIFF_ADDED,
	DIFF_REMOVED,
	DIFF_CHANGED,
};

/*
 * Packages of one name, architecture and kind that only one of the states has
 * are paired: first those of the same version (only their content differs, or
 * they moved to another component), then those of the same component, then the
 * others; each time from the oldest version on.
 * Spans are lent during the call.
 */
struct diff_row {
	enum diff_change change;
	enum package_kind kind;
	struct span name, architecture;
	struct span old_version, new_version;	   /* empty: none */
	const char *old_component, *new_component; /* NULL: none */
	uint64_t old_package, new_package;	   /* numbers; 0: none */
};
/* 0 to go on; another result ends it and is returned. */
typedef int diff_fn(const struct diff_row *row, void *arg);

struct diff_opts {
	const struct strs *architectures; /* NULL or empty: all */
	bool only_matching;		  /* only what has changed */
	diff_fn *fn;
	void *arg;
};

/* Calls fn for each row: by name, version (the old one where there is one) and
 * architecture.  -EIO: damaged. */
int diff_states(struct txn *t, const struct state *old, const struct state *new,
    const struct diff_opts *opts) MUST_CHECK;

/* The same in two steps, for those who may be slow with a row: what the first
 * has found is its own, the transaction may end and the states be released.
 * Does not look at fn and arg in opts. */
struct diff;
int diff_new(struct txn *t, const struct state *old, const struct state *new,
    const struct diff_opts *opts, struct diff **ret) MUST_CHECK;
int diff_each(const struct diff *d, diff_fn *fn, void *arg);
void diff_free(struct diff *d);
static inline void
diff_cleanup(struct diff **d)
{
	diff_free(*d);
}

/* The names of fields that two packages have with other values, or one of them
 * only, by name. */
int diff_fields(struct heavy *h, struct txn *t, const struct diff_row *row,
    struct strs *ret) MUST_CHECK;

#endif
