#include "fs/publish_job.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/publish_seen.h"
#include "fs/rewrite.h"
#include "store/heavy.h"
#include "store/ingest.h"
#include "store/list.h"
#include "store/txn.h"

static bool
has_architecture(const struct publish_list *l, const struct light *light)
{
	return !l->split ||
	       span_eq(light->architecture, span_of(l->architecture)) ||
	       span_eq(light->architecture, SPAN("all"));
}

struct look {
	const struct publish_job *job;
	struct txn *t;
	struct run_packages packages;
	struct package package;
};

static void
look_release(struct look *k)
{
	txn_end(k->t);
	run_packages_release(&k->packages);
	package_release(&k->package);
}

/* 1 where a run can be served in l as it is; l may be NULL: any packages. */
static int
run_stands(struct look *k, uint64_t run, const struct publish_list *l)
{
	bool split = l && l->split;
	int r = run_load(k->t, run, &k->packages);

	for (size_t i = 0; r >= 0 && i < k->packages.n; i++) {
		if (!split && publish_known_package(k->job, k->packages.v[i]))
			continue;
		r = package_light(k->t, k->packages.v[i], &k->package);
		if (r < 0)
			break;
		if (rewrite_needed(&k->package.light) ||
		    (l && !has_architecture(l, &k->package.light)))
			return 0;
	}
	return r < 0 ? r : 1;
}

/* 1 where a whole list can be served in l as it is. */
static int
list_stands(struct look *k, uint64_t number, const struct publish_list *l)
{
	CLEANUP(list_release) struct list list = {0};
	int r = list_load(k->t, number, &list);

	for (size_t i = 0; r >= 0 && i < list.nruns; i++) {
		if (!(l && l->split) &&
		    publish_known_run(k->job, list.runs[i].run))
			continue;
		r = run_stands(k, list.runs[i].run, l);
		if (r == 0)
			return 0;
	}
	return r < 0 ? r : 1;
}

static int
stands(const struct publish_job *j, const struct publish_list *l,
    struct error *err)
{
	CLEANUP(look_release) struct look k = {.job = j};
	int r = txn_read(j->store, &k.t, err);

	if (r < 0)
		return r;
	r = list_stands(&k, l->inputs[0].list, l);
	return r < 0 ? error_sys(err, r, "cannot read the packages of %s",
			   j->sources[l->inputs[0].source].name)
		     : r;
}

/* A list put together from the stanzas of others. */
struct derive {
	struct publish_job *job;
	const struct publish_list *list;
	struct publish_input input; /* the one that is read */
	struct ingest *ingest;
	struct heavy *heavy;
	struct publish_seen seen;
	struct run_packages packages;
	struct package package, other;
	struct buf stanza;
	/* A run's stanzas, one after another, and where each ends. */
	struct buf text;
	size_t ends[RUN_MAX_PACKAGES];
	size_t n;
};

static void
derive_release(struct derive *d)
{
	ingest_free(d->ingest);
	heavy_free(d->heavy);
	publish_seen_release(&d->seen);
	run_packages_release(&d->packages);
	package_release(&d->package);
	package_release(&d->other);
	buf_release(&d->stanza);
	buf_release(&d->text);
}

static int
differ(const struct derive *d, size_t other_source, struct error *err)
{
	CLEANUP(buf_release) struct buf name = {0};
	const struct light *l = &d->package.light, *o = &d->other.light;
	char hex[DIGEST_HEX_SIZE], other_hex[DIGEST_HEX_SIZE];

	if (package_add_name(l, &name) < 0)
		return error_sys(err, -ENOMEM, "cannot publish");
	return error_set(err, -EEXIST,
	    "%s %s has %s with SHA256 %s, but %s %s has it with %s",
	    source_kind_name[d->job->pub->kind],
	    d->job->sources[other_source].name, name.ptr,
	    o->nfiles ? digest_hex(&o->files[0].sha256, other_hex) : "nothing",
	    source_kind_name[d->job->pub->kind],
	    d->job->sources[d->input.source].name,
	    l->nfiles ? digest_hex(&l->files[0].sha256, hex) : "nothing");
}

/*
 * 1 where the list has the package already: the same stanza, or another of
 * the same files, of which the first stays.  -EEXIST: with other files.
 */
static int
is_repeated(struct derive *d, struct txn *t, struct error *err)
{
	struct publish_seen_entry e = {
	    .package = d->package.number, .source = d->input.source};
	struct publish_seen_walk w =
	    publish_seen_begin(&d->seen, &d->package.light);
	const struct publish_seen_entry *o;
	int r;

	while ((o = publish_seen_next(&w)) != NULL) {
		if (o->package == e.package)
			return 1;
		r = package_light(t, o->package, &d->other);
		if (r < 0)
			return error_sys(err, r, "cannot read a package");
		if (!publish_seen_same(&d->package.light, &d->other.light))
			continue;
		if (publish_same_files(&d->package.light, &d->other.light))
			return 1;
		return differ(d, o->source, err);
	}
	r = publish_seen_add(&d->seen, &w, &e);
	return r < 0 ? error_sys(err, r, "cannot publish") : 0;
}

/* Adds the package's stanza to the run's. */
static int
read_stanza(struct derive *d, struct txn *t, struct error *err)
{
	const struct light *l = &d->package.light;
	const char *component = d->job->components.v[d->list->component];
	CLEANUP(buf_release) struct buf name = {0};
	int r;

	buf_clear(&d->stanza);
	r = heavy_stanza(d->heavy, t, d->package.number, &d->stanza);
	if (r < 0)
		return error_sys(err, r, "cannot read a package");
	if (!rewrite_needed(l)) {
		r = buf_add_span(&d->text, buf_span(&d->stanza));
	} else {
		r = rewrite_stanza(
		    buf_span(&d->stanza), l, component, &d->text);
	}
	if (r >= 0)
		return 0;
	(void)package_add_name(l, &name);
	return error_sys(err, r, "cannot give %s of %s a place in pool/",
	    name.ptr ? name.ptr : "a package",
	    d->job->sources[d->input.source].name);
}

static int
read_run(struct derive *d, uint64_t run, struct error *err)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	int r = txn_read(d->job->store, &t, err);

	if (r < 0)
		return r;
	d->n = 0;
	buf_clear(&d->text);
	r = run_load(t, run, &d->packages);
	if (r >= 0 && d->packages.n > RUN_MAX_PACKAGES)
		r = -EIO;
	for (size_t i = 0; r >= 0 && i < d->packages.n; i++) {
		r = package_light(t, d->packages.v[i], &d->package);
		if (r < 0)
			break;
		if (!has_architecture(d->list, &d->package.light))
			continue;
		r = is_repeated(d, t, err);
		if (r == 0)
			r = read_stanza(d, t, err);
		else if (r > 0)
			continue;
		if (r < 0)
			return r;
		d->ends[d->n++] = d->text.len;
	}
	return r < 0 ? error_sys(err, r, "cannot read a run") : 0;
}

static int
add_run(struct derive *d, uint64_t run, struct error *err)
{
	size_t begin = 0;
	int r = read_run(d, run, err);

	for (size_t i = 0; r >= 0 && i < d->n; i++) {
		struct span stanza = {d->text.ptr + begin, d->ends[i] - begin};

		r = ingest_stanza(d->ingest, stanza, 1, err);
		begin = d->ends[i];
	}
	return r;
}

static int
load_input(const struct derive *d, struct list *ret, struct error *err)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	int r = txn_read(d->job->store, &t, err);

	if (r < 0)
		return r;
	r = list_load(t, d->input.list, ret);
	return r < 0 ? error_sys(err, r, "cannot read the packages of %s",
			   d->job->sources[d->input.source].name)
		     : 0;
}

static int
add_input(struct derive *d, struct error *err)
{
	CLEANUP(list_release) struct list l = {0};
	struct progress *p = d->job->opts->progress;
	int r = load_input(d, &l, err);

	if (r < 0)
		return r;
	progress_expect(p, l.bytes, 0);
	for (size_t i = 0; i < l.nruns; i++) {
		r = add_run(d, l.runs[i].run, err);
		if (r < 0)
			return r;
		progress_add(p, list_run_bytes(&l, i), 0);
	}
	return 0;
}

static int
derive(struct publish_job *j, struct publish_list *l, struct error *err)
{
	CLEANUP(derive_release) struct derive d = {.job = j, .list = l};
	struct ingest_result result;
	int r = heavy_new(j->store, &d.heavy);

	if (r < 0)
		return error_sys(err, r, "cannot publish");
	r = ingest_new(j->store, l->kind, &d.ingest, err);
	if (r < 0)
		return r;
	if (l->ninputs > 0)
		progress_stage(j->opts->progress, "arranging", 0, 0);
	for (size_t i = 0; i < l->ninputs; i++) {
		d.input = l->inputs[i];
		r = add_input(&d, err);
		if (r < 0)
			return r;
	}
	if (l->ninputs > 0)
		progress_end(j->opts->progress);
	r = ingest_end(d.ingest, &result, err);
	if (r < 0)
		return r;
	l->list = result.list;
	return 0;
}

int
publish_lists_make(struct publish_job *j, struct error *err)
{
	for (size_t i = 0; i < j->nlists; i++) {
		struct publish_list *l = &j->lists[i];
		int r = l->ninputs == 1 ? stands(j, l, err) : 0;

		if (r > 0)
			l->list = l->inputs[0].list;
		else if (r == 0)
			r = derive(j, l, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int
publish_lists_in_pool(
    struct publish_job *j, const struct state *s, struct error *err)
{
	CLEANUP(look_release) struct look k = {.job = j};
	int r = txn_read(j->store, &k.t, err);

	for (size_t i = 0; r >= 0 && i < s->nlists; i++) {
		r = list_stands(&k, s->lists[i].list, NULL);
		if (r == 0)
			return error_set(err, -EINVAL,
			    "%s has files outside pool/ and can't be published "
			    "verbatim: see snapshots/ and mirrors/ in the "
			    "mount, or publish it with a Release of your own",
			    j->sources[0].name);
		if (r < 0)
			return error_sys(err, r, "cannot read packages");
	}
	return r < 0 ? r : 0;
}
