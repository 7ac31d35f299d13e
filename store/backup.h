#ifndef STORE_BACKUP_H
#define STORE_BACKUP_H

/*
 * A copy of the database as it is at one moment, without its free pages, while
 * everything goes on.  Blobs are not in it: they are files that can be copied
 * as they stand, or fetched again.
 *
 * To restore, put the file in place as DIR/db/data.mdb, with no program using
 * the store, and remove DIR/db/lock.mdb.
 */

#include "base/error.h"
#include "store/store.h"

/* The file appears when it is whole and flushed.  -EEXIST: it is there. */
int backup_store(
    struct store *s, const char *file, struct error *err) MUST_CHECK;

#endif
