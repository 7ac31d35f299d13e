#ifndef STORE_STATS_H
#define STORE_STATS_H

/* How large a store is, and what takes the room. */

#include <stdint.h>

#include "base/error.h"
#include "store/txn.h"

struct table_stats {
	uint64_t entries;
	uint64_t bytes; /* of the pages that it takes */
};

struct store_stats {
	struct table_stats tables[T_COUNT];
	uint64_t file_size; /* bytes of data.mdb */
	uint64_t map_size;
	uint64_t page_size;
	uint64_t free_pages;	    /* in the file, to be used again */
	uint64_t readers;	    /* slots of LMDB's that were ever taken */
	uint64_t blobs, blob_bytes; /* present */
	uint64_t downloads, download_bytes; /* in tmp */
};

/* The tables are of one moment, files of about then. */
int stats_read(
    struct store *s, struct store_stats *ret, struct error *err) MUST_CHECK;

#endif
