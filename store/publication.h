#ifndef STORE_PUBLICATION_H
#define STORE_PUBLICATION_H

/*
 * Publications: (prefix, distribution) and what stands there.
 *
 * All publications under one prefix make up one tree, with one pool; each
 * change of one of them makes a new root for the prefix and lets T_PREFIXES
 * point to it, which is what the mount watches.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/strs.h"
#include "store/txn.h"

enum source_kind {
	SOURCE_SNAPSHOT = 1,
	SOURCE_MIRROR = 2,
	SOURCE_REPO = 3,
};
extern const char *const source_kind_name[4]; /* "snapshot", ... */

struct publication {
	char *prefix; /* "" for the root */
	char *distribution;
	enum source_kind kind;
	struct strs sources;	/* names of snapshots or mirrors */
	struct strs components; /* one for each source, or empty */
	bool verbatim;
	bool skip_signing;
	struct strs keys;	   /* as given: --gpg-key; empty: default */
	char *passphrase_file;	   /* or NULL */
	struct strs architectures; /* --arch; empty: all there are */
	struct strs compress;	   /* "gz", "xz", "zst" */
	char *origin, *label, *suite, *codename, *description, *version;
	bool not_automatic, but_automatic_upgrades;
	int64_t valid_for; /* seconds; 0: no Valid-Until */
	/* Snapshots, with @SNAPSHOTID@ in it; NULL: no such field. */
	char *snapshots_url;
	int64_t created, updated;
	uint64_t root;	/* of its archive */
	uint64_t state; /* the state that is served */
	/* The states that this one was made of, in the sources' order. */
	uint64_t *made_of;
	size_t nmade_of;
};

/* -ENOENT: nothing is published there. */
int publication_load(struct txn *t, const char *prefix,
    const char *distribution, struct publication *ret) MUST_CHECK;
void publication_release(struct publication *p);
/* Stores it and makes a new root for its prefix. */
int publication_put(struct txn *t, const struct publication *p) MUST_CHECK;
int publication_delete(
    struct txn *t, const char *prefix, const char *distribution) MUST_CHECK;

/* Makes the tree of a prefix anew from the publications that it has. */
int publication_renew_prefix(struct txn *t, const char *prefix) MUST_CHECK;

typedef int publication_each_fn(const struct publication *p, void *arg);
/* By prefix and distribution. */
int publication_each(struct txn *t, publication_each_fn *fn, void *arg);
/* Those that have the named source. */
int publication_each_of(struct txn *t, enum source_kind kind,
    const char *source, publication_each_fn *fn, void *arg);

/* The prefix's tree: its root number.  -ENOENT. */
int prefix_root(struct txn *t, const char *prefix, uint64_t *ret) MUST_CHECK;
typedef int prefix_each_fn(const char *prefix, uint64_t root, void *arg);
int prefix_each(struct txn *t, prefix_each_fn *fn, void *arg);

/* NULL where a prefix or distribution is allowed, otherwise what is wrong
 * with it. */
const char *prefix_check(struct span prefix);
const char *distribution_check(struct span distribution);

/* Public keys that publications are signed with, by fingerprint. */
int key_put(
    struct txn *t, const char *fingerprint, struct span binary) MUST_CHECK;
typedef int key_each_fn(const char *fingerprint, struct span binary, void *arg);
int key_each(struct txn *t, key_each_fn *fn, void *arg);

#endif
