#ifndef STORE_BLOB_RECORD_H
#define STORE_BLOB_RECORD_H

/* The record of a blob: for blob.c and blob_new.c alone. */

#include "store/blob.h"
#include "store/record.h"

/* Lends the record until w is used again. */
int blob_encode(
    const struct blob *b, struct record_writer *w, struct span *ret) MUST_CHECK;

#endif
