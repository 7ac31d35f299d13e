#include "fs/archive_pool.h"

#include <errno.h>

struct pool_walk {
	struct txn *t;
	package_read_fn *read;
	struct package package;
	struct run_packages packages;
	/* Run numbers by hash; 0 is free. */
	uint64_t *seen;
	size_t nseen, seen_cap;
};

int
pool_walk_new(struct txn *t, package_read_fn *read, struct pool_walk **ret)
{
	struct pool_walk *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->t = t;
	w->read = read;
	*ret = w;
	return 0;
}

void
pool_walk_free(struct pool_walk *w)
{
	if (!w)
		return;
	package_release(&w->package);
	run_packages_release(&w->packages);
	free(w->seen);
	free(w);
}

static uint64_t *
seen_slot(const struct pool_walk *w, uint64_t run)
{
	size_t i = (run * UINT64_C(0x9e3779b97f4a7c15) >> 32);

	for (;; i++) {
		uint64_t *slot = &w->seen[i & (w->seen_cap - 1)];

		if (*slot == run || *slot == 0)
			return slot;
	}
}

static int
seen_grow(struct pool_walk *w)
{
	uint64_t *old = w->seen;
	size_t old_cap = w->seen_cap, cap = old_cap ? old_cap * 2 : 1024;
	uint64_t *v = calloc(cap, sizeof(*v));

	if (!v)
		return -ENOMEM;
	w->seen = v;
	w->seen_cap = cap;
	for (size_t i = 0; i < old_cap; i++)
		if (old[i] != 0)
			*seen_slot(w, old[i]) = old[i];
	free(old);
	return 0;
}

/* 1 where the run was seen before, else 0. */
static int
see(struct pool_walk *w, uint64_t run)
{
	uint64_t *slot;

	if (w->nseen * 2 >= w->seen_cap) {
		int r = seen_grow(w);

		if (r < 0)
			return r;
	}
	slot = seen_slot(w, run);
	if (*slot == run)
		return 1;
	*slot = run;
	w->nseen++;
	return 0;
}

static int
walk_run(struct pool_walk *w, uint64_t run, list_each_fn *fn, void *arg)
{
	int r = run_load(w->t, run, &w->packages);

	for (size_t i = 0; r == 0 && i < w->packages.n; i++) {
		r = w->read(w->t, w->packages.v[i], &w->package);
		if (r == 0)
			r = fn(&w->package, arg);
	}
	return r;
}

int
pool_walk_list(
    struct pool_walk *w, uint64_t list, bool once, list_each_fn *fn, void *arg)
{
	CLEANUP(list_release) struct list l = {0};
	int r = list_load(w->t, list, &l);

	for (size_t i = 0; r == 0 && i < l.nruns; i++) {
		int seen = once ? see(w, l.runs[i].run) : 0;

		if (seen < 0)
			return seen;
		if (seen == 0)
			r = walk_run(w, l.runs[i].run, fn, arg);
	}
	return r;
}

int
pool_walk_state(
    struct pool_walk *w, const struct state *s, list_each_fn *fn, void *arg)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->nlists; i++)
		r = pool_walk_list(w, s->lists[i].list, true, fn, arg);
	return r;
}
