#include "store/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libdeflate.h>
#include <limits.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "store/env.h"
#include "store/hold.h"
#include "store/trust.h"
#include "store/txn.h"

/* In T_META: big-endian. */
static const char schema_key[] = "schema";
#define SCHEMA_SIZE    4
#define SCHEMA_CHECKED 2 /* the first one with check values */

static char *
join(const char *dir, const char *name)
{
	char *path = NULL;

	return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

char *
store_default_dir(void)
{
	const char *env = getenv("SUITEFS_STORE");
	const char *data = getenv("XDG_DATA_HOME");
	const char *home = getenv("HOME");

	if (env && *env)
		return strdup(env);
	if (geteuid() == 0)
		return strdup("/var/lib/suitefs");
	/* The XDG specification has relative paths ignored. */
	if (data && *data == '/')
		return join(data, "suitefs");
	return join(home && *home ? home : "", ".local/share/suitefs");
}

const char *
store_dir(const struct store *s)
{
	return s->dir;
}

int
store_blobs_fd(const struct store *s)
{
	return s->blobs_fd;
}

int
store_tmp_fd(const struct store *s)
{
	return s->tmp_fd;
}

void
store_set_clock(struct store *s, store_clock_fn *clock, void *arg)
{
	s->clock = clock;
	s->clock_arg = arg;
}

int64_t
store_now(const struct store *s)
{
	return s->clock ? s->clock(s->clock_arg) : (int64_t)time(NULL);
}

static int
make_part(const struct store *s, const char *name, struct error *err)
{
	CLEANUP_FREE char *path = join(s->dir, name);

	if (!path)
		return error_set(err, -ENOMEM, "out of memory");
	return dir_make(path, 0755, err);
}

/* Opens a directory of the store; a writer makes it where it is missing. */
static int
open_part(const struct store *s, const char *name, int *ret, struct error *err)
{
	CLEANUP_FREE char *path = join(s->dir, name);
	int r = 0;

	if (!path)
		return error_set(err, -ENOMEM, "out of memory");
	if (!s->read_only)
		r = make_part(s, name, err);
	if (r < 0)
		return r;
	*ret = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*ret >= 0)
		return 0;
	if (errno == ENOENT)
		return error_set(err, -EIO, "%s: is missing", path);
	return error_sys(err, -errno, "%s", path);
}

/* 1 where nothing stands in the directory but what a store has, too. */
static int
may_become_store(const char *dir, struct error *err)
{
	static const char *const ours[] = {
	    ".", "..", "db", "blobs", "tmp", "lost+found"};
	DIR *d = opendir(dir);
	struct dirent *e;
	int r = 1;

	if (!d)
		return error_sys(err, -errno, "%s", dir);
	for (e = readdir(d); e && r == 1; e = readdir(d)) {
		r = 0;
		for (size_t i = 0; i < ARRAY_LEN(ours); i++)
			r |= strcmp(e->d_name, ours[i]) == 0;
	}
	(void)closedir(d);
	return r;
}

static int
make_dirs(const struct store *s, struct error *err)
{
	int r = dir_make(s->dir, 0755, err);

	if (r < 0)
		return r;
	r = may_become_store(s->dir, err);
	if (r == 0)
		return error_set(err, -EINVAL,
		    "%s: is not empty and not a suitefs store", s->dir);
	return r < 0 ? r : make_part(s, "db", err);
}

/* Opens all tables in txn; which one failed is *reterr. */
/* A table that writers alone look at, and that stores have got since the first
 * version: a mount of an older store does without it. */
static bool
for_writers(enum table table)
{
	return table == T_PATHS;
}

static int
open_tables(struct store *s, MDB_txn *txn, unsigned flags, enum table *reterr)
{
	for (enum table i = 0; i < T_COUNT; i++) {
		int rc = mdb_dbi_open(txn, table_name[i], flags, &s->dbi[i]);

		if (rc == MDB_NOTFOUND && s->read_only && for_writers(i)) {
			s->dbi[i] = UINT_MAX; /* -EINVAL for who asks */
			rc = 0;
		}
		if (rc != 0) {
			*reterr = i;
			return rc;
		}
	}
	return 0;
}

/* Makes the tables that are not there. */
static int
make_tables(struct store *s, struct error *err)
{
	unsigned char now[SCHEMA_SIZE + CHECK_SIZE] = {0, 0, 0, STORE_SCHEMA};
	MDB_val key = env_val(schema_key, sizeof(schema_key) - 1);
	MDB_val val = env_val(now, sizeof(now));
	MDB_txn *txn = NULL;
	enum table at = T_META;
	int rc = mdb_txn_begin(s->env, NULL, 0, &txn);

	table_put_check(table_check(s, T_META, key,
			    (struct span){(const char *)now, SCHEMA_SIZE}),
	    now + SCHEMA_SIZE);
	if (rc == 0)
		rc = open_tables(s, txn, MDB_CREATE, &at);
	if (rc == 0)
		rc = mdb_put(txn, s->dbi[T_META], &key, &val, MDB_NOOVERWRITE);
	if (rc == 0 || rc == MDB_KEYEXIST)
		rc = mdb_txn_commit(TAKE(txn));
	if (txn)
		mdb_txn_abort(txn);
	return rc == 0 ? 0 : env_error(s, rc, "cannot make tables", err);
}

/* Has the environment made elsewhere, whole and flushed. */
static int
make_new(struct store *s, const char *path, struct error *err)
{
	int r = unlink(path) < 0 && errno != ENOENT ? -errno : 0;

	if (r < 0)
		return error_sys(err, r, "%s", path);
	r = env_make(s, path, err);
	if (r == 0)
		r = make_tables(s, err);
	env_close(s);
	return r;
}

/* A crash leaves no half of a database where one is looked for. */
static int
make_database(struct store *s, const char *data, struct error *err)
{
	CLEANUP_FREE char *path = join(s->db, "new.mdb");
	CLEANUP_FD int fd = open(s->db, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (!path)
		return error_set(err, -ENOMEM, "out of memory");
	if (fd < 0 || flock(fd, LOCK_EX) < 0)
		return error_sys(err, -errno, "%s", s->db);
	/* Another process may have been faster. */
	if (access(data, F_OK) == 0)
		return 0;
	r = make_new(s, path, err);
	if (r < 0)
		return r;
	r = rename(path, data) < 0 ? -errno : fsync(fd) < 0 ? -errno : 0;
	return r < 0 ? error_sys(err, r, "%s", data) : 0;
}

int
store_absent(const char *dir, struct error *err)
{
	return error_set(err, -ENOENT,
	    "%s: there is no store; \"mirror create\" makes one", dir);
}

/* Is there a database?  Makes the directories where that is wanted. */
static int
prepare(struct store *s, unsigned flags, struct error *err)
{
	CLEANUP_FREE char *data = join(s->db, "data.mdb");
	struct stat st;

	if (!data)
		return error_set(err, -ENOMEM, "out of memory");
	/* It was not to begin with: something has happened to it. */
	if (stat(data, &st) == 0)
		return st.st_size > 0
			   ? 0
			   : error_set(err, -EIO, "%s: is empty", data);
	if (errno != ENOENT && errno != ENOTDIR)
		return error_sys(err, -errno, "%s", data);
	if (flags & STORE_CREATE) {
		int r = make_dirs(s, err);

		return r < 0 ? r : make_database(s, data, err);
	}
	if (stat(s->dir, &st) == 0)
		return error_set(
		    err, -ENOENT, "%s: is not a suitefs store", s->dir);
	if (errno != ENOENT)
		return error_sys(err, -errno, "%s", s->dir);
	return store_absent(s->dir, err);
}

/* Is there anything in the environment at all? */
static int
is_void(MDB_txn *txn, bool *ret)
{
	MDB_stat st;
	MDB_dbi main_dbi;
	int rc = mdb_dbi_open(txn, NULL, 0, &main_dbi);

	if (rc == 0)
		rc = mdb_stat(txn, main_dbi, &st);
	if (rc == 0)
		*ret = st.ms_entries == 0;
	return rc;
}

static int
check_schema(struct store *s, MDB_txn *txn, struct error *err)
{
	MDB_val key = env_val(schema_key, sizeof(schema_key) - 1), val;
	const unsigned char *p;
	unsigned long schema;
	int rc = mdb_get(txn, s->dbi[T_META], &key, &val);

	if (rc == MDB_NOTFOUND)
		return error_set(err, -EINVAL,
		    "%s: is not a suitefs store: it has no schema", s->dir);
	if (rc != 0)
		return env_error(s, rc, "cannot read the schema", err);
	p = val.mv_data;
	if (val.mv_size != SCHEMA_SIZE &&
	    val.mv_size != SCHEMA_SIZE + CHECK_SIZE)
		return error_set(err, -EIO, "%s: bad schema", s->db);
	schema = (unsigned long)p[0] << 24 | (unsigned long)p[1] << 16 |
		 (unsigned long)p[2] << 8 | p[3];
	if (schema > STORE_SCHEMA)
		return error_set(err, -EPROTO,
		    "store %s was made by a newer suitefs (schema %lu, this "
		    "one knows %d)",
		    s->dir, schema, STORE_SCHEMA);
	s->checked = schema >= SCHEMA_CHECKED;
	return 0;
}

/*
 * The handles of tables that are opened in a transaction that does not commit
 * are closed again, and so all are opened here, once.  1 where tables are
 * missing: an empty environment, or the tables of a later program's schema.
 */
static int
find_tables(struct store *s, bool *ret_void, struct error *err)
{
	MDB_txn *txn = NULL;
	enum table missing = T_META;
	int r, rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn);

	if (rc != 0)
		return env_error(s, rc, "cannot read", err);
	rc = is_void(txn, ret_void);
	if (rc == 0 && !*ret_void)
		rc = mdb_dbi_open(txn, table_name[T_META], 0, &s->dbi[T_META]);
	if (rc == MDB_NOTFOUND || rc == MDB_INCOMPATIBLE)
		r = error_set(
		    err, -EINVAL, "%s: is not a suitefs store", s->dir);
	else if (rc != 0)
		r = env_error(s, rc, "cannot read", err);
	else
		r = *ret_void ? 1 : check_schema(s, txn, err);
	if (r == 0) {
		rc = open_tables(s, txn, 0, &missing);
		if (rc == 0)
			rc = mdb_txn_commit(TAKE(txn));
		if (rc == MDB_NOTFOUND)
			r = error_set(err, 1, "%s: has no table \"%s\"", s->db,
			    table_name[missing]);
		else if (rc != 0)
			r = env_error(s, rc, "cannot open tables", err);
	}
	if (txn)
		mdb_txn_abort(txn);
	return r;
}

static int
set_up_tables(struct store *s, unsigned flags, struct error *err)
{
	bool is_empty = false;
	int r = find_tables(s, &is_empty, err);

	if (r <= 0)
		return r;
	if (is_empty && !(flags & STORE_CREATE))
		return error_set(err, -ENOENT,
		    "%s: is not a suitefs store: its database is empty",
		    s->dir);
	/* With is_empty not set, err has the missing table's name. */
	if (s->read_only)
		return is_empty
			   ? error_set(err, -EIO, "%s: has no tables", s->db)
			   : -EIO;
	r = make_tables(s, err);
	if (r < 0)
		return r;
	/* LMDB flushes its file, but not that there is one. */
	r = dir_sync(AT_FDCWD, s->db);
	if (r < 0)
		return error_sys(err, r, "%s", s->db);
	/* Another process may have been faster, and newer. */
	r = find_tables(s, &is_empty, err);
	return r > 0 ? -EIO : r;
}

static struct store *
store_new(const char *dir, unsigned flags)
{
	struct store *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->blobs_fd = -1;
	s->tmp_fd = -1;
	s->read_only = flags & STORE_READ_ONLY;
	for (size_t i = 0; i < T_COUNT; i++)
		s->seed[i] =
		    libdeflate_crc32(0, table_name[i], strlen(table_name[i]));
	s->dir = strdup(dir);
	s->db = join(dir, "db");
	if (s->dir && s->db) {
		/* With default attributes these can't fail. */
		(void)pthread_mutex_init(&s->lock, NULL);
		(void)pthread_mutex_init(&s->writing, NULL);
		(void)pthread_cond_init(&s->turn, NULL);
		return s;
	}
	free(s->dir);
	free(s->db);
	free(s);
	return NULL;
}

static int
set_up(struct store *s, unsigned flags, size_t map_size, struct error *err)
{
	int r = trust_check(s->dir, err);

	if (r == 0)
		r = prepare(s, flags, err);
	if (r == 0)
		r = env_open(s, map_size, err);
	if (r == 0)
		r = set_up_tables(s, flags, err);
	if (r == 0)
		r = open_part(s, "blobs/sha256", &s->blobs_fd, err);
	if (r == 0)
		r = open_part(s, "tmp", &s->tmp_fd, err);
	if (r == 0) {
		r = hold_enter(s->blobs_fd);
		if (r < 0)
			r = error_sys(err, r, "%s: cannot lock", s->dir);
	}
	return r;
}

int
store_open(const char *dir, unsigned flags, size_t map_size, struct store **ret,
    struct error *err)
{
	struct store *s = store_new(dir, flags);
	int r;

	if (!s)
		return error_set(err, -ENOMEM, "out of memory");
	if (s->read_only)
		flags &= ~(unsigned)STORE_CREATE;
	r = set_up(s, flags, map_size, err);
	if (r < 0)
		store_close(s);
	else
		*ret = s;
	return r;
}

void
store_close(struct store *s)
{
	if (!s)
		return;
	txn_drain(s);
	env_close(s);
	(void)pthread_mutex_destroy(&s->lock);
	(void)pthread_mutex_destroy(&s->writing);
	(void)pthread_cond_destroy(&s->turn);
	cleanup_fd(&s->blobs_fd);
	cleanup_fd(&s->tmp_fd);
	free(s->dir);
	free(s->db);
	free(s);
}
