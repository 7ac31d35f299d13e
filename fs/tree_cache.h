#ifndef FS_TREE_CACHE_H
#define FS_TREE_CACHE_H

/*
 * Catalogs in use, for fs/tree.c: built on first use by one thread while others
 * that want the same one wait, counted while in use, and dropped, least
 * recently used first, when all take more than the limit.  The two used last
 * stay whatever they take, so that comparing two large archives does not build
 * each of them again for every name, until nobody has used them for a while.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fs/catalog.h"
#include "store/txn.h"

struct tree_cache;

struct cached {
	struct catalog *catalog;
	/* The files' references are inode numbers of directories: the
	 * distributions of a prefix. */
	bool links;
	int64_t mtime;
};

int tree_cache_new(size_t limit, struct tree_cache **ret) MUST_CHECK;
void tree_cache_free(struct tree_cache *cache);
/* Lends the catalog of a root's part until it is put back.  -ESTALE: there is
 * no such root (any more); -EIO. */
int tree_cache_get(struct tree_cache *cache, struct txn *t, uint64_t root,
    unsigned part, const struct cached **ret) MUST_CHECK;
void tree_cache_put(struct tree_cache *cache, const struct cached *cached);
/* Drops what nobody has used for so long. */
void tree_cache_drop_idle(struct tree_cache *cache, int64_t idle_s);
/* Bytes of all catalogs. */
size_t tree_cache_bytes(struct tree_cache *cache);

/* The mtime of a root's directories, without building anything.  Errors as
 * above. */
int tree_root_mtime(struct txn *t, uint64_t root, int64_t *ret) MUST_CHECK;

#endif
