/*
 * Lists, runs and lost packages, by the indexes that say what they are.
 *
 * An index is read twice: once to see that it is what Release says, and what it
 * renders as; then, being proven, to put right what differs from it.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/content.h"
#include "store/list_record.h"
#include "store/mend_restore.h"
#include "store/mend_run.h"
#include "store/render.h"

#define WAITING 32768	   /* packages of runs that are not stored yet */
#define TOO_FEW (-ENODATA) /* a package of the index is not in the store */

/* An index that says what a list is. */
struct wanted {
	uint64_t list, state;
	enum package_kind kind;
	char *path;
};

struct wanted_all {
	struct wanted *v;
	size_t n, cap;
};

static void
wanted_all_release(struct wanted_all *all)
{
	for (size_t i = 0; i < all->n; i++)
		free(all->v[i].path);
	free(all->v);
}

static int
add_wanted(struct wanted_all *all, uint64_t state, const struct state_list *l)
{
	struct wanted *w;

	if (all->n == all->cap) {
		size_t cap = all->cap > 0 ? 2 * all->cap : 64;

		w = reallocarray(all->v, cap, sizeof(*w));
		if (!w)
			return -ENOMEM;
		all->v = w;
		all->cap = cap;
	}
	w = &all->v[all->n];
	*w = (struct wanted){l->list, state, l->kind, strdup(l->path)};
	if (!w->path)
		return -ENOMEM;
	all->n++;
	return 0;
}

/* Those of all states that are reached and have a Release. */
static int
find_wanted(struct mend *m, struct wanted_all *all)
{
	const struct bits *states = &m->reach.bits[REACH_STATE];
	int r = 0;

	for (uint64_t n = bits_next(states, 1); n != UINT64_MAX && r >= 0;
	     n = bits_next(states, n + 1)) {
		CLEANUP(txn_cleanup) struct txn *t = NULL;
		CLEANUP(state_release) struct state s = {0};

		r = txn_read(m->store, &t, m->err);
		if (r < 0)
			return r;
		r = state_load(t, n, &s);
		for (size_t i = 0; r >= 0 && s.listing && i < s.nlists; i++)
			if (mend_is_suspect(m, T_LISTS, s.lists[i].list))
				r = add_wanted(all, n, &s.lists[i]);
		if (is_damage(r))
			r = 0;
	}
	return r;
}

/* --- what an index renders as ----------------------------------------------
 */

struct rendering {
	struct mend *mend;
	struct hash *hash;
	uint64_t packages;
	struct digest sha256;
};

static int
render(void *arg, struct span stanza)
{
	struct rendering *rd = arg;

	hash_add(rd->hash, stanza.ptr, stanza.len);
	hash_add(rd->hash, "\n", 1);
	rd->packages++;
	return 0;
}

static int
render_index(struct mend *m, const struct mend_index *ix, struct rendering *ret)
{
	int r;

	*ret = (struct rendering){.mend = m};
	r = hash_new(&ret->hash);
	if (r == 0)
		r = mend_index_read(m, ix, render, ret);
	if (r == 0)
		hash_end(ret->hash, &ret->sha256);
	hash_free(ret->hash);
	return r;
}

/* Is the record that of a list with another number? */
static bool
is_another(struct txn *t, const struct list *l)
{
	struct content c;

	return content_find(t, &l->sha256, &c) == 0 && c.kind == CONTENT_LIST &&
	       c.number != l->number;
}

/* 1 where the list's stanzas are those that its hash says. */
int
mend_list_is_sound(struct mend *m, uint64_t number)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	CLEANUP(list_release) struct list l = {0};
	struct digest digest;
	int r = txn_read(m->store, &t, m->err);

	if (r < 0)
		return r;
	r = list_load(t, number, &l);
	hash_end(m->hash, &digest);
	for (size_t i = 0; r == 0 && i < l.nruns; i++) {
		buf_clear(&m->stanza);
		r = render_run(m->heavy, t, l.runs[i].run, &m->run, &m->stanza);
		if (r == 0 && (m->stanza.len != list_run_bytes(&l, i) ||
				  m->run.n != l.runs[i].packages))
			return 0;
		hash_add(m->hash, m->stanza.ptr, m->stanza.len);
	}
	if (r < 0)
		return is_damage(r) ? 0 : r;
	hash_end(m->hash, &digest);
	return digest_eq(&digest, &l.sha256) && !is_another(t, &l);
}

/* --- a list whose record is damaged ------------------------------------------
 */

struct relist {
	struct restore *restore;
	struct list_writer *writer;
	const struct wanted *wanted;
	struct digest rendered;
};

static int
find_package(struct mend *m, const struct digest *digest, uint64_t *ret)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	int r = txn_read(m->store, &t, m->err);

	*ret = 0;
	if (r < 0)
		return r;
	r = package_find(t, digest, ret);
	return is_damage(r) ? 0 : r;
}

static int
store_runs(struct txn *t, void *arg, struct error *err)
{
	const struct relist *rl = arg;

	(void)err;
	return list_writer_store(rl->writer, t);
}

static int
relist_stanza(void *arg, struct span stanza)
{
	struct relist *rl = arg;
	struct mend *m = rl->restore->mend;
	struct digest digest;
	uint64_t number;
	int r;

	digest_of(stanza.ptr, stanza.len, &digest);
	r = find_package(m, &digest, &number);
	if (r == 0 && number == 0)
		r = restore_new(rl->restore, stanza, &digest, &number);
	if (r == 0)
		r = list_writer_add(rl->writer, number, &digest, stanza.len);
	if (r < 0 || list_writer_waiting(rl->writer) < WAITING)
		return r;
	r = store_write(m->store, store_runs, rl, m->err);
	if (r >= 0)
		list_writer_stored(rl->writer);
	return r;
}

static int
store_list(struct txn *t, void *arg, struct error *err)
{
	const struct relist *rl = arg;

	(void)err;
	return list_writer_restore(
	    rl->writer, t, &rl->rendered, rl->wanted->list);
}

static int
relist(struct restore *rs, const struct wanted *w, const struct mend_index *ix,
    const struct digest *rendered)
{
	CLEANUP(list_writer_cleanup) struct list_writer *writer = NULL;
	struct relist rl = {.restore = rs, .wanted = w, .rendered = *rendered};
	struct mend *m = rs->mend;
	int r = list_writer_new(w->kind, &writer);

	rl.writer = writer;
	if (r == 0)
		r = mend_index_read(m, ix, relist_stanza, &rl);
	return r < 0 ? r : store_write(m->store, store_list, &rl, m->err);
}

/* --- the runs of a list, and their packages
 * ------------------------------------ */

struct rerun {
	struct restore *restore;
	const struct list *list;
	size_t i; /* of the run */
	/* Its stanzas, one after another. */
	struct buf text;
	struct {
		size_t at, len;
		struct digest digest;
		uint64_t found; /* by it */
	} v[RUN_MAX_PACKAGES];
	size_t n;
	bool too_few; /* a package that is not known is in a damaged run */
};

static struct span
stanza_of(const struct rerun *rr, size_t j)
{
	return (struct span){rr->text.ptr + rr->v[j].at, rr->v[j].len};
}

static bool
has_stanza(struct mend *m, struct txn *t, uint64_t package, struct span stanza)
{
	buf_clear(&m->stanza);
	return heavy_stanza(m->heavy, t, package, &m->stanza) == 0 &&
	       span_eq(buf_span(&m->stanza), stanza);
}

/* May the package be the one that stands there in the index? */
static bool
fits(struct rerun *rr, struct txn *t, size_t j, uint64_t package)
{
	if (rr->v[j].found == package)
		return true;
	if (rr->v[j].found == 0 && restore_is_lost(rr->restore, package))
		return true;
	return has_stanza(rr->restore->mend, t, package, stanza_of(rr, j));
}

/* 1 where the run's record can stand; its packages are in m->run then. */
static int
look(struct rerun *rr)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	struct mend *m = rr->restore->mend;
	int r = txn_read(m->store, &t, m->err);

	for (size_t j = 0; j < rr->n && r >= 0; j++) {
		r = package_find(t, &rr->v[j].digest, &rr->v[j].found);
		if (is_damage(r)) {
			rr->v[j].found = 0;
			r = 0;
		}
	}
	if (r >= 0)
		r = run_load(t, rr->list->runs[rr->i].run, &m->run);
	if (r < 0)
		return is_damage(r) ? 0 : r;
	if (m->run.n != rr->n)
		return 0;
	for (size_t j = 0; j < rr->n; j++)
		if (!fits(rr, t, j, m->run.v[j]))
			return 0;
	return 1;
}

static int
restore_lost(struct rerun *rr)
{
	struct restore *rs = rr->restore;
	int r = 0;

	for (size_t j = 0; j < rr->n && r >= 0; j++) {
		uint64_t package = rs->mend->run.v[j];

		if (restore_is_lost(rs, package))
			r = restore_package(
			    rs, package, stanza_of(rr, j), &rr->v[j].digest);
	}
	return r;
}

/* The run's record is made of what the digests lead to. */
static int
rewrite_run(struct rerun *rr)
{
	struct mend *m = rr->restore->mend;
	uint64_t packages[RUN_MAX_PACKAGES];
	struct span record = {0};
	int r = 0;

	for (size_t j = 0; j < rr->n && r >= 0; j++) {
		packages[j] = rr->v[j].found;
		if (packages[j] == 0)
			r = restore_new(rr->restore, stanza_of(rr, j),
			    &rr->v[j].digest, &packages[j]);
		else if (restore_is_lost(rr->restore, packages[j]))
			r = restore_package(rr->restore, packages[j],
			    stanza_of(rr, j), &rr->v[j].digest);
	}
	if (r == TOO_FEW) {
		rr->too_few = true;
		return 0;
	}
	if (r >= 0)
		r = run_encode(
		    packages, rr->n, rr->text.len + rr->n, &m->writer, &record);
	if (r >= 0)
		r = mend_put64(m, T_RUNS, rr->list->runs[rr->i].run, record);
	return r < 0 ? r : mend_flush(m);
}

static int
rerun_stanza(void *arg, struct span stanza)
{
	struct rerun *rr = arg;
	const struct list *l = rr->list;
	int r;

	while (rr->i < l->nruns && l->runs[rr->i].packages == 0)
		rr->i++;
	if (rr->i == l->nruns || rr->n == RUN_MAX_PACKAGES)
		return -EBADMSG;
	rr->v[rr->n].at = rr->text.len;
	rr->v[rr->n].len = stanza.len;
	digest_of(stanza.ptr, stanza.len, &rr->v[rr->n].digest);
	if (buf_add_span(&rr->text, stanza) < 0)
		return -ENOMEM;
	if (++rr->n < l->runs[rr->i].packages)
		return 0;
	r = rr->text.len + rr->n == list_run_bytes(l, rr->i) ? 0 : -EBADMSG;
	if (r == 0)
		r = look(rr);
	if (r >= 0)
		r = r > 0 ? restore_lost(rr) : rewrite_run(rr);
	buf_clear(&rr->text);
	rr->n = 0;
	rr->i++;
	return r < 0 ? r : 0;
}

/* -EBADMSG: the list's record is not what the index says. */
static int
rerun(struct restore *rs, const struct list *l, const struct mend_index *ix)
{
	struct rerun *rr = calloc(1, sizeof(*rr));
	int r, r2;

	if (!rr)
		return -ENOMEM;
	rr->restore = rs;
	rr->list = l;
	r = mend_index_read(rs->mend, ix, rerun_stanza, rr);
	if (r == 0 && rr->too_few)
		r = TOO_FEW;
	r2 = restore_flush(rs);
	buf_release(&rr->text);
	free(rr);
	return r < 0 ? r : r2;
}

/* --- a list ------------------------------------------------------------------
 */

static int
load_list(struct mend *m, uint64_t number, const struct rendering *is,
    struct list *ret)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	int r = txn_read(m->store, &t, m->err);

	if (r == 0)
		r = list_load(t, number, ret);
	if (r == 0 && (!digest_eq(&ret->sha256, &is->sha256) ||
			  ret->packages != is->packages))
		r = -EBADMSG;
	return r;
}

/* 0 where the list is sound then; TOO_FEW; damage: not by this index. */
static int
mend_list_by(
    struct restore *rs, const struct wanted *w, const struct mend_index *ix)
{
	struct mend *m = rs->mend;
	struct rendering is;
	int r = render_index(m, ix, &is);

	rs->kind = w->kind;
	for (unsigned try = 0; try < 2 && r == 0; try++) {
		CLEANUP(list_release) struct list l = {0};

		r = load_list(m, w->list, &is, &l);
		if (r == 0)
			r = rerun(rs, &l, ix);
		if (r != -EBADMSG && r != -EIO && r != -ENOENT)
			return r;
		if (try == 0)
			r = relist(rs, w, ix, &is.sha256);
	}
	return r;
}

static int
mend_list(struct restore *rs, const struct wanted *w)
{
	struct mend_index forms[MEND_FORMS];
	size_t n = 0;
	int r = mend_list_is_sound(rs->mend, w->list);

	if (r != 0)
		return r < 0 ? r : 0;
	r = mend_index_find(rs->mend, w->state, w->path, forms, &n);
	if (r == 0)
		r = -ENOENT;
	for (size_t i = 0; i < n && is_damage(r); i++)
		r = mend_list_by(rs, w, &forms[i]);
	return r;
}

int
mend_lists(struct mend *m)
{
	CLEANUP(wanted_all_release) struct wanted_all all = {0};
	CLEANUP(restore_release) struct restore rs = {.mend = m};
	int r = mend_mark(m);

	if (r >= 0)
		r = find_wanted(m, &all);
	/* What is not in the store at all, where a list has it whose records
	 * are whole but for that, has its number from there. */
	for (unsigned round = 0; round < 2 && r >= 0; round++) {
		rs.may_add = round > 0;
		for (size_t i = 0; i < all.n && r >= 0; i++) {
			r = mend_list(&rs, &all.v[i]);
			if (r == TOO_FEW || r == -E2BIG || is_damage(r))
				r = 0; /* the check tells */
		}
	}
	return r;
}
