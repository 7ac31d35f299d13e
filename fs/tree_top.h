#ifndef FS_TREE_TOP_H
#define FS_TREE_TOP_H

/*
 * The top of the tree, for fs/tree.c: all names whose meaning changes as
 * commands publish, take snapshots and update mirrors, read in one transaction
 * and kept until the store changes.  A version is immutable and counted.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/span.h"
#include "store/txn.h"

struct top_name {
	uint64_t dir; /* inode number of the directory that it stands in */
	uint64_t ino; /* what it means */
	char *name;
};

struct top {
	struct top_name *names; /* by directory, then by name */
	size_t n, cap;
	struct buf keyring, keyring_armored; /* empty without keys */
	uint64_t keyring_ino, keyring_armored_ino;
	int64_t changed; /* when the change was noticed */
};

int top_read(struct txn *t, int64_t now, struct top **ret) MUST_CHECK;
void top_free(struct top *top);
static inline void
top_cleanup(struct top **top)
{
	top_free(*top);
}
/* Do both say the same? */
bool top_eq(const struct top *a, const struct top *b);

/* Is there such a directory? */
bool top_has_dir(const struct top *top, uint64_t dir);
/* NULL: nothing of that name. */
const struct top_name *top_find(
    const struct top *top, uint64_t dir, struct span name);
/* The i-th name of a directory, or NULL beyond the last. */
const struct top_name *top_at(const struct top *top, uint64_t dir, uint64_t i);
/* The directory that a prefix's directory stands in. */
uint64_t top_parent(const struct top *top, uint64_t dir);

/* Calls fn for each name that is only in one of two versions, or means
 * something else. */
typedef void top_changed_fn(void *arg, uint64_t dir, struct span name);
void top_compare(
    const struct top *a, const struct top *b, top_changed_fn *fn, void *arg);

#endif
