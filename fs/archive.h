#ifndef FS_ARCHIVE_H
#define FS_ARCHIVE_H

/*
 * Builds the catalogs of roots (store/root.h) from the store.
 *
 * A file's reference is either a content, or a file of a package, whose
 * content is looked up when somebody asks for it.
 */

#include <stdint.h>

#include "base/error.h"
#include "fs/catalog.h"
#include "store/content.h"
#include "store/root.h"
#include "store/state.h"

enum archive_part {
	ARCHIVE_ALL = 0,      /* indexes and pool: a snapshot, a mirror */
	ARCHIVE_DISTS = 1,    /* indexes only: a publication */
	ARCHIVE_POOL = 2,     /* pool files only: a prefix */
	ARCHIVE_PACKAGES = 3, /* <component>/<name>_<version>_<arch> */
};

/* References of catalog entries. */
uint64_t archive_ref_content(struct content c);
uint64_t archive_ref_file(uint64_t package, unsigned file);
/* What a reference serves.  -ENOENT: a package's file that has no content. */
int archive_resolve(
    struct txn *t, uint64_t ref, struct content *ret) MUST_CHECK;

/*
 * Builds the catalog of a part of a root.  ARCHIVE_ALL, ARCHIVE_DISTS and
 * ARCHIVE_PACKAGES want a ROOT_ARCHIVE, ARCHIVE_POOL a ROOT_PREFIX (the pool
 * of every publication under it, older generations last).
 *
 * What Release lists is there under its name and under by-hash/SHA256/, if it
 * can be served: made here, present, or fetchable and not known to be gone.
 * Release, InRelease and Release.gpg are there where the state has them.
 */
int archive_build(struct txn *t, const struct root *root,
    enum archive_part part, struct catalog **ret) MUST_CHECK;

/*
 * Do the pool files of these states fit into one tree?  -EEXIST where two
 * packages claim one path with different content; err names both and the
 * lists that they stand in.  Used before publishing.
 */
int archive_check_pool(struct txn *t, const uint64_t *states, size_t n,
    struct error *err) MUST_CHECK;

#endif
