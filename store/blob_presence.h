#ifndef STORE_BLOB_PRESENCE_H
#define STORE_BLOB_PRESENCE_H

/*
 * Which of very many blobs are present, most of which are not: after the first
 * BLOB_PRESENCE_LOOKS the store's directories are listed once, and only a hash
 * that begins as one that was found is looked for.  What came since then may be
 * missed.  Memory is 2 MB at most, however many there are.
 *
 * One thread; zeroed but for store.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/hash.h"
#include "store/bits.h"
#include "store/store.h"

#define BLOB_PRESENCE_LOOKS 1024 /* each about 5 us; the list 5 ms */

struct blob_presence {
	struct store *store;
	uint64_t looks;
	bool listed;
	struct bits found; /* by the first 24 bits of the hash */
};

/* As blob_present(), and then -ENOMEM. */
int blob_presence_of(
    struct blob_presence *p, const struct digest *sha256) MUST_CHECK;
void blob_presence_release(struct blob_presence *p);

#endif
