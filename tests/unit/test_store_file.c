/* What opening a store makes of the file that is its database. */

#include <lmdb.h>

#include "store_fixture.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_open_not_a_database),
	    TEST(test_open_foreign_database),
	    TEST(test_open_missing_tables),
	    TEST(test_open_without_paths),
	    TEST(test_open_truncated),
	    TEST(test_open_free_end),
	    TEST(test_write_pads_file),
	    TEST(test_open_small_map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
