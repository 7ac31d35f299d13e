#include "algebra/merge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "algebra/index_merge.h"
#include "algebra/merge_table.h"
#include "base/version.h"

#define SHOWN UINT32_MAX

struct merge_job {
	struct store *store;
	struct derive *derive;
	const struct derive_opts *opts;
	enum merge_keep keep;
};

/* One index being merged. */
struct merging {
	struct index_merge merge;
	enum merge_keep keep;
	const struct index_plan_item *item;
	struct merge_table table;
	struct package other;
	struct run_packages out;
};

static void
merging_release(struct merging *m)
{
	index_merge_release(&m->merge);
	merge_table_release(&m->table);
	package_release(&m->other);
	run_packages_release(&m->out);
}

static struct merge_key
key_of(const struct merging *m, const struct light *l)
{
	struct span version = {0};

	if (m->keep == MERGE_ALL)
		version = l->version;
	return merge_key_of(l->name, l->architecture, version);
}

/* Does the package win over the one that is noted? */
static int
wins(struct merging *m, struct txn *t, const struct merge_entry *e,
    const struct light *l)
{
	int r;

	if (e->package == 0 || m->keep != MERGE_LATEST)
		return 1;
	r = package_light(t, e->package, &m->other);
	if (r < 0)
		return r == -ENOENT ? -EIO : r;
	return version_cmp(l->version, m->other.light.version) >= 0;
}

/* Notes a package, unless one that is noted wins. */
static int
note(struct txn *t, size_t part, const struct package *p, void *arg)
{
	struct merging *m = arg;
	struct merge_key key = key_of(m, &p->light);
	struct merge_entry *e = merge_table_at(&m->table, &key);
	int r = e ? wins(m, t, e, &p->light) : -ENOMEM;

	if (r <= 0)
		return r;
	e->package = p->number;
	e->part = (uint32_t)part;
	return 0;
}

/* Is it the one, or one of those, that won? */
static int
has_won(struct txn *t, size_t part, const struct package *p, void *arg)
{
	struct merging *m = arg;
	const struct index_part *parts = m->item->parts;
	struct merge_key key = key_of(m, &p->light);
	struct merge_entry *e = merge_table_find(&m->table, &key);

	(void)t;
	if (!e)
		return false;
	if (m->keep != MERGE_LATEST)
		return parts[e->part].source == parts[part].source;
	if (e->package != p->number || e->part != part)
		return false;
	e->part = SHOWN;
	return true;
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
merge_item(const struct merge_job *j, const struct index_plan_item *item,
    struct error *err)
{
	CLEANUP(merging_release)
	struct merging m = {.merge = {.store = j->store,
				.cancel = j->opts->cancel,
				.item = item},
	    .keep = j->keep,
	    .item = item};
	struct derive_list l = {.component = item->component,
	    .architecture = item->architecture,
	    .kind = item->kind,
	    .like = common_list(item, j->keep)};
	int r;

	l.whole = l.like != 0;
	if (l.whole)
		return derive_list(j->derive, &l, err);
	r = index_merge_walk(&m.merge, note, &m, err);
	if (r == 0)
		r = index_merge_collect(&m.merge, has_won, &m, &m.out, err);
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
