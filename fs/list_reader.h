#ifndef FS_LIST_READER_H
#define FS_LIST_READER_H

/*
 * Reads the rendering of a list at any offset.  Several threads may read at a
 * time: each run is rendered by one of them, which the others wait for.  While
 * somebody reads in order, another thread may render what comes next, see
 * list_reader_begin_ahead().
 *
 * It holds the runs of the last read and what was rendered ahead of it; once
 * the end has been read, and where others hold much (READ_POOL_BYTES), only
 * one.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "fs/read_pool.h"

#define LIST_READER_AHEAD (256 * 1024) /* bytes, to the end of a run */

struct list_reader;

/* The list is looked for when it is first read. */
int list_reader_new(
    struct read_pool *p, uint64_t number, struct list_reader **ret) MUST_CHECK;
/* Nobody is reading any more. */
void list_reader_free(struct list_reader *l);
/* All of the bytes, which must be there: else, and where something is
 * damaged, -EIO. */
int list_reader_read(
    struct list_reader *l, char *ptr, size_t len, uint64_t offset) MUST_CHECK;

/*
 * Is it worth rendering on, by the last read?  True: the caller has to call
 * list_reader_ahead(), which does so for a while (a millisecond, or as long as
 * somebody reads on).  One thread at a time does.
 */
bool list_reader_begin_ahead(struct list_reader *l);
void list_reader_ahead(struct list_reader *l);

#endif
