#include "store/mend.h"

#include <errno.h>

#include "store/mend_run.h"
#include "store/walk.h"

#define EDIT_BYTES (1024 * 1024) /* in a transaction, about */

int
mend_stopped(const struct mend *m)
{
	if (m->opts->cancel && atomic_load(m->opts->cancel))
		return error_set(m->err, -EINTR, "stopped");
	return 0;
}

static int
add_edit(
    struct mend *m, enum table table, struct span key, const struct span *value)
{
	struct mend_edit *e;

	if (m->nedits == m->edits_cap) {
		size_t cap = m->edits_cap > 0 ? 2 * m->edits_cap : 256;

		e = reallocarray(m->edits, cap, sizeof(*e));
		if (!e)
			return -ENOMEM;
		m->edits = e;
		m->edits_cap = cap;
	}
	e = &m->edits[m->nedits];
	*e = (struct mend_edit){.table = table,
	    .remove = !value,
	    .key = m->bytes.len,
	    .key_len = key.len};
	(void)buf_add_span(&m->bytes, key); /* failed tells */
	e->value = m->bytes.len;
	if (value) {
		e->value_len = value->len;
		(void)buf_add_span(&m->bytes, *value);
	}
	if (m->bytes.failed)
		return -ENOMEM;
	m->nedits++;
	return 0;
}

int
mend_put(struct mend *m, enum table table, struct span key, struct span value)
{
	return add_edit(m, table, key, &value);
}

int
mend_remove(struct mend *m, enum table table, struct span key)
{
	return add_edit(m, table, key, NULL);
}

int
mend_put64(struct mend *m, enum table table, uint64_t key, struct span value)
{
	struct key64 k = key64(key);

	return mend_put(m, table,
	    (struct span){(const char *)k.byte, sizeof(k.byte)}, value);
}

int
mend_remove64(struct mend *m, enum table table, uint64_t key)
{
	struct key64 k = key64(key);

	return mend_remove(
	    m, table, (struct span){(const char *)k.byte, sizeof(k.byte)});
}

bool
mend_is_full(const struct mend *m)
{
	return m->bytes.len >= EDIT_BYTES;
}

static int
apply(struct txn *t, void *arg, struct error *err)
{
	const struct mend *m = arg;
	int r = 0;

	for (size_t i = 0; i < m->nedits && r >= 0; i++) {
		const struct mend_edit *e = &m->edits[i];
		const char *key = m->bytes.ptr + e->key;
		struct span value = {m->bytes.ptr + e->value, e->value_len};

		if (!e->remove)
			r = txn_put(t, e->table, key, e->key_len, value);
		else
			r = txn_del(t, e->table, key, e->key_len);
		if (r == -ENOENT)
			r = 0;
	}
	return r < 0 ? error_sys(err, r, "cannot repair") : 0;
}

int
mend_flush(struct mend *m)
{
	int r = mend_stopped(m);

	if (r >= 0 && m->nedits > 0)
		r = store_write(m->store, apply, m, m->err);
	m->nedits = 0;
	buf_clear(&m->bytes);
	return r < 0 ? r : 0;
}

struct each {
	struct mend *mend;
	mend_each_fn *fn;
};

static int
each_entry(struct txn *t, struct span key, struct span value, void *arg)
{
	const struct each *e = arg;
	int r = e->fn(e->mend, t, key, value);

	return r < 0 ? r : mend_is_full(e->mend);
}

int
mend_each(struct mend *m, enum table table, mend_each_fn *fn)
{
	struct each e = {m, fn};
	struct walk w = {.store = m->store,
	    .table = table,
	    .fn = each_entry,
	    .arg = &e,
	    .cancel = m->opts->cancel};
	int r, r2;

	do {
		r = walk_on(&w, m->err);
		if (r < 0)
			return r;
		r2 = mend_flush(m);
	} while (r > 0 && r2 >= 0);
	return r2;
}

int
mend_kind(const struct bits kinds[MEND_KINDS], uint64_t number,
    enum package_kind *ret)
{
	for (unsigned k = 0; k < MEND_KINDS; k++) {
		if (!bits_has(&kinds[k], number))
			continue;
		*ret = (enum package_kind)k;
		return 1;
	}
	return 0;
}

static void
note_fault(void *arg, const struct reach_fault *f)
{
	struct mend *m = arg;

	(void)f;
	m->unreadable = true;
}

int
mend_mark(struct mend *m)
{
	struct reach_opts opts = {
	    .dropped_since = INT64_MAX,
	    .fault = note_fault,
	    .arg = m,
	    .cancel = m->opts->cancel,
	};

	m->unreadable = false;
	reach_release(&m->reach);
	return reach_mark(m->store, &opts, &m->reach, m->err);
}

#define BEYOND (UINT64_C(1) << 20)

int
mend_limits(struct store *s, uint64_t ret[T_COUNT], struct error *err)
{
	static const enum table numbered[] = {T_LIGHT, T_DICTS, T_RUNS, T_LISTS,
	    T_FORMS, T_TEXTS, T_BLOBS, T_ORIGINS, T_STATES, T_ROOTS};
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	int r = txn_read(s, &t, err);

	for (size_t i = 0; i < T_COUNT; i++)
		ret[i] = 0;
	for (size_t i = 0; i < ARRAY_LEN(numbered) && r >= 0; i++) {
		uint64_t max;

		r = txn_max64(t, numbered[i], &max);
		if (r >= 0)
			ret[numbered[i]] =
			    max < BITS_MAX - BEYOND ? max + BEYOND : BITS_MAX;
	}
	/* A table that can't be read is told where it is gone through. */
	return r == -EIO ? 0 : r;
}

int
mend_set(
    const struct mend *m, enum table table, struct bits *b, uint64_t number)
{
	return number <= m->opts->limits[table] ? bits_set(b, number) : -E2BIG;
}

static void
mend_release(struct mend *m)
{
	reach_release(&m->reach);
	free(m->edits);
	buf_release(&m->bytes);
	for (size_t i = 0; i < MEND_KINDS; i++) {
		bits_release(&m->package_kinds[i]);
		bits_release(&m->run_kinds[i]);
	}
	bits_release(&m->by_hash);
	bits_release(&m->lost);
	bits_release(&m->dicts);
	heavy_free(m->heavy);
	package_release(&m->package);
	light_release(&m->light);
	record_writer_release(&m->writer);
	run_packages_release(&m->run);
	buf_release(&m->stanza);
	hash_free(m->hash);
}

int
mend_store(struct store *s, const struct mend_opts *opts, struct error *err)
{
	static int (*const parts[])(struct mend *) = {mend_counters, mend_heads,
	    mend_packages, mend_lists, mend_ids, mend_files, mend_forms,
	    mend_hints, mend_garbage};
	CLEANUP(mend_release)
	struct mend m = {.store = s, .opts = opts, .err = err};
	int r = heavy_new(s, &m.heavy);

	record_writer_init(&m.writer);
	if (r == 0)
		r = hash_new(&m.hash);
	if (r < 0)
		return error_sys(err, r, "cannot repair");
	progress_stage(opts->progress, "repairing records", 0, 0);
	for (size_t i = 0; i < ARRAY_LEN(parts) && r >= 0; i++)
		r = parts[i](&m);
	progress_end(opts->progress);
	if (r < 0 && err && !err->text[0])
		(void)error_sys(err, r, "cannot repair");
	return r < 0 ? r : 0;
}
