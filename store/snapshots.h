#ifndef STORE_SNAPSHOTS_H
#define STORE_SNAPSHOTS_H

/*
 * What commands do to snapshots: each call is one write transaction, and
 * changes nothing where it fails.
 */

#include "base/error.h"
#include "store/snapshot.h"

/* As snapshot_load(), with a message: -ENOENT where there is none of that name.
 */
int snapshots_load(struct txn *t, const char *name, struct snapshot *ret,
    struct error *err) MUST_CHECK;
/* May a new snapshot be called so?  -EINVAL: a bad name; -EEXIST: taken. */
int snapshots_check_new(
    struct txn *t, const char *name, struct error *err) MUST_CHECK;
/* Freezes the newest state of a mirror.  -EINVAL: a bad name; -EEXIST: it is
 * taken; -ENOENT: no such mirror, or it has never been updated. */
int snapshots_from_mirror(struct store *s, const char *name, const char *mirror,
    int64_t now, struct error *err) MUST_CHECK;
/* Likewise, under apt's snapshot ID for the Date of its Release, which is put
 * into name, of DATE_SIZE bytes.  -ENOENT also where it has no Date; -EEXIST:
 * err says whether the snapshot of that name is of the same state. */
int snapshots_from_mirror_dated(struct store *s, const char *mirror,
    int64_t now, char *name, struct error *err) MUST_CHECK;
/* Publications of it and snapshots made of it follow. */
int snapshots_rename(struct store *s, const char *from, const char *to,
    struct error *err) MUST_CHECK;
/* -EBUSY: it is published (err says where) and not force.  What is published
 * of it goes on standing. */
int snapshots_drop(struct store *s, const char *name, bool force,
    struct error *err) MUST_CHECK;

#endif
