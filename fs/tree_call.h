#ifndef FS_TREE_CALL_H
#define FS_TREE_CALL_H

/* What fs/tree.c and fs/tree_list.c share: a call with its transaction. */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "fs/inode.h"
#include "fs/tree.h"
#include "fs/tree_cache.h"
#include "fs/tree_top.h"
#include "store/txn.h"

struct top_version {
	struct top *top;
	unsigned users;
};

struct tree {
	struct store *store;
	struct tree_cache *cache;
	pthread_mutex_t lock;	     /* of the following */
	struct top_version *current; /* never NULL */
	uint64_t commit;	     /* that current was read at, or earlier */
	/* tree_poll()'s alone */
	struct top_version *polled;
};

struct tree_call {
	struct tree *tree;
	struct txn *t;
	struct top_version *version; /* of the top, where it is wanted */
};

/* top: tree_call_top() will be asked for. */
int tree_call_begin(
    struct tree *tree, bool top, struct tree_call *ret) MUST_CHECK;
void tree_call_end(struct tree_call *c);
/* The same during a call. */
const struct top *tree_call_top(const struct tree_call *c);

int tree_any_node(
    struct tree_call *c, uint64_t ino, struct node *ret) MUST_CHECK;

/*
 * What a catalog's entry is, in directory dir.  Without plus only ino and
 * is_dir, which spares looking up sizes and times.
 */
struct tree_place {
	const struct cached *cached;
	struct ino_dir dir;
};
int tree_entry_node(struct tree_call *c, const struct tree_place *place,
    const struct catalog_entry *e, bool plus, struct node *ret) MUST_CHECK;

/* The directory packages/ that snapshots and mirrors have beside what their
 * catalogs say, unless upstream has something of that name. */
bool tree_has_packages(struct ino_dir d);
int tree_packages_node(struct tree_call *c, struct ino_dir d, bool plus,
    struct node *ret) MUST_CHECK;

#endif
