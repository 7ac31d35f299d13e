/*
 * The pool of a prefix fitted together before.  Then a new state fits too,
 * unless a package that is new in it has a path that another one has: in the
 * state, in the other publications, or anywhere, which the index of paths tells
 * without a look at all the others.  What it can't settle is looked at in full
 * (archive_check_pool()), which also finds the words for it.
 */

#include "fs/publish_job.h"

#include <errno.h>
#include <stdlib.h>

#include "base/path.h"
#include "store/list.h"
#include "store/package.h"
#include "store/path_index.h"
#include "store/txn.h"

#define FRESH_MAX 8192 /* packages; more are better looked at in full */

/* A new package's file, or a directory above it. */
struct claim {
	uint32_t hash;
	bool is_dir;
	uint64_t package;
};

struct fresh {
	const struct publish_job *job;
	struct txn *t;
	uint64_t *packages; /* may repeat: they stand in several lists */
	size_t n, cap;
	struct claim *claims; /* sorted by hash */
	size_t nclaims, claims_cap;
	struct package package, other;
	struct run_packages run;
};

static void
fresh_release(struct fresh *f)
{
	free(f->packages);
	free(f->claims);
	package_release(&f->package);
	package_release(&f->other);
	run_packages_release(&f->run);
}

/* 1 where there are too many. */
static int
add_run(struct fresh *f, uint64_t run)
{
	int r = run_load(f->t, run, &f->run);

	for (size_t i = 0; r == 0 && i < f->run.n; i++) {
		if (publish_known_package(f->job, f->run.v[i]))
			continue;
		if (f->n == FRESH_MAX)
			return 1;
		f->packages[f->n++] = f->run.v[i];
	}
	return r;
}

static int
find_fresh(struct fresh *f, const struct state *s)
{
	int r = 0;

	f->packages = calloc(FRESH_MAX, sizeof(*f->packages));
	if (!f->packages)
		return -ENOMEM;
	for (size_t i = 0; i < s->nlists && r == 0; i++) {
		CLEANUP(list_release) struct list l = {0};

		r = list_load(f->t, s->lists[i].list, &l);
		for (size_t k = 0; r == 0 && k < l.nruns; k++)
			if (!publish_known_run(f->job, l.runs[k].run))
				r = add_run(f, l.runs[k].run);
	}
	return r;
}

static int
add_claim(struct fresh *f, struct span path, bool is_dir)
{
	if (f->nclaims == f->claims_cap) {
		size_t cap = f->claims_cap ? 2 * f->claims_cap : 4096;
		struct claim *v = reallocarray(f->claims, cap, sizeof(*v));

		if (!v)
			return -ENOMEM;
		f->claims = v;
		f->claims_cap = cap;
	}
	f->claims[f->nclaims++] =
	    (struct claim){path_hash(path), is_dir, f->package.number};
	return 0;
}

static int
add_claims(struct fresh *f, uint64_t number)
{
	const struct light *l = &f->package.light;
	int r = package_light(f->t, number, &f->package);

	for (size_t i = 0; r == 0 && i < l->nfiles; i++) {
		struct span path = path_strip_dot(l->files[i].path);
		struct span dir = path_dir(path);

		r = add_claim(f, path, false);
		for (; r == 0 && dir.len > 0; dir = path_dir(dir))
			r = add_claim(f, dir, true);
	}
	return r;
}

static int
claim_cmp(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	if (x->is_dir != y->is_dir)
		return x->is_dir ? 1 : -1;
	return x->package < y->package ? -1 : x->package > y->package;
}

/* Directories count once, whoever stands below them. */
static void
sort_claims(struct fresh *f)
{
	size_t n = 0;

	qsort(f->claims, f->nclaims, sizeof(*f->claims), claim_cmp);
	for (size_t i = 0; i < f->nclaims; i++) {
		const struct claim *c = &f->claims[i];
		const struct claim *last = n > 0 ? &f->claims[n - 1] : NULL;

		if (last && last->hash == c->hash &&
		    last->is_dir == c->is_dir &&
		    (c->is_dir || last->package == c->package))
			continue;
		f->claims[n++] = *c;
	}
	f->nclaims = n;
}

static size_t
first_claim(const struct fresh *f, uint32_t hash)
{
	size_t from = 0, to = f->nclaims;

	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (f->claims[mid].hash < hash)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

static bool
lights_agree(const struct light *a, const struct light *b)
{
	for (size_t i = 0; i < a->nfiles; i++) {
		for (size_t k = 0; k < b->nfiles; k++) {
			const struct package_file *x = &a->files[i];
			const struct package_file *y = &b->files[k];

			if (!span_eq(path_strip_dot(x->path),
				path_strip_dot(y->path)))
				continue;
			if (x->size != y->size ||
			    !digest_eq(&x->sha256, &y->sha256))
				return false;
		}
	}
	return true;
}

/* 1 where two packages may have a path, but not two contents there. */
static int
agree(struct fresh *f, uint64_t package, uint64_t other)
{
	int r = 0;

	if (package == other)
		return 1;
	r = package_light(f->t, package, &f->package);
	if (r == 0)
		r = package_light(f->t, other, &f->other);
	/* It has been removed since the index was made. */
	if (r < 0)
		return r == -ENOENT ? 1 : r;
	return lights_agree(&f->package.light, &f->other.light);
}

/* 1 ends the walk: something has to be looked at. */
static int
meets_claim(uint32_t hash, uint64_t package, void *arg)
{
	struct fresh *f = arg;

	for (size_t i = first_claim(f, hash);
	     i < f->nclaims && f->claims[i].hash == hash; i++) {
		const struct claim *c = &f->claims[i];
		bool is_dir = package == 0;
		int r;

		if (is_dir && c->is_dir)
			continue;
		if (is_dir || c->is_dir)
			return 1;
		r = agree(f, c->package, package);
		if (r <= 0)
			return r < 0 ? r : 1;
	}
	return 0;
}

int
publish_fresh_fits(const struct publish_job *j, struct txn *t, uint64_t state)
{
	CLEANUP(fresh_release) struct fresh f = {.job = j, .t = t};
	CLEANUP(state_release) struct state s = {0};
	int r;

	/* It was looked at as a whole when the old one was published. */
	if (j->nknown == 0 || j->pub->verbatim)
		return 0;
	r = state_load(t, state, &s);
	if (r == 0)
		r = find_fresh(&f, &s);
	if (r != 0)
		return r < 0 ? r : 0;
	for (size_t i = 0; i < f.n && r == 0; i++)
		r = add_claims(&f, f.packages[i]);
	if (r < 0 || f.nclaims == 0)
		return r < 0 ? r : 1;
	sort_claims(&f);
	r = path_index_each(t, meets_claim, &f);
	return r < 0 ? r : r == 0;
}
