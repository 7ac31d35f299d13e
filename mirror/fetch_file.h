#ifndef MIRROR_FETCH_FILE_H
#define MIRROR_FETCH_FILE_H

/* file: URLs, read without libcurl, which doesn't tell absent from unreadable.
 * The ETag is made of inode, size and mtime. */

#include "mirror/fetch.h"

int fetch_file(const struct fetch_request *rq, const struct fetch_sink *sink,
    struct fetch_answer *ret, struct error *err) MUST_CHECK;

#endif
