#ifndef FS_TREE_H
#define FS_TREE_H

/*
 * The published tree: inode numbers and names to nodes.  No FUSE in it.
 *
 * Inode numbers are computed, not allocated: a regular file's is its content's
 * kind and number; a directory's is made of its root's number, the part of
 * the archive and its index in the catalog.  What a number shows never
 * changes, but for the few top directories (/, /snapshots, /mirrors, and the
 * directories of prefixes), whose entries change when commands publish, take
 * snapshots or update mirrors.  tree_poll() tells which names have changed.
 *
 * Every call opens its own read transaction.  Any thread may call; catalogs
 * are built on first use, shared, and dropped, least recently used first, when
 * they take more than TREE_CACHE_BYTES, and each after TREE_IDLE_S without use.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"
#include "store/content.h"
#include "store/store.h"

#define TREE_ROOT_INO	 1
#define TREE_CACHE_BYTES (24 * 1024 * 1024)
#define TREE_IDLE_S	 600

struct tree;

struct node {
	uint64_t ino;
	bool is_dir;
	bool stable;		/* its name will never mean something else */
	struct content content; /* of a file; kind 0: a keyring */
	uint64_t size;		/* bytes; of a directory 0 */
	int64_t mtime;
	uint32_t nlink;
};

int tree_new(struct store *s, struct tree **ret, struct error *err) MUST_CHECK;
void tree_free(struct tree *t);

/*
 * -ENOENT: proven absent (*ret_stable says whether it may be cached, as names
 * in immutable directories will never appear); -ENOTDIR; -EIO: could not
 * look; -ESTALE: the directory's root has been removed.
 */
int tree_lookup(struct tree *t, uint64_t parent, struct span name,
    struct node *ret, bool *ret_stable) MUST_CHECK;
int tree_node(struct tree *t, uint64_t ino, struct node *ret) MUST_CHECK;

/*
 * Lists a directory from its i-th entry on (0 is "."): fn is called with each
 * entry and the index of the one after it, until it returns other than 0, which
 * ends the listing with 0.  plus: node is complete; else only ino and is_dir.
 */
typedef int tree_list_fn(
    void *arg, struct span name, const struct node *node, uint64_t next);
int tree_list(struct tree *t, uint64_t dir, uint64_t from, bool plus,
    tree_list_fn *fn, void *arg) MUST_CHECK;

/* Is it one of the directories whose entries change? */
bool tree_is_top(uint64_t ino);

/* The bytes of a keyring node.  -ESTALE: the keys have changed. */
struct buf;
int tree_keyring(struct tree *t, uint64_t ino, struct buf *out) MUST_CHECK;

/*
 * Looks whether the store has been changed since the last call and calls fn
 * for each name whose meaning has: the kernel's knowledge of it is to be
 * dropped.  Old nodes stay good.  Also drops catalogs that nobody has used for
 * TREE_IDLE_S.  One thread calls, now and then.
 */
typedef void tree_changed_fn(void *arg, uint64_t dir, struct span name);
int tree_poll(struct tree *t, tree_changed_fn *fn, void *arg) MUST_CHECK;

/* Calls fn for each name that tree_poll() may ever call it for, as things
 * stand. */
int tree_names(struct tree *t, tree_changed_fn *fn, void *arg) MUST_CHECK;

struct store *tree_store(const struct tree *t);

#endif
