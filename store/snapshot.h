#ifndef STORE_SNAPSHOT_H
#define STORE_SNAPSHOT_H

/* Snapshots: names for states that never change. */

#include <stdint.h>

#include "base/strs.h"
#include "store/txn.h"

struct snapshot {
	char *name;
	int64_t created;
	char *description; /* "mirror bookworm", "empty" */
	/* The mirror it is an untouched capture of, or NULL. */
	char *mirror;
	uint64_t root, state;
};

int snapshot_load(
    struct txn *t, const char *name, struct snapshot *ret) MUST_CHECK;
void snapshot_release(struct snapshot *s);
/* Stores; a root is made where it is 0. */
int snapshot_put(struct txn *t, struct snapshot *s) MUST_CHECK;
int snapshot_delete(struct txn *t, const char *name) MUST_CHECK;

typedef int snapshot_each_fn(const struct snapshot *s, void *arg);
/* By name. */
int snapshot_each(struct txn *t, snapshot_each_fn *fn, void *arg);

#endif
