/* One index from the archive into the store: the search through its forms and
 * the places that may have them. */

#include <errno.h>
#include <string.h>

#include "mirror/ahead.h"
#include "mirror/take_form.h"

/* The search through forms and places. */
struct search {
	struct update *u;
	const struct wanted *w;
	bool by_hash;	     /* the archive offers it */
	struct ahead *ahead; /* until it has been looked at; or NULL */
	size_t at;
	uint64_t list;
	int last; /* the error of the last place */
	/* The error to tell: the first that says more than "not there". */
	int why;
	struct error why_err;
};

static bool
goes_on_after(int r)
{
	return r == -ENOENT || r == -EACCES || r == -EBADMSG || r == -E2BIG;
}

static void
remember(struct search *s, int r, const struct error *err)
{
	s->last = r;
	if (s->why != 0 && (s->why != -ENOENT || r == -ENOENT))
		return;
	s->why = r;
	s->why_err = *err;
}

static void
count_taken(struct search *s, const struct ingest_result *result)
{
	s->list = result->list;
	s->u->result.indexes++;
	s->u->result.packages += result->packages;
	s->u->result.new_packages += result->new_packages;
}

/* 1: taken; 0: try elsewhere; or an error that ends the update. */
static int
try_url(struct search *s, const struct wanted_form *form, const char *url,
    const struct origin *origin, struct error *err)
{
	CLEANUP(take_release)
	struct take t = {.u = s->u,
	    .w = s->w,
	    .form = form,
	    .url = url,
	    .origin = origin,
	    .at = s->at};
	int r;

	if (!url)
		return error_sys(err, -ENOMEM, "cannot fetch an index");
	t.ahead = TAKE(s->ahead);
	r = take_form(&t, err);
	if (r == 0) {
		count_taken(s, &t.result);
		return 1;
	}
	if (t.final || !goes_on_after(r))
		return r;
	remember(s, r, err);
	return 0;
}

/* The paths of a form below the archive's root. */
struct paths {
	struct buf by_hash, by_name;
};

static void
paths_release(struct paths *p)
{
	buf_release(&p->by_hash);
	buf_release(&p->by_name);
}

static int
paths_of(const struct update *u, const struct wanted_form *form,
    struct paths *ret, struct error *err)
{
	(void)buf_add_str(&ret->by_hash, u->dir); /* failed tells */
	(void)release_by_hash(form->file, &ret->by_hash);
	(void)buf_add_str(&ret->by_name, u->dir);
	(void)buf_add_span(&ret->by_name, form->file->path);
	if (ret->by_hash.failed || ret->by_name.failed)
		return error_sys(err, -ENOMEM, "cannot fetch an index");
	return 0;
}

static int
try_own(struct search *s, const struct wanted_form *form,
    const struct buf *path, struct error *err)
{
	CLEANUP_FREE char *url = origin_url(&s->u->origin, buf_span(path));

	return try_url(s, form, url, &s->u->origin, err);
}

static int
try_form(struct search *s, const struct wanted_form *form, struct error *err)
{
	CLEANUP(paths_release) struct paths paths = {0};
	int r = paths_of(s->u, form, &paths, err);

	if (r == 0 && s->by_hash)
		r = try_own(s, form, &paths.by_hash, err);
	if (r == 0)
		r = try_own(s, form, &paths.by_name, err);
	/* Other content under the name: the archive has moved on.  It may have
	 * the old file by hash, though it does not say so. */
	if (r == 0 && !s->by_hash && s->last == -EBADMSG)
		r = try_own(s, form, &paths.by_hash, err);
	else
		return r;
	/* Whatever it says to that, it was not promised. */
	return r == -EIO ? 0 : r;
}

static int
try_fallback(struct search *s, const struct wanted_form *form, size_t index,
    struct error *err)
{
	const struct origin *o = &s->u->origin;
	const struct digest *sha256 = &form->file->sha256;
	CLEANUP(paths_release) struct paths paths = {0};
	CLEANUP_FREE char *by_hash = NULL;
	CLEANUP_FREE char *by_name = NULL;
	int r = paths_of(s->u, form, &paths, err);

	if (r < 0)
		return r;
	by_hash = origin_fallback(o, index, buf_span(&paths.by_hash), sha256);
	by_name = origin_fallback(o, index, buf_span(&paths.by_name), sha256);
	if (s->by_hash)
		r = try_url(s, form, by_hash, NULL, err);
	if (r == 0 && !(s->by_hash && by_name && strcmp(by_hash, by_name) == 0))
		r = try_url(s, form, by_name, NULL, err);
	return r;
}

/* Where there are fallbacks, a server in trouble ends nothing but the tries
 * there. */
static int
go_on(struct search *s, int r, const struct error *err)
{
	if (r != -EIO || s->u->origin.fallbacks.n == 0)
		return r;
	remember(s, r, err);
	return 0;
}

static int
try_all(struct search *s, struct error *err)
{
	const struct wanted *w = s->w;
	int r = 0;

	for (size_t i = 0; r == 0 && i < w->nforms; i++)
		r = try_form(s, &w->forms[i], err);
	r = go_on(s, r, err);
	for (size_t f = 0; f < s->u->origin.fallbacks.n; f++) {
		for (size_t i = 0; r == 0 && i < w->nforms; i++)
			r = try_fallback(s, &w->forms[i], f, err);
		r = go_on(s, r, err);
	}
	return r;
}

char *
index_first_url(const struct update *u, const struct wanted *w, bool by_hash)
{
	CLEANUP(paths_release) struct paths paths = {0};
	struct error ignored;

	if (paths_of(u, &w->forms[0], &paths, &ignored) < 0)
		return NULL;
	return origin_url(
	    &u->origin, buf_span(by_hash ? &paths.by_hash : &paths.by_name));
}

int
index_take(struct update *u, const struct index_wish *wish, uint64_t *ret_list,
    struct error *err)
{
	const struct wanted *w = wish->w;
	struct search s = {.u = u,
	    .w = w,
	    .by_hash = wish->by_hash,
	    .ahead = wish->ahead,
	    .at = wish->at};
	int r = try_all(&s, err);

	if (r < 0)
		return r;
	if (r == 0) {
		u->mismatch = true;
		/* Longer than announced is not what was announced. */
		r = s.why == -E2BIG ? -EBADMSG : s.why;
		return error_set(err, r, "no form of %s%s can be had: %s",
		    u->dir, w->path, s.why_err.text);
	}
	*ret_list = s.list;
	return 0;
}
