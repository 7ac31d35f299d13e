#ifndef FS_ARCHIVE_POOL_H
#define FS_ARCHIVE_POOL_H

/* Walks the packages of states, for fs/archive.c. */

#include "base/cleanup.h"
#include "store/list.h"
#include "store/package.h"
#include "store/state.h"
#include "store/txn.h"

struct pool_walk;

/* read is how much of each package is read: package_light, package_files, ...
 */
int pool_walk_new(
    struct txn *t, package_read_fn *read, struct pool_walk **ret) MUST_CHECK;
void pool_walk_free(struct pool_walk *w);
static inline void
pool_walk_cleanup(struct pool_walk **w)
{
	pool_walk_free(*w);
}

/*
 * Calls fn for the packages of a list.  once: runs that the walk has seen
 * before are left out, so that generations that share most of their runs cost
 * little more than one.  fn's first result other than 0 ends the walk and is
 * returned.
 */
int pool_walk_list(struct pool_walk *w, uint64_t list, bool once,
    list_each_fn *fn, void *arg) MUST_CHECK;

/* As pool_walk_list() for all lists of a state, each run once. */
int pool_walk_state(struct pool_walk *w, const struct state *s,
    list_each_fn *fn, void *arg) MUST_CHECK;

#endif
