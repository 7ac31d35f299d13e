#ifndef STORE_ENV_H
#define STORE_ENV_H

/*
 * Private to store.c, env.c, txn.c, table.c, stats.c and backup.c: what a
 * store and a transaction are, and the care of the LMDB environment.
 *
 * The gate: LMDB's map may be replaced only while no transaction of this
 * process is open.  Every transaction enters the gate before it begins and
 * leaves it after it ended; who wants another map closes the gate, which
 * waits for those inside and keeps new ones out.
 */

#include <lmdb.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "store/store.h"
#include "store/txn.h"

#define ENV_MAX_READERS 512
#define ENV_POOL_MAX	64 /* idle read transactions that are kept */
#define GATE_TIMEOUT	10 /* seconds */

struct store {
	char *dir;
	char *db; /* DIR/db, for messages */
	bool read_only;
	int blobs_fd;
	int tmp_fd;
	store_clock_fn *clock;
	void *clock_arg;

	MDB_env *env;
	MDB_dbi dbi[T_COUNT];
	bool checked;		/* values end in check values: schema 2 */
	uint32_t seed[T_COUNT]; /* of check values: that of the table's name */

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t turn;  /* inside became 0, or the gate opened */
	size_t inside;	      /* transactions of this process */
	bool closed;	      /* the gate */
	bool dead;	      /* the map was lost: nothing works any more */
	struct txn *pool;     /* reset read transactions */
	size_t npool;
	uint64_t last_commit;	   /* that a reader has seen */
	int64_t next_reader_check; /* of clock_s() */

	pthread_mutex_t writing; /* held by who writes; guards: */
	int write_failed;	 /* the code of the last commit that failed */
};

/* Where a read transaction got its last value from. */
struct table_cursor {
	MDB_cursor *mdb; /* kept from one round to the next, or NULL */
	uint64_t round;	 /* in which it was last used */
	uint64_t key;	 /* on which it stands, 0: on none that is known */
};

struct txn {
	struct store *store;
	MDB_txn *mdb;
	bool write;
	bool map_full; /* some call met MDB_MAP_FULL */
	size_t put;    /* bytes of values written */
	int failed;    /* the first other failure's code, or 0 */
	struct txn *next;
	uint64_t round; /* how often it was begun */
	struct table_cursor cursors[T_COUNT];
};

/* Before the transaction itself ends for good. */
void table_cursors_close(struct txn *t);

/* Frees the pool; nobody may be reading. */
void txn_drain(struct store *s);

extern const char *const table_name[T_COUNT];

/* LMDB never changes what a key or a value points at. */
static inline MDB_val
env_val(const void *ptr, size_t len)
{
	return (MDB_val){.mv_size = len, .mv_data = (void *)(uintptr_t)ptr};
}

/* The one translation of MDB_* and errno to negative errno. */
int env_errno(int rc);
/* As env_errno(), with a text that names the store's database. */
int env_error(
    const struct store *s, int rc, const char *what, struct error *err);

#define ENV_TRIM_BYTES (512 * 1024) /* a commit worth txn_trim() */

#define CHECK_SIZE 4 /* bytes of a check value, the high byte first */
/* The check value of an entry, as in suitefs-store(5). */
uint32_t table_check(
    const struct store *s, enum table table, MDB_val key, struct span value);
void table_put_check(uint32_t check, unsigned char out[CHECK_SIZE]);

/* Opens, checks and closes the environment (not the tables). */
int env_open(struct store *s, size_t map_size, struct error *err) MUST_CHECK;
/* Opens a new environment that nobody else has, in the file path. */
int env_make(struct store *s, const char *path, struct error *err) MUST_CHECK;
void env_close(struct store *s);
/* Makes the file as long as its last page, where it is shorter. */
void env_pad(struct store *s);
bool env_disk_full(struct store *s);
/* Adds the number of free pages, from page `first` on, to *ret; LMDB's code.
 * Begins a transaction of its own. */
int env_free_pages(MDB_env *env, size_t first, uint64_t *ret) MUST_CHECK;

/* What is said where the map had less than it should: see store/bus.h. */
int env_lost(const struct store *s, struct error *err);
int gate_enter(struct store *s, struct error *err) MUST_CHECK;
void gate_leave(struct store *s);
size_t env_map_size(struct store *s); /* inside the gate */
/* Doubles the map, unless it is no longer of size `was`.  -EBUSY: a
 * transaction stayed open; -ENOSPC: no address space. */
int env_grow(struct store *s, size_t was, struct error *err) MUST_CHECK;
/* Takes over the size that another process gave the map. */
int env_adopt(struct store *s, struct error *err) MUST_CHECK;

#endif
