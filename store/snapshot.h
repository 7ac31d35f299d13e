#ifndef STORE_SNAPSHOT_H
#define STORE_SNAPSHOT_H

/* Snapshots: names for states that never change. */

#include <stdint.h>

#include "base/strs.h"
#include "store/publication.h"
#include "store/txn.h"

#define SNAPSHOT_MAX_SOURCES 64

/* What a snapshot was made of; the name follows when the source is renamed. */
struct snapshot_source {
	enum source_kind kind;
	char *name;
	uint64_t state; /* that it had then; may be gone by now */
};

struct snapshot {
	char *name;
	int64_t created;
	char *description; /* "mirror bookworm", "merge of a, b", "empty" */
	/* The mirror it is an untouched capture of, or NULL. */
	char *mirror;
	uint64_t root, state;
	/* Of one that was derived, in the order in which they were named. */
	struct snapshot_source *sources;
	size_t nsources;
};

int snapshot_load(
    struct txn *t, const char *name, struct snapshot *ret) MUST_CHECK;
void snapshot_release(struct snapshot *s);
/* Adds a source; the name is copied.  -E2BIG beyond SNAPSHOT_MAX_SOURCES. */
int snapshot_add_source(struct snapshot *s, enum source_kind kind,
    const char *name, uint64_t state) MUST_CHECK;
/* Stores; a root is made where it is 0. */
int snapshot_put(struct txn *t, struct snapshot *s) MUST_CHECK;
int snapshot_delete(struct txn *t, const char *name) MUST_CHECK;
/* A source has got another name: all that were made of it, as the state of
 * `was` says (0: any), follow. */
int snapshot_sources_rename(struct txn *t, const struct snapshot_source *was,
    const char *to) MUST_CHECK;

typedef int snapshot_each_fn(const struct snapshot *s, void *arg);
/* By name. */
int snapshot_each(struct txn *t, snapshot_each_fn *fn, void *arg);

#endif
