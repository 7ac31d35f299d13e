#include "store/mirrors.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/path.h"
#include "store/publication.h"
#include "store/snapshot.h"
#include "store/unknown.h"
#include "store/uses.h"

/* The arguments and results of the transactions below. */
struct change {
	const char *name;
	const char *to;
	struct mirror *mirror;
	struct origin *origin;
	mirrors_edit_fn *edit;
	void *arg;
	bool force;
};

int
mirrors_load(
    struct txn *t, const char *name, struct mirror *ret, struct error *err)
{
	int r = mirror_load(t, name, ret);

	if (r == -ENOENT)
		return unknown_name(t, UNKNOWN_MIRROR, name, err);
	return r < 0 ? error_sys(err, r, "mirror %s", name) : 0;
}

/* A new name must be good and free. */
static int
check_new(struct txn *t, const char *name, struct error *err)
{
	CLEANUP(mirror_release) struct mirror m = {0};
	const char *why = name_check(span_of(name));
	int r;

	if (why)
		return error_set(
		    err, -EINVAL, "mirror name '%s' %s", name, why);
	r = mirror_load(t, name, &m);
	if (r == 0)
		return error_set(
		    err, -EEXIST, "mirror %s exists already", name);
	return r == -ENOENT ? 0 : error_sys(err, r, "mirror %s", name);
}

/* "dir/" is a flat archive; "./" and "/" are the one right at the URL. */
static const char *
suite_check(struct span suite)
{
	if (!span_ends(suite, SPAN("/")))
		return path_check(suite);
	suite = path_strip_dot(suite);
	if (suite.len > 0)
		suite.len--;
	return suite.len > 0 ? path_check(suite) : NULL;
}

static int
check_each(const struct strs *words, const char *(*check)(struct span),
    const char *what, struct error *err)
{
	for (size_t i = 0; i < words->n; i++) {
		const char *why = check(span_of(words->v[i]));

		if (why)
			return error_set(
			    err, -EINVAL, "%s '%s' %s", what, words->v[i], why);
	}
	return 0;
}

/* What becomes part of paths, in the archive and in the mounted tree. */
static int
check_paths(const struct mirror *m, struct error *err)
{
	const char *why = suite_check(span_of(m->suite));
	int r;

	if (why)
		return error_set(err, -EINVAL, "suite '%s' %s", m->suite, why);
	r = check_each(&m->components, path_check, "component", err);
	if (r < 0)
		return r;
	return check_each(&m->architectures, name_check, "architecture", err);
}

static int
check_origin(const struct origin *o, struct error *err)
{
	if (o->fallbacks.n <= ORIGIN_MAX_FALLBACKS)
		return 0;
	return error_set(err, -EINVAL, "%zu fallbacks: at most %d can be tried",
	    o->fallbacks.n, ORIGIN_MAX_FALLBACKS);
}

static int
add_verbatim(const struct publication *p, void *arg)
{
	struct buf *out = arg;

	if (!p->verbatim)
		return 0;
	return buf_addf(out, "%s%s/%s", out->len > 0 ? ", " : "",
	    *p->prefix ? p->prefix : ".", p->distribution);
}

int
mirrors_check_filter(struct txn *t, const struct mirror *m, struct error *err)
{
	CLEANUP(buf_release) struct buf places = {0};
	int r;

	if (!m->filter)
		return 0;
	r = publication_each_of(
	    t, SOURCE_MIRROR, m->name, add_verbatim, &places);
	if (r < 0)
		return error_sys(err, r, "mirror %s", m->name);
	if (places.len == 0)
		return 0;
	return error_set(err, -EBUSY,
	    "mirror %s is published verbatim (%s): with a filter it has no "
	    "Release of the archive's own any more",
	    m->name, places.ptr);
}

static int
create(struct txn *t, void *arg, struct error *err)
{
	struct change *ch = arg;
	int r = check_new(t, ch->mirror->name, err);

	if (r == 0)
		r = check_paths(ch->mirror, err);
	if (r == 0)
		r = check_origin(ch->origin, err);
	if (r == 0)
		r = mirrors_check_filter(t, ch->mirror, err);
	if (r < 0)
		return r;
	ch->origin->number = 0; /* this may be another try */
	r = origin_put(t, ch->origin);
	if (r < 0)
		return r;
	ch->mirror->origin = ch->origin->number;
	return mirror_put(t, ch->mirror);
}

int
mirrors_create(
    struct store *s, struct mirror *m, struct origin *o, struct error *err)
{
	struct change ch = {.mirror = m, .origin = o};

	return store_write(s, create, &ch, err);
}

static int
edit(struct txn *t, void *arg, struct error *err)
{
	struct change *ch = arg;
	CLEANUP(mirror_release) struct mirror m = {0};
	CLEANUP(origin_release) struct origin o = {0};
	int r = mirrors_load(t, ch->name, &m, err);

	if (r < 0)
		return r;
	r = origin_load(t, m.origin, &o);
	if (r < 0)
		return error_sys(err, r == -ENOENT ? -EIO : r,
		    "mirror %s: its origin", ch->name);
	r = ch->edit(&m, &o, ch->arg, err);
	if (r == 0)
		r = check_paths(&m, err);
	if (r == 0)
		r = check_origin(&o, err);
	if (r == 0)
		r = mirrors_check_filter(t, &m, err);
	if (r < 0)
		return r;
	r = origin_put(t, &o);
	return r < 0 ? r : mirror_put(t, &m);
}

int
mirrors_edit(struct store *s, const char *name, mirrors_edit_fn *fn, void *arg,
    struct error *err)
{
	struct change ch = {.name = name, .edit = fn, .arg = arg};

	return store_write(s, edit, &ch, err);
}

/* Names of the snapshots of a mirror, collected before any is changed. */
struct captures {
	const char *mirror;
	struct strs names;
};

static int
add_snapshot(const struct snapshot *s, void *arg)
{
	struct captures *c = arg;

	if (!s->mirror || strcmp(s->mirror, c->mirror) != 0)
		return 0;
	return strs_add(&c->names, span_of(s->name));
}

static int
rename_in_snapshots(struct txn *t, const char *from, const char *to)
{
	CLEANUP(strs_release) struct strs names = {0};
	struct captures c = {.mirror = from};
	int r = snapshot_each(t, add_snapshot, &c);

	names = c.names;
	for (size_t i = 0; r >= 0 && i < names.n; i++) {
		CLEANUP(snapshot_release) struct snapshot s = {0};

		r = snapshot_load(t, names.v[i], &s);
		if (r < 0)
			break;
		free(s.mirror);
		s.mirror = strdup(to);
		r = s.mirror ? snapshot_put(t, &s) : -ENOMEM;
	}
	return r;
}

static int
rename_one(struct txn *t, void *arg, struct error *err)
{
	struct change *ch = arg;
	struct snapshot_source was = {
	    .kind = SOURCE_MIRROR, .name = (char *)(uintptr_t)ch->name};
	CLEANUP(mirror_release) struct mirror m = {0};
	int r = mirrors_load(t, ch->name, &m, err);

	if (r == 0)
		r = check_new(t, ch->to, err);
	if (r < 0)
		return r;
	free(m.name);
	m.name = strdup(ch->to);
	if (!m.name)
		return -ENOMEM;
	r = mirror_delete(t, ch->name);
	if (r == 0)
		r = mirror_put(t, &m);
	if (r == 0)
		r = uses_rename(t, SOURCE_MIRROR, ch->name, ch->to);
	if (r == 0)
		r = snapshot_sources_rename(t, &was, ch->to);
	return r < 0 ? r : rename_in_snapshots(t, ch->name, ch->to);
}

int
mirrors_rename(
    struct store *s, const char *from, const char *to, struct error *err)
{
	struct change ch = {.name = from, .to = to};

	return store_write(s, rename_one, &ch, err);
}

static int
drop(struct txn *t, void *arg, struct error *err)
{
	struct change *ch = arg;
	CLEANUP(mirror_release) struct mirror m = {0};
	CLEANUP(buf_release) struct buf places = {0};
	int r = mirrors_load(t, ch->name, &m, err);

	if (r < 0)
		return r;
	r = uses_names(t, SOURCE_MIRROR, ch->name, &places);
	if (r < 0)
		return r;
	if (places.len > 0 && !ch->force)
		return error_set(err, -EBUSY,
		    "mirror %s is published as %s; with --force these stay as "
		    "they are and can't be updated any more",
		    ch->name, places.ptr);
	return mirror_delete(t, ch->name);
}

int
mirrors_drop(struct store *s, const char *name, bool force, struct error *err)
{
	struct change ch = {.name = name, .force = force};

	return store_write(s, drop, &ch, err);
}
