#include "algebra/search.h"

#include <errno.h>
#include <stdlib.h>

#include "algebra/closure.h"
#include "algebra/index_plan.h"
#include "base/version.h"
#include "store/list.h"

/* Between two times that pages are given back. */
#define TRIM_RUNS     256
#define TRIM_PACKAGES 4096

/* Name, version and architecture make up a file name: no one of them is
 * longer. */
struct hit {
	uint64_t package;
	uint32_t at;			     /* in keys */
	uint8_t name, version, architecture; /* bytes */
	uint8_t kind;
};

struct search {
	struct search_opts opts;
	struct query_run *run;
	struct bits lists, runs, packages; /* that were looked at */
	struct bits found;
	struct run_packages scratch;
	struct package package;
	/* In order. */
	struct hit *hits;
	size_t n, cap;
	struct buf keys;
};

void
search_free(struct search *s)
{
	if (!s)
		return;
	query_run_free(s->run);
	bits_release(&s->lists);
	bits_release(&s->runs);
	bits_release(&s->packages);
	bits_release(&s->found);
	run_packages_release(&s->scratch);
	package_release(&s->package);
	free(s->hits);
	buf_release(&s->keys);
	free(s);
}

int
search_new(
    struct store *store, const struct search_opts *opts, struct search **ret)
{
	CLEANUP(search_cleanup) struct search *s = calloc(1, sizeof(*s));
	int r = s ? query_run_new(store, opts->query, &s->run) : -ENOMEM;

	if (r < 0)
		return r;
	s->opts = *opts;
	*ret = TAKE(s);
	return 0;
}

/* What a list names must be there. */
static int
cannot_read(int r, struct error *err)
{
	r = r == -ENOENT ? -EIO : r;
	return error_sys(err, r, "cannot read packages");
}

static int
add_package(struct search *s, struct txn *t, uint64_t number, struct error *err)
{
	struct span architecture;
	int r = package_light(t, number, &s->package);

	if (r < 0)
		return cannot_read(r, err);
	architecture = s->package.light.architecture;
	if (!index_architecture_wanted(s->opts.architectures, architecture))
		return 0;
	r = query_match(s->run, t, &s->package, err);
	if (r > 0)
		r = bits_set(&s->found, number);
	return r < 0 ? r : 0;
}

static int
add_run(struct search *s, struct txn *t, uint64_t run, struct error *err)
{
	int r = bits_set(&s->runs, run);

	if (r > 0)
		r = run_load(t, run, &s->scratch);
	else if (r == 0)
		return 0;
	if (r < 0)
		return cannot_read(r, err);
	for (size_t i = 0; i < s->scratch.n; i++) {
		r = bits_set(&s->packages, s->scratch.v[i]);
		if (r > 0)
			r = add_package(s, t, s->scratch.v[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int
add_list(struct search *s, struct txn *t, uint64_t number, struct error *err)
{
	CLEANUP(list_release) struct list l = {0};
	int r = bits_set(&s->lists, number);

	if (r > 0)
		r = list_load(t, number, &l);
	if (r < 0)
		return cannot_read(r, err);
	for (size_t i = 0; i < l.nruns && r >= 0; i++) {
		r = add_run(s, t, l.runs[i].run, err);
		if (i % TRIM_RUNS == TRIM_RUNS - 1)
			txn_trim(t);
	}
	return r < 0 ? r : 0;
}

int
search_add_state(struct search *s, struct txn *t, const struct state *state,
    struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < state->nlists && r == 0; i++) {
		const struct state_list *l = &state->lists[i];
		struct span architecture = span_of(l->architecture);

		/* The list of a flat archive has packages of any. */
		if (architecture.len == 0 ||
		    index_architecture_wanted(
			s->opts.architectures, architecture))
			r = add_list(s, t, l->list, err);
	}
	return r;
}

int
search_add_deps(struct search *s, struct txn *t, const struct state *state,
    struct error *err)
{
	struct closure_opts opts = {
	    .architectures = s->opts.architectures, .from = &state, .nfrom = 1};

	return closure_add(t, &opts, &s->found, err);
}

const struct bits *
search_packages(const struct search *s)
{
	return &s->found;
}

static struct search_hit
hit_of(const struct search *s, const struct hit *h)
{
	struct search_hit ret = {
	    .package = h->package, .kind = (enum package_kind)h->kind};
	const char *at = s->keys.ptr + h->at;

	ret.name = (struct span){at, h->name};
	ret.version = (struct span){at + h->name, h->version};
	ret.architecture =
	    (struct span){at + h->name + h->version, h->architecture};
	return ret;
}

static int
in_order(const void *a, const void *b, void *arg)
{
	struct search_hit x = hit_of(arg, a), y = hit_of(arg, b);
	int r = span_cmp(x.name, y.name);

	if (r == 0)
		r = version_cmp(y.version, x.version);
	/* "1.0" and "0:1.0" are the same version. */
	if (r == 0)
		r = span_cmp(x.version, y.version);
	if (r == 0)
		r = span_cmp(x.architecture, y.architecture);
	if (r == 0)
		r = (x.package > y.package) - (x.package < y.package);
	return r;
}

static int
add_hit(struct search *s, uint64_t number, const struct light *l)
{
	struct hit *h;

	if (s->keys.len > UINT32_MAX || l->name.len > UINT8_MAX ||
	    l->version.len > UINT8_MAX || l->architecture.len > UINT8_MAX)
		return -E2BIG;
	if (s->n == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 256;

		h = reallocarray(s->hits, cap, sizeof(*h));
		if (!h)
			return -ENOMEM;
		s->hits = h;
		s->cap = cap;
	}
	h = &s->hits[s->n++];
	*h = (struct hit){number, (uint32_t)s->keys.len, (uint8_t)l->name.len,
	    (uint8_t)l->version.len, (uint8_t)l->architecture.len,
	    (uint8_t)l->kind};
	(void)buf_add_span(&s->keys, l->name); /* keys.failed tells */
	(void)buf_add_span(&s->keys, l->version);
	(void)buf_add_span(&s->keys, l->architecture);
	return s->keys.failed ? -ENOMEM : 0;
}

int
search_sort(struct search *s, struct txn *t, struct error *err)
{
	uint64_t number = bits_next(&s->found, 0);
	int r = 0;

	s->n = 0;
	buf_clear(&s->keys);
	for (; r == 0 && number != UINT64_MAX;
	     number = bits_next(&s->found, number + 1)) {
		r = package_light(t, number, &s->package);
		if (r == 0)
			r = add_hit(s, number, &s->package.light);
		if (s->n % TRIM_PACKAGES == 0)
			txn_trim(t);
	}
	if (r < 0)
		return cannot_read(r, err);
	if (s->n > 1)
		qsort_r(s->hits, s->n, sizeof(*s->hits), in_order, s);
	return 0;
}

size_t
search_count(const struct search *s)
{
	return s->n;
}

struct search_hit
search_at(const struct search *s, size_t i)
{
	return hit_of(s, &s->hits[i]);
}

bool
search_is_again(const struct search *s, size_t i)
{
	struct search_hit x, y;

	if (i == 0)
		return false;
	x = search_at(s, i - 1);
	y = search_at(s, i);
	return span_eq(x.name, y.name) && span_eq(x.version, y.version) &&
	       span_eq(x.architecture, y.architecture);
}
