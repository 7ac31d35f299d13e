#include "fs/publish.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "fs/publish_job.h"
#include "store/hold.h"
#include "store/list.h"
#include "store/txn.h"
#include "store/unknown.h"

#define TRIES 3 /* where another process publishes at the same time */

void
publish_job_release(struct publish_job *j)
{
	publish_sources_free(j);
	publish_plan_free(j);
	state_release(&j->state);
	buf_release(&j->release);
	buf_release(&j->in_release);
	buf_release(&j->release_gpg);
	for (size_t i = 0; i < j->nkeys; i++) {
		free(j->keys[i].fingerprint);
		buf_release(&j->keys[i].bytes);
	}
	free(j->keys);
	j->keys = NULL;
	j->nkeys = 0;
}

static int
put_state(struct txn *t, void *arg, struct error *err)
{
	int r = state_put(t, arg);

	return r < 0 ? error_sys(err, r, "cannot store a state") : 0;
}

/* The pool's check, in a thread of its own. */
struct check {
	struct publish_job *job;
	struct error err;
	int r;
};

static void *
check_pool(void *arg)
{
	struct check *c = arg;

	c->r = publish_check_pool(c->job, c->job->state.number, &c->err);
	return NULL;
}

/* The search for the keys, likewise. */
struct key_search {
	struct publish_job *job;
	struct signer *signer;
	struct error err;
	int r;
};

static void *
find_keys(void *arg)
{
	struct key_search *s = arg;
	const struct publication *p = s->job->pub;

	s->r = signer_new(&p->keys, p->passphrase_file, &s->signer, &s->err);
	if (s->r >= 0)
		s->r = publish_keys(s->job, s->signer, &s->err);
	return NULL;
}

/*
 * Makes the Release while the pool is checked: neither needs the other, and
 * both take long.  Nobody is asked for a passphrase before both are good.  For
 * the check the state is stored without its Release; nothing ever refers to
 * that.
 */
static int
check_and_make_release(struct publish_job *j, struct error *err)
{
	struct check c = {.job = j};
	pthread_t thread;
	int r = store_write(j->store, put_state, &j->state, err);

	if (r < 0)
		return r;
	r = pthread_create(&thread, NULL, check_pool, &c);
	if (r != 0)
		return error_sys(err, -r, "cannot start a thread");
	r = publish_release(j, err);
	(void)pthread_join(thread, NULL);
	if (c.r < 0) {
		if (err)
			*err = c.err;
		return c.r;
	}
	return r;
}

static int
fill_made_of(struct publish_job *j, struct error *err)
{
	struct publication *p = j->pub;
	uint64_t *v = calloc(p->sources.n, sizeof(*v));

	if (!v)
		return error_sys(err, -ENOMEM, "cannot publish");
	for (size_t i = 0; i < p->sources.n; i++)
		v[i] = j->sources[i].state.number;
	free(p->made_of);
	p->made_of = v;
	p->nmade_of = p->sources.n;
	p->updated = j->opts->now;
	if (!p->created)
		p->created = p->updated;
	return 0;
}

/* The ways to a state. */

static int
count_packages(struct publish_job *j, const struct state *s, struct error *err)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	int r = txn_read(j->store, &t, err);

	for (size_t i = 0; r >= 0 && i < s->nlists; i++) {
		CLEANUP(list_release) struct list l = {0};

		r = list_load(t, s->lists[i].list, &l);
		if (r < 0)
			return error_sys(err, r, "cannot read a list");
		j->result.packages += l.packages;
	}
	return r < 0 ? r : 0;
}

/* Upstream's own state and Release. */
static int
make_verbatim(struct publish_job *j, struct error *err)
{
	const struct publish_source *src = &j->sources[0];
	const struct state *s = &src->state;
	int r;

	if (s->flat)
		return error_set(err, -EINVAL,
		    "%s is a flat archive and can't be published verbatim: see "
		    "snapshots/ and mirrors/ in the mount",
		    src->name);
	if (!src->has_release || s->origin == 0)
		return error_set(err, -EINVAL,
		    "%s has no Release of upstream's to publish verbatim%s",
		    src->name,
		    s->origin == 0 ? ": it is filtered, or made of others"
				   : "");
	r = publish_lists_in_pool(j, s, err);
	if (r >= 0)
		r = publish_check_pool(j, s->number, err);
	if (r >= 0)
		r = count_packages(j, s, err);
	if (r < 0)
		return r;
	j->pub->state = s->number;
	j->result.indexes = (unsigned)src->release.nfiles;
	j->result.date = s->date;
	if (j->old && s->date < j->old_date)
		(void)snprintf(j->result.note, sizeof(j->result.note),
		    "the Release of %s is older than the one that stood here: "
		    "apt keeps what it has and does not say so",
		    src->name);
	return 0;
}

/* What is to be signed. */
static int
make_release(struct publish_job *j, struct error *err)
{
	int r = publish_lists_make(j, err);

	if (r >= 0)
		r = publish_state(j, err);
	return r < 0 ? r : check_and_make_release(j, err);
}

/*
 * A Release of our own.  gpg takes its time to name its keys, so it does that
 * while the Release is made.
 */
static int
make_signed(struct publish_job *j, struct error *err)
{
	struct key_search search = {.job = j};
	pthread_t thread;
	int r = publish_plan(j, err);

	if (r < 0 || j->pub->skip_signing)
		return r < 0 ? r : make_release(j, err);
	r = pthread_create(&thread, NULL, find_keys, &search);
	if (r != 0)
		return error_sys(err, -r, "cannot start a thread");
	r = make_release(j, err);
	(void)pthread_join(thread, NULL);
	/* No key is wrong usage, and told first. */
	if (search.r < 0) {
		if (err)
			*err = search.err;
		r = search.r;
	}
	if (r >= 0)
		r = publish_sign(j, search.signer, err);
	signer_free(search.signer);
	return r;
}

/* -EEXIST where a new publication's place is taken. */
static int
check_free(struct publish_job *j, struct error *err)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	CLEANUP(publication_release) struct publication there = {0};
	const struct publication *p = j->pub;
	int r = txn_read(j->store, &t, err);

	if (r < 0)
		return r;
	r = publication_load(t, p->prefix, p->distribution, &there);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return error_sys(err, r, "cannot read publications");
	return error_set(err, -EEXIST,
	    "%s%s%s is published already: use publish switch or publish update",
	    p->prefix, p->prefix[0] ? "/" : "", p->distribution);
}

/*
 * apt refuses a Release that comes from ten seconds ahead of its clock, and who
 * publishes again within a second makes one from ahead.  So that it is never
 * far ahead, such haste waits; a clock that has been put back is only told of.
 */
#define AHEAD_MAX_S 5
#define WAIT_MAX_S  10

static void
keep_to_the_clock(struct publish_job *j)
{
	int64_t ahead = j->result.date - j->opts->now;

	if (j->pub->verbatim || ahead <= AHEAD_MAX_S)
		return;
	if (ahead <= AHEAD_MAX_S + WAIT_MAX_S)
		(void)sleep((unsigned)(ahead - AHEAD_MAX_S));
	else
		(void)snprintf(j->result.note, sizeof(j->result.note),
		    "Date has to be newer than before and is %" PRId64
		    " seconds ahead of the clock: apt refuses it until then",
		    ahead);
}

/* One try; -EBUSY: another is wanted. */
static int
make(struct publish_job *j, struct error *err)
{
	struct hold_wait wait = {.progress = j->opts->progress};
	CLEANUP_FD int hold = -1;
	int r = hold_take(j->store, HOLD_SHARED, &wait, &hold, err);

	if (r >= 0)
		r = publish_sources_load(j, err);
	if (r >= 0)
		r = publish_check_place(j->pub, err);
	if (r >= 0 && !j->old)
		r = check_free(j, err);
	if (r >= 0)
		r = j->pub->verbatim ? make_verbatim(j, err)
				     : make_signed(j, err);
	if (r >= 0)
		r = fill_made_of(j, err);
	if (r >= 0) {
		keep_to_the_clock(j);
		r = publish_flip(j, err);
	}
	if (r >= 0)
		j->result.changed = true;
	return r;
}

static int
too_busy(const char *distribution, struct error *err)
{
	return error_set(err, -EBUSY,
	    "what %s is made of changed while it was being published, "
	    "again and again",
	    distribution);
}

/* apt puts "dists/" right behind what it finds. */
static int
end_with_slash(char **url)
{
	CLEANUP(buf_release) struct buf b = {0};

	if (!*url || **url == '\0' || (*url)[strlen(*url) - 1] == '/')
		return 0;
	if (buf_addf(&b, "%s/", *url) < 0)
		return -ENOMEM;
	free(*url);
	*url = buf_take(&b);
	return *url ? 0 : -ENOMEM;
}

static int
complete(struct publication *p, struct error *err)
{
	if (!p->prefix)
		p->prefix = strdup("");
	if (!p->prefix || end_with_slash(&p->snapshots_url) < 0)
		return error_sys(err, -ENOMEM, "cannot publish");
	if (p->verbatim || p->compress.n > 0)
		return 0;
	if (strs_add(&p->compress, SPAN("gz")) < 0)
		return error_sys(err, -ENOMEM, "cannot publish");
	return 0;
}

int
publish_new(struct store *s, struct publication *p,
    const struct publish_opts *opts, struct publish_result *ret,
    struct error *err)
{
	int r = complete(p, err);

	if (r >= 0)
		r = publish_check(p, err);
	if (r < 0)
		return r;
	for (unsigned try = 0; try < TRIES; try++) {
		CLEANUP(publish_job_release)
		struct publish_job j = {.store = s, .opts = opts, .pub = p};

		r = make(&j, err);
		*ret = j.result;
		if (r != -EBUSY)
			return r < 0 ? r : 0;
	}
	return too_busy(p->distribution, err);
}

/* What is to become of an existing publication. */
struct change {
	struct store *store;
	const char *prefix, *distribution;
	const struct strs *sources, *components; /* NULL: as they are */
	const struct publish_opts *opts;
};

static int
load_publication(
    const struct change *c, struct publication *ret, struct error *err)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	int r = txn_read(c->store, &t, err);

	if (r < 0)
		return r;
	r = publication_load(t, c->prefix, c->distribution, ret);
	if (r == -ENOENT)
		return unknown_publication(t, c->prefix, c->distribution, err);
	return r < 0 ? error_sys(err, r, "cannot read publications") : 0;
}

static int
replace_strs(struct strs *s, const struct strs *by)
{
	strs_release(s);
	return strs_add_all(s, by);
}

/* Puts another source behind each of the components that are named. */
static int
replace_some(const struct change *c, struct publication *p, struct error *err)
{
	for (size_t i = 0; i < c->components->n; i++) {
		const char *name = c->components->v[i];
		size_t at = 0;
		char *source;

		while (at < p->components.n &&
		       strcmp(p->components.v[at], name) != 0)
			at++;
		if (at == p->components.n)
			return error_set(err, -EINVAL, "%s has no component %s",
			    c->distribution, name);
		source = strdup(c->sources->v[i]);
		if (!source)
			return error_sys(err, -ENOMEM, "cannot publish");
		free(p->sources.v[at]);
		p->sources.v[at] = source;
	}
	return 0;
}

static int
switch_sources(const struct change *c, struct publication *p, struct error *err)
{
	size_t named = c->components ? c->components->n : 0;

	if (named > 0 && named != c->sources->n)
		return error_set(err, -EINVAL,
		    "%zu components for %zu sources: name one for each", named,
		    c->sources->n);
	if (named > 0 && p->components.n > 0)
		return replace_some(c, p, err);
	if (p->components.n > 0 && p->components.n != c->sources->n)
		return error_set(err, -EINVAL,
		    "%s has %zu components: name as many sources, or the "
		    "components that change with --component=",
		    c->distribution, p->components.n);
	if (replace_strs(&p->sources, c->sources) < 0 ||
	    (named > 0 && replace_strs(&p->components, c->components) < 0))
		return error_sys(err, -ENOMEM, "cannot publish");
	return 0;
}

/*
 * 1 where an update has something to do: the sources' states have changed, or
 * half of the time until Valid-Until has passed.
 */
static int
is_due(const struct change *c, const struct publication *p, int64_t *ret_date,
    struct error *err)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	CLEANUP(state_release) struct state s = {0};
	bool due = p->nmade_of != p->sources.n || c->opts->force;
	int r = txn_read(c->store, &t, err);

	if (r < 0)
		return r;
	for (size_t i = 0; !due && i < p->sources.n; i++) {
		uint64_t state;

		r = publish_source_state(
		    t, p->kind, p->sources.v[i], &state, err);
		if (r < 0)
			return r;
		due = state != p->made_of[i];
	}
	r = state_load(t, p->state, &s);
	if (r < 0)
		return error_sys(err, r, "cannot read what is published");
	*ret_date = s.date;
	return due ||
	       (p->valid_for > 0 && c->opts->now >= s.date + p->valid_for / 2);
}

static int
change_once(
    const struct change *c, struct publish_result *ret, struct error *err)
{
	CLEANUP(publication_release) struct publication old = {0};
	CLEANUP(publication_release) struct publication next = {0};
	CLEANUP(publish_job_release)
	struct publish_job j = {
	    .store = c->store, .opts = c->opts, .pub = &next, .old = &old};
	int r = load_publication(c, &old, err);

	if (r >= 0)
		r = load_publication(c, &next, err);
	if (r >= 0 && c->sources)
		r = switch_sources(c, &next, err);
	else if (r >= 0) {
		r = is_due(c, &next, &ret->date, err);
		if (r == 0)
			return 0;
	}
	if (r >= 0)
		r = publish_check(&next, err);
	if (r >= 0)
		r = make(&j, err);
	if (r >= 0)
		*ret = j.result;
	return r < 0 ? r : 0;
}

static int
change(const struct change *c, struct publish_result *ret, struct error *err)
{
	for (unsigned try = 0; try < TRIES; try++) {
		int r;

		*ret = (struct publish_result){0};
		r = change_once(c, ret, err);
		if (r != -EBUSY)
			return r;
	}
	return too_busy(c->distribution, err);
}

int
publish_switch(struct store *s, const char *prefix, const char *distribution,
    const struct strs *sources, const struct strs *components,
    const struct publish_opts *opts, struct publish_result *ret,
    struct error *err)
{
	struct change c = {s, prefix, distribution, sources, components, opts};

	if (sources->n == 0)
		return error_set(err, -EINVAL, "nothing to publish");
	return change(&c, ret, err);
}

int
publish_update(struct store *s, const char *prefix, const char *distribution,
    const struct publish_opts *opts, struct publish_result *ret,
    struct error *err)
{
	struct change c = {s, prefix, distribution, NULL, NULL, opts};

	return change(&c, ret, err);
}
