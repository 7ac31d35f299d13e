#include "store/env.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/bus.h"

/* Address space costs nothing; growing needs every transaction closed. */
#define MAP_DEFAULT                                                            \
	(sizeof(size_t) > 4 ? (uint64_t)16 << 30 : (uint64_t)1 << 30)
#define MAP_LEAST    ((size_t)64 << 20) /* tried last where memory is limited */
#define DISK_FULL    ((uint64_t)1 << 20) /* bytes that are as good as none */
#define SETTLE_TRIES 50			 /* of 1 ms */

const char *const table_name[T_COUNT] = {
    [T_META] = "meta",
    [T_CONTENTS] = "contents",
    [T_PACKAGE_IDS] = "package-ids",
    [T_LIGHT] = "light",
    [T_HEAVY] = "heavy",
    [T_DICTS] = "dicts",
    [T_RUN_IDS] = "run-ids",
    [T_RUNS] = "runs",
    [T_LISTS] = "lists",
    [T_FORMS] = "forms",
    [T_FORM_IDS] = "form-ids",
    [T_PIECES] = "pieces",
    [T_TEXTS] = "texts",
    [T_BLOBS] = "blobs",
    [T_GONE] = "gone",
    [T_SIGHTINGS] = "sightings",
    [T_ORIGINS] = "origins",
    [T_STATES] = "states",
    [T_ROOTS] = "roots",
    [T_MIRRORS] = "mirrors",
    [T_SNAPSHOTS] = "snapshots",
    [T_PUBLICATIONS] = "publications",
    [T_PREFIXES] = "prefixes",
    [T_DROPPED] = "dropped",
    [T_KEYS] = "keys",
    [T_PATHS] = "paths",
};

int
env_errno(int rc)
{
	static const struct {
		int rc, r;
	} codes[] = {
	    {MDB_NOTFOUND, -ENOENT},
	    {MDB_KEYEXIST, -EEXIST},
	    {MDB_MAP_FULL, -ENOSPC},
	    {MDB_TXN_FULL, -E2BIG},
	    {MDB_READERS_FULL, -EAGAIN},
	    {MDB_BAD_VALSIZE, -EINVAL},
	};

	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		if (codes[i].rc == rc)
			return codes[i].r;
	}
	/* A missing file is no missing key. */
	if (rc > 0 && rc < 1000)
		return rc == ENOENT ? -EIO : -rc;
	return rc == 0 ? 0 : -EIO;
}

int
env_error(const struct store *s, int rc, const char *what, struct error *err)
{
	if (rc == MDB_READERS_FULL)
		return error_set(err, -EAGAIN,
		    "%s: %s: %d readers are under way already", s->db, what,
		    ENV_MAX_READERS);
	return error_set(
	    err, env_errno(rc), "%s: %s: %s", s->db, what, mdb_strerror(rc));
}

/* The bytes that the last commit's pages need. */
static uint64_t
env_need(MDB_env *env, MDB_envinfo *info)
{
	MDB_stat st;

	(void)mdb_env_info(env, info);
	(void)mdb_env_stat(env, &st);
	return ((uint64_t)info->me_last_pgno + 1) * st.ms_psize;
}

static int
env_file_size(MDB_env *env, uint64_t *ret)
{
	struct stat st;
	mdb_filehandle_t fd = -1;

	(void)mdb_env_get_fd(env, &fd);
	if (fstat(fd, &st) < 0)
		return -errno;
	*ret = (uint64_t)st.st_size;
	return 0;
}

void
env_pad(struct store *s)
{
	MDB_envinfo info;
	uint64_t need = env_need(s->env, &info), size = 0;
	mdb_filehandle_t fd = -1;

	if (env_file_size(s->env, &size) < 0 || size >= need)
		return;
	(void)mdb_env_get_fd(s->env, &fd);
	/* Never shrinks a file that others make longer meanwhile, as
	 * ftruncate() could.  Best effort: env_settle() copes without. */
	(void)fallocate(fd, 0, (off_t)need - 1, 1);
}

bool
env_disk_full(struct store *s)
{
	struct statvfs st;
	mdb_filehandle_t fd = -1;

	(void)mdb_env_get_fd(s->env, &fd);
	return fstatvfs(fd, &st) == 0 &&
	       (uint64_t)st.f_bavail * st.f_frsize < DISK_FULL;
}

/* Adds up the free pages from first on.  Their lists are a count and as many
 * page numbers, in size_t. */
static int
free_pages_add(MDB_val list, size_t first, uint64_t *sum)
{
	const char *p = list.mv_data;
	size_t count = 0, page;

	if (list.mv_size >= sizeof(count))
		memcpy(&count, p, sizeof(count));
	if (count > list.mv_size / sizeof(count) - 1)
		return MDB_CORRUPTED;
	for (size_t i = 1; i <= count; i++) {
		memcpy(&page, p + i * sizeof(page), sizeof(page));
		*sum += page >= first;
	}
	return 0;
}

int
env_free_pages(MDB_env *env, size_t first, uint64_t *ret)
{
	MDB_txn *txn = NULL;
	MDB_cursor *cursor = NULL;
	MDB_val key, list;
	/* Only readers may look into the list. */
	int rc = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);

	if (rc != 0)
		return rc;
	rc = mdb_cursor_open(txn, 0, &cursor);
	while (rc == 0) {
		rc = mdb_cursor_get(cursor, &key, &list, MDB_NEXT);
		if (rc == 0)
			rc = free_pages_add(list, first, ret);
	}
	if (cursor)
		mdb_cursor_close(cursor);
	mdb_txn_abort(txn);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

/*
 * A file that ends before its last page was cut short, and reading the map
 * behind its end would kill us (SIGBUS).  Or it is whole: pages that one
 * transaction took at the end and gave back are never written.  Those are in
 * the list of free pages.  Called with the writers' lock held, so that the
 * file can be made longer and, if it is damaged, be put back.
 */
static int
env_lengthen(struct store *s, struct error *err)
{
	MDB_envinfo info;
	MDB_stat st;
	uint64_t need = env_need(s->env, &info), size = 0, nfree = 0, missing;
	mdb_filehandle_t fd = -1;
	int r = env_file_size(s->env, &size);

	if (r < 0)
		return error_sys(err, r, "%s/data.mdb", s->db);
	if (size >= need)
		return 0;
	(void)mdb_env_stat(s->env, &st);
	(void)mdb_env_get_fd(s->env, &fd);
	if (ftruncate(fd, (off_t)need) < 0)
		return error_sys(err, -errno, "%s/data.mdb", s->db);
	missing = info.me_last_pgno + 1 - size / st.ms_psize;
	r = env_free_pages(s->env, size / st.ms_psize, &nfree);
	if (r == 0 && nfree >= missing)
		return 0;
	if (ftruncate(fd, (off_t)size) < 0)
		return error_sys(err, -errno, "%s/data.mdb", s->db);
	return error_set(err, -EIO,
	    "%s/data.mdb: was cut short: has %llu bytes of %llu", s->db,
	    (unsigned long long)size, (unsigned long long)need);
}

/* 1 where a reader sees the last commit and the file holds all of it. */
static int
env_is_settled(MDB_env *env)
{
	MDB_envinfo info;
	MDB_txn *txn = NULL;
	uint64_t need = env_need(env, &info), size = 0;
	size_t id;
	int r = env_file_size(env, &size);

	if (r < 0)
		return r;
	if (size < need)
		return 0;
	r = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);
	/* What keeps a reader out is for txn_read() to say. */
	if (r != 0)
		return 1;
	id = mdb_txn_id(txn);
	mdb_txn_abort(txn);
	return id >= info.me_last_txnid;
}

/* A commit under way shows for a moment what readers do not see yet. */
static int
env_wait_settled(MDB_env *env)
{
	const struct timespec ms = {.tv_nsec = 1000000};
	int r = 0;

	for (int i = 0; i < SETTLE_TRIES; i++) {
		r = env_is_settled(env);
		if (r != 0)
			break;
		(void)nanosleep(&ms, NULL);
	}
	return r;
}

static int
address_space_probe(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return -errno;
	(void)munmap(p, size);
	return 0;
}

/* Opens with the largest map, up to *size, that there is room for. */
static int
env_open_lmdb(struct store *s, unsigned flags, size_t size)
{
	int rc;

	for (;; size /= 4) {
		rc = mdb_env_create(&s->env);
		if (rc != 0) {
			s->env = NULL;
			return rc;
		}
		(void)mdb_env_set_maxdbs(s->env, T_COUNT);
		(void)mdb_env_set_maxreaders(s->env, ENV_MAX_READERS);
		(void)mdb_env_set_mapsize(s->env, size);
		rc = mdb_env_open(s->env, s->db, MDB_NOTLS | flags, 0644);
		if (rc == 0)
			return 0;
		mdb_env_close(s->env);
		s->env = NULL;
		if (rc != ENOMEM || size / 4 < MAP_LEAST)
			return rc;
	}
}

/*
 * Brings about, as a writer, what env_is_settled() asks for.  LMDB before
 * 0.9.33 can leave a reader of an environment that no writer opened since
 * with an older commit (ITS#10212); a writer's lock sets that right.
 */
static int
env_settle(struct store *s, struct error *err)
{
	MDB_txn *txn = NULL;
	int r = mdb_txn_begin(s->env, NULL, 0, &txn);

	if (r != 0)
		return env_error(s, r, "cannot check", err);
	r = env_lengthen(s, err);
	mdb_txn_abort(txn);
	return r;
}

/* env_settle() for an environment that is open read-only. */
static int
env_settle_read_only(struct store *s, size_t size, struct error *err)
{
	int r;

	env_close(s);
	r = env_open_lmdb(s, 0, size);
	if (r != 0)
		return env_error(
		    s, r, "needs a look by one who may write it", err);
	r = env_settle(s, err);
	env_close(s);
	if (r < 0)
		return r;
	r = env_open_lmdb(s, MDB_RDONLY, size);
	return r == 0 ? 0 : env_error(s, r, "cannot open", err);
}

/* While no transaction is open; 0 is the size that the file says. */
static int
env_set_map(struct store *s, size_t size, struct error *err)
{
	int r = size > 0 ? address_space_probe(size) : 0;

	if (r < 0)
		return error_set(err, -ENOSPC,
		    "%s: is full, and there is no address space for %zu "
		    "bytes (see ulimit -v)",
		    s->db, size);
	r = mdb_env_set_mapsize(s->env, size);
	if (r == 0)
		return 0;
	/* LMDB has dropped the old map before it failed to make the new. */
	s->dead = true;
	return env_error(s, r, "cannot map", err);
}

/* Leaves room for as much again as there is. */
static int
env_make_room(struct store *s, struct error *err)
{
	MDB_envinfo info;
	uint64_t need = env_need(s->env, &info);

	if (need <= info.me_mapsize / 2 || need >= SIZE_MAX / 2 ||
	    address_space_probe((size_t)need * 2) < 0)
		return 0;
	return env_set_map(s, (size_t)need * 2, err);
}

static size_t
page_round(uint64_t size)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	return (size_t)((size + page - 1) / page * page);
}

int
env_open(struct store *s, size_t map_size, struct error *err)
{
	unsigned flags = s->read_only ? MDB_RDONLY : 0;
	size_t size = page_round(map_size ? map_size : MAP_DEFAULT);
	int dead = 0;
	int r;

	bus_guard();
	r = env_open_lmdb(s, flags, size);
	if (r != 0)
		return env_error(s, r, "cannot open", err);
	r = env_wait_settled(s->env);
	if (r == 0) {
		r = s->read_only ? env_settle_read_only(s, size, err)
				 : env_settle(s, err);
		if (r < 0)
			return r;
		r = env_wait_settled(s->env);
	}
	if (r <= 0)
		return error_set(err, -EIO,
		    "%s: readers do not see the last commit; stop all "
		    "programs that use the store and remove %s/lock.mdb",
		    s->db, s->db);
	(void)mdb_reader_check(s->env, &dead);
	return env_make_room(s, err);
}

int
env_make(struct store *s, const char *path, struct error *err)
{
	int rc = mdb_env_create(&s->env);

	if (rc != 0) {
		s->env = NULL;
		return env_error(s, rc, "cannot make", err);
	}
	(void)mdb_env_set_maxdbs(s->env, T_COUNT);
	rc = mdb_env_open(
	    s->env, path, MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOTLS, 0644);
	return rc == 0 ? 0 : env_error(s, rc, "cannot make", err);
}

void
env_close(struct store *s)
{
	if (!s->env)
		return;
	mdb_env_close(s->env);
	s->env = NULL;
}

int
env_lost(const struct store *s, struct error *err)
{
	return error_set(err, -EIO,
	    "%s/data.mdb: was cut short, or can't be read: put a backup in "
	    "its place, see suitefs(1), db backup",
	    s->db);
}

int
gate_enter(struct store *s, struct error *err)
{
	bool dead;

	(void)pthread_mutex_lock(&s->lock);
	while (s->closed)
		(void)pthread_cond_wait(&s->turn, &s->lock);
	dead = s->dead;
	if (!dead && !bus_failed())
		s->inside++;
	(void)pthread_mutex_unlock(&s->lock);
	if (bus_failed())
		return env_lost(s, err);
	return dead ? error_set(err, -EIO, "%s: lost its map", s->db) : 0;
}

void
gate_leave(struct store *s)
{
	(void)pthread_mutex_lock(&s->lock);
	if (--s->inside == 0 && s->closed)
		(void)pthread_cond_broadcast(&s->turn);
	(void)pthread_mutex_unlock(&s->lock);
}

static void
gate_open(struct store *s)
{
	(void)pthread_mutex_lock(&s->lock);
	s->closed = false;
	(void)pthread_cond_broadcast(&s->turn);
	(void)pthread_mutex_unlock(&s->lock);
}

static int
gate_close(struct store *s, struct error *err)
{
	struct timespec until;
	int r = 0;

	(void)pthread_mutex_lock(&s->lock);
	while (s->closed)
		(void)pthread_cond_wait(&s->turn, &s->lock);
	s->closed = true;
	until = clock_in(GATE_TIMEOUT * 1000);
	while (s->inside > 0 && r == 0)
		r = pthread_cond_clockwait(
		    &s->turn, &s->lock, CLOCK_MONOTONIC, &until);
	r = s->inside > 0 ? -EBUSY : 0;
	(void)pthread_mutex_unlock(&s->lock);
	if (r == 0)
		return 0;
	gate_open(s);
	return error_set(err, r,
	    "%s: the map cannot be replaced while somebody reads", s->db);
}

size_t
env_map_size(struct store *s)
{
	MDB_envinfo info;

	(void)mdb_env_info(s->env, &info);
	return info.me_mapsize;
}

int
env_grow(struct store *s, size_t was, struct error *err)
{
	int r = gate_close(s, err);

	if (r < 0)
		return r;
	if (was > SIZE_MAX / 2)
		r = error_set(err, -ENOSPC, "%s: is full", s->db);
	else if (env_map_size(s) == was)
		r = env_set_map(s, was * 2, err);
	gate_open(s);
	return r;
}

int
env_adopt(struct store *s, struct error *err)
{
	int r = gate_close(s, err);

	if (r < 0)
		return r;
	r = env_set_map(s, 0, err);
	gate_open(s);
	return r;
}
