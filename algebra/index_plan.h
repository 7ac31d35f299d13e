#ifndef ALGEBRA_INDEX_PLAN_H
#define ALGEBRA_INDEX_PLAN_H

/*
 * Which lists of some states make up which index: by component, kind and
 * architecture, as a snapshot has them that is derived of the states.
 *
 * A flat archive has one list for all architectures.  It counts as component
 * "main", and each architecture that it has takes its part of the list.
 *
 * Packages for any architecture stand in each binary-<arch>, and where an
 * archive has it in binary-all too; some archives have them in binary-all
 * alone.  Where states of both sorts meet, an index takes them from whichever
 * list has them, so that what one state has for any architecture is never
 * hidden by what another has in the index.
 *
 * A zeroed struct is empty.
 */

#include <stdint.h>

#include "store/state.h"

enum index_share {
	INDEX_WHOLE,
	/* Of its architecture and of "all": the list is a flat archive's. */
	INDEX_ARCH,
	/* Of "all": the state has no list for the architecture. */
	INDEX_ALL,
	/* Of "all", and these stand elsewhere: in the index they only take the
	 * place of others, and don't show themselves. */
	INDEX_HIDDEN,
};

struct index_part {
	uint64_t list;
	size_t source; /* index of the state */
	enum index_share share;
};

struct index_plan_item {
	char *component, *architecture; /* "source" for source packages */
	enum package_kind kind;
	struct index_part *parts; /* by source */
	size_t nparts;
};

struct index_plan {
	struct index_plan_item *v;
	size_t n;
};

struct index_source {
	const struct state *state;
	/* See derive_source_no_arch_all(). */
	bool no_arch_all;
};

/*
 * The indexes of all states, in the order of their components, then by kind
 * and architecture.  architectures: NULL or empty: all; "all" comes along with
 * any but "source".  Lists of flat archives are read.  -EIO: damaged.
 */
int index_plan_make(struct txn *t, const struct index_source *sources, size_t n,
    const struct strs *architectures, struct index_plan *ret) MUST_CHECK;
void index_plan_release(struct index_plan *p);

/* What an index is of, and how indexes are ordered: by component, in the order
 * of components, then binary packages, sources, udebs, then by architecture. */
struct index_place {
	const char *component, *architecture;
	enum package_kind kind;
};
int index_place_cmp(const struct index_place *a, const struct index_place *b,
    const struct strs *components);

/* Does a package of that architecture belong to the part? */
bool index_part_has(const struct index_plan_item *item,
    const struct index_part *part, struct span architecture);
/* Is the architecture among those that a command is narrowed to? */
bool index_architecture_wanted(
    const struct strs *architectures, struct span architecture);

#endif
