#ifndef STORE_STORE_H
#define STORE_STORE_H

/*
 * A store on disk: DIR/db (LMDB), DIR/blobs/sha256, DIR/tmp.
 *
 * One struct store per process and directory, opened once, never carried
 * across fork(): LMDB's locks are the process's.  Every thread may use it; a
 * transaction belongs to the thread that uses it at the time (MDB_NOTLS: it
 * may be handed over, but not shared).  Several processes may have the store
 * open: readers never wait for writers, writers wait for each other.
 *
 * The map grows by itself: store_write() runs its function again with a
 * larger map when it was full, and other processes follow at their next
 * transaction.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define STORE_SCHEMA 2 /* written to "meta"; see suitefs-store(5) */

struct store;
struct txn;

enum store_flags {
	STORE_CREATE = 1 << 0,	  /* make it where there is none */
	STORE_READ_ONLY = 1 << 1, /* the mount: no write transaction, ever */
};

/*
 * Opens the store.  -ENOENT: there is none (and no STORE_CREATE); -EINVAL:
 * the directory holds something else; -EPERM: others could write to it (see
 * store/trust.h); -EPROTO: a newer program made it; -EIO
 * (damaged, or cut short) and the system's errors, each with a text that names
 * the file.  Clears stale readers.  map_size in bytes is for tests; 0 is the
 * default.
 */
int store_open(const char *dir, unsigned flags, size_t map_size,
    struct store **ret, struct error *err) MUST_CHECK;
/* What store_open() says of a directory that is not there; -ENOENT. */
int store_absent(const char *dir, struct error *err);
void store_close(struct store *s);
static inline void
store_cleanup(struct store **s)
{
	store_close(*s);
}

const char *store_dir(const struct store *s);
int store_blobs_fd(const struct store *s); /* DIR/blobs/sha256 */
int store_tmp_fd(const struct store *s);   /* DIR/tmp */

/* The clock that mtimes are taken from, seconds since 1970; tests may put in
 * their own before anything is written.  NULL is the system's. */
typedef int64_t store_clock_fn(void *arg);
void store_set_clock(struct store *s, store_clock_fn *clock, void *arg);
int64_t store_now(const struct store *s);

/*
 * The number of the last commit that a new read transaction would see; for
 * noticing change.  Costs next to nothing.
 */
uint64_t store_last_commit(struct store *s);

/* The directory that is meant where --store was not given: $SUITEFS_STORE,
 * else /var/lib/suitefs for root, else below $XDG_DATA_HOME or
 * ~/.local/share.  For the caller to free; NULL when out of memory. */
char *store_default_dir(void);

#endif
