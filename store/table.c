/* Reading and changing tables within a transaction; see store/txn.h. */

#include <errno.h>
#include <libdeflate.h>
#include <lmdb.h>
#include <string.h>
#include <time.h>

#include "store/env.h"
#include "store/txn.h"

/* How far before now the mtimes of blobs begin, in seconds. */
#define BLOB_STAMPS_BEFORE (24 * 86400)

/* Keys of the counters in T_META: the last number that was given out. */
static const char *const counter_name[C_COUNT] = {
    [C_PACKAGE] = "package",
    [C_DICT] = "dict",
    [C_RUN] = "run",
    [C_LIST] = "list",
    [C_FORM] = "form",
    [C_TEXT] = "text",
    [C_BLOB] = "blob",
    [C_ORIGIN] = "origin",
    [C_STATE] = "state",
    [C_ROOT] = "root",
    [C_STAMP_BLOB] = "stamp-blob",
    [C_STAMP_TEXT] = "stamp-text",
    [C_PATH] = "path",
};

/* Remembers what store_write() has to know and translates. */
static int
result(struct txn *t, int rc)
{
	if (rc == MDB_MAP_FULL)
		t->map_full = true;
	else if (rc != 0 && rc != MDB_NOTFOUND && t->failed == 0)
		t->failed = rc;
	return env_errno(rc);
}

uint32_t
table_check(
    const struct store *s, enum table table, MDB_val key, struct span value)
{
	uint32_t sum =
	    libdeflate_crc32(s->seed[table], key.mv_data, key.mv_size);

	return libdeflate_crc32(sum, value.ptr, value.len);
}

void
table_put_check(uint32_t check, unsigned char out[CHECK_SIZE])
{
	for (int i = CHECK_SIZE - 1; i >= 0; i--) {
		out[i] = (unsigned char)check;
		check >>= 8;
	}
}

/* Takes the check value from the end of what is stored: 0, or -EIO where that
 * is not what was put. */
static int
verify(const struct store *s, enum table table, MDB_val key, MDB_val stored,
    struct span *ret)
{
	struct span value = {stored.mv_data, stored.mv_size};
	unsigned char check[CHECK_SIZE];

	if (s->checked) {
		if (value.len < CHECK_SIZE)
			return -EIO;
		value.len -= CHECK_SIZE;
		table_put_check(table_check(s, table, key, value), check);
		if (memcmp(check, value.ptr + value.len, CHECK_SIZE) != 0)
			return -EIO;
	}
	*ret = value;
	return 0;
}

int
txn_get(struct txn *t, enum table table, const void *key, size_t len,
    struct span *ret)
{
	MDB_val k = env_val(key, len), v;
	int rc;

	if (len == 0)
		return -ENOENT;
	rc = mdb_get(t->mdb, t->store->dbi[table], &k, &v);
	if (rc != 0)
		return result(t, rc);
	return verify(t->store, table, k, v, ret);
}

void
table_cursors_close(struct txn *t)
{
	for (size_t i = 0; i < T_COUNT; i++) {
		if (t->cursors[i].mdb)
			mdb_cursor_close(t->cursors[i].mdb);
		t->cursors[i] = (struct table_cursor){0};
	}
}

/* The cursor of a table, which may stand anywhere or nowhere. */
static int
cursor_of(struct txn *t, enum table table, struct table_cursor **ret)
{
	struct table_cursor *c = &t->cursors[table];
	int rc = 0;

	if (!c->mdb)
		rc = mdb_cursor_open(t->mdb, t->store->dbi[table], &c->mdb);
	else if (c->round != t->round)
		rc = mdb_cursor_renew(t->mdb, c->mdb);
	if (rc != 0)
		return rc;
	if (c->round != t->round)
		c->key = 0;
	c->round = t->round;
	*ret = c;
	return 0;
}

/* Most of those who ask for many numbers ask for neighbours. */
static int
get_near(struct txn *t, enum table table, uint64_t key, MDB_val *k, MDB_val *v)
{
	const MDB_val wanted = *k;
	struct table_cursor *c;
	int rc = cursor_of(t, table, &c);

	if (rc != 0)
		return rc;
	if (c->key != 0 && c->key == key - 1) {
		c->key = 0;
		rc = mdb_cursor_get(c->mdb, k, v, MDB_NEXT);
		if (rc == 0 && k->mv_size == wanted.mv_size &&
		    memcmp(k->mv_data, wanted.mv_data, wanted.mv_size) == 0) {
			c->key = key;
			return 0;
		}
		*k = wanted;
	}
	rc = mdb_cursor_get(c->mdb, k, v, MDB_SET);
	c->key = rc == 0 ? key : 0;
	return rc;
}

int
txn_get64(struct txn *t, enum table table, uint64_t key, struct span *ret)
{
	struct key64 bytes = key64(key);
	MDB_val k = env_val(bytes.byte, sizeof(bytes.byte)), v;
	int rc;

	if (t->write)
		return txn_get(t, table, bytes.byte, sizeof(bytes.byte), ret);
	rc = get_near(t, table, key, &k, &v);
	if (rc != 0)
		return result(t, rc);
	return verify(t->store, table, k, v, ret);
}

static int
put(struct txn *t, enum table table, MDB_val k, struct span value,
    unsigned flags)
{
	const struct store *s = t->store;
	MDB_val v = env_val(value.ptr, value.len);
	unsigned char *to;
	int rc;

	t->put += value.len;
	if (!s->checked)
		return result(t, mdb_put(t->mdb, s->dbi[table], &k, &v, flags));
	v.mv_size += CHECK_SIZE;
	rc = mdb_put(t->mdb, s->dbi[table], &k, &v, flags | MDB_RESERVE);
	if (rc != 0)
		return result(t, rc);
	to = v.mv_data;
	if (value.len > 0)
		memcpy(to, value.ptr, value.len);
	table_put_check(table_check(s, table, k, value), to + value.len);
	return 0;
}

int
txn_put(struct txn *t, enum table table, const void *key, size_t len,
    struct span value)
{
	return put(t, table, env_val(key, len), value, 0);
}

int
txn_put64(struct txn *t, enum table table, uint64_t key, struct span value)
{
	struct key64 k = key64(key);

	return put(t, table, env_val(k.byte, sizeof(k.byte)), value, 0);
}

int
txn_append64(struct txn *t, enum table table, uint64_t key, struct span value)
{
	struct key64 k = key64(key);

	return put(
	    t, table, env_val(k.byte, sizeof(k.byte)), value, MDB_APPEND);
}

int
txn_del(struct txn *t, enum table table, const void *key, size_t len)
{
	MDB_val k = env_val(key, len);

	if (len == 0)
		return -ENOENT;
	return result(t, mdb_del(t->mdb, t->store->dbi[table], &k, NULL));
}

static int
counter_get(struct txn *t, enum counter counter, uint64_t *ret)
{
	struct span name = span_of(counter_name[counter]), value = {0};
	int r = txn_get(t, T_META, name.ptr, name.len, &value);

	if (r == -ENOENT) {
		*ret = 0;
		return 0;
	}
	if (r < 0)
		return r;
	if (value.len != sizeof(struct key64))
		return -EIO;
	*ret = key64_value(value.ptr);
	return 0;
}

static int
counter_set(struct txn *t, enum counter counter, uint64_t last)
{
	struct span name = span_of(counter_name[counter]);
	struct key64 k = key64(last);

	return txn_put(t, T_META, name.ptr, name.len,
	    (struct span){(const char *)k.byte, sizeof(k.byte)});
}

int
txn_set_last(struct txn *t, enum counter counter, uint64_t last)
{
	return counter_set(t, counter, last);
}

int
txn_last(struct txn *t, enum counter counter, uint64_t *ret)
{
	return counter_get(t, counter, ret);
}

int
txn_take(struct txn *t, enum counter counter, uint64_t n, uint64_t *ret)
{
	uint64_t last;
	int r = counter_get(t, counter, &last);

	if (r < 0)
		return r;
	if (n > UINT64_MAX - last)
		return -E2BIG;
	r = counter_set(t, counter, last + n);
	if (r < 0)
		return r;
	*ret = last + 1;
	return 0;
}

int
txn_take_stamps(struct txn *t, enum counter clock, uint64_t n, int64_t *ret)
{
	int64_t from = store_now(t->store);
	uint64_t last, first;
	int r = counter_get(t, clock, &last);

	if (r < 0)
		return r;
	if (clock == C_STAMP_BLOB)
		from -= BLOB_STAMPS_BEFORE;
	first = last + 1;
	if (from > 0 && (uint64_t)from > first)
		first = (uint64_t)from;
	if (first > INT64_MAX || n > (uint64_t)INT64_MAX - first)
		return -E2BIG;
	r = counter_set(t, clock, first + n - 1);
	if (r < 0)
		return r;
	*ret = (int64_t)first;
	return 0;
}

int
txn_max64(struct txn *t, enum table table, uint64_t *ret)
{
	MDB_cursor *cursor = NULL;
	MDB_val k = {0}, v;
	int rc = mdb_cursor_open(t->mdb, t->store->dbi[table], &cursor);

	if (rc != 0)
		return result(t, rc);
	rc = mdb_cursor_get(cursor, &k, &v, MDB_LAST);
	mdb_cursor_close(cursor);
	*ret = 0;
	if (rc == 0 && k.mv_size == sizeof(struct key64))
		*ret = key64_value(k.mv_data);
	return rc == 0 || rc == MDB_NOTFOUND ? 0 : result(t, rc);
}

int
txn_each(struct txn *t, enum table table, struct span from, txn_each_fn *fn,
    void *arg)
{
	MDB_cursor *cursor = NULL;
	MDB_val k = env_val(from.ptr, from.len), v;
	int r = 0;
	int rc = mdb_cursor_open(t->mdb, t->store->dbi[table], &cursor);

	if (rc != 0)
		return result(t, rc);
	rc = mdb_cursor_get(
	    cursor, &k, &v, from.len > 0 ? MDB_SET_RANGE : MDB_FIRST);
	while (rc == 0 && r == 0) {
		struct span key = {k.mv_data, k.mv_size}, value;

		if (verify(t->store, table, k, v, &value) < 0)
			value = (struct span){v.mv_data, 0};
		r = fn(key, value, arg);
		if (r == 0)
			rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	if (r != 0 || rc == MDB_NOTFOUND)
		return r;
	return result(t, rc);
}

int
txn_count(struct txn *t, enum table table, uint64_t *ret)
{
	MDB_stat st;
	int rc = mdb_stat(t->mdb, t->store->dbi[table], &st);

	if (rc != 0)
		return result(t, rc);
	*ret = st.ms_entries;
	return 0;
}

static int
count_one(struct span key, struct span value, void *arg)
{
	uint64_t *n = arg;

	(void)key, (void)value;
	++*n;
	return 0;
}

int
txn_count_check(struct txn *t, enum table table)
{
	uint64_t says = 0, has = 0;
	int r = txn_count(t, table, &says);

	if (r == 0)
		r = txn_each(t, table, (struct span){0}, count_one, &has);
	return r < 0 ? r : has == says;
}

const char *
txn_table_name(enum table table)
{
	return table_name[table];
}
