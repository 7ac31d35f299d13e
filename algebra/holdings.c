#include "algebra/holdings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/list.h"
#include "store/state.h"

struct holding {
	struct holder holder; /* its name is owned */
	char *name;
	struct bits has; /* by index in numbers */
};

struct holdings {
	uint64_t *numbers; /* of the packages, ascending */
	size_t nnumbers;
	struct holding *v;
	size_t n;
};

struct finding {
	struct holdings *h;
	struct txn *t;
	const struct bits *packages;
	struct bits seen, useful; /* runs; those that have one of them */
	struct run_packages run;
	struct error *err;
};

void
holdings_free(struct holdings *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->n; i++) {
		free(h->v[i].name);
		bits_release(&h->v[i].has);
	}
	free(h->v);
	free(h->numbers);
	free(h);
}

static void
finding_release(struct finding *f)
{
	bits_release(&f->seen);
	bits_release(&f->useful);
	run_packages_release(&f->run);
}

/* The index of a package that is among them, found by bisecting. */
static size_t
index_of(const struct holdings *h, uint64_t package)
{
	size_t low = 0, high = h->nnumbers;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (h->numbers[middle] <= package)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static int
take_numbers(struct holdings *h, const struct bits *packages)
{
	uint64_t number;
	size_t n = 0;

	for (number = bits_next(packages, 0); number != UINT64_MAX;
	     number = bits_next(packages, number + 1))
		n++;
	h->numbers = calloc(n + 1, sizeof(*h->numbers));
	if (!h->numbers)
		return -ENOMEM;
	for (number = bits_next(packages, 0); number != UINT64_MAX;
	     number = bits_next(packages, number + 1))
		h->numbers[h->nnumbers++] = number;
	return 0;
}

static int
find_in_run(struct finding *f, uint64_t run, struct holding *ret)
{
	int r = bits_set(&f->seen, run);

	if (r < 0 || (r == 0 && !bits_has(&f->useful, run)))
		return r;
	r = run_load(f->t, run, &f->run);
	for (size_t i = 0; i < f->run.n && r >= 0; i++) {
		uint64_t package = f->run.v[i];

		if (!bits_has(f->packages, package))
			continue;
		r = bits_set(&ret->has, index_of(f->h, package));
		if (r >= 0)
			r = bits_set(&f->useful, run);
	}
	return r < 0 ? r : 0;
}

static int
find_in_state(struct finding *f, struct holding *ret)
{
	CLEANUP(state_release) struct state state = {0};
	int r = state_load(f->t, ret->holder.state, &state);

	for (size_t i = 0; i < state.nlists && r == 0; i++) {
		CLEANUP(list_release) struct list l = {0};

		r = list_load(f->t, state.lists[i].list, &l);
		for (size_t j = 0; j < l.nruns && r == 0; j++)
			r = find_in_run(f, l.runs[j].run, ret);
	}
	txn_trim(f->t);
	return r == -ENOENT ? -EIO : r;
}

static int
find_in(const struct holder *holder, void *arg)
{
	struct finding *f = arg;
	struct holdings *h = f->h;
	struct holding *v = reallocarray(h->v, h->n + 1, sizeof(*v));
	int r;

	if (!v)
		return -ENOMEM;
	h->v = v;
	v += h->n++;
	*v = (struct holding){.holder = *holder, .name = strdup(holder->name)};
	v->holder.name = v->name;
	if (!v->name)
		return -ENOMEM;
	r = find_in_state(f, v);
	return r < 0 ? error_sys(f->err, r, "cannot read what %s has", v->name)
		     : 0;
}

int
holdings_find(struct txn *t, const struct bits *packages, struct holdings **ret,
    struct error *err)
{
	CLEANUP(holdings_cleanup) struct holdings *h = calloc(1, sizeof(*h));
	CLEANUP(finding_release)
	struct finding f = {.h = h, .t = t, .packages = packages, .err = err};
	int r = h ? take_numbers(h, packages) : -ENOMEM;

	if (r == 0 && h->nnumbers > 0)
		r = holders_each(t, find_in, &f);
	if (r < 0)
		return r;
	*ret = TAKE(h);
	return 0;
}

int
holdings_each(
    const struct holdings *h, uint64_t package, holders_fn *fn, void *arg)
{
	size_t index = index_of(h, package);
	int r = 0;

	for (size_t i = 0; i < h->n && r == 0; i++)
		if (bits_has(&h->v[i].has, index))
			r = fn(&h->v[i].holder, arg);
	return r;
}
