#include "mirror/update.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/date.h"
#include "base/url.h"
#include "mirror/pool.h"
#include "mirror/rate.h"
#include "mirror/update_run.h"
#include "store/hold.h"
#include "store/list.h"
#include "store/unknown.h"

struct fetch_request
update_request(const struct update *u, const char *url)
{
	return (struct fetch_request){.url = url,
	    .origin = &u->origin,
	    .cancel = u->opts->cancel,
	    .connect_ms = u->opts->connect_ms,
	    .stall_ms = u->opts->stall_ms,
	    .tries = u->opts->tries,
	    .bytes_per_s = u->opts->bytes_per_s};
}

struct blob_queue_opts
update_fetching(const struct update *u)
{
	return (struct blob_queue_opts){.threads = u->opts->fetches,
	    .retry = true,
	    .bytes_per_s = u->opts->bytes_per_s,
	    .connect_ms = u->opts->connect_ms,
	    .stall_ms = u->opts->stall_ms,
	    .tries = u->opts->tries,
	    .progress = u->opts->progress};
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
	int r = same_place(u) ? listing_load(t, u->old.listing, &u->listed) : 0;

	return r == -ENOMEM ? r : 0;
}

static int
load_rest(struct update *u, struct txn *t)
{
	struct state place = {0};
	int r = origin_load(t, u->mirror.origin, &u->origin);

	if (r == 0 && u->mirror.state != 0)
		r = state_load(t,
		    u->mirror.whole ? u->mirror.whole : u->mirror.state,
		    &u->old);
	if (r == 0)
		r = update_settings(&u->mirror, &u->origin, &u->settings);
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
		return unknown_name(t, UNKNOWN_MIRROR, name, err);
	if (r == 0)
		r = load_rest(u, t);
	return r < 0 ? error_sys(err, r, "cannot read mirror '%s'", name) : 0;
}

static void
update_free(struct update *u)
{
	fetcher_free(u->fetcher);
	rate_free(u->rate);
	mirror_release(&u->mirror);
	origin_release(&u->origin);
	free(u->dir);
	state_release(&u->old);
	listing_release(&u->listed);
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
		r = indexes_take(u, &wanted, rel->acquire_by_hash, lists, err);
	if (r < 0)
		return r;
	r = add_lists(s, &wanted, lists);
	if (r < 0)
		return error_sys(err, r, "cannot store the new state");
	/* What a filter has been applied to lists no other files. */
	return u->mirror.filter ? 0 : files_take(u, rel, &wanted, err);
}

static void
keep_first(void *arg, const char *why)
{
	struct error *first = arg;

	if (!first->text[0])
		(void)error_set(first, 0, "%s", why);
}

/* A whole pool is part of the state. */
static int
take_pool(struct update *u, const struct state *s, struct error *err)
{
	struct blob_queue_opts opts = update_fetching(u);
	struct pool_want want = {.unsaved = s};
	struct pool_result result = {0};
	struct error first = {""};
	int r;

	if (!u->mirror.whole_pool)
		return 0;
	r = pool_fetch(u->store, &want, &opts, u->opts->cancel, keep_first,
	    &first, &result, err);
	u->result.bytes += result.fetched_bytes;
	if (r < 0 && first.text[0])
		return error_set(err, r,
		    "%" PRIu64 " file%s of the pool could not be fetched: %s",
		    result.failed_files, PLURAL(result.failed_files),
		    first.text);
	return r;
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
	if (r == 0)
		r = strs_add_all(&s->keyring_hashes, &got->keyring_hashes);
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
	CLEANUP(state_release) struct state shown = {0};
	struct update_commit c = {.got = got, .rel = &rel, .state = &s};
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
	if (r == 0 && u->mirror.filter) {
		c.shown = &shown;
		r = filter_take(u, &s, &shown, err);
	}
	if (r == 0)
		r = take_pool(u, c.shown ? c.shown : &s, err);
	if (r == 0)
		r = update_commit(u, &c, err);
	return r;
}

static int
count_packages(struct update *u, const struct state *s, struct error *err)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	int r = txn_read(u->store, &t, err);

	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < s->nlists; i++) {
		CLEANUP(list_release) struct list l = {0};

		r = list_load(t, s->lists[i].list, &l);
		u->result.packages += l.packages;
		u->result.indexes_kept++;
	}
	return r < 0 ? error_sys(err, r, "cannot read the known state") : 0;
}

/* The state that the mirror shows. */
static int
load_shown(struct update *u, struct state *ret, struct error *err)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	int r = txn_read(u->store, &t, err);

	if (r < 0)
		return r;
	r = state_load(t, u->mirror.state, ret);
	return r < 0 ? error_sys(err, r, "cannot read the known state") : 0;
}

/* Another filter is applied to what is known. */
static int
filter_anew(struct update *u, struct update_commit *c, struct state *shown,
    struct error *err)
{
	struct hold_wait wait = {u->opts->cancel, u->opts->progress};
	CLEANUP_FD int hold = -1;
	int r = hold_take(u->store, HOLD_SHARED, &wait, &hold, err);

	c->unfiltered = !u->mirror.filter;
	if (r == 0 && u->mirror.filter) {
		c->shown = shown;
		c->rel = &u->listed.release;
		r = filter_take(u, &u->old, shown, err);
	}
	if (r == 0)
		r = take_pool(u, c->shown ? shown : &u->old, err);
	return r < 0 ? r : update_commit(u, c, err);
}

/* Nothing is new, but what is frozen for too long is stale. */
static int
take_same(struct update *u, const struct release_got *got, struct error *err)
{
	CLEANUP(state_release) struct state shown = {0};
	struct update_commit c = {.got = got};
	int r = check_valid_until(u, u->old.valid_until, err);
	int changed = filter_changed(u);

	if (r < 0)
		return about_release(u, r, err);
	if (changed < 0)
		return error_sys(err, changed, "cannot filter");
	if (changed > 0 && !u->mirror.filter)
		r = count_packages(u, &u->old, err);
	if (changed > 0)
		return r < 0 ? r : filter_anew(u, &c, &shown, err);
	r = load_shown(u, &shown, err);
	if (r == 0)
		r = count_packages(u, &shown, err);
	if (r == 0)
		r = take_pool(u, &shown, err);
	if (r < 0)
		return r;
	return update_commit(u, &c, err);
}

/* One go at what the archive has now.  again: 1 where it has nothing else than
 * the last time. */
static int
go(struct update *u, bool again, struct error *err)
{
	CLEANUP(release_got_free) struct release_got got = {0};
	struct digest listing;
	int r = release_get(u, &got, err);

	if (r < 0)
		return again && r != -EINTR ? 1 : r;
	if (got.same)
		return take_same(u, &got, err);
	digest_of(got.listing.ptr, got.listing.len, &listing);
	if (again && digest_eq(&listing, &u->listing))
		return 1;
	u->listing = listing;
	return take_release(u, &got, err);
}

/*
 * Files that are not those of Release: the archive may have moved on between
 * two requests.  If it has another Release now, that one is taken, once.
 */
static int
go_again(struct update *u, int failed, struct error *err)
{
	uint64_t bytes = u->result.bytes;
	struct error again_err = {""};
	int r;

	u->result = (struct update_result){.bytes = bytes};
	u->anew = true;
	u->mismatch = false;
	r = go(u, true, &again_err);
	if (r > 0)
		return failed;
	if (r < 0 && u->mismatch)
		return error_set(err, r,
		    "the archive changes while it is read: %s", again_err.text);
	return r < 0 ? error_set(err, r, "%s", again_err.text) : 0;
}

static int
run(struct update *u, const char *name, struct error *err)
{
	int r = load(u, name, err);

	if (r < 0)
		return r;
	r = fetcher_new(&u->fetcher);
	if (r == 0)
		r = rate_new(u->opts->bytes_per_s, &u->rate);
	if (r < 0)
		return error_sys(err, r, "cannot fetch");
	r = go(u, false, err);
	return r < 0 && u->mismatch ? go_again(u, r, err) : r;
}

int
update_mirror(struct store *s, const char *name, const struct update_opts *opts,
    struct update_result *ret, struct error *err)
{
	struct update u = {.store = s, .opts = opts};
	int r = fetch_global_init(err);

	if (r == 0)
		r = run(&u, name, err);
	/* Without a name it is the mirror that is not there. */
	if (r < 0 && u.mirror.name)
		error_prefix(err, r, "mirror %s", name);
	update_free(&u);
	if (r < 0)
		return r;
	*ret = u.result;
	return 0;
}
