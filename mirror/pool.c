#include "mirror/pool.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "algebra/index_plan.h"
#include "mirror/pool_walk.h"
#include "store/blob.h"
#include "store/content.h"
#include "store/gone.h"
#include "store/list.h"

#define BLOBS_MAX (1u << 31) /* numbers that the set takes */

static void
walk_release(struct walk *w)
{
	bits_release(&w->seen);
	blob_presence_release(&w->presence);
	free(w->missing);
	for (size_t i = 0; i < w->nqueries; i++) {
		query_run_free(w->queries[i].run);
		query_free(w->queries[i].query);
	}
	free(w->queries);
}

/* 1 where the number was not in the set yet. */
static int
see(struct walk *w, uint64_t number)
{
	return number < BLOBS_MAX ? bits_set(&w->seen, number) : -E2BIG;
}

static int
add_missing(struct walk *w, uint64_t number, uint64_t size)
{
	if (!w->collect)
		return 0;
	if (w->nmissing == w->cap) {
		size_t cap = w->cap ? 2 * w->cap : 1024;
		struct blob_item *missing =
		    reallocarray(w->missing, cap, sizeof(*missing));

		if (!missing)
			return -ENOMEM;
		w->missing = missing;
		w->cap = cap;
	}
	w->missing[w->nmissing++] =
	    (struct blob_item){.blob = number, .size = size};
	return 0;
}

int
walk_blob(struct walk *w, const struct walk_blob *b, struct file_count *count)
{
	int r = see(w, b->number);

	if (r <= 0)
		return r;
	count->files++;
	count->bytes += b->size;
	r = blob_presence_of(&w->presence, b->sha256);
	if (r != 0)
		return r < 0 ? r : 0;
	count->missing_files++;
	count->missing_bytes += b->size;
	r = gone_find(w->txn, b->number, NULL);
	if (r == 0) {
		count->gone_files++;
		count->gone_bytes += b->size;
	} else if (r != -ENOENT) {
		return r;
	}
	return add_missing(w, b->number, b->size);
}

static int
walk_file(struct walk *w, const struct package_file *file)
{
	struct walk_blob b = {.size = file->size, .sha256 = &file->sha256};
	struct content c;
	int r = content_find_file(w->txn, &file->sha256, file->size, &c);

	if (r < 0)
		return r == -ENOENT ? -EIO : r;
	/* Bytes that the store can make need no fetching. */
	if (c.kind != CONTENT_BLOB)
		return 0;
	b.number = c.number;
	return walk_blob(w, &b, &w->count.pool);
}

/* 1 where any query matches it, or there is none; each one is tried, to know
 * of all whether they match something. */
static int
package_wanted(struct walk *w, const struct package *p)
{
	bool wanted = w->nqueries == 0;

	for (size_t i = 0; i < w->nqueries; i++) {
		struct walk_query *q = &w->queries[i];
		int r = query_match(q->run, w->txn, p, w->err);

		if (r < 0)
			return r;
		q->matched = q->matched || r == 1;
		wanted = wanted || r == 1;
	}
	return wanted;
}

static bool
architecture_wanted(const struct walk *w, struct span architecture)
{
	return index_architecture_wanted(w->want->architectures, architecture);
}

static int
walk_package(const struct package *p, void *arg)
{
	struct walk *w = arg;
	int r = 0;

	if (architecture_wanted(w, p->light.architecture))
		r = package_wanted(w, p);
	if (r <= 0)
		return r;
	r = 0;
	for (size_t i = 0; r == 0 && i < p->light.nfiles; i++)
		r = walk_file(w, &p->light.files[i]);
	return r;
}

static int
walk_list(struct walk *w, const struct state_list *l)
{
	CLEANUP(list_release) struct list list = {0};
	struct span architecture = span_of(l->architecture);
	int r;

	/* The index of a flat archive has packages of any. */
	if (architecture.len > 0 && !architecture_wanted(w, architecture))
		return 0;
	r = list_load(w->txn, l->list, &list);
	return r < 0 ? r : list_each(w->txn, &list, walk_package, w);
}

static int
begin_queries(struct walk *w, struct store *s)
{
	const struct strs *texts = w->want->queries;
	size_t n = texts ? texts->n : 0;
	int r = 0;

	w->queries = calloc(n + 1, sizeof(*w->queries));
	if (!w->queries)
		return -ENOMEM;
	for (size_t i = 0; i < n && r == 0; i++) {
		struct strs one = {.v = &texts->v[i], .n = 1};
		struct walk_query *q = &w->queries[w->nqueries++];

		r = query_parse_any(&one, &q->query, w->err);
		if (r == 0)
			r = query_run_new(s, q->query, &q->run);
	}
	return r;
}

static void
note_unknown(struct walk *w)
{
	for (size_t i = 0; i < w->nqueries && !w->count.unknown; i++)
		if (!w->queries[i].matched)
			w->count.unknown = w->want->queries->v[i];
}

static int
walk_lists(struct walk *w, const struct state *state)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < state->nlists; i++)
		r = walk_list(w, &state->lists[i]);
	w->npool = w->nmissing;
	return r == 0 && w->want->listed ? walk_listed(w, state) : r;
}

static int
walk_state(struct walk *w, struct txn *t, const struct pool_want *want,
    struct error *err)
{
	CLEANUP(state_release) struct state state = {0};
	struct error why = {""};
	int r;

	w->txn = t;
	w->presence.store = txn_store(t);
	w->want = want;
	w->err = &why;
	r = begin_queries(w, txn_store(t));
	if (r == 0 && !want->unsaved)
		r = state_load(w->txn, want->state, &state);
	if (r == 0)
		r = walk_lists(w, want->unsaved ? want->unsaved : &state);
	if (r == 0)
		note_unknown(w);
	w->err = NULL;
	if (r < 0 && why.text[0])
		return error_set(err, r, "%s", why.text);
	return r < 0 ? error_sys(err, r, "cannot count the files") : 0;
}

int
pool_count(struct txn *t, const struct pool_want *want, struct pool_count *ret,
    struct error *err)
{
	CLEANUP(walk_release) struct walk w = {0};
	int r = walk_state(&w, t, want, err);

	if (r < 0)
		return r;
	*ret = w.count;
	return 0;
}

/* A fetch under way. */
struct fetching {
	const struct walk *walk;
	pool_failed_fn *failed;
	void *arg;
	struct pool_result *result;
};

/*
 * What Release lists and the archive has not got, or keeps to itself, is no
 * failure: Debian's lists such files too.
 */
static void
tell(void *arg, const struct blob_item *item, const char *why)
{
	const struct fetching *f = arg;
	bool listed = item - f->walk->missing >= (ptrdiff_t)f->walk->npool;
	struct pool_result *n = f->result;

	if (listed && (item->r == -ENOENT || item->r == -EACCES)) {
		if (n->absent_files++ == 0)
			(void)error_set(&n->absent, 0, "%s", why);
		return;
	}
	n->failed_files++;
	if (f->failed)
		f->failed(f->arg, why);
}

int
pool_fetch(struct store *s, const struct pool_want *want,
    const struct blob_queue_opts *opts, const atomic_bool *cancel,
    pool_failed_fn *failed, void *arg, struct pool_result *ret,
    struct error *err)
{
	CLEANUP(walk_release) struct walk w = {.collect = true};
	struct fetching fetching = {&w, failed, arg, ret};
	struct blob_batch batch = {.failed = tell, .arg = &fetching};
	struct txn *t;
	int r = txn_read(s, &t, err);

	if (r == 0) {
		r = walk_state(&w, t, want, err);
		txn_end(t);
	}
	*ret = (struct pool_result){0};
	if (r < 0 || w.nmissing == 0)
		return r;
	batch.v = w.missing;
	batch.n = w.nmissing;
	progress_stage(opts->progress, want->listed ? "files" : "pool",
	    w.count.pool.missing_bytes + w.count.listed.missing_bytes,
	    w.nmissing);
	r = blob_batch_fetch(s, &batch, opts, cancel, err);
	progress_end(opts->progress);
	ret->fetched_files = batch.fetched_files;
	ret->fetched_bytes = batch.fetched_bytes;
	if (r == 0 && ret->failed_files > 0)
		return error_set(err, -EIO,
		    "%" PRIu64 " file%s could not be fetched",
		    ret->failed_files, PLURAL(ret->failed_files));
	return r;
}
