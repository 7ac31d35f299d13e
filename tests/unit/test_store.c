#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "store/store.h"
#include "store/txn.h"

#define MIB ((size_t)1 << 20)

struct fixture {
	char top[64]; /* scratch directory */
	char dir[80]; /* the store */
	char data[96];
	struct error err;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	strcpy(f->top, "/tmp/test_store.XXXXXX");
	if (!mkdtemp(f->top))
		return -1;
	(void)snprintf(f->dir, sizeof(f->dir), "%s/a/store", f->top);
	(void)snprintf(f->data, sizeof(f->data), "%s/db/data.mdb", f->dir);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	char cmd[128];

	(void)snprintf(cmd, sizeof(cmd), "rm -rf '%s'", f->top);
	free(f);
	return system(cmd);
}

static struct store *
must_open(struct fixture *f, unsigned flags)
{
	struct store *s = NULL;
	int r = store_open(f->dir, flags, 4 * MIB, &s, &f->err);

	if (r != 0)
		fail_msg("store_open: %d: %s", r, f->err.text);
	return s;
}

static void
must_fail(struct fixture *f, unsigned flags, int want, const char *text)
{
	struct store *s = NULL;

	f->err.text[0] = '\0';
	assert_int_equal(store_open(f->dir, flags, 4 * MIB, &s, &f->err), want);
	assert_null(s);
	if (!strstr(f->err.text, text))
		fail_msg("\"%s\" is not in \"%s\"", text, f->err.text);
	assert_non_null(strstr(f->err.text, f->dir));
}

struct put {
	enum table table;
	const char *key;
	size_t len;
	unsigned times;
	bool drop; /* again, in the same transaction */
};

static int
put(struct txn *t, void *arg, struct error *err)
{
	const struct put *p = arg;
	char *bytes = calloc(1, p->len);
	int r = bytes ? 0 : -ENOMEM;

	(void)err;
	for (unsigned i = 0; i < p->times && r == 0; i++) {
		char key[32];
		int len = snprintf(key, sizeof(key), "%s%u", p->key, i);

		r = txn_put(t, p->table, key, (size_t)len,
		    (struct span){bytes, p->len});
		if (r == 0 && p->drop)
			r = txn_del(t, p->table, key, (size_t)len);
	}
	free(bytes);
	return r;
}

static void
must_put(struct fixture *f, struct store *s, struct put p)
{
	int r = store_write(s, put, &p, &f->err);

	if (r != 0)
		fail_msg("store_write: %d: %s", r, f->err.text);
}

static void
test_open_creates(void **state)
{
	static const struct {
		const char *name;
		mode_t mode;
	} parts[] = {{"", 0755}, {"/db", 0755}, {"/blobs", 0755},
	    {"/blobs/sha256", 0755}, {"/tmp", 0755}};
	struct fixture *f = *state;
	mode_t mask = umask(022);
	struct store *s = must_open(f, STORE_CREATE);
	struct stat st;
	char path[128];

	(void)umask(mask);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		(void)snprintf(
		    path, sizeof(path), "%s%s", f->dir, parts[i].name);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode, S_IFDIR | parts[i].mode);
	}
	assert_string_equal(store_dir(s), f->dir);
	assert_int_equal(fstat(store_blobs_fd(s), &st), 0);
	assert_int_equal(fstat(store_tmp_fd(s), &st), 0);
	store_close(s);
}

static void
test_open_again(void **state)
{
	static const unsigned flags[] = {
	    0, STORE_CREATE, STORE_READ_ONLY, STORE_READ_ONLY | STORE_CREATE};
	struct fixture *f = *state;
	struct store *s = must_open(f, STORE_CREATE);

	must_put(f, s, (struct put){T_MIRRORS, "m", 10, 1, false});
	store_close(s);
	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		struct txn *t = NULL;
		struct span v;

		s = must_open(f, flags[i]);
		assert_int_equal(txn_read(s, &t, &f->err), 0);
		assert_int_equal(txn_get(t, T_MIRRORS, "m0", 2, &v), 0);
		assert_int_equal(v.len, 10);
		txn_end(t);
		store_close(s);
	}
}

static void
test_open_no_store(void **state)
{
	struct fixture *f = *state;

	must_fail(f, 0, -ENOENT, "no store");
	must_fail(f, STORE_READ_ONLY, -ENOENT, "no store");
	assert_int_equal(access(f->dir, F_OK), -1);
}

static void
make_dir(struct fixture *f)
{
	char path[96];

	(void)snprintf(path, sizeof(path), "%s/a", f->top);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(mkdir(f->dir, 0755), 0);
}

static void
write_file(const char *path, const char *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	(void)close(fd);
}

static void
test_open_other_directory(void **state)
{
	struct fixture *f = *state;
	char path[96];

	make_dir(f);
	must_fail(f, 0, -ENOENT, "is not a suitefs store");
	(void)snprintf(path, sizeof(path), "%s/letter.txt", f->dir);
	write_file(path, "x", 1);
	must_fail(f, STORE_CREATE, -EINVAL, "not empty");
	assert_int_equal(unlink(path), 0);
	store_close(must_open(f, STORE_CREATE));
}

static void
test_open_not_a_database(void **state)
{
	struct fixture *f = *state;
	char junk[8192];

	store_close(must_open(f, STORE_CREATE));
	memset(junk, 'x', sizeof(junk));
	write_file(f->data, junk, sizeof(junk));
	must_fail(f, 0, -EIO, "cannot open");
	must_fail(f, STORE_READ_ONLY, -EIO, "cannot open");
	write_file(f->data, junk, 0);
	must_fail(f, 0, -EIO, "is empty");
	must_fail(f, STORE_READ_ONLY, -EIO, "is empty");
}

/* Somebody else's LMDB environment, with a table or without. */
static void
make_foreign(struct fixture *f, const char *table, const char *key,
    const char *value, size_t len)
{
	char db[96];
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
	MDB_val k = {strlen(key), (void *)(uintptr_t)key};
	MDB_val v = {len, (void *)(uintptr_t)value};

	(void)snprintf(db, sizeof(db), "%s/db", f->dir);
	assert_int_equal(mkdir(db, 0755), 0);
	assert_int_equal(mdb_env_create(&env), 0);
	assert_int_equal(mdb_env_set_maxdbs(env, 4), 0);
	assert_int_equal(mdb_env_open(env, db, 0, 0644), 0);
	assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
	assert_int_equal(mdb_dbi_open(txn, table, MDB_CREATE, &dbi), 0);
	assert_int_equal(mdb_put(txn, dbi, &k, &v, 0), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
}

static void
test_open_foreign_database(void **state)
{
	static const struct {
		const char *table, *key, *value;
		size_t len;
		int want;
		const char *text;
	} cases[] = {
	    {NULL, "meta", "v", 1, -EINVAL, "is not a suitefs store"},
	    {NULL, "other", "v", 1, -EINVAL, "is not a suitefs store"},
	    {"other", "k", "v", 1, -EINVAL, "is not a suitefs store"},
	    {"meta", "k", "v", 1, -EINVAL, "is not a suitefs store"},
	    {"meta", "schema", "\0\0\0\3", 4, -EPROTO,
		"was made by a newer suitefs (schema 3, this one knows 2)"},
	    {"meta", "schema", "\1\0\0\0", 4, -EPROTO, "(schema 16777216,"},
	    {"meta", "schema", "\1", 1, -EIO, "schema"},
	};
	struct fixture *f = *state;

	make_dir(f);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char cmd[128];

		make_foreign(f, cases[i].table, cases[i].key, cases[i].value,
		    cases[i].len);
		must_fail(f, 0, cases[i].want, cases[i].text);
		must_fail(f, STORE_CREATE, cases[i].want, cases[i].text);
		must_fail(f, STORE_READ_ONLY, cases[i].want, cases[i].text);
		(void)snprintf(cmd, sizeof(cmd), "rm -r '%s/db'", f->dir);
		assert_int_equal(system(cmd), 0);
	}
}

static void
test_open_missing_tables(void **state)
{
	struct fixture *f = *state;
	char path[128];

	make_dir(f);
	make_foreign(f, "meta", "schema", "\0\0\0\1", 4);
	must_fail(f, STORE_READ_ONLY, -EIO, "has no table \"contents\"");
	/* A writer makes them, and the directories too. */
	store_close(must_open(f, 0));
	store_close(must_open(f, STORE_READ_ONLY));
	(void)snprintf(path, sizeof(path), "%s/tmp", f->dir);
	assert_int_equal(rmdir(path), 0);
	must_fail(f, STORE_READ_ONLY, -EIO, "/tmp: is missing");
}

/* Takes a table out of the database, past the store. */
static void
drop_table(struct fixture *f, const char *table)
{
	char db[96];
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;

	(void)snprintf(db, sizeof(db), "%s/db", f->dir);
	assert_int_equal(mdb_env_create(&env), 0);
	assert_int_equal(mdb_env_set_maxdbs(env, 4), 0);
	assert_int_equal(mdb_env_open(env, db, 0, 0644), 0);
	assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
	assert_int_equal(mdb_dbi_open(txn, table, 0, &dbi), 0);
	assert_int_equal(mdb_drop(txn, dbi, 1), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
}

/* A store of before there was the table of paths can be mounted. */
static void
test_open_without_paths(void **state)
{
	struct fixture *f = *state;

	store_close(must_open(f, STORE_CREATE));
	drop_table(f, "paths");
	store_close(must_open(f, STORE_READ_ONLY));
	drop_table(f, "keys");
	must_fail(f, STORE_READ_ONLY, -EIO, "has no table \"keys\"");
	/* A writer makes them. */
	store_close(must_open(f, 0));
	drop_table(f, "paths");
}

static void
test_open_truncated(void **state)
{
	struct fixture *f = *state;
	struct store *s = must_open(f, STORE_CREATE);
	struct stat st;

	must_put(f, s, (struct put){T_TEXTS, "t", 100000, 8, false});
	store_close(s);
	assert_int_equal(stat(f->data, &st), 0);
	assert_int_equal(truncate(f->data, st.st_size - 50000), 0);
	/* Again and again: the check leaves the evidence. */
	for (int i = 0; i < 2; i++) {
		must_fail(f, 0, -EIO, "was cut short");
		must_fail(f, STORE_READ_ONLY, -EIO, "was cut short");
	}
	assert_int_equal(truncate(f->data, 8192), 0);
	must_fail(f, 0, -EIO, "was cut short");
	assert_int_equal(truncate(f->data, 5000), 0);
	must_fail(f, 0, -EIO, "data.mdb");
	assert_int_equal(truncate(f->data, 100), 0);
	must_fail(f, 0, -EIO, "cannot open");
}

/* Puts a large value and deletes it in the same transaction, past the store's
 * back, until the file ends before its last page.  The bytes it should have. */
static off_t
make_free_end(struct fixture *f)
{
	static char bytes[100000];
	char db[96];
	MDB_env *env;
	MDB_envinfo info;
	struct stat st;

	(void)snprintf(db, sizeof(db), "%s/db", f->dir);
	assert_int_equal(mdb_env_create(&env), 0);
	assert_int_equal(mdb_env_set_maxdbs(env, T_COUNT), 0);
	assert_int_equal(mdb_env_open(env, db, 0, 0644), 0);
	for (int i = 0; i < 20; i++) {
		MDB_txn *txn;
		MDB_dbi dbi;
		MDB_val k = {1, bytes}, v = {sizeof(bytes), bytes};

		assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
		assert_int_equal(mdb_dbi_open(txn, "texts", 0, &dbi), 0);
		assert_int_equal(mdb_put(txn, dbi, &k, &v, 0), 0);
		assert_int_equal(mdb_del(txn, dbi, &k, NULL), 0);
		v.mv_size = 10;
		assert_int_equal(mdb_put(txn, dbi, &k, &v, 0), 0);
		assert_int_equal(mdb_txn_commit(txn), 0);
		assert_int_equal(mdb_env_info(env, &info), 0);
		assert_int_equal(stat(f->data, &st), 0);
		if (st.st_size < (off_t)(info.me_last_pgno + 1) * 4096)
			break;
	}
	mdb_env_close(env);
	return (off_t)(info.me_last_pgno + 1) * 4096;
}

/* Such a store is whole, and so it is with its file cut there again. */
static void
test_open_free_end(void **state)
{
	struct fixture *f = *state;
	struct stat before, after;
	off_t want;

	store_close(must_open(f, STORE_CREATE));
	want = make_free_end(f);
	assert_int_equal(stat(f->data, &before), 0);
	assert_true(before.st_size < want);
	for (unsigned flags = 0; flags <= STORE_READ_ONLY; flags += 2) {
		assert_int_equal(truncate(f->data, before.st_size), 0);
		store_close(must_open(f, flags));
		assert_int_equal(stat(f->data, &after), 0);
		assert_int_equal(after.st_size, want);
	}
	assert_int_equal(truncate(f->data, 6 * 4096), 0);
	must_fail(f, 0, -EIO, "was cut short");
}

/* A writer leaves no such file. */
static void
test_write_pads_file(void **state)
{
	struct fixture *f = *state;
	struct store *s = must_open(f, STORE_CREATE);
	struct stat st;
	off_t before = 0;

	for (int i = 0; i < 8; i++)
		must_put(f, s, (struct put){T_TEXTS, "k", 100, 1, false});
	assert_int_equal(stat(f->data, &st), 0);
	before = st.st_size;
	must_put(f, s, (struct put){T_TEXTS, "t", 100000, 1, true});
	assert_int_equal(stat(f->data, &st), 0);
	assert_true(st.st_size >= before + 100000);
	store_close(s);
}

static void
test_open_small_map(void **state)
{
	struct fixture *f = *state;
	struct store *s = must_open(f, STORE_CREATE);
	uint64_t n = 0;
	struct txn *t = NULL;

	must_put(f, s, (struct put){T_TEXTS, "t", 100000, 80, false});
	store_close(s);
	/* 8 MB of data and a map of 4 MiB. */
	s = must_open(f, STORE_READ_ONLY);
	assert_int_equal(txn_read(s, &t, &f->err), 0);
	assert_int_equal(txn_count(t, T_TEXTS, &n), 0);
	assert_int_equal(n, 80);
	txn_end(t);
	store_close(s);
}

static void
test_read_only_refuses(void **state)
{
	struct fixture *f = *state;
	struct put p = {T_TEXTS, "t", 1, 1, false};
	struct store *s;

	store_close(must_open(f, STORE_CREATE));
	s = must_open(f, STORE_READ_ONLY);
	assert_int_equal(store_write(s, put, &p, &f->err), -EROFS);
	assert_non_null(strstr(f->err.text, "read-only"));
	store_close(s);
}

static void
test_last_commit_counts(void **state)
{
	struct fixture *f = *state;
	struct store *s = must_open(f, STORE_CREATE);
	uint64_t before = store_last_commit(s);

	assert_true(before > 0);
	assert_int_equal(store_last_commit(s), before);
	must_put(f, s, (struct put){T_TEXTS, "t", 1, 1, false});
	assert_int_equal(store_last_commit(s), before + 1);
	store_close(s);
	s = must_open(f, STORE_READ_ONLY);
	assert_int_equal(store_last_commit(s), before + 1);
	store_close(s);
}

/* What another process commits is seen, and never before it can be read. */
static void
test_last_commit_other_process(void **state)
{
	struct fixture *f = *state;
	struct store *s;
	uint64_t seen = 0;
	int status = 0;
	pid_t pid;

	store_close(must_open(f, STORE_CREATE));
	pid = fork();
	if (pid == 0) {
		s = must_open(f, 0);
		for (unsigned i = 0; i < 200; i++) {
			char key[16];

			(void)snprintf(key, sizeof(key), "%u-", i);
			must_put(f, s, (struct put){T_TEXTS, key, 1, 1, false});
		}
		store_close(s);
		_exit(0);
	}
	assert_true(pid > 0);
	s = must_open(f, STORE_READ_ONLY);
	while (waitpid(pid, &status, WNOHANG) == 0 || seen == 0) {
		uint64_t commit = store_last_commit(s), n = 0;
		struct txn *t = NULL;

		assert_true(commit >= seen);
		seen = commit;
		assert_int_equal(txn_read(s, &t, &f->err), 0);
		assert_int_equal(txn_count(t, T_TEXTS, &n), 0);
		/* The first commit made the tables. */
		assert_true(n + 1 >= commit);
		txn_end(t);
	}
	assert_int_equal(status, 0);
	assert_int_equal(store_last_commit(s), 201);
	store_close(s);
}

static void
test_default_dir(void **state)
{
	static const struct {
		const char *store, *data, *home, *want, *want_root;
	} cases[] = {
	    {"/x/y", "/data", "/home/u", "/x/y", "/x/y"},
	    {NULL, "/data", "/home/u", "/data/suitefs", "/var/lib/suitefs"},
	    {"", "data", "/home/u", "/home/u/.local/share/suitefs",
		"/var/lib/suitefs"},
	    {NULL, NULL, "/home/u", "/home/u/.local/share/suitefs",
		"/var/lib/suitefs"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *names[] = {
		    "SUITEFS_STORE", "XDG_DATA_HOME", "HOME"};
		const char *values[] = {
		    cases[i].store, cases[i].data, cases[i].home};
		char *got;

		for (size_t k = 0; k < ARRAY_LEN(names); k++)
			assert_int_equal(values[k]
					     ? setenv(names[k], values[k], 1)
					     : unsetenv(names[k]),
			    0);
		got = store_default_dir();
		assert_non_null(got);
		assert_string_equal(
		    got, geteuid() == 0 ? cases[i].want_root : cases[i].want);
		free(got);
	}
}

static void
test_close_null(void **state)
{
	(void)state;
	store_close(NULL);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_open_creates),
	    TEST(test_open_again),
	    TEST(test_open_no_store),
	    TEST(test_open_other_directory),
	    TEST(test_open_not_a_database),
	    TEST(test_open_foreign_database),
	    TEST(test_open_missing_tables),
	    TEST(test_open_without_paths),
	    TEST(test_open_truncated),
	    TEST(test_open_free_end),
	    TEST(test_write_pads_file),
	    TEST(test_open_small_map),
	    TEST(test_read_only_refuses),
	    TEST(test_last_commit_counts),
	    TEST(test_last_commit_other_process),
	    cmocka_unit_test(test_default_dir),
	    cmocka_unit_test(test_close_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
