#include "store/merge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/version.h"
#include "store/index_plan.h"
#include "store/list_cursor.h"
#include "store/merge_table.h"

#define IN_TRANSACTION 4096 /* packages */
#define SHOWN	       UINT32_MAX

struct merge_job {
	struct store *store;
	struct derive *derive;
	const struct derive_opts *opts;
	enum merge_keep keep;
};

/* One index being merged. */
struct merging {
	struct store *store;
	const struct derive_opts *derive;
	enum merge_keep keep;
	const struct index_plan_item *item;
	struct merge_table table;
	struct txn *t;
	unsigned n;		     /* packages looked at in it */
	struct list_cursor *cursors; /* one for each part */
	struct package other;
	bool by_source; /* how the result is sorted */
	struct run_packages out;
};

static void
merging_release(struct merging *m)
{
	merge_table_release(&m->table);
	txn_end(m->t);
	for (size_t i = 0; m->cursors && i < m->item->nparts; i++)
		list_cursor_release(&m->cursors[i]);
	free(m->cursors);
	package_release(&m->other);
	run_packages_release(&m->out);
}

/* Begins anew with the transaction where it has read much. */
static int
renew(struct merging *m, struct error *err)
{
	int r;

	if (m->derive->cancel && atomic_load(m->derive->cancel))
		return error_set(err, -EINTR, "stopped");
	if (++m->n < IN_TRANSACTION)
		return 0;
	m->n = 0;
	txn_trim(m->t);
	txn_end(TAKE(m->t));
	r = txn_read(m->store, &m->t, err);
	for (size_t i = 0; i < m->item->nparts && r == 0; i++) {
		struct list_cursor *c = &m->cursors[i];

		if (c->list.number != 0)
			r = list_cursor_renew(m->t, c);
	}
	return r;
}

static struct merge_key
key_of(const struct merging *m, const struct light *l)
{
	struct span version = {0};

	if (m->keep == MERGE_ALL)
		version = l->version;
	return merge_key_of(l->name, l->architecture, version);
}

static bool
is_shown(const struct merging *m, size_t part)
{
	return m->item->parts[part].share != INDEX_HIDDEN;
}

/* Does the package win over the one that is noted? */
static int
wins(struct merging *m, const struct merge_entry *e, const struct light *l)
{
	int r;

	if (e->package == 0 || m->keep != MERGE_LATEST)
		return 1;
	r = package_light(m->t, e->package, &m->other);
	if (r < 0)
		return r == -ENOENT ? -EIO : r;
	return version_cmp(l->version, m->other.light.version) >= 0;
}

/* Notes a package, unless one that is noted wins. */
static int
note(struct merging *m, size_t part, const struct package *p)
{
	struct merge_key key = key_of(m, &p->light);
	struct merge_entry *e = merge_table_at(&m->table, &key);
	int r = e ? wins(m, e, &p->light) : -ENOMEM;

	if (r <= 0)
		return r;
	e->package = p->number;
	e->part = (uint32_t)part;
	return 0;
}

static struct span
source_of(const struct light *l)
{
	return l->source.len > 0 ? l->source : l->name;
}

/* The order that Debian's indexes have. */
struct sorted {
	struct buf source, name; /* of the package before */
	bool so_far;
};

static int
check_sorted(struct sorted *s, const struct light *l)
{
	int c = span_cmp(buf_span(&s->source), source_of(l));

	if (c > 0 || (c == 0 && span_cmp(buf_span(&s->name), l->name) > 0))
		s->so_far = false;
	buf_clear(&s->source);
	buf_clear(&s->name);
	(void)buf_add_span(&s->source, source_of(l));
	(void)buf_add_span(&s->name, l->name);
	return s->source.failed || s->name.failed ? -ENOMEM : 0;
}

static int
note_part(struct merging *m, size_t part, struct sorted *s, struct error *err)
{
	const struct index_part *p = &m->item->parts[part];
	struct list_cursor *c = &m->cursors[part];
	int r = list_cursor_open(m->t, p->list, c);

	while (r == 0 && !c->end) {
		const struct light *l = &c->package.light;

		if (index_part_has(m->item, p, l->architecture))
			r = note(m, part, &c->package);
		if (r == 0 && s->so_far)
			r = check_sorted(s, l);
		if (r == 0)
			r = list_cursor_next(m->t, c);
		if (r < 0)
			return error_sys(err, r, "cannot read packages");
		r = renew(m, err);
	}
	list_cursor_release(c);
	return r;
}

/* Notes who wins, and in which order the largest list is. */
static int
note_all(struct merging *m, struct error *err)
{
	uint64_t largest = 0;
	int r = 0;

	for (size_t i = 0; i < m->item->nparts && r == 0; i++) {
		struct sorted s = {.so_far = true};
		uint64_t size;
		int64_t mtime;
		struct digest sha256;

		r = list_info(
		    m->t, m->item->parts[i].list, &size, &mtime, &sha256);
		if (r < 0)
			return error_sys(err, r, "cannot read a list");
		r = note_part(m, i, &s, err);
		buf_release(&s.source);
		buf_release(&s.name);
		if (!is_shown(m, i) || size <= largest)
			continue;
		largest = size;
		m->by_source = s.so_far;
	}
	return r;
}

static int
place_cmp(const struct merging *m, const struct light *a, const struct light *b)
{
	int c = m->by_source ? span_cmp(source_of(a), source_of(b)) : 0;

	if (c == 0)
		c = span_cmp(a->name, b->name);
	return c != 0 ? c : version_cmp(a->version, b->version);
}

/* The part whose cursor stands at the first package; nparts: all are over. */
static size_t
first_part(const struct merging *m)
{
	size_t first = m->item->nparts;

	for (size_t i = 0; i < m->item->nparts; i++) {
		const struct list_cursor *c = &m->cursors[i];

		if (!is_shown(m, i) || c->end)
			continue;
		if (first == m->item->nparts ||
		    place_cmp(m, &c->package.light,
			&m->cursors[first].package.light) < 0)
			first = i;
	}
	return first;
}

/* Is it the one, or one of those, that won? */
static bool
has_won(struct merging *m, size_t part, const struct package *p)
{
	const struct index_part *parts = m->item->parts;
	struct merge_key key = key_of(m, &p->light);
	struct merge_entry *e;

	if (!index_part_has(m->item, &parts[part], p->light.architecture))
		return false;
	e = merge_table_find(&m->table, &key);
	if (!e)
		return false;
	if (m->keep != MERGE_LATEST)
		return parts[e->part].source == parts[part].source;
	if (e->package != p->number || e->part != part)
		return false;
	e->part = SHOWN;
	return true;
}

static int
add(struct run_packages *out, uint64_t package)
{
	if (out->n == out->cap) {
		size_t cap = out->cap ? 2 * out->cap : 1024;
		uint64_t *v = reallocarray(out->v, cap, sizeof(*v));

		if (!v)
			return -ENOMEM;
		out->v = v;
		out->cap = cap;
	}
	out->v[out->n++] = package;
	return 0;
}

/* Goes through all parts at once and collects those that won. */
static int
collect(struct merging *m, struct error *err)
{
	size_t part;
	int r = 0;

	for (size_t i = 0; i < m->item->nparts && r == 0; i++)
		if (is_shown(m, i))
			r = list_cursor_open(
			    m->t, m->item->parts[i].list, &m->cursors[i]);
	if (r < 0)
		return error_sys(err, r, "cannot read packages");
	while ((part = first_part(m)) < m->item->nparts) {
		struct list_cursor *c = &m->cursors[part];

		if (has_won(m, part, &c->package))
			r = add(&m->out, c->package.number);
		if (r == 0)
			r = list_cursor_next(m->t, c);
		if (r < 0)
			return error_sys(err, r, "cannot read packages");
		r = renew(m, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The list that all sources have, where there is nothing to merge; 0: none. */
static uint64_t
common_list(const struct index_plan_item *item, enum merge_keep keep)
{
	const struct index_part *first = &item->parts[0];

	if (keep == MERGE_LATEST)
		return 0;
	for (size_t i = 0; i < item->nparts; i++)
		if (item->parts[i].share != INDEX_WHOLE ||
		    item->parts[i].list != first->list)
			return 0;
	return item->nparts > 0 ? first->list : 0;
}

static int
merge_parts(struct merging *m, struct error *err)
{
	int r;

	m->cursors = calloc(m->item->nparts + 1, sizeof(*m->cursors));
	if (!m->cursors)
		return error_sys(err, -ENOMEM, "cannot merge");
	r = txn_read(m->store, &m->t, err);
	if (r == 0)
		r = note_all(m, err);
	if (r == 0)
		r = collect(m, err);
	txn_end(TAKE(m->t));
	return r;
}

static int
merge_item(const struct merge_job *j, const struct index_plan_item *item,
    struct error *err)
{
	CLEANUP(merging_release)
	struct merging m = {.store = j->store,
	    .derive = j->opts,
	    .keep = j->keep,
	    .item = item};
	struct derive_list l = {.component = item->component,
	    .architecture = item->architecture,
	    .kind = item->kind,
	    .like = common_list(item, j->keep)};
	int r;

	if (l.like != 0)
		return derive_list(j->derive, &l, err);
	r = merge_parts(&m, err);
	if (r < 0)
		return r;
	merge_table_release(&m.table);
	l.packages = m.out.v;
	l.n = m.out.n;
	return derive_list(j->derive, &l, err);
}

int
merge_snapshots(struct store *s, const struct derive_opts *derive,
    const struct merge_opts *opts, struct merge_result *ret, struct error *err)
{
	CLEANUP(derive_cleanup) struct derive *d = NULL;
	CLEANUP(index_plan_release) struct index_plan plan = {0};
	struct merge_job job = {.store = s, .opts = derive, .keep = opts->keep};
	int r = derive_new(s, derive, &d, err);

	job.derive = d;
	if (r == 0)
		r = derive_plan(d, opts->architectures, &plan, err);
	for (size_t i = 0; i < plan.n && r == 0; i++)
		r = merge_item(&job, &plan.v[i], err);
	if (r == 0)
		r = derive_end(d, err);
	if (r < 0)
		return r;
	derive_count(d, &ret->packages, &ret->indexes);
	return 0;
}
