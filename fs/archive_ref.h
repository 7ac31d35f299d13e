#ifndef FS_ARCHIVE_REF_H
#define FS_ARCHIVE_REF_H

/* What the references in catalogs say, beside fs/archive.h: for
 * fs/archive_ref.c and fs/archive_check.c alone. */

#include "fs/archive.h"

/* A file's identity, as what names it announces it. */
struct archive_identity {
	struct digest sha256;
	uint64_t size;
};

/* -ENOENT: the content is not known; -EIO: damaged. */
int archive_ref_identity(
    struct txn *t, uint64_t ref, struct archive_identity *ret) MUST_CHECK;
/* The package of a reference made by archive_ref_file(). */
uint64_t archive_ref_package(uint64_t ref);

#endif
