/* Lists made of packages that are in the store. */

#include "algebra/derive.h"

#include <errno.h>

#include "store/heavy.h"
#include "store/list.h"

#define IN_TRANSACTION	  2048	/* stanzas */
#define WAITING_MAX	  32768 /* packages of runs that are not stored yet */
#define STANZAS_MAX_BYTES (4 * 1024 * 1024)

struct making {
	struct store *store;
	const struct derive_list *want;
	struct heavy *heavy;
	struct list_writer *writer;
	struct hash *hash; /* of the rendered list */
	struct buf stanza;
	size_t bytes; /* of the stanzas that were read in one transaction */
	struct digest rendered;
	uint64_t list;
};

static void
making_release(struct making *m)
{
	heavy_free(m->heavy);
	list_writer_free(m->writer);
	hash_free(m->hash);
	buf_release(&m->stanza);
}

static int
add_package(struct making *m, struct txn *t, uint64_t number)
{
	struct digest digest;
	int r;

	buf_clear(&m->stanza);
	r = heavy_stanza(m->heavy, t, number, &m->stanza);
	if (r < 0)
		return r == -ENOENT ? -EIO : r;
	digest_of(m->stanza.ptr, m->stanza.len, &digest);
	r = list_writer_add(m->writer, number, &digest, m->stanza.len);
	if (r < 0)
		return r;
	if (buf_add_char(&m->stanza, '\n') < 0)
		return -ENOMEM;
	hash_add(m->hash, m->stanza.ptr, m->stanza.len);
	return 0;
}

/* Adds packages from *at on, as many as go into a transaction. */
static int
add_some(struct making *m, size_t *at, struct error *err)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	int r = txn_read(m->store, &t, err);

	if (r < 0)
		return r;
	m->bytes = 0;
	for (size_t n = 0; n < IN_TRANSACTION && m->bytes < STANZAS_MAX_BYTES &&
			   *at < m->want->n;
	     n++) {
		r = add_package(m, t, m->want->packages[*at]);
		if (r < 0)
			return error_sys(err, r, "cannot read a package");
		m->bytes += m->stanza.len;
		++*at;
	}
	txn_trim(t);
	return 0;
}

static int
store_runs(struct txn *t, void *arg, struct error *err)
{
	struct making *m = arg;
	int r = list_writer_store(m->writer, t);

	return r < 0 ? error_sys(err, r, "cannot store a list") : 0;
}

static int
store_list(struct txn *t, void *arg, struct error *err)
{
	struct making *m = arg;
	int r = list_writer_end(m->writer, t, &m->rendered, &m->list);

	return r < 0 ? error_sys(err, r, "cannot store a list") : 0;
}

static int
add_all(struct making *m, const struct derive_opts *opts, struct error *err)
{
	const atomic_bool *cancel = opts ? opts->cancel : NULL;
	struct progress *p = opts ? opts->progress : NULL;
	int r = 0;

	for (size_t at = 0; at < m->want->n && r >= 0;) {
		if (cancel && atomic_load(cancel))
			return error_set(err, -EINTR, "stopped");
		r = add_some(m, &at, err);
		progress_add(p, m->bytes, 0);
		if (r < 0 || list_writer_waiting(m->writer) < WAITING_MAX)
			continue;
		r = store_write(m->store, store_runs, m, err);
		if (r >= 0)
			list_writer_stored(m->writer);
	}
	return r;
}

/* 1 where a list has the packages, in order. */
static int
has_packages(struct txn *t, const struct derive_list *want, struct list *l)
{
	CLEANUP(run_packages_release) struct run_packages run = {0};
	size_t at = 0;

	if (l->kind != want->kind || l->packages != want->n)
		return 0;
	for (size_t i = 0; i < l->nruns; i++) {
		int r = run_load(t, l->runs[i].run, &run);

		if (r < 0)
			return r;
		if (run.n > want->n - at || memcmp(run.v, want->packages + at,
						run.n * sizeof(*run.v)) != 0)
			return 0;
		at += run.n;
	}
	return at == want->n;
}

static int
is_like(struct store *s, const struct derive_list *want, struct error *err)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	CLEANUP(list_release) struct list l = {0};
	int r;

	if (want->whole || want->like == 0)
		return want->whole;
	r = txn_read(s, &t, err);
	if (r < 0)
		return r;
	r = list_load(t, want->like, &l);
	if (r == 0)
		r = has_packages(t, want, &l);
	return r < 0 ? error_sys(err, r, "cannot read a list") : r;
}

int
derive_make_list(struct store *s, const struct derive_list *l,
    const struct derive_opts *opts, uint64_t *ret, struct error *err)
{
	CLEANUP(making_release) struct making m = {.store = s, .want = l};
	int r = is_like(s, l, err);

	if (r > 0)
		*ret = l->like;
	if (r != 0)
		return r < 0 ? r : 0;
	r = heavy_new(s, &m.heavy);
	if (r == 0)
		r = list_writer_new(l->kind, &m.writer);
	if (r == 0)
		r = hash_new(&m.hash);
	if (r < 0)
		return error_sys(err, r, "cannot make a list");
	r = add_all(&m, opts, err);
	if (r < 0)
		return r;
	hash_end(m.hash, &m.rendered);
	r = store_write(s, store_list, &m, err);
	if (r < 0)
		return r;
	*ret = m.list;
	return 0;
}
