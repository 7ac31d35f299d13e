#include "mirror/update.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/date.h"
#include "base/url.h"
#include "mirror/update_run.h"
#include "store/hold.h"
#include "store/list.h"
#include "store/text.h"

struct fetch_request
update_request(const struct update *u, const char *url)
{
	return (struct fetch_request){.url = url,
	    .origin = &u->origin,
	    .cancel = u->opts->cancel,
	    .connect_ms = u->opts->connect_ms,
	    .stall_ms = u->opts->stall_ms,
	    .tries = u->opts->tries};
}

char *
update_url(const struct update *u, struct span path)
{
	CLEANUP(buf_release) struct buf whole = {0};

	(void)buf_add_str(&whole, u->dir); /* whole.failed tells */
	(void)buf_add_span(&whole, path);
	return whole.failed ? NULL : origin_url(&u->origin, buf_span(&whole));
}

char *
update_url_shown(const struct update *u, struct span path)
{
	CLEANUP_FREE char *url = update_url(u, path);
	CLEANUP(buf_release) struct buf shown = {0};

	if (!url || url_add_shown(&shown, url) < 0)
		return NULL;
	return buf_take(&shown);
}

int
update_cancelled(const struct update *u, struct error *err)
{
	if (u->opts->cancel && atomic_load(u->opts->cancel))
		return error_set(err, -EINTR, "stopped");
	return 0;
}

/* Does the old state show the same directory of the same archive? */
static bool
same_place(const struct update *u)
{
	return u->old.number != 0 && u->old.origin == u->mirror.origin &&
	       strcmp(u->old.suite, u->mirror.suite) == 0;
}

/* The old Release is only a help: where it can't be read, indexes are fetched
 * that would not have to be. */
static int
load_old_release(struct update *u, struct txn *t)
{
	struct error ignored;
	int r;

	if (!same_place(u) || u->old.listing == 0)
		return 0;
	r = text_get(t, u->old.listing, &u->old_text);
	if (r == 0)
		r = release_parse(
		    buf_span(&u->old_text), &u->old_release, &ignored);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		u->old_release = (struct release){0};
	return 0;
}

/* What the state depends on: the mirror's settings, and the URL too, for what
 * another server says of "not modified" is about its own files. */
static int
settings_of(const struct mirror *m, const struct origin *o, struct digest *ret)
{
	CLEANUP(buf_release) struct buf b = {0};
	struct digest d;
	int r = mirror_settings(m, &d);

	if (r < 0)
		return r;
	(void)buf_add(&b, d.byte, sizeof(d.byte)); /* b.failed tells */
	(void)buf_add_str(&b, o->url);
	if (b.failed)
		return -ENOMEM;
	digest_of(b.ptr, b.len, ret);
	return 0;
}

static int
load_rest(struct update *u, struct txn *t)
{
	struct state place = {0};
	int r = origin_load(t, u->mirror.origin, &u->origin);

	if (r == 0 && u->mirror.state != 0)
		r = state_load(t, u->mirror.state, &u->old);
	if (r == 0)
		r = settings_of(&u->mirror, &u->origin, &u->settings);
	if (r == 0)
		r = load_old_release(u, t);
	if (r < 0)
		return r == -ENOENT ? -EIO : r;
	place.suite = u->mirror.suite;
	place.flat = suite_is_flat(u->mirror.suite);
	u->dir = state_dir(&place);
	u->anew =
	    u->opts->force || !digest_eq(&u->settings, &u->mirror.settings);
	return u->dir ? 0 : -ENOMEM;
}

static int
load(struct update *u, const char *name, struct error *err)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	int r = txn_read(u->store, &t, err);

	if (r < 0)
		return r;
	r = mirror_load(t, name, &u->mirror);
	if (r == -ENOENT)
		return error_set(err, r, "there is no mirror '%s'", name);
	if (r == 0)
		r = load_rest(u, t);
	return r < 0 ? error_sys(err, r, "cannot read mirror '%s'", name) : 0;
}

static void
update_free(struct update *u)
{
	fetcher_free(u->fetcher);
	mirror_release(&u->mirror);
	origin_release(&u->origin);
	free(u->dir);
	state_release(&u->old);
	release_free(&u->old_release);
	buf_release(&u->old_text);
}

static int
check_valid_until(
    const struct update *u, int64_t valid_until, struct error *err)
{
	char date[DATE_SIZE];

	if (valid_until == 0 || u->opts->now <= valid_until ||
	    u->opts->ignore_valid_until)
		return 0;
	return error_set(err, -ESTALE,
	    "Release was valid until %s only (--ignore-valid-until takes it "
	    "nevertheless)",
	    date_format(valid_until, date));
}

static int
check_date(const struct update *u, int64_t date, struct error *err)
{
	char before[DATE_SIZE], after[DATE_SIZE];

	if (!same_place(u) || date >= u->old.date || u->opts->force)
		return 0;
	return error_set(err, -ESTALE,
	    "Release is of %s, older than the one of %s that is known (--force "
	    "takes it nevertheless)",
	    date == 0 ? "no date" : date_format(date, after),
	    date_format(u->old.date, before));
}

/* Says which file of the archive the error is about. */
static int
about_release(const struct update *u, int r, struct error *err)
{
	CLEANUP_FREE char *url = update_url_shown(u, SPAN(""));

	return error_prefix(err, r, "%s", url ? url : u->mirror.name);
}

/* What the last transaction of an update does. */
struct commit {
	const struct update *u;
	const struct release_got *got;
	const struct release *rel;
	const struct state *state; /* without numbers; NULL: the old one */
	bool changed;
};

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
		r = settings_of(m, &o, &settings);
	if (r < 0)
		return error_sys(
		    err, r, "cannot read mirror '%s'", u->mirror.name);
	if (m->state != u->mirror.state || !digest_eq(&settings, &u->settings))
		return error_set(err, -EBUSY,
		    "mirror '%s' was changed meanwhile: update it again",
		    u->mirror.name);
	return 0;
}

/* Takes what the answer said about the mirror as confirmed. */
static int
confirm(const struct commit *c, struct mirror *m)
{
	const struct release_got *got = c->got;

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

static int
advance(struct txn *t, struct commit *c, struct mirror *m, struct error *err)
{
	struct state s = *c->state; /* borrows what it points at */
	int r = release_files_put(t, c->u, c->rel, err);

	if (r < 0)
		return r;
	r = put_texts(t, c->got, &s);
	if (r == 0 && same_state(&c->u->old, &s))
		return mirror_put(t, m);
	if (r == 0)
		r = state_put(t, &s);
	if (r == 0)
		r = mirror_advance(t, m, s.number);
	if (r == 0)
		c->changed = true;
	return r < 0 ? error_sys(err, r, "cannot store the new state") : 0;
}

static int
commit(struct txn *t, void *arg, struct error *err)
{
	CLEANUP(mirror_release) struct mirror m = {0};
	struct commit *c = arg;
	int r = reload(t, c->u, &m, err);

	c->changed = false;
	if (r < 0)
		return r;
	r = confirm(c, &m);
	if (r < 0)
		return error_sys(err, r, "cannot store mirror '%s'", m.name);
	if (c->state)
		return advance(t, c, &m, err);
	r = mirror_put(t, &m);
	return r < 0 ? error_sys(err, r, "cannot store mirror '%s'", m.name)
		     : 0;
}

static uint64_t
smallest_size(const struct wanted *w)
{
	return w->forms[0].file->size;
}

/* Finds what is held, and announces what has to be fetched. */
static int
take_held(struct update *u, const struct wanted_list *wanted, uint64_t *lists,
    struct error *err)
{
	char stage[160];
	uint64_t bytes = 0, files = 0;

	for (size_t i = 0; i < wanted->n; i++) {
		int r = update_cancelled(u, err);

		if (r == 0)
			r = index_held(u, &wanted->v[i], &lists[i], err);
		if (r < 0 && r != -ENOENT)
			return r;
		if (r == 0)
			continue;
		bytes += smallest_size(&wanted->v[i]);
		files++;
	}
	(void)snprintf(stage, sizeof(stage), "%s: indexes", u->mirror.name);
	if (files > 0)
		progress_stage(u->opts->progress, stage, bytes, files);
	return 0;
}

static int
take_missing(struct update *u, const struct wanted_list *wanted, bool by_hash,
    uint64_t *lists, struct error *err)
{
	bool any = false;
	int r = 0;

	for (size_t i = 0; r == 0 && i < wanted->n; i++) {
		if (lists[i] != 0)
			continue;
		any = true;
		r = index_take(u, &wanted->v[i], by_hash, &lists[i], err);
		progress_add(u->opts->progress, 0, 1);
	}
	if (any)
		progress_end(u->opts->progress);
	return r;
}

static int
add_lists(
    struct state *s, const struct wanted_list *wanted, const uint64_t *lists)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < wanted->n; i++) {
		const struct wanted *w = &wanted->v[i];
		struct state_list l = {.component = w->component,
		    .architecture = w->architecture,
		    .kind = w->kind,
		    .path = w->path,
		    .list = lists[i]};

		r = state_add_list(s, &l);
	}
	return r;
}

/* The lists of all wanted indexes, into the state. */
static int
take_indexes(struct update *u, const struct release *rel, struct state *s,
    struct error *err)
{
	CLEANUP(wanted_release) struct wanted_list wanted = {0};
	CLEANUP_FREE uint64_t *lists = NULL;
	int r = wanted_find(&u->mirror, rel, &wanted, err);

	if (r < 0)
		return about_release(u, r, err);
	lists = calloc(wanted.n, sizeof(*lists));
	if (!lists)
		return error_sys(err, -ENOMEM, "cannot fetch indexes");
	r = take_held(u, &wanted, lists, err);
	if (r == 0)
		r = take_missing(u, &wanted, rel->acquire_by_hash, lists, err);
	if (r < 0)
		return r;
	r = add_lists(s, &wanted, lists);
	return r < 0 ? error_sys(err, r, "cannot store the new state") : 0;
}

static int
make_state(const struct update *u, const struct release_got *got,
    const struct release *rel, struct state *s)
{
	int r;

	s->suite = strdup(u->mirror.suite);
	s->flat = suite_is_flat(u->mirror.suite);
	s->trusted_unsigned = got->is_unsigned;
	s->origin = u->mirror.origin;
	s->date = rel->date;
	s->valid_until = rel->valid_until;
	s->taken = u->opts->now;
	r = strs_add_all(&s->signers, &got->signers);
	if (r == 0)
		r = strs_add_all(&s->keyrings, &u->mirror.keyrings);
	return s->suite ? r : -ENOMEM;
}

/* A Release that is not the old one. */
static int
take_release(struct update *u, const struct release_got *got, struct error *err)
{
	struct hold_wait wait = {u->opts->cancel, u->opts->progress};
	CLEANUP_FD int hold = -1;
	CLEANUP(release_free) struct release rel = {0};
	CLEANUP(state_release) struct state s = {0};
	struct commit c = {.u = u, .got = got, .rel = &rel, .state = &s};
	int r = release_parse(buf_span(&got->listing), &rel, err);

	if (r == 0)
		r = check_valid_until(u, rel.valid_until, err);
	if (r == 0)
		r = check_date(u, rel.date, err);
	if (r < 0)
		return about_release(u, r, err);
	r = make_state(u, got, &rel, &s);
	if (r < 0)
		return error_sys(err, r, "cannot store the new state");
	r = hold_take(u->store, HOLD_SHARED, &wait, &hold, err);
	if (r == 0)
		r = take_indexes(u, &rel, &s, err);
	if (r == 0)
		r = store_write(u->store, commit, &c, err);
	u->result.changed = r >= 0 && c.changed;
	return r < 0 ? r : 0;
}

static int
count_packages(struct update *u, struct error *err)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	int r = txn_read(u->store, &t, err);

	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < u->old.nlists; i++) {
		CLEANUP(list_release) struct list l = {0};

		r = list_load(t, u->old.lists[i].list, &l);
		u->result.packages += l.packages;
		u->result.indexes_kept++;
	}
	return r < 0 ? error_sys(err, r, "cannot read the known state") : 0;
}

/* Nothing is new, but what is frozen for too long is stale. */
static int
take_same(struct update *u, const struct release_got *got, struct error *err)
{
	struct commit c = {.u = u, .got = got};
	int r = check_valid_until(u, u->old.valid_until, err);

	if (r < 0)
		return about_release(u, r, err);
	r = count_packages(u, err);
	if (r < 0)
		return r;
	return store_write(u->store, commit, &c, err);
}

static int
run(struct update *u, const char *name, struct error *err)
{
	CLEANUP(release_got_free) struct release_got got = {0};
	int r = load(u, name, err);

	if (r < 0)
		return r;
	r = fetcher_new(&u->fetcher);
	if (r < 0)
		return error_sys(err, r, "cannot fetch");
	r = release_get(u, &got, err);
	if (r < 0)
		return r;
	return got.same ? take_same(u, &got, err) : take_release(u, &got, err);
}

int
update_mirror(struct store *s, const char *name, const struct update_opts *opts,
    struct update_result *ret, struct error *err)
{
	struct update u = {.store = s, .opts = opts};
	int r = fetch_global_init(err);

	if (r == 0)
		r = run(&u, name, err);
	update_free(&u);
	if (r < 0)
		return r;
	*ret = u.result;
	return 0;
}
