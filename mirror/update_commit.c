/* The last transaction of an update: the mirror's head moves. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "mirror/update_run.h"
#include "mirror/verify.h"
#include "store/mirrors.h"
#include "store/text.h"

/* A keyring that can't be read is another one than it was; the verifier says
 * what is wrong with it. */
static int
add_keyring(struct buf *b, const char *name)
{
	CLEANUP(buf_release) struct buf bytes = {0};
	struct digest d;
	int r = file_read(AT_FDCWD, name, KEYRING_MAX, &bytes, NULL);

	if (r < 0)
		return r == -ENOMEM ? r : buf_add_char(b, '-');
	digest_of(bytes.ptr, bytes.len, &d);
	return buf_add(b, d.byte, sizeof(d.byte));
}

int
update_settings(
    const struct mirror *m, const struct origin *o, struct digest *ret)
{
	CLEANUP(buf_release) struct buf b = {0};
	struct digest d;
	int r = mirror_settings(m, &d);

	if (r < 0)
		return r;
	(void)buf_add(&b, d.byte, sizeof(d.byte)); /* b.failed tells */
	(void)buf_add_str(&b, o->url);
	for (size_t i = 0; r == 0 && i < m->keyrings.n; i++)
		r = add_keyring(&b, m->keyrings.v[i]);
	if (r < 0 || b.failed)
		return r < 0 ? r : -ENOMEM;
	digest_of(b.ptr, b.len, ret);
	return 0;
}

struct commit {
	const struct update *u;
	const struct update_commit *what;
	bool changed;
};

static bool
same_filter(const struct mirror *a, const struct mirror *b)
{
	return a->filter_deps == b->filter_deps &&
	       span_eq(span_of(a->filter), span_of(b->filter));
}

/* The mirror as it is now must be the one that the run began with. */
static int
reload(
    struct txn *t, const struct update *u, struct mirror *m, struct error *err)
{
	CLEANUP(origin_release) struct origin o = {0};
	struct digest settings;
	int r = mirror_load(t, u->mirror.name, m);

	if (r == -ENOENT)
		return error_set(err, r, "mirror '%s' was dropped meanwhile",
		    u->mirror.name);
	if (r == 0)
		r = origin_load(t, m->origin, &o);
	if (r == 0)
		r = update_settings(m, &o, &settings);
	if (r < 0)
		return error_sys(
		    err, r, "cannot read mirror '%s'", u->mirror.name);
	if (m->state != u->mirror.state || m->whole != u->mirror.whole ||
	    !same_filter(m, &u->mirror) || !digest_eq(&settings, &u->settings))
		return error_set(err, -EBUSY,
		    "mirror '%s' was changed meanwhile: update it again",
		    u->mirror.name);
	return 0;
}

/* Takes what the answer said about the mirror as confirmed. */
static int
confirm(const struct commit *c, struct mirror *m)
{
	const struct release_got *got = c->what->got;

	free(m->etag);
	m->etag = got->etag ? strdup(got->etag) : NULL;
	m->last_modified = got->last_modified;
	m->updated = c->u->opts->now;
	m->settings = c->u->settings;
	return got->etag && !m->etag ? -ENOMEM : 0;
}

static int
put_text(struct txn *t, const struct buf *bytes, uint64_t like, uint64_t *ret)
{
	*ret = 0;
	return bytes->len == 0 ? 0 : text_put(t, buf_span(bytes), like, ret);
}

static int
put_texts(struct txn *t, const struct release_got *got, struct state *s)
{
	int r = put_text(t, &got->in_release, 0, &s->in_release);

	if (r == 0)
		r = put_text(t, &got->listing, s->in_release, &s->listing);
	if (r == 0)
		r = put_text(t, &got->release, s->listing, &s->release);
	if (r == 0)
		r = put_text(t, &got->release_gpg, 0, &s->release_gpg);
	return r;
}

static bool
same_lists(const struct state *a, const struct state *b)
{
	if (a->nlists != b->nlists)
		return false;
	for (size_t i = 0; i < a->nlists; i++) {
		const struct state_list *x = &a->lists[i], *y = &b->lists[i];

		if (x->list != y->list || x->kind != y->kind ||
		    strcmp(x->path, y->path) != 0)
			return false;
	}
	return true;
}

static bool
same_state(const struct state *a, const struct state *b)
{
	return a->number != 0 && a->in_release == b->in_release &&
	       a->release == b->release && a->release_gpg == b->release_gpg &&
	       a->listing == b->listing && a->origin == b->origin &&
	       a->trusted_unsigned == b->trusted_unsigned &&
	       strcmp(a->suite, b->suite) == 0 && same_lists(a, b);
}

/* Does the mirror show the same already? */
static int
is_shown(struct txn *t, const struct mirror *m, const struct state *s)
{
	CLEANUP(state_release) struct state now = {0};
	int r = m->state ? state_load(t, m->state, &now) : 0;

	return r < 0 ? r : same_state(&now, s);
}

static int
move_head(struct txn *t, struct commit *c, struct mirror *m, uint64_t state)
{
	if (m->state == state)
		return mirror_put(t, m);
	c->changed = true;
	return mirror_advance(t, m, state);
}

/* The head moves to what the filter makes of the state `whole`. */
static int
advance_filtered(
    struct txn *t, struct commit *c, struct mirror *m, uint64_t whole)
{
	struct state s = *c->what->shown; /* borrows what it points at */
	int r = mirror_filter_digest(m, &m->filtered);

	m->whole = whole;
	if (r == 0)
		r = filter_put(t, c->u, c->what->rel, &s);
	if (r < 0)
		return r;
	r = is_shown(t, m, &s);
	if (r > 0)
		return mirror_put(t, m);
	if (r == 0)
		r = state_put(t, &s);
	return r < 0 ? r : move_head(t, c, m, s.number);
}

/* The head moves to a state, or to what the filter makes of it. */
static int
advance_to(struct txn *t, struct commit *c, struct mirror *m, uint64_t state)
{
	if (c->what->shown)
		return advance_filtered(t, c, m, state);
	m->whole = 0;
	m->filtered = (struct digest){0};
	return move_head(t, c, m, state);
}

static int
advance(struct txn *t, struct commit *c, struct mirror *m, struct error *err)
{
	struct state s = *c->what->state; /* borrows what it points at */
	struct release_place place = update_place(c->u);
	int r = release_files_put(t, &place, c->what->rel, err);

	if (r < 0)
		return r;
	r = put_texts(t, c->what->got, &s);
	if (r == 0 && same_state(&c->u->old, &s))
		s.number = c->u->old.number;
	else if (r == 0)
		r = state_put(t, &s);
	if (r == 0)
		r = advance_to(t, c, m, s.number);
	return r < 0 ? error_sys(err, r, "cannot store the new state") : 0;
}

static int
commit(struct txn *t, void *arg, struct error *err)
{
	CLEANUP(mirror_release) struct mirror m = {0};
	struct commit *c = arg;
	int r = reload(t, c->u, &m, err);

	c->changed = false;
	if (r == 0)
		r = mirrors_check_filter(t, &m, err);
	if (r < 0)
		return r;
	r = confirm(c, &m);
	if (r < 0)
		return error_sys(err, r, "cannot store mirror '%s'", m.name);
	if (c->what->state)
		return advance(t, c, &m, err);
	if (c->what->shown || c->what->unfiltered)
		r = advance_to(t, c, &m, c->u->old.number);
	else
		r = mirror_put(t, &m);
	return r < 0 ? error_sys(err, r, "cannot store mirror '%s'", m.name)
		     : 0;
}

int
update_commit(
    struct update *u, const struct update_commit *what, struct error *err)
{
	struct commit c = {.u = u, .what = what};
	int r = store_write(u->store, commit, &c, err);

	u->result.changed = r >= 0 && c.changed;
	return r < 0 ? r : 0;
}
