#ifndef STORE_ROOT_H
#define STORE_ROOT_H

/*
 * Roots: numbered directory trees of the mount.  The inode numbers of
 * directories are made of the root's number, so what a root shows never
 * changes; a mirror's update, a publish or a switch makes a new root and lets
 * the name point to it.  No two names share a root.
 */

#include <stdint.h>

#include "store/txn.h"

#define ROOT_OLDER 3 /* earlier generations whose by-hash names stay */

enum root_kind {
	ROOT_ARCHIVE = 1, /* one state: a snapshot, mirror or publication */
	ROOT_PREFIX = 2,  /* all publications under a prefix */
};

struct root_dist {
	char *distribution; /* may have slashes */
	uint64_t root;	    /* of kind ROOT_ARCHIVE */
};

struct root {
	uint64_t number;
	enum root_kind kind;
	/* ROOT_ARCHIVE */
	uint64_t state;
	uint64_t older[ROOT_OLDER]; /* states, newest first; 0: none */
	/* ROOT_PREFIX */
	char *prefix; /* "" for the mount's root */
	struct root_dist *dists;
	size_t ndists;
};

int root_load(struct txn *t, uint64_t number, struct root *ret) MUST_CHECK;
/* Takes a number and stores. */
int root_put(struct txn *t, struct root *r) MUST_CHECK;
/* Stores it under the number that it has, in place of a damaged one. */
int root_restore(struct txn *t, const struct root *r) MUST_CHECK;
void root_release(struct root *r);
/*
 * Makes an archive root for a state.  Where it takes the place of another
 * (0: none), that one's state becomes the first of the older generations.
 */
int root_new(
    struct txn *t, uint64_t state, uint64_t replaces, uint64_t *ret) MUST_CHECK;

#endif
