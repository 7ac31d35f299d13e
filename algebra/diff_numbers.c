#include "algebra/diff_numbers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/bits.h"
#include "store/list.h"

void
diff_numbers_release(struct diff_numbers *d)
{
	free(d->v);
	*d = (struct diff_numbers){0};
}

/* Runs of a list, sorted; or packages, as they stand. */
struct runs {
	uint64_t *v;
	size_t n;
};

static void
runs_release(struct runs *r)
{
	free(r->v);
	*r = (struct runs){0};
}

static int
number_cmp(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* No list: no runs. */
static int
load_runs(struct txn *t, const struct state_list *sl, struct runs *ret)
{
	CLEANUP(list_release) struct list l = {0};
	int r;

	if (!sl)
		return 0;
	r = list_load(t, sl->list, &l);
	if (r < 0)
		return r;
	ret->v = calloc(l.nruns + 1, sizeof(*ret->v));
	if (!ret->v)
		return -ENOMEM;
	for (size_t i = 0; i < l.nruns; i++)
		ret->v[i] = l.runs[i].run;
	ret->n = l.nruns;
	qsort(ret->v, ret->n, sizeof(*ret->v), number_cmp);
	return 0;
}

/* Loads the packages of the runs that only one has: numbers, as they stand and
 * as a set. */
static int
load_packages(struct txn *t, const struct runs *runs, const struct runs *other,
    struct runs *ret, struct bits *ret_set)
{
	struct run_packages packages = {0};
	size_t k = 0, cap = 0;
	int r = 0;

	for (size_t i = 0; i < runs->n && r >= 0; i++) {
		while (k < other->n && other->v[k] < runs->v[i])
			k++;
		if (k < other->n && other->v[k] == runs->v[i])
			continue;
		r = run_load(t, runs->v[i], &packages);
		if (r == 0 && ret->n + packages.n > cap) {
			uint64_t *v;

			cap = 2 * (ret->n + packages.n);
			v = reallocarray(ret->v, cap, sizeof(*v));
			if (!v)
				r = -ENOMEM;
			else
				ret->v = v;
		}
		for (size_t j = 0; j < packages.n && r >= 0; j++) {
			r = bits_set(ret_set, packages.v[j]);
			/* A list that has one twice counts once. */
			if (r > 0)
				ret->v[ret->n++] = packages.v[j];
		}
	}
	run_packages_release(&packages);
	return r < 0 ? r : 0;
}

static int
add(struct diff_numbers *d, uint64_t package, size_t list)
{
	if (d->n == d->cap) {
		size_t cap = d->cap ? 2 * d->cap : 256;
		struct diff_number *v = reallocarray(d->v, cap, sizeof(*v));

		if (!v)
			return -ENOMEM;
		d->v = v;
		d->cap = cap;
	}
	d->v[d->n++] = (struct diff_number){
	    .package = package, .lists = 1, .first = (uint32_t)list};
	return 0;
}

/* Adds those that the other side's list lacks. */
static int
add_missing(struct diff_numbers *d, const struct runs *packages,
    const struct bits *other, size_t list)
{
	int r = 0;

	for (size_t i = 0; i < packages->n && r == 0; i++)
		if (!bits_has(other, packages->v[i]))
			r = add(d, packages->v[i], list);
	return r;
}

/* What the lists for one architecture have, either of which may be missing. */
struct pair {
	const struct state_list *a, *b;
	size_t index_a, index_b;
};

/* What add_pair() reads of both. */
struct reading {
	struct runs runs[2], packages[2];
	struct bits sets[2];
};

static void
reading_release(struct reading *r)
{
	for (size_t i = 0; i < 2; i++) {
		runs_release(&r->runs[i]);
		runs_release(&r->packages[i]);
		bits_release(&r->sets[i]);
	}
}

static int
add_pair(struct txn *t, const struct pair *p, struct diff_numbers *a,
    struct diff_numbers *b)
{
	CLEANUP(reading_release) struct reading x = {0};
	int r;

	if (p->a && p->b && p->a->list == p->b->list)
		return 0;
	r = load_runs(t, p->a, &x.runs[0]);
	if (r == 0)
		r = load_runs(t, p->b, &x.runs[1]);
	for (size_t i = 0; i < 2 && r == 0; i++)
		r = load_packages(
		    t, &x.runs[i], &x.runs[1 - i], &x.packages[i], &x.sets[i]);
	if (r == 0)
		r = add_missing(a, &x.packages[0], &x.sets[1], p->index_a);
	if (r == 0)
		r = add_missing(b, &x.packages[1], &x.sets[0], p->index_b);
	return r;
}

static int
entry_cmp(const void *a, const void *b)
{
	const struct diff_number *x = a, *y = b;

	if (x->package != y->package)
		return x->package < y->package ? -1 : 1;
	return (x->first > y->first) - (x->first < y->first);
}

/* One entry for each package. */
static void
unite(struct diff_numbers *d)
{
	size_t n = 0;

	if (d->n > 1)
		qsort(d->v, d->n, sizeof(*d->v), entry_cmp);
	for (size_t i = 0; i < d->n; i++) {
		struct diff_number *last = n > 0 ? &d->v[n - 1] : NULL;

		if (!last || last->package != d->v[i].package)
			d->v[n++] = d->v[i];
		else
			last->lists++;
	}
	d->n = n;
}

/* Takes away what both have, wherever. */
static void
cancel(struct diff_numbers *a, struct diff_numbers *b)
{
	size_t i = 0, k = 0, na = 0, nb = 0;

	while (i < a->n && k < b->n) {
		uint64_t x = a->v[i].package, y = b->v[k].package;

		if (x < y)
			a->v[na++] = a->v[i];
		if (y < x)
			b->v[nb++] = b->v[k];
		i += x <= y;
		k += y <= x;
	}
	while (i < a->n)
		a->v[na++] = a->v[i++];
	while (k < b->n)
		b->v[nb++] = b->v[k++];
	a->n = na;
	b->n = nb;
}

static size_t
find(const struct diff_lists *lists, const char *architecture)
{
	size_t i = 0;

	while (i < lists->n &&
	       strcmp(lists->v[i]->architecture, architecture) != 0)
		i++;
	return i;
}

int
diff_numbers(struct txn *t, const struct diff_lists *a,
    const struct diff_lists *b, struct diff_numbers *only_a,
    struct diff_numbers *only_b)
{
	int r = 0;

	for (size_t i = 0; i < a->n && r == 0; i++) {
		size_t k = find(b, a->v[i]->architecture);
		struct pair p = {a->v[i], k < b->n ? b->v[k] : NULL, i, k};

		r = add_pair(t, &p, only_a, only_b);
	}
	for (size_t k = 0; k < b->n && r == 0; k++) {
		struct pair p = {NULL, b->v[k], 0, k};

		if (find(a, b->v[k]->architecture) == a->n)
			r = add_pair(t, &p, only_a, only_b);
	}
	if (r < 0)
		return r == -ENOENT ? -EIO : r;
	unite(only_a);
	unite(only_b);
	/* Lists of other architectures may have it. */
	cancel(only_a, only_b);
	return 0;
}
