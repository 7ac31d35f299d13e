#ifndef STORE_BLOB_FILE_H
#define STORE_BLOB_FILE_H

/* Where a blob's file lies: for blob_file.c and blob_writer.c alone. */

#include "base/hash.h"

#define BLOB_FILE_NAME_SIZE (3 + DIGEST_HEX_SIZE) /* "ab/<hash>" and NUL */

/* The name below DIR/blobs/sha256; returns out. */
char *blob_file_name(
    const struct digest *sha256, char out[BLOB_FILE_NAME_SIZE]);

#endif
