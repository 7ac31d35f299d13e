#ifndef STORE_PATH_INDEX_H
#define STORE_PATH_INDEX_H

/*
 * Which packages have a file at which path, by hash: what tells quickly whether
 * the path of a new package is another's.  It says no more than light records
 * do, and is brought up to date by those who ask it.
 *
 * T_PATHS has a block of PATH_BLOCK packages in a row in each entry: how many
 * of them were looked at (2 bytes), and for each path that one of them has, and
 * for each directory above those, its hash (4 bytes) and the package's place in
 * the block, or PATH_BLOCK for a directory (2 bytes); all with the high byte
 * first.  The counter C_PATH is the last package that was looked at.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/span.h"
#include "store/txn.h"

#define PATH_BLOCK 1024

/* Of a path below an archive's root, which does not begin with "./". */
uint32_t path_hash(struct span path);

/* Looks at the packages that came since the last time.  The caller has no
 * transaction open. */
int path_index_update(struct store *s, struct error *err) MUST_CHECK;

/*
 * Calls fn for each path of the packages up to the last update, also those that
 * have gone since: with package 0 for a directory, which may come again.  fn's
 * first result other than 0 ends it and is returned.  -EIO: damaged.
 */
typedef int path_index_fn(uint32_t hash, uint64_t package, void *arg);
int path_index_each(struct txn *t, path_index_fn *fn, void *arg);

/* Is this what an entry may be? */
bool path_index_is_block(struct span value);

/* For checking: whether an entry says what the packages do, 1 or 0; -EIO and
 * the like: a package can't be read. */
struct path_maker;
int path_maker_new(struct path_maker **ret) MUST_CHECK;
void path_maker_free(struct path_maker *m);
static inline void
path_maker_cleanup(struct path_maker **m)
{
	path_maker_free(*m);
}
int path_maker_check(struct path_maker *m, struct txn *t, uint64_t block,
    struct span value) MUST_CHECK;

#endif
