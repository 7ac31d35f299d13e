#ifndef STORE_BLOB_DIR_H
#define STORE_BLOB_DIR_H

/* A walk through the files of the blob store. */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/hash.h"
#include "store/store.h"

struct blob_dir_entry {
	int dirfd;	      /* of the directory that it stands in */
	const char *name;     /* in there */
	const char *path;     /* below DIR/blobs/sha256 */
	bool is_blob;	      /* a regular file with the name of a blob, in the
			       * right directory */
	struct digest sha256; /* as its name says, where it is one */
	uint64_t size;	      /* bytes */
};

/* fn's first result other than 0 ends it and is returned, with err as fn left
 * it.  Files that come or go meanwhile may be seen or not. */
typedef int blob_dir_fn(const struct blob_dir_entry *e, void *arg);
int blob_dir_each(
    struct store *s, blob_dir_fn *fn, void *arg, struct error *err);

/* The same for what has the name of a blob, in the right directory, whatever it
 * is: without a look at each.  A negative errno: could not look. */
typedef int blob_dir_name_fn(const struct digest *sha256, void *arg);
int blob_dir_each_name(struct store *s, blob_dir_name_fn *fn, void *arg);

#endif
