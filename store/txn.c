#include "store/txn.h"

#include <errno.h>
#include <inttypes.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "store/bus.h"
#include "store/env.h"

#define READER_CHECK_SECONDS 60

struct key64
key64(uint64_t n)
{
	struct key64 k;

	for (int i = 7; i >= 0; i--) {
		k.byte[i] = (unsigned char)n;
		n >>= 8;
	}
	return k;
}

uint64_t
key64_value(const void *key)
{
	const unsigned char *p = key;
	uint64_t n = 0;

	for (int i = 0; i < 8; i++)
		n = n << 8 | p[i];
	return n;
}

struct store *
txn_store(const struct txn *t)
{
	return t->store;
}

/* A reset transaction from the pool, or a new struct without one. */
static struct txn *
pool_take(struct store *s)
{
	struct txn *t;

	(void)pthread_mutex_lock(&s->lock);
	t = s->pool;
	if (t) {
		s->pool = t->next;
		s->npool--;
	}
	(void)pthread_mutex_unlock(&s->lock);
	if (t)
		return t;
	t = calloc(1, sizeof(*t));
	if (t)
		t->store = s;
	return t;
}

static void
txn_free(struct txn *t)
{
	table_cursors_close(t);
	if (t->mdb)
		mdb_txn_abort(t->mdb);
	free(t);
}

void
txn_drain(struct store *s)
{
	while (s->pool) {
		struct txn *t = s->pool;

		s->pool = t->next;
		txn_free(t);
	}
}

/* Begins inside the gate; 0 or LMDB's code. */
static int
read_begin(struct txn *t)
{
	t->round++;
	if (t->mdb)
		return mdb_txn_renew(t->mdb);
	return mdb_txn_begin(t->store->env, NULL, MDB_RDONLY, &t->mdb);
}

/* LMDB refuses everything once it could not write a page that says which
 * commit is the last: that failure is what there is to say, also by who met its
 * consequence before the writer could tell. */
static int
panic_error(struct store *s, struct error *err)
{
	int rc;

	(void)pthread_mutex_lock(&s->writing);
	rc = s->write_failed;
	(void)pthread_mutex_unlock(&s->writing);
	return env_error(s, rc ? rc : MDB_PANIC, "cannot write", err);
}

int
txn_read(struct store *s, struct txn **ret, struct error *err)
{
	struct txn *t = pool_take(s);
	int r, rc;

	if (!t) {
		(void)error_set(err, -ENOMEM, "out of memory");
		return -ENOMEM;
	}
	for (;;) {
		r = gate_enter(s, err);
		if (r < 0)
			break;
		rc = read_begin(t);
		if (rc == 0) {
			*ret = t;
			return 0;
		}
		gate_leave(s);
		if (rc == MDB_MAP_RESIZED)
			r = env_adopt(s, err);
		else
			r = rc == MDB_PANIC
				? panic_error(s, err)
				: env_error(s, rc, "cannot read", err);
		if (r < 0)
			break;
	}
	txn_free(t);
	return r;
}

void
txn_end(struct txn *t)
{
	struct store *s;
	bool keep;

	if (!t)
		return;
	s = t->store;
	mdb_txn_reset(t->mdb);
	(void)pthread_mutex_lock(&s->lock);
	keep = s->npool < ENV_POOL_MAX;
	if (keep) {
		t->next = s->pool;
		s->pool = t;
		s->npool++;
	}
	if (--s->inside == 0 && s->closed)
		(void)pthread_cond_broadcast(&s->turn);
	(void)pthread_mutex_unlock(&s->lock);
	if (!keep)
		txn_free(t);
}

/* The mapping that has an address; LMDB does not tell where its map is. */
static int
find_mapping(const void *at, uintptr_t *ret, size_t *ret_len)
{
	CLEANUP_FILE FILE *f = fopen("/proc/self/maps", "re");
	CLEANUP_FREE char *line = NULL;
	size_t room = 0;

	if (!f)
		return -errno;
	/* "7f0123400000-7f0123456000 r--s ..." */
	while (getline(&line, &room, f) > 0) {
		char *end;
		uintptr_t from = strtoumax(line, &end, 16);
		uintptr_t to = *end == '-' ? strtoumax(end + 1, NULL, 16) : 0;

		if (from <= (uintptr_t)at && (uintptr_t)at < to) {
			*ret = from;
			*ret_len = to - from;
			return 0;
		}
	}
	return -ENOENT;
}

void
txn_trim(struct txn *t)
{
	struct span inside;
	uintptr_t map = 0;
	size_t len = 0;

	/* A writer's pages are in memory of their own, which must stay.  Apart
	 * from that, memory is all that is at stake: failing does no harm. */
	if (t->write || txn_get(t, T_META, "schema", 6, &inside) < 0 ||
	    find_mapping(inside.ptr, &map, &len) < 0)
		return;
	(void)madvise((void *)map, len, MADV_DONTNEED);
}

/* The caller is not inside the gate. */
static void
trim_after_commit(struct store *s)
{
	struct txn *t = NULL;

	if (txn_read(s, &t, NULL) == 0) {
		txn_trim(t);
		txn_end(t);
	}
}

uint64_t
store_last_commit(struct store *s)
{
	struct txn *t = NULL;
	uint64_t id = 0;

	/* Not what mdb_env_info() says: that runs ahead of what a new reader
	 * gets to see. */
	if (txn_read(s, &t, NULL) == 0) {
		id = mdb_txn_id(t->mdb);
		txn_end(t);
	}
	(void)pthread_mutex_lock(&s->lock);
	if (id > s->last_commit)
		s->last_commit = id;
	id = s->last_commit;
	(void)pthread_mutex_unlock(&s->lock);
	return id;
}

/* Readers that died keep old pages from being used again. */
static void
check_readers(struct store *s)
{
	int64_t now = clock_s();
	bool due;
	int dead = 0;

	(void)pthread_mutex_lock(&s->lock);
	due = now >= s->next_reader_check;
	if (due)
		s->next_reader_check = now + READER_CHECK_SECONDS;
	(void)pthread_mutex_unlock(&s->lock);
	if (due)
		(void)mdb_reader_check(s->env, &dead);
}

struct write {
	struct store *store;
	txn_fn *fn;
	void *arg;
	struct error *err;
	int rc;		 /* LMDB's code where LMDB failed */
	size_t map_size; /* while fn ran */
	size_t put;	 /* bytes of values written */
};

/* What keeps the writer, who has the lock, from writing. */
static int
write_error(struct write *w)
{
	struct store *s = w->store;

	if (w->rc == MDB_PANIC && s->write_failed)
		w->rc = s->write_failed;
	return env_error(s, w->rc, "cannot write", w->err);
}

/* Runs fn and commits, inside the gate and with the lock. */
static int
write_run(struct write *w)
{
	struct txn t = {.store = w->store, .write = true};
	int r;

	check_readers(w->store);
	w->rc = mdb_txn_begin(w->store->env, NULL, 0, &t.mdb);
	if (w->rc != 0)
		return write_error(w);
	w->map_size = env_map_size(w->store);
	if (w->err)
		w->err->text[0] = '\0';
	r = w->fn(&t, w->arg, w->err);
	w->rc = t.map_full ? MDB_MAP_FULL : t.failed;
	if (bus_failed()) {
		mdb_txn_abort(t.mdb);
		w->rc = MDB_CORRUPTED;
		return env_lost(w->store, w->err);
	}
	if (r < 0 || t.map_full) {
		mdb_txn_abort(t.mdb);
		if (r < 0 && w->err && !w->err->text[0])
			(void)error_sys(w->err, r, "%s", w->store->db);
		return r < 0 ? r : -ENOSPC;
	}
	w->rc = mdb_txn_commit(t.mdb);
	/* What LMDB calls a write that came out too short. */
	if (w->rc == EIO && env_disk_full(w->store))
		w->rc = ENOSPC;
	if (w->rc != 0) {
		w->store->write_failed = w->rc;
		return write_error(w);
	}
	w->put = t.put;
	env_pad(w->store);
	return r;
}

int
store_write(struct store *s, txn_fn *fn, void *arg, struct error *err)
{
	struct write w = {.store = s, .fn = fn, .arg = arg, .err = err};
	int r, r2;

	if (s->read_only)
		return error_set(err, -EROFS, "%s: is open read-only", s->dir);
	for (;;) {
		r = gate_enter(s, err);
		if (r < 0)
			return r;
		(void)pthread_mutex_lock(&s->writing);
		r = write_run(&w);
		(void)pthread_mutex_unlock(&s->writing);
		gate_leave(s);
		if (r >= 0)
			break;
		if (w.rc == MDB_MAP_FULL)
			r2 = env_grow(s, w.map_size, err);
		else if (w.rc == MDB_MAP_RESIZED)
			r2 = env_adopt(s, err);
		else
			return r;
		if (r2 < 0)
			return r2;
	}
	if (w.put >= ENV_TRIM_BYTES)
		trim_after_commit(s);
	return r;
}
