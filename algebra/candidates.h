#ifndef ALGEBRA_CANDIDATES_H
#define ALGEBRA_CANDIDATES_H

/*
 * The binary packages of some states in memory, by what they may meet a
 * dependency with: their names and their Provides.  Filled first, then
 * sorted, then asked; made of light records alone.  udebs and other packages
 * live side by side and never meet each other's dependencies.
 *
 * Architectures are numbered in the order in which they were first named.
 * Whatever is lent stays good until candidates_free().
 *
 * One thread at a time.
 */

#include <stdbool.h>
#include <stdint.h>

#include "algebra/depends.h"
#include "base/strs.h"
#include "store/package.h"
#include "store/state.h"
#include "store/txn.h"

#define CANDIDATES_MAX_ARCHES 64

struct candidates;

int candidates_new(struct candidates **ret) MUST_CHECK;
void candidates_free(struct candidates *c);
static inline void
candidates_cleanup(struct candidates **c)
{
	candidates_free(*c);
}

/* The number of an architecture, a new one where it was not known.  -E2BIG. */
int candidates_arch(
    struct candidates *c, struct span architecture, size_t *ret) MUST_CHECK;
size_t candidates_arches(const struct candidates *c); /* how many */
struct span candidates_arch_name(const struct candidates *c, size_t arch);

/*
 * Adds a binary package that stands in a list for the architectures of a mask
 * (1 << number; see below).  1 where it was not there, else 0; -ENOMEM; -E2BIG.
 * A Provides that can't be read ends there: then *reterr_why, which begins
 * NULL, says why.
 */
int candidates_add(struct candidates *c, const struct package *p,
    uint64_t listed, const char **reterr_why) MUST_CHECK;

/*
 * Calls fn for every package of the lists of a state that are of a kind in
 * `kinds` (bits: 1 << PACKAGE_BINARY, ...) and of one of `architectures` or
 * "all" (empty: of any), with a mask of the architectures for which it stands
 * there: its own; for "all" that of its list; CANDIDATES_ANY_ARCH where the
 * list is for all (or flat), and for sources.  Architectures are numbered on
 * the way, those of the lists first.  fn's errors are passed on.
 */
#define CANDIDATES_ANY_ARCH UINT64_MAX
typedef int candidates_each_fn(
    const struct package *p, uint64_t listed, void *arg);
int candidates_each_listed(struct candidates *c, struct txn *t,
    const struct state *state, const struct strs *architectures, unsigned kinds,
    candidates_each_fn *fn, void *arg) MUST_CHECK;
/* Adds all binary packages of a state, of those architectures. */
int candidates_add_state(struct candidates *c, struct txn *t,
    const struct state *state, const struct strs *architectures) MUST_CHECK;

/* Once everything has been added. */
int candidates_sort(struct candidates *c) MUST_CHECK;

struct candidate {
	size_t index;	 /* as of candidates_at() */
	uint64_t number; /* the package's */
	struct span name, version, architecture;
	uint64_t listed; /* architectures whose lists it stands in */
	bool udeb;
};
/* All of them, in the order in which they were added. */
size_t candidates_count(const struct candidates *c);
struct candidate candidates_at(const struct candidates *c, size_t i);

/*
 * Those that meet a dependency of a package of an architecture, udeb or not:
 * first those of that name, then those that provide it; within these those of
 * the architecture (and "all") before others; then by name, the newest
 * version first, by architecture.
 */
struct candidate_walk {
	const struct candidates *c;
	const struct dep *dep;
	struct span architecture;
	bool udeb;
	size_t start, at, end;
	int pass;
};
void candidates_find(const struct candidates *c, const struct dep *dep,
    struct span architecture, bool udeb, struct candidate_walk *ret);
bool candidates_next(struct candidate_walk *w, struct candidate *ret);
/* Is there one? */
bool candidates_meet(const struct candidates *c, const struct dep *dep,
    struct span architecture, bool udeb);

#endif
