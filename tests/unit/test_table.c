/* Values that are no longer what was put are not taken for it. */

#include "store/txn.h"

#include "scratch_store.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"

static const char needle[] = "a value that stands once in the file";

static int
put_some(struct txn *t, void *arg, struct error *err)
{
	const struct span values[] = {
	    SPAN("before"), span_of(needle), SPAN(""), SPAN("after")};

	(void)arg, (void)err;
	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		assert_int_equal(txn_put64(t, T_TEXTS, i + 1, values[i]), 0);
	return 0;
}

static void
open_again(struct scratch *s)
{
	struct error err = {""};

	store_close(s->store);
	s->store = NULL;
	if (store_open(s->store_dir, 0, 1 << 20, &s->store, &err) < 0)
		fail_msg("%s", err.text);
}

static int
open_data(const struct scratch *s)
{
	char path[256];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/db/data.mdb", s->store_dir);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	return fd;
}

/* Where LMDB has the value in the file. */
static off_t
find_needle(const struct scratch *s)
{
	CLEANUP_FD int fd = open_data(s);
	CLEANUP(buf_release) struct buf b = {0};
	char *at;

	assert_int_equal(buf_reserve(&b, 1 << 20), 0);
	b.len = (size_t)pread(fd, b.ptr, 1 << 20, 0);
	at = memmem(b.ptr, b.len, needle, sizeof(needle) - 1);
	assert_non_null(at);
	return at - b.ptr;
}

static void
turn_bit(struct scratch *s, off_t at)
{
	CLEANUP_FD int fd = open_data(s);
	char byte;

	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 4;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	open_again(s);
}

static int
add_value(struct span key, struct span value, void *arg)
{
	(void)key;
	return buf_addf(arg, "%.*s,", SPAN_ARG(value));
}

static void
assert_values(struct scratch *s, int second, const char *all)
{
	CLEANUP(buf_release) struct buf b = {0};
	CLEANUP(txn_cleanup) struct txn *t = scratch_read(s);
	struct span v;

	assert_int_equal(txn_get64(t, T_TEXTS, 1, &v), 0);
	assert_true(span_eq(v, SPAN("before")));
	assert_int_equal(txn_get64(t, T_TEXTS, 2, &v), second);
	if (second == 0)
		assert_true(span_eq(v, span_of(needle)));
	assert_int_equal(txn_get64(t, T_TEXTS, 3, &v), 0);
	assert_int_equal(v.len, 0);
	assert_int_equal(
	    txn_each(t, T_TEXTS, (struct span){0}, add_value, &b), 0);
	assert_string_equal(b.ptr, all);
}

static void
test_turned_bits_are_noticed(void **state)
{
	static const off_t bytes[] = {0, 3, 17, sizeof(needle) - 2,
	    sizeof(needle) - 1, sizeof(needle) + 2};
	struct scratch *s = *state;
	char whole[128];
	off_t at;

	(void)snprintf(whole, sizeof(whole), "before,%s,,after,", needle);
	scratch_write(s, put_some, NULL);
	assert_values(s, 0, whole);
	at = find_needle(s);
	for (size_t i = 0; i < ARRAY_LEN(bytes); i++) {
		turn_bit(s, at + bytes[i]);
		assert_values(s, -EIO, "before,,,after,");
		turn_bit(s, at + bytes[i]);
		assert_values(s, 0, whole);
	}
}

/* Makes the store one of schema 1, past its back. */
static void
make_old(struct scratch *s)
{
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
	MDB_val k = {6, (char[]){"schema"}}, v = {4, (char[]){0, 0, 0, 1}};
	char db[256];

	store_close(s->store);
	s->store = NULL;
	(void)snprintf(db, sizeof(db), "%s/db", s->store_dir);
	assert_int_equal(mdb_env_create(&env), 0);
	assert_int_equal(mdb_env_set_maxdbs(env, T_COUNT), 0);
	assert_int_equal(mdb_env_open(env, db, 0, 0644), 0);
	assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
	assert_int_equal(mdb_dbi_open(txn, "meta", 0, &dbi), 0);
	assert_int_equal(mdb_put(txn, dbi, &k, &v, 0), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
	open_again(s);
}

/* It is read and written as it was made. */
static void
test_old_stores_have_no_check_values(void **state)
{
	struct scratch *s = *state;
	char whole[128];

	(void)snprintf(whole, sizeof(whole), "before,%s,,after,", needle);
	make_old(s);
	scratch_write(s, put_some, NULL);
	assert_values(s, 0, whole);
	open_again(s);
	assert_values(s, 0, whole);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(test_turned_bits_are_noticed),
	    scratch_test(test_old_stores_have_no_check_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
