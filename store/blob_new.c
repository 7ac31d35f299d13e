#include <errno.h>

#include "store/blob.h"
#include "store/blob_record.h"
#include "store/content.h"

/* Those of the files that are one blob, which is not in the store yet. */
struct group {
	size_t from, n; /* in v */
	uint64_t number;
};

/*
 * One call's work.  v is sorted by hash, so that equal files are neighbours
 * and T_CONTENTS is walked from one end to the other; groups are in that
 * order too.  order has their indexes in the order of the packages: what is
 * listed together is numbered together.
 */
struct adding {
	struct txn *t;
	struct blob_new *v;
	size_t n;
	struct group *groups;
	uint32_t *order;
	size_t ngroups;
	struct error *err;
};

static int
by_place(const struct blob_new *a, const struct blob_new *b)
{
	if (a->package != b->package)
		return a->package < b->package ? -1 : 1;
	return (a->file > b->file) - (a->file < b->file);
}

static int
by_hash(const void *a, const void *b)
{
	const struct blob_new *x = a, *y = b;
	int r = digest_cmp(x->sha256, y->sha256);

	if (r == 0)
		r = (x->size > y->size) - (x->size < y->size);
	return r != 0 ? r : by_place(x, y);
}

static bool
same_file(const struct blob_new *a, const struct blob_new *b)
{
	return a->size == b->size && digest_eq(a->sha256, b->sha256);
}

static int
by_first_package(const void *a, const void *b, void *arg)
{
	const struct adding *w = arg;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return by_place(&w->v[w->groups[x].from], &w->v[w->groups[y].from]);
}

/* A blob that is there is named by n more files, beginning at from. */
static int
add_to_known(const struct adding *w, size_t from, size_t n, uint64_t number)
{
	struct blob_source sources[BLOB_MAX_SOURCES] = {{0}};
	size_t last = n < BLOB_MAX_SOURCES ? n : BLOB_MAX_SOURCES;
	int r;

	for (size_t i = 0; i < last; i++) {
		const struct blob_new *file = &w->v[from + n - last + i];

		sources[i].package = file->package;
		sources[i].file = file->file;
	}
	r = blob_add_sources(w->t, number, sources, last);
	return r < 0 ? error_sys(w->err, r, "cannot store a file's record") : 0;
}

static int
look_up(struct adding *w, size_t from, size_t n)
{
	struct content c;
	int r;

	r = content_find_file(w->t, w->v[from].sha256, w->v[from].size, &c);
	if (r == -ENOENT) {
		w->order[w->ngroups] = (uint32_t)w->ngroups;
		w->groups[w->ngroups++] = (struct group){from, n, 0};
		return 0;
	}
	if (r < 0)
		return error_sys(w->err, r, "cannot look a file up");
	return c.kind == CONTENT_BLOB ? add_to_known(w, from, n, c.number) : 0;
}

static int
look_all_up(struct adding *w)
{
	size_t from = 0;
	int r = 0;

	for (size_t i = 1; i <= w->n && r == 0; i++) {
		if (i < w->n && same_file(&w->v[i], &w->v[from]))
			continue;
		r = look_up(w, from, i - from);
		from = i;
	}
	return r;
}

static int
fill_sources(const struct adding *w, const struct group *g, struct blob *b)
{
	struct blob_source *sources;

	sources = reallocarray(b->sources, g->n, sizeof(*sources));
	if (!sources)
		return -ENOMEM;
	b->sources = sources;
	b->nsources = g->n < BLOB_MAX_SOURCES ? g->n : BLOB_MAX_SOURCES;
	for (size_t i = 0; i < b->nsources; i++)
		sources[i] = (struct blob_source){
		    .package = w->v[g->from + i].package,
		    .file = w->v[g->from + i].file,
		};
	return 0;
}

/* b is the blob's number and mtime, and memory that is used again. */
static int
store_group(const struct adding *w, const struct group *g,
    struct record_writer *writer, struct blob *b)
{
	struct span bytes;
	int r;

	b->sha256 = *w->v[g->from].sha256;
	b->size = w->v[g->from].size;
	r = fill_sources(w, g, b);
	if (r == 0)
		r = blob_encode(b, writer, &bytes);
	if (r == 0)
		r = txn_append64(w->t, T_BLOBS, b->number, bytes);
	return r;
}

static int
store_records(struct adding *w)
{
	CLEANUP(record_writer_release) struct record_writer writer;
	CLEANUP(blob_release) struct blob b = {0};
	int r;

	record_writer_init(&writer);
	r = txn_take(w->t, C_BLOB, w->ngroups, &b.number);
	if (r == 0)
		r = txn_take_stamps(w->t, C_STAMP_BLOB, w->ngroups, &b.mtime);
	for (size_t i = 0; i < w->ngroups && r == 0; i++) {
		struct group *g = &w->groups[w->order[i]];

		g->number = b.number;
		r = store_group(w, g, &writer, &b);
		b.number++;
		b.mtime++;
	}
	return r;
}

static int
store_groups(struct adding *w)
{
	int r;

	qsort_r(w->order, w->ngroups, sizeof(*w->order), by_first_package, w);
	r = store_records(w);
	for (size_t i = 0; i < w->ngroups && r == 0; i++) {
		const struct blob_new *file = &w->v[w->groups[i].from];

		r = content_put_file(w->t, file->sha256, file->size,
		    (struct content){CONTENT_BLOB, w->groups[i].number});
	}
	if (r < 0)
		return error_sys(w->err, r, "cannot store files' records");
	return 0;
}

int
blob_put_new(struct txn *t, struct blob_new *v, size_t n, struct error *err)
{
	CLEANUP_FREE struct group *groups = calloc(n + 1, sizeof(*groups));
	CLEANUP_FREE uint32_t *order = calloc(n + 1, sizeof(*order));
	struct adding w = {.t = t, .v = v, .n = n, .err = err};
	int r;

	if (!groups || !order)
		return error_sys(err, -ENOMEM, "cannot store files' records");
	w.groups = groups;
	w.order = order;
	qsort(v, n, sizeof(*v), by_hash);
	r = look_all_up(&w);
	return r == 0 && w.ngroups > 0 ? store_groups(&w) : r;
}
