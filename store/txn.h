#ifndef STORE_TXN_H
#define STORE_TXN_H

/*
 * Transactions and tables: the one place that knows LMDB.  Every MDB_* code
 * is turned into a negative errno here (MDB_NOTFOUND is -ENOENT, corruption
 * is -EIO).  Values that are lent stay valid until the transaction ends, or,
 * in a write transaction, until its next write.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/span.h"
#include "store/store.h"

/* Every table of the store; names, keys and values are in suitefs-store(5). */
enum table {
	T_META,		/* name -> schema, counters */
	T_CONTENTS,	/* SHA-256 of bytes -> kind and number */
	T_PACKAGE_IDS,	/* SHA-256 of a stanza -> package number */
	T_LIGHT,	/* package number -> light record */
	T_HEAVY,	/* package number -> compressed stanza */
	T_DICTS,	/* dictionary number -> zstd dictionary */
	T_RUN_IDS,	/* digest of a run -> run number */
	T_RUNS,		/* run number -> packages */
	T_LISTS,	/* list number -> runs */
	T_FORMS,	/* form number -> compressed list */
	T_FORM_IDS,	/* list number, codec -> form number */
	T_PIECES,	/* run number, codec -> compressed piece */
	T_TEXTS,	/* text number -> small file (Release, ...) */
	T_BLOBS,	/* blob number -> size, hash, where it comes from */
	T_GONE,		/* blob number -> when nobody had it any more */
	T_SIGHTINGS,	/* origin, block -> bits: packages seen there */
	T_ORIGINS,	/* origin number -> URL and how to reach it */
	T_STATES,	/* state number -> Release and lists of an archive */
	T_ROOTS,	/* root number -> what a directory tree shows */
	T_MIRRORS,	/* name -> mirror */
	T_SNAPSHOTS,	/* name -> snapshot */
	T_PUBLICATIONS, /* prefix NUL distribution -> publication */
	T_PREFIXES,	/* prefix -> root number of its tree */
	T_DROPPED,	/* root number -> when it lost its name */
	T_KEYS,		/* fingerprint -> public key */
	T_PATHS,	/* block of packages -> hashes of their paths */
	T_COUNT
};

/* Counters: each yields the next number of its kind, from 1. */
enum counter {
	C_PACKAGE,
	C_DICT,
	C_RUN,
	C_LIST,
	C_FORM,
	C_TEXT,
	C_BLOB,
	C_ORIGIN,
	C_STATE,
	C_ROOT,
	C_STAMP_BLOB,
	C_STAMP_TEXT,
	C_PATH, /* not given out: packages looked at for T_PATHS */
	C_COUNT
};

/* A key that is one number: 8 bytes, big-endian. */
struct key64 {
	unsigned char byte[8];
};
struct key64 key64(uint64_t n);
uint64_t key64_value(const void *key);

/*
 * Begins to read.  -ENOMEM; -EIO; -EAGAIN with too many readers.  A thread has
 * one transaction at a time: one that begins a second, or calls store_write(),
 * may wait for itself where the map has to be replaced, and gets -EBUSY after
 * 10 seconds.
 */
int txn_read(struct store *s, struct txn **ret, struct error *err) MUST_CHECK;
/* Ends a read transaction (NULL is fine). */
void txn_end(struct txn *t);
static inline void
txn_cleanup(struct txn **t)
{
	txn_end(*t);
}
struct store *txn_store(const struct txn *t);
/*
 * Gives back the pages of the database that this process has touched.  They
 * stay in the page cache and what was lent stays good, but they no longer
 * count as its memory, which a walk over many records would otherwise let grow
 * with the store.  Does nothing in a write transaction; done by itself after
 * large commits.
 */
void txn_trim(struct txn *t);

/*
 * Runs fn in a write transaction and commits if it returns >= 0; what it
 * returned is returned.  fn may run again from the start when the map had to
 * grow, so it must not change anything else than the store before it is
 * sure.  fn passes on the errors of the calls below unchanged; where it leaves
 * *err empty, it is filled in.  The caller must not have a read transaction
 * open (see above).  -EROFS: the store was opened read-only.
 */
typedef int txn_fn(struct txn *t, void *arg, struct error *err);
int store_write(
    struct store *s, txn_fn *fn, void *arg, struct error *err) MUST_CHECK;

/* Keys have 1 to 511 bytes: no other can be put (-EINVAL), none other is
 * found (-ENOENT).  Values are stored with a check value: one that is not as it
 * was put is -EIO. */
int txn_get(struct txn *t, enum table table, const void *key, size_t len,
    struct span *ret) MUST_CHECK;
int txn_get64(
    struct txn *t, enum table table, uint64_t key, struct span *ret) MUST_CHECK;
int txn_put(struct txn *t, enum table table, const void *key, size_t len,
    struct span value) MUST_CHECK;
int txn_put64(struct txn *t, enum table table, uint64_t key,
    struct span value) MUST_CHECK;
/* As txn_put64() for a key beyond all others in the table: faster.  -EEXIST:
 * it is not. */
int txn_append64(struct txn *t, enum table table, uint64_t key,
    struct span value) MUST_CHECK;
/* -ENOENT where there is nothing. */
int txn_del(
    struct txn *t, enum table table, const void *key, size_t len) MUST_CHECK;

/* Takes n numbers of a counter; *ret is the first of them. */
int txn_take(
    struct txn *t, enum counter counter, uint64_t n, uint64_t *ret) MUST_CHECK;
/* The last number of a counter that was taken; 0: none was. */
int txn_last(struct txn *t, enum counter counter, uint64_t *ret) MUST_CHECK;
/* For repairing: sets it, whatever it was. */
int txn_set_last(struct txn *t, enum counter counter, uint64_t last) MUST_CHECK;
/*
 * Takes n different seconds for the mtimes of new contents; *ret is the
 * first of n in a row, all later than every one taken before.  C_STAMP_TEXT
 * begins at now; C_STAMP_BLOB at 24 days before now, so that a first mirror
 * of two million files does not reach into the future.
 */
int txn_take_stamps(
    struct txn *t, enum counter clock, uint64_t n, int64_t *ret) MUST_CHECK;

/*
 * Walks a table in key order, beginning at the first key >= from (all of it
 * where from is empty).  A damaged value is given as one of no bytes.  fn
 * returns 0 to go on, 1 to stop, or an error; the
 * last one is returned.  The table must not be changed by fn.
 */
typedef int txn_each_fn(struct span key, struct span value, void *arg);
int txn_each(struct txn *t, enum table table, struct span from, txn_each_fn *fn,
    void *arg);
/* The last key of a table whose keys are numbers, 0 where it is empty. */
int txn_max64(struct txn *t, enum table table, uint64_t *ret) MUST_CHECK;
/* The number of entries. */
int txn_count(struct txn *t, enum table table, uint64_t *ret);
/* Goes through all of it: 1 where it has as many entries as it says, else 0;
 * -EIO. */
int txn_count_check(struct txn *t, enum table table) MUST_CHECK;
/* As the database names it. */
const char *txn_table_name(enum table table);

#endif
