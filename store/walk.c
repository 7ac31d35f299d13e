#include "store/walk.h"

#include <errno.h>

#define ENTRIES 4096 /* in a transaction */

struct stretch {
	struct walk *walk;
	struct txn *txn;
	unsigned n;
	int result; /* fn's */
};

static int
visit(struct span key, struct span value, void *arg)
{
	struct stretch *s = arg;
	struct walk *w = s->walk;

	if (span_eq(key, (struct span){w->last, w->last_len}))
		return 0;
	if (key.len > sizeof(w->last))
		return -EIO;
	memcpy(w->last, key.ptr, key.len);
	w->last_len = key.len;
	s->result = w->fn(s->txn, key, value, w->arg);
	return s->result != 0 || ++s->n == ENTRIES;
}

/* 2: there may be more. */
static int
one_transaction(struct walk *w, struct error *err)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	struct stretch s = {.walk = w};
	int r = txn_read(w->store, &t, err);

	if (r < 0)
		return r;
	s.txn = t;
	r = txn_each(
	    t, w->table, (struct span){w->last, w->last_len}, visit, &s);
	txn_trim(t);
	if (r < 0)
		return error_sys(err, r, "%s: cannot read table %s",
		    store_dir(w->store), txn_table_name(w->table));
	if (s.result != 0)
		return s.result;
	return s.n == ENTRIES ? 2 : 0;
}

int
walk_on(struct walk *w, struct error *err)
{
	int r;

	do {
		if (w->cancel && atomic_load(w->cancel))
			return error_set(err, -EINTR, "stopped");
		r = one_transaction(w, err);
	} while (r == 2);
	return r;
}
