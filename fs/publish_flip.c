#include "fs/publish_job.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/archive.h"
#include "store/path_index.h"
#include "store/root.h"
#include "store/text.h"
#include "store/txn.h"

/* The other publications under the prefix. */

struct others {
	const struct publication *pub;
	uint64_t *states;
	size_t n;
	struct error *err;
};

static bool
is_below(const char *distribution, const char *other)
{
	size_t len = strlen(other);

	return strncmp(distribution, other, len) == 0 &&
	       distribution[len] == '/';
}

static int
add_other(const struct publication *p, void *arg)
{
	struct others *o = arg;
	uint64_t *v;

	if (strcmp(p->prefix, o->pub->prefix) != 0 ||
	    strcmp(p->distribution, o->pub->distribution) == 0)
		return 0;
	if (is_below(p->distribution, o->pub->distribution) ||
	    is_below(o->pub->distribution, p->distribution))
		return error_set(o->err, -EEXIST,
		    "%s is published already: one distribution can't stand "
		    "inside another",
		    p->distribution);
	v = reallocarray(o->states, o->n + 1, sizeof(*v));
	if (!v)
		return error_sys(o->err, -ENOMEM, "cannot publish");
	o->states = v;
	v[o->n++] = p->state;
	return 0;
}

static int
current_prefix_root(struct txn *t, const char *prefix, uint64_t *ret)
{
	int r = prefix_root(t, prefix, ret);

	if (r != -ENOENT)
		return r;
	*ret = 0;
	return 0;
}

static int
check_pool(struct publish_job *j, uint64_t state, struct error *err)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	CLEANUP_FREE uint64_t *states = malloc(sizeof(*states));
	struct others o = {.pub = j->pub, .states = states, .err = err};
	int r;

	if (!states)
		return error_sys(err, -ENOMEM, "cannot publish");
	states[o.n++] = state;
	r = txn_read(j->store, &t, err);
	if (r < 0)
		return r;
	r = current_prefix_root(t, j->pub->prefix, &j->prefix_root);
	if (r < 0)
		return error_sys(err, r, "cannot read publications");
	r = publication_each(t, add_other, &o);
	states = o.states;
	if (r < 0)
		return r;
	r = publish_fresh_fits(j, t, state);
	if (r != 0)
		return r < 0 ? error_sys(err, r, "cannot compare the pools")
			     : 0;
	return archive_check_pool(t, states, o.n, err);
}

/* Does a state fit into the pool of its prefix? */
int
publish_check_pool(struct publish_job *j, uint64_t state, struct error *err)
{
	/* A verbatim publication is looked at whole each time. */
	int r = j->pub->verbatim ? 0 : path_index_update(j->store, err);

	return r < 0 ? r : check_pool(j, state, err);
}

/* -EBUSY: somebody else has changed what this was made from. */
static int
check_unchanged(struct txn *t, const struct publish_job *j, struct error *err)
{
	CLEANUP(publication_release) struct publication p = {0};
	uint64_t root;
	int r = current_prefix_root(t, j->pub->prefix, &root);

	if (r < 0)
		return error_sys(err, r, "cannot read publications");
	if (root != j->prefix_root)
		return -EBUSY;
	r = publication_load(t, j->pub->prefix, j->pub->distribution, &p);
	if (r < 0 && r != -ENOENT)
		return error_sys(err, r, "cannot read publications");
	if ((r == -ENOENT) != !j->old || (j->old && p.root != j->old->root))
		return -EBUSY;
	for (size_t i = 0; i < j->pub->sources.n; i++) {
		uint64_t state;

		r = publish_source_state(
		    t, j->pub->kind, j->sources[i].name, &state, err);
		if (r < 0)
			return r;
		/* A mirror may move on: what was made is still whole, and made
		 * anew after each update.  A verbatim publication follows the
		 * mirror's head from here on, so it has to begin there. */
		if ((j->pub->kind == SOURCE_SNAPSHOT || j->pub->verbatim) &&
		    state != j->sources[i].state.number)
			return -EBUSY;
	}
	return 0;
}

static int
put_texts(struct txn *t, struct publish_job *j)
{
	struct state *s = &j->state;
	int r = text_put(t, buf_span(&j->release), 0, &s->release);

	s->listing = s->release;
	if (r >= 0 && j->in_release.len > 0)
		r = text_put(
		    t, buf_span(&j->in_release), s->release, &s->in_release);
	if (r >= 0 && j->release_gpg.len > 0)
		r = text_put(t, buf_span(&j->release_gpg), 0, &s->release_gpg);
	for (size_t i = 0; r >= 0 && i < j->nkeys; i++)
		r = key_put(
		    t, j->keys[i].fingerprint, buf_span(&j->keys[i].bytes));
	return r < 0 ? r : state_put(t, s);
}

static int
flip(struct txn *t, void *arg, struct error *err)
{
	struct publish_job *j = arg;
	struct publication *p = j->pub;
	int r = check_unchanged(t, j, err);

	if (r < 0)
		return r;
	if (!p->verbatim) {
		r = put_texts(t, j);
		p->state = j->state.number;
	}
	if (r >= 0)
		r = root_new(t, p->state, j->old ? j->old->root : 0, &p->root);
	if (r >= 0)
		r = publication_put(t, p);
	return r < 0 ? error_sys(err, r, "cannot publish") : 0;
}

int
publish_flip(struct publish_job *j, struct error *err)
{
	return store_write(j->store, flip, j, err);
}
