#ifndef FS_CATALOG_H
#define FS_CATALOG_H

/*
 * A catalog: the directories and files of one archive, compact and immutable
 * once built.  Pure data: no store, no FUSE.
 *
 * Directories have indexes, 0 being the archive's root; the same paths added
 * in the same order get the same indexes, so that an inode number made of one
 * is good in another process.  A file has a reference of 64 bits that means
 * something to the caller only.
 *
 * Memory: about 20 bytes a file beside its name, counted by catalog_bytes().
 * Building belongs to one thread; a built catalog may be read by all.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/span.h"

#define CATALOG_NONE UINT32_MAX

struct catalog;

int catalog_new(struct catalog **ret) MUST_CHECK;
void catalog_free(struct catalog *c);
static inline void
catalog_cleanup(struct catalog **c)
{
	catalog_free(*c);
}
/*
 * Adds a file, and the directories above it.  The path has been checked with
 * path_check().  -ENOTDIR where a part of it is a file, -EISDIR where a
 * directory has that path: the file that came first stays.
 */
int catalog_add(struct catalog *c, struct span path, uint64_t ref) MUST_CHECK;
/* Adds a directory that may stay empty; *ret is its index. */
int catalog_add_dir(
    struct catalog *c, struct span path, uint32_t *ret) MUST_CHECK;
/* Gives a directory, and those above it, their indexes already; it is there
 * only if something else adds it.  -ENOTDIR as above. */
int catalog_reserve_dir(struct catalog *c, struct span path) MUST_CHECK;
/*
 * Ends building.  Where a path was added more than once with different
 * references, same() is asked whether they are the same file; it returns 1,
 * 0 or an error.  If they are not the one added first stays, and clash() is
 * called (it may be NULL); a negative result of either ends it.
 */
struct catalog_judge {
	int (*same)(void *arg, uint64_t first, uint64_t other);
	int (*clash)(
	    void *arg, struct span path, uint64_t first, uint64_t other);
	void *arg;
};
int catalog_end(
    struct catalog *c, const struct catalog_judge *judge) MUST_CHECK;

size_t catalog_bytes(const struct catalog *c);
uint32_t catalog_dirs(const struct catalog *c); /* count */
/* Of a directory: the one above it (the root's is itself). */
uint32_t catalog_parent(const struct catalog *c, uint32_t dir);
/* Subdirectories of a directory, for st_nlink. */
uint32_t catalog_subdirs(const struct catalog *c, uint32_t dir);
/* The directory of that path ("" is the root), or CATALOG_NONE. */
uint32_t catalog_find_dir(const struct catalog *c, struct span path);

struct catalog_entry {
	struct span name;
	bool is_dir;
	uint32_t dir; /* index, of a directory */
	uint64_t ref; /* of a file */
};
/* False: there is nothing of that name. */
bool catalog_lookup(const struct catalog *c, uint32_t dir, struct span name,
    struct catalog_entry *ret);
/* The i-th entry of a directory, from 0; false beyond the last.  The order is
 * arbitrary but fixed. */
bool catalog_at(const struct catalog *c, uint32_t dir, uint64_t i,
    struct catalog_entry *ret);

#endif
