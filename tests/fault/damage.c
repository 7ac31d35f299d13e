/*
 * damage STORE TABLE HOW SEED: spoils one entry of a table, chosen by SEED, and
 * prints its key.  HOW is
 *
 *	bit, cut, junk	a turned bit, half of the value, other bytes; below the
 *			program, as a failing disk would
 *	wrong		a turned bit or a cut, with a check value that is right,
 *			as a faulty program would
 *	gone		it is taken away
 *	other		it gets the value of another entry, with a right check
 *			value
 *
 * "damage STORE" prints the tables that have entries.  Exit status 1: the table
 * has none.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "store/env.h"
#include "store/txn.h"

enum how { BIT, CUT, JUNK, WRONG, GONE, OTHER, HOWS };
static const char *const names[HOWS] = {
    "bit", "cut", "junk", "wrong", "gone", "other"};

struct damage {
	enum table table;
	enum how how;
	unsigned left; /* entries before the one that is meant */
	struct buf key, value, first;
	bool found;
};

static int
pick(struct span key, struct span value, void *arg)
{
	struct damage *d = arg;

	/* Without the schema it is no store. */
	if (span_eq(key, SPAN("schema")))
		return 0;
	if (d->first.len == 0 && buf_add_span(&d->first, value) < 0)
		return -ENOMEM;
	if (d->left-- > 0)
		return 0;
	d->found = true;
	if (buf_add_span(&d->key, key) < 0 ||
	    buf_add_span(&d->value, value) < 0)
		return -ENOMEM;
	return 1;
}

static void
turn_bit(struct buf *b)
{
	size_t bit = (size_t)rand() % (b->len * 8);

	if (b->len > 0)
		b->ptr[bit / 8] ^= (char)(1 << bit % 8);
}

static void
spoil(struct damage *d)
{
	struct buf *b = &d->value;

	if (d->how == BIT || (d->how == WRONG && rand() % 3 > 0))
		turn_bit(b);
	else if (d->how == CUT || d->how == WRONG)
		b->len /= 2;
	for (size_t i = 0; d->how == JUNK && i < b->len; i++)
		b->ptr[i] = (char)rand();
	if (d->how == OTHER) {
		buf_clear(b);
		if (buf_add_span(b, buf_span(&d->first)) < 0)
			abort();
	}
}

/* Past the check value. */
static int
put_raw(struct txn *t, const struct damage *d)
{
	MDB_val k = env_val(d->key.ptr, d->key.len), v;
	CLEANUP(buf_release) struct buf stored = {0};
	int rc = mdb_get(t->mdb, t->store->dbi[d->table], &k, &v);

	if (rc == 0 && buf_add(&stored, v.mv_data, v.mv_size) < 0)
		return -ENOMEM;
	if (rc != 0 || stored.len < d->value.len)
		return -EIO;
	if (d->value.len > 0)
		memcpy(stored.ptr, d->value.ptr, d->value.len);
	v = env_val(stored.ptr, d->how == CUT ? d->value.len : stored.len);
	rc = mdb_put(t->mdb, t->store->dbi[d->table], &k, &v, 0);
	return rc == 0 ? 0 : -EIO;
}

static int
damage(struct txn *t, void *arg, struct error *err)
{
	struct damage *d = arg;
	uint64_t n = 0;
	int r = txn_count(t, d->table, &n);

	(void)err;
	if (r == 0 && n > 0)
		d->left = (unsigned)rand() % (unsigned)n;
	if (r == 0)
		r = txn_each(t, d->table, (struct span){0}, pick, d);
	if (r < 0 || !d->found)
		return r;
	spoil(d);
	if (d->how == GONE)
		return txn_del(t, d->table, d->key.ptr, d->key.len);
	if (d->how == WRONG || d->how == OTHER)
		return txn_put(
		    t, d->table, d->key.ptr, d->key.len, buf_span(&d->value));
	return put_raw(t, d);
}

static int
print_tables(struct store *s)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	uint64_t n;

	if (txn_read(s, &t, NULL) < 0)
		return 1;
	for (enum table i = 0; i < T_COUNT; i++)
		if (txn_count(t, i, &n) == 0 && n > 0)
			puts(txn_table_name(i));
	return 0;
}

static int
find(const char *word, const char *const *list, int n)
{
	for (int i = 0; i < n; i++)
		if (strcmp(word, list[i]) == 0)
			return i;
	fprintf(stderr, "damage: what is %s?\n", word);
	exit(2);
}

int
main(int argc, char **argv)
{
	CLEANUP(store_cleanup) struct store *s = NULL;
	struct error err = {0};
	struct damage d = {0};

	if (argc != 2 && argc != 5) {
		fprintf(stderr, "usage: damage STORE [TABLE HOW SEED]\n");
		return 2;
	}
	if (store_open(argv[1], 0, 0, &s, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 2;
	}
	if (argc == 2)
		return print_tables(s);
	d.table = (enum table)find(argv[2], table_name, T_COUNT);
	d.how = (enum how)find(argv[3], names, HOWS);
	srand((unsigned)atoi(argv[4]));
	if (store_write(s, damage, &d, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 2;
	}
	for (size_t i = 0; i < d.key.len; i++)
		printf("%02x", (unsigned)(unsigned char)d.key.ptr[i]);
	printf("\n");
	buf_release(&d.key);
	buf_release(&d.value);
	buf_release(&d.first);
	return !d.found;
}
