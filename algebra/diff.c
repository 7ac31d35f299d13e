#include "algebra/diff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "algebra/diff_numbers.h"
#include "algebra/index_plan.h"
#include "base/version.h"
#include "store/bits.h"
#include "store/list.h"

enum side { OLD, NEW, SIDES };

/* A package that only one side has. */
struct item {
	uint64_t package;
	size_t at; /* in names: name, version, architecture, each with a NUL */
	uint32_t name_len, version_len, architecture_len;
	uint32_t component; /* index */
	enum package_kind kind;
	bool paired;
};

struct items {
	struct item *v;
	size_t n, cap;
};

/* Indexes of items; NONE where there is none. */
#define NONE SIZE_MAX
struct row {
	size_t old, new;
};

struct diff {
	/* Until diff_new() returns. */
	struct txn *t;
	const struct diff_opts *opts;
	const struct state *states[SIDES];
	struct strs components;
	struct buf names;
	struct items items[SIDES];
	struct row *rows;
	size_t nrows, rows_cap;
	struct package package; /* scratch */
};

void
diff_free(struct diff *d)
{
	if (!d)
		return;
	strs_release(&d->components);
	buf_release(&d->names);
	for (size_t i = 0; i < SIDES; i++)
		free(d->items[i].v);
	free(d->rows);
	package_release(&d->package);
	free(d);
}

/* What only one side has. */

static const char *
component_of(const struct state_list *l)
{
	return l->component[0] ? l->component : "main";
}

/* One component and kind. */
struct group {
	uint32_t component;
	enum package_kind kind;
	struct diff_lists lists[SIDES];
	struct diff_numbers only[SIDES];
	/* All packages of a side, once somebody has asked for them. */
	struct bits all[SIDES];
	bool has_all[SIDES];
};

static void
group_release(struct group *g)
{
	for (size_t i = 0; i < SIDES; i++) {
		free((void *)g->lists[i].v);
		diff_numbers_release(&g->only[i]);
		bits_release(&g->all[i]);
	}
}

static int
find_lists(const struct diff *d, enum side side, struct group *g,
    const char *component)
{
	const struct state *s = d->states[side];
	struct diff_lists *lists = &g->lists[side];

	lists->v = calloc(s->nlists + 1, sizeof(const struct state_list *));
	if (!lists->v)
		return -ENOMEM;
	for (size_t i = 0; i < s->nlists; i++) {
		const struct state_list *l = &s->lists[i];

		if (l->kind == g->kind &&
		    strcmp(component_of(l), component) == 0)
			lists->v[lists->n++] = l;
	}
	return 0;
}

static int
load_all(struct diff *d, struct group *g, enum side side)
{
	CLEANUP(run_packages_release) struct run_packages run = {0};
	int r = 0;

	for (size_t i = 0; i < g->lists[side].n && r >= 0; i++) {
		CLEANUP(list_release) struct list l = {0};

		r = list_load(d->t, g->lists[side].v[i]->list, &l);
		for (size_t k = 0; k < l.nruns && r >= 0; k++) {
			r = run_load(d->t, l.runs[k].run, &run);
			for (size_t j = 0; j < run.n && r >= 0; j++)
				r = bits_set(&g->all[side], run.v[j]);
		}
	}
	g->has_all[side] = true;
	return r < 0 ? r : 0;
}

/*
 * Is the package nowhere on the other side?  It is where the list that it
 * belongs into has lost it, or every list; otherwise it may be in one that has
 * not changed.
 */
static int
is_gone(struct diff *d, struct group *g, enum side side,
    const struct diff_number *number)
{
	enum side other = side == OLD ? NEW : OLD;
	const struct diff_lists *lists = &g->lists[side];
	struct span home = span_of(lists->v[number->first]->architecture);
	int r;

	if (number->lists == lists->n && g->lists[other].n <= lists->n)
		return 1;
	if (!span_eq(d->package.light.architecture, SPAN("all")) &&
	    span_eq(d->package.light.architecture, home))
		return 1;
	r = g->has_all[other] ? 0 : load_all(d, g, other);
	return r < 0 ? r : !bits_has(&g->all[other], number->package);
}

static int
add_item(struct diff *d, enum side side, const struct group *g)
{
	const struct light *l = &d->package.light;
	struct items *items = &d->items[side];
	const struct span parts[] = {l->name, l->version, l->architecture};
	struct item *item;

	if (items->n == items->cap) {
		size_t cap = items->cap ? 2 * items->cap : 256;
		struct item *v = reallocarray(items->v, cap, sizeof(*v));

		if (!v)
			return -ENOMEM;
		items->v = v;
		items->cap = cap;
	}
	item = &items->v[items->n++];
	*item = (struct item){.package = d->package.number,
	    .at = d->names.len,
	    .name_len = (uint32_t)l->name.len,
	    .version_len = (uint32_t)l->version.len,
	    .architecture_len = (uint32_t)l->architecture.len,
	    .component = g->component,
	    .kind = g->kind};
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		(void)buf_add_span(&d->names, parts[i]);
	return d->names.failed ? -ENOMEM : 0;
}

static int
add_items(struct diff *d, struct group *g, enum side side)
{
	const struct diff_numbers *only = &g->only[side];
	int r = 0;

	for (size_t i = 0; i < only->n && r >= 0; i++) {
		r = package_light(d->t, only->v[i].package, &d->package);
		if (r < 0)
			break;
		if (!index_architecture_wanted(
			d->opts->architectures, d->package.light.architecture))
			continue;
		r = is_gone(d, g, side, &only->v[i]);
		if (r > 0)
			r = add_item(d, side, g);
	}
	return r < 0 ? r : 0;
}

static int
add_group(struct diff *d, uint32_t component, enum package_kind kind)
{
	CLEANUP(group_release)
	struct group g = {.component = component, .kind = kind};
	const char *name = d->components.v[component];
	int r = find_lists(d, OLD, &g, name);

	if (r == 0)
		r = find_lists(d, NEW, &g, name);
	if (r == 0)
		r = diff_numbers(d->t, &g.lists[OLD], &g.lists[NEW],
		    &g.only[OLD], &g.only[NEW]);
	if (r == 0)
		r = add_items(d, &g, OLD);
	return r < 0 ? r : add_items(d, &g, NEW);
}

static int
add_groups(struct diff *d)
{
	int r = 0;

	for (size_t side = 0; side < SIDES; side++)
		for (size_t i = 0; i < d->states[side]->nlists; i++) {
			struct span c =
			    span_of(component_of(&d->states[side]->lists[i]));

			if (!strs_has(&d->components, c) &&
			    strs_add(&d->components, c) < 0)
				return -ENOMEM;
		}
	strs_sort(&d->components);
	for (uint32_t i = 0; i < d->components.n && r == 0; i++)
		for (unsigned k = PACKAGE_BINARY; k <= PACKAGE_UDEB && r == 0;
		     k++)
			r = add_group(d, i, (enum package_kind)k);
	return r;
}

/* Pairing. */

static struct span
name_of(const struct diff *d, const struct item *i)
{
	return (struct span){d->names.ptr + i->at, i->name_len};
}

static struct span
version_of(const struct diff *d, const struct item *i)
{
	return (struct span){
	    d->names.ptr + i->at + i->name_len, i->version_len};
}

static struct span
architecture_of(const struct diff *d, const struct item *i)
{
	return (struct span){
	    d->names.ptr + i->at + i->name_len + i->version_len,
	    i->architecture_len};
}

static int
identity_cmp(const struct diff *d, const struct item *a, const struct item *b)
{
	int c = span_cmp(name_of(d, a), name_of(d, b));

	if (c == 0)
		c = span_cmp(architecture_of(d, a), architecture_of(d, b));
	return c != 0 ? c : (int)a->kind - (int)b->kind;
}

/* The order of versions, in which equal ones are the same text. */
static int
full_version_cmp(
    const struct diff *d, const struct item *a, const struct item *b)
{
	int c = version_cmp(version_of(d, a), version_of(d, b));

	return c != 0 ? c : span_cmp(version_of(d, a), version_of(d, b));
}

static int
item_cmp(const void *a, const void *b, void *arg)
{
	const struct item *x = a, *y = b;
	int c = identity_cmp(arg, x, y);

	if (c == 0)
		c = full_version_cmp(arg, x, y);
	if (c == 0 && x->component != y->component)
		c = x->component < y->component ? -1 : 1;
	if (c != 0 || x->package == y->package)
		return c;
	return x->package < y->package ? -1 : 1;
}

static int
add_row(struct diff *d, size_t old, size_t new)
{
	if (d->opts->only_matching && (old == NONE || new == NONE))
		return 0;
	if (d->nrows == d->rows_cap) {
		size_t cap = d->rows_cap ? 2 * d->rows_cap : 256;
		struct row *v = reallocarray(d->rows, cap, sizeof(*v));

		if (!v)
			return -ENOMEM;
		d->rows = v;
		d->rows_cap = cap;
	}
	d->rows[d->nrows++] = (struct row){old, new};
	return 0;
}

/* The items of one name, architecture and kind on each side. */
struct match {
	size_t from[SIDES], to[SIDES];
};

/* How strictly two items must be alike to be paired. */
enum likeness { SAME_COMPONENT, SAME_VERSION, SAME_NAME };

static int
likeness_cmp(const struct diff *d, enum likeness like, const struct item *a,
    const struct item *b)
{
	int c = like == SAME_NAME ? 0 : full_version_cmp(d, a, b);

	if (c != 0 || like != SAME_COMPONENT || a->component == b->component)
		return c;
	return a->component < b->component ? -1 : 1;
}

static int
pair_like(struct diff *d, const struct match *m, enum likeness like)
{
	struct item *old = d->items[OLD].v, *new = d->items[NEW].v;
	size_t i = m->from[OLD], k = m->from[NEW];

	while (i < m->to[OLD] && k < m->to[NEW]) {
		int c;

		if (old[i].paired) {
			i++;
			continue;
		}
		if (new[k].paired) {
			k++;
			continue;
		}
		c = likeness_cmp(d, like, &old[i], &new[k]);
		if (c == 0) {
			int r = add_row(d, i, k);

			if (r < 0)
				return r;
			old[i].paired = new[k].paired = true;
		}
		i += c <= 0;
		k += c >= 0;
	}
	return 0;
}

/* Pairs what has stayed in a component, whatever the version. */
static int
pair_component(struct diff *d, const struct match *m, uint32_t component)
{
	struct item *old = d->items[OLD].v, *new = d->items[NEW].v;
	size_t k = m->from[NEW];
	int r = 0;

	for (size_t i = m->from[OLD]; i < m->to[OLD] && r == 0; i++) {
		if (old[i].paired || old[i].component != component)
			continue;
		while (k < m->to[NEW] &&
		       (new[k].paired || new[k].component != component))
			k++;
		if (k == m->to[NEW])
			break;
		r = add_row(d, i, k);
		old[i].paired = new[k].paired = true;
	}
	return r;
}

static int
pair_match(struct diff *d, const struct match *m)
{
	int r = pair_like(d, m, SAME_COMPONENT);

	if (r == 0)
		r = pair_like(d, m, SAME_VERSION);
	for (uint32_t i = 0; i < d->components.n && r == 0; i++)
		r = pair_component(d, m, i);
	if (r == 0)
		r = pair_like(d, m, SAME_NAME);
	for (size_t i = m->from[OLD]; i < m->to[OLD] && r == 0; i++)
		if (!d->items[OLD].v[i].paired)
			r = add_row(d, i, NONE);
	for (size_t i = m->from[NEW]; i < m->to[NEW] && r == 0; i++)
		if (!d->items[NEW].v[i].paired)
			r = add_row(d, NONE, i);
	return r;
}

/* The first item of either side that has not been matched; NULL: none. */
static const struct item *
next_item(const struct diff *d, const size_t from[SIDES])
{
	const struct item *next = NULL;

	for (size_t i = 0; i < SIDES; i++) {
		const struct items *items = &d->items[i];

		if (from[i] < items->n &&
		    (!next || identity_cmp(d, &items->v[from[i]], next) < 0))
			next = &items->v[from[i]];
	}
	return next;
}

static size_t
match_end(const struct diff *d, const struct items *items, size_t from,
    const struct item *like)
{
	while (from < items->n && identity_cmp(d, &items->v[from], like) == 0)
		from++;
	return from;
}

static int
pair_all(struct diff *d)
{
	struct match m = {0};
	const struct item *next;
	int r = 0;

	for (size_t i = 0; i < SIDES; i++)
		if (d->items[i].n > 1)
			qsort_r(d->items[i].v, d->items[i].n,
			    sizeof(*d->items[i].v), item_cmp, d);
	while (r == 0 && (next = next_item(d, m.from)) != NULL) {
		for (size_t i = 0; i < SIDES; i++)
			m.to[i] = match_end(d, &d->items[i], m.from[i], next);
		r = pair_match(d, &m);
		memcpy(m.from, m.to, sizeof(m.from));
	}
	return r;
}

/* Showing. */

static const struct item *
row_item(const struct diff *d, const struct row *row)
{
	return row->old != NONE ? &d->items[OLD].v[row->old]
				: &d->items[NEW].v[row->new];
}

static int
row_cmp(const void *a, const void *b, void *arg)
{
	const struct diff *d = arg;
	const struct item *x = row_item(d, a), *y = row_item(d, b);
	int c = span_cmp(name_of(d, x), name_of(d, y));

	if (c == 0)
		c = full_version_cmp(d, x, y);
	if (c == 0)
		c = identity_cmp(d, x, y);
	if (c == 0)
		c = (int)x->component - (int)y->component;
	if (c != 0 || x->package == y->package)
		return c;
	return x->package < y->package ? -1 : 1;
}

static int
show_row(const struct diff *d, const struct row *r, diff_fn *fn, void *arg)
{
	const struct item *item = row_item(d, r);
	struct diff_row row = {.change = DIFF_CHANGED,
	    .kind = item->kind,
	    .name = name_of(d, item),
	    .architecture = architecture_of(d, item)};

	if (r->old != NONE) {
		item = &d->items[OLD].v[r->old];
		row.old_version = version_of(d, item);
		row.old_component = d->components.v[item->component];
		row.old_package = item->package;
	} else
		row.change = DIFF_ADDED;
	if (r->new != NONE) {
		item = &d->items[NEW].v[r->new];
		row.new_version = version_of(d, item);
		row.new_component = d->components.v[item->component];
		row.new_package = item->package;
	} else
		row.change = DIFF_REMOVED;
	return fn(&row, arg);
}

int
diff_new(struct txn *t, const struct state *old, const struct state *new,
    const struct diff_opts *opts, struct diff **ret)
{
	CLEANUP(diff_cleanup) struct diff *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return -ENOMEM;
	d->t = t;
	d->opts = opts;
	d->states[OLD] = old;
	d->states[NEW] = new;
	r = add_groups(d);
	/* It is the transaction's. */
	package_release(&d->package);
	if (r == 0)
		r = pair_all(d);
	if (r < 0)
		return r == -ENOENT ? -EIO : r;
	if (d->nrows > 1)
		qsort_r(d->rows, d->nrows, sizeof(*d->rows), row_cmp, d);
	*ret = TAKE(d);
	return 0;
}

int
diff_each(const struct diff *d, diff_fn *fn, void *arg)
{
	int r = 0;

	for (size_t i = 0; i < d->nrows && r == 0; i++)
		r = show_row(d, &d->rows[i], fn, arg);
	return r;
}

int
diff_states(struct txn *t, const struct state *old, const struct state *new,
    const struct diff_opts *opts)
{
	CLEANUP(diff_cleanup) struct diff *d = NULL;
	int r = diff_new(t, old, new, opts, &d);

	return r < 0 ? r : diff_each(d, opts->fn, opts->arg);
}
