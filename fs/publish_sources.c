#include "fs/publish_job.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/list.h"
#include "store/mirror.h"
#include "store/snapshot.h"
#include "store/text.h"
#include "store/txn.h"
#include "store/unknown.h"

static int
snapshot_state(
    struct txn *t, const char *name, uint64_t *ret, struct error *err)
{
	CLEANUP(snapshot_release) struct snapshot s = {0};
	int r = snapshot_load(t, name, &s);

	if (r < 0)
		return r == -ENOENT
			   ? unknown_name(t, UNKNOWN_SNAPSHOT, name, err)
			   : error_sys(err, r, "snapshot %s", name);
	*ret = s.state;
	return 0;
}

static int
mirror_state(struct txn *t, const char *name, uint64_t *ret, struct error *err)
{
	CLEANUP(mirror_release) struct mirror m = {0};
	int r = mirror_load(t, name, &m);

	if (r < 0)
		return r == -ENOENT ? unknown_name(t, UNKNOWN_MIRROR, name, err)
				    : error_sys(err, r, "mirror %s", name);
	if (m.state == 0)
		return error_set(
		    err, -ENOENT, "the mirror %s has never been updated", name);
	*ret = m.state;
	return 0;
}

int
publish_source_state(struct txn *t, enum source_kind kind, const char *name,
    uint64_t *ret, struct error *err)
{
	switch (kind) {
	case SOURCE_SNAPSHOT:
		return snapshot_state(t, name, ret, err);
	case SOURCE_MIRROR:
		return mirror_state(t, name, ret, err);
	default:
		return error_set(err, -EINVAL,
		    "only snapshots and mirrors can be published");
	}
}

static int
note_architecture(const struct package *p, void *arg)
{
	struct strs *found = arg;
	struct span a = p->light.architecture;

	if (span_eq(a, SPAN("all")) || strs_has(found, a))
		return 0;
	return strs_add(found, a);
}

/* Which architectures an index of a flat archive has packages of. */
static int
load_flat(struct txn *t, struct publish_source *src)
{
	for (size_t i = 0; i < src->state.nlists; i++) {
		const struct state_list *sl = &src->state.lists[i];
		CLEANUP(list_release) struct list l = {0};
		int r;

		if (sl->kind == PACKAGE_SOURCE)
			continue;
		r = list_load(t, sl->list, &l);
		if (r >= 0)
			r = list_each(
			    t, &l, note_architecture, &src->flat_architectures);
		if (r < 0)
			return r;
	}
	strs_sort(&src->flat_architectures);
	return 0;
}

static int
load_text(struct txn *t, struct publish_source *src, struct error *err)
{
	int r;

	if (src->state.listing == 0)
		return 0;
	r = text_get(t, src->state.listing, &src->text);
	if (r < 0)
		return error_sys(
		    err, r, "cannot read the Release of %s", src->name);
	r = release_parse(buf_span(&src->text), &src->release, err);
	if (r < 0)
		return error_prefix(err, r, "Release of %s", src->name);
	src->has_release = true;
	return 0;
}

static int
load_source(
    struct txn *t, const struct publish_job *j, size_t i, struct error *err)
{
	struct publish_source *src = &j->sources[i];
	uint64_t number = 0;
	int r;

	src->name = j->pub->sources.v[i];
	r = publish_source_state(t, j->pub->kind, src->name, &number, err);
	if (r < 0)
		return r;
	r = state_load(t, number, &src->state);
	if (r >= 0 && src->state.flat)
		r = load_flat(t, src);
	if (r < 0)
		return error_sys(err, r == -ENOENT ? -EIO : r,
		    "cannot read the state of %s", src->name);
	return load_text(t, src, err);
}

static int
number_cmp(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static bool
has_number(const uint64_t *v, size_t n, uint64_t number)
{
	return n > 0 && bsearch(&number, v, n, sizeof(*v), number_cmp);
}

bool
publish_known_run(const struct publish_job *j, uint64_t run)
{
	return has_number(j->known, j->nknown, run);
}

bool
publish_known_package(const struct publish_job *j, uint64_t package)
{
	return has_number(j->left, j->nleft, package);
}

/* Numbers being collected. */
struct numbers {
	uint64_t *v;
	size_t n;
};

static void
numbers_release(struct numbers *a)
{
	free(a->v);
}

static int
numbers_reserve(struct numbers *a, size_t more)
{
	uint64_t *v = reallocarray(a->v, a->n + more + 1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	a->v = v;
	return 0;
}

static void
numbers_sort(struct numbers *a)
{
	if (a->n > 1)
		qsort(a->v, a->n, sizeof(*a->v), number_cmp);
}

/* Adds the runs of all lists of a state. */
static int
add_runs(struct txn *t, const struct state *s, struct numbers *runs)
{
	int r = 0;

	for (size_t i = 0; i < s->nlists && r == 0; i++) {
		CLEANUP(list_release) struct list l = {0};

		r = list_load(t, s->lists[i].list, &l);
		if (r == 0)
			r = numbers_reserve(runs, l.nruns);
		for (size_t k = 0; r == 0 && k < l.nruns; k++)
			runs->v[runs->n++] = l.runs[k].run;
	}
	return r;
}

/* Finds the packages of runs that were published and have changed or gone. */
static int
load_left(struct txn *t, struct publish_job *j)
{
	CLEANUP(numbers_release) struct numbers now = {0};
	CLEANUP(numbers_release) struct numbers left = {0};
	CLEANUP(run_packages_release) struct run_packages run = {0};
	int r = 0;

	for (size_t i = 0; i < j->pub->sources.n && r == 0; i++)
		r = add_runs(t, &j->sources[i].state, &now);
	numbers_sort(&now);
	for (size_t i = 0; i < j->nknown && r == 0; i++) {
		if (has_number(now.v, now.n, j->known[i]))
			continue;
		r = run_load(t, j->known[i], &run);
		if (r == 0)
			r = numbers_reserve(&left, run.n);
		for (size_t k = 0; r == 0 && k < run.n; k++)
			left.v[left.n++] = run.v[k];
	}
	numbers_sort(&left);
	j->nleft = left.n;
	j->left = TAKE(left.v);
	return r;
}

/*
 * What a publication of our own serves has been looked at when it was made,
 * so that a switch looks only at what differs.  What a verbatim one serves
 * may have followed its mirror since.
 */
static int
load_old(struct txn *t, struct publish_job *j)
{
	CLEANUP(state_release) struct state s = {0};
	CLEANUP(numbers_release) struct numbers known = {0};
	int r;

	if (!j->old)
		return 0;
	r = state_load(t, j->old->state, &s);
	if (r < 0)
		return r;
	j->old_date = s.date;
	if (j->old->verbatim)
		return 0;
	r = add_runs(t, &s, &known);
	numbers_sort(&known);
	j->nknown = known.n;
	j->known = TAKE(known.v);
	return r < 0 ? r : load_left(t, j);
}

/* The distribution that is meant where none was given: the sources' suite. */
static int
default_distribution(struct publish_job *j, struct error *err)
{
	const struct state *first = &j->sources[0].state;

	if (j->pub->distribution)
		return 0;
	if (first->flat || !first->suite || first->suite[0] == '\0')
		return error_set(err, -EINVAL,
		    "%s has no suite: name the distribution with "
		    "--distribution=",
		    j->sources[0].name);
	for (size_t i = 1; i < j->pub->sources.n; i++) {
		const char *suite = j->sources[i].state.suite;

		if (!suite || strcmp(suite, first->suite) != 0)
			return error_set(err, -EINVAL,
			    "%s and %s are of different suites: name the "
			    "distribution with --distribution=",
			    j->sources[0].name, j->sources[i].name);
	}
	j->pub->distribution = strdup(first->suite);
	if (!j->pub->distribution)
		return error_sys(err, -ENOMEM, "cannot publish");
	return 0;
}

int
publish_sources_load(struct publish_job *j, struct error *err)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	int r = txn_read(j->store, &t, err);

	if (r < 0)
		return r;
	j->sources = calloc(j->pub->sources.n, sizeof(*j->sources));
	if (!j->sources)
		return error_sys(err, -ENOMEM, "cannot publish");
	for (size_t i = 0; i < j->pub->sources.n; i++) {
		r = load_source(t, j, i, err);
		if (r < 0)
			return r;
	}
	r = load_old(t, j);
	if (r < 0)
		return error_sys(
		    err, r, "cannot read the state that is published");
	return default_distribution(j, err);
}

void
publish_sources_free(struct publish_job *j)
{
	for (size_t i = 0; j->sources && i < j->pub->sources.n; i++) {
		struct publish_source *src = &j->sources[i];

		state_release(&src->state);
		strs_release(&src->flat_architectures);
		release_free(&src->release);
		buf_release(&src->text);
	}
	free(j->sources);
	free(j->known);
	free(j->left);
	j->sources = NULL;
	j->known = j->left = NULL;
	j->nknown = j->nleft = 0;
}
