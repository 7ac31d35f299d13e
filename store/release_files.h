#ifndef STORE_RELEASE_FILES_H
#define STORE_RELEASE_FILES_H

/* The files that a Release lists, as blobs that can be fetched. */

#include <stdbool.h>

#include "base/buf.h"
#include "base/release.h"
#include "store/txn.h"

/* Adds the by-hash name of a file that Release lists. */
int release_by_hash(const struct release_file *file, struct buf *out);

/* Where a Release came from. */
struct release_place {
	uint64_t origin; /* number */
	const char *dir; /* of the suite below it: "dists/bookworm/", "" */
	/* It was not asked for the suite before: blobs that are known can be
	 * had here too. */
	bool new_origin;
};
/* Enters every file of Release that the store does not know yet as a blob that
 * can be fetched. */
int release_files_put(struct txn *t, const struct release_place *place,
    const struct release *rel, struct error *err) MUST_CHECK;

#endif
