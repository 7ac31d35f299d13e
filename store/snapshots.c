#include "store/snapshots.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/date.h"
#include "base/path.h"
#include "store/mirror.h"
#include "store/state.h"
#include "store/unknown.h"
#include "store/uses.h"

/* The arguments of the transactions below. */
struct change {
	const char *name;
	const char *to;
	const char *mirror;
	int64_t now;
	bool force;
};

struct dated {
	const char *mirror;
	int64_t now;
	char *name; /* is made, of DATE_SIZE bytes */
};

int
snapshots_load(
    struct txn *t, const char *name, struct snapshot *ret, struct error *err)
{
	int r = snapshot_load(t, name, ret);

	if (r == -ENOENT)
		return unknown_name(t, UNKNOWN_SNAPSHOT, name, err);
	return r < 0 ? error_sys(err, r, "snapshot %s", name) : 0;
}

int
snapshots_check_new(struct txn *t, const char *name, struct error *err)
{
	CLEANUP(snapshot_release) struct snapshot s = {0};
	const char *why = name_check(span_of(name));
	int r;

	if (why)
		return error_set(
		    err, -EINVAL, "snapshot name '%s' %s", name, why);
	r = snapshot_load(t, name, &s);
	if (r == 0)
		return error_set(
		    err, -EEXIST, "snapshot %s exists already", name);
	return r == -ENOENT ? 0 : error_sys(err, r, "snapshot %s", name);
}

/* The state of a mirror that is frozen. */
struct frozen {
	uint64_t state;
	bool filtered; /* no untouched capture of the archive */
};

static int
put_new(struct txn *t, const struct change *ch, const struct frozen *from)
{
	CLEANUP(snapshot_release)
	struct snapshot s = {
	    .created = ch->now,
	    .state = from->state,
	};
	CLEANUP(buf_release) struct buf text = {0};
	int r = 0;

	(void)buf_addf(&text, "mirror %s%s", ch->mirror,
	    from->filtered ? ", filtered" : "");
	s.name = strdup(ch->name);
	s.description = buf_take(&text);
	if (from->filtered)
		r = snapshot_add_source(
		    &s, SOURCE_MIRROR, ch->mirror, from->state);
	else
		s.mirror = strdup(ch->mirror);
	if (!s.name || !s.description || (!from->filtered && !s.mirror))
		return -ENOMEM;
	return r < 0 ? r : snapshot_put(t, &s);
}

static int
mirror_state(
    struct txn *t, const char *mirror, struct frozen *ret, struct error *err)
{
	CLEANUP(mirror_release) struct mirror m = {0};
	int r = mirror_load(t, mirror, &m);

	if (r == -ENOENT)
		return unknown_name(t, UNKNOWN_MIRROR, mirror, err);
	if (r < 0)
		return error_sys(err, r, "mirror %s", mirror);
	if (m.state == 0)
		return error_set(err, -ENOENT,
		    "mirror %s has never been updated: suitefs mirror update "
		    "%s",
		    mirror, mirror);
	*ret = (struct frozen){m.state, m.whole != 0};
	return 0;
}

static int
from_mirror(struct txn *t, void *arg, struct error *err)
{
	const struct change *ch = arg;
	struct frozen from = {0};
	int r = snapshots_check_new(t, ch->name, err);

	if (r >= 0)
		r = mirror_state(t, ch->mirror, &from, err);
	return r < 0 ? r : put_new(t, ch, &from);
}

int
snapshots_from_mirror(struct store *s, const char *name, const char *mirror,
    int64_t now, struct error *err)
{
	struct change ch = {.name = name, .mirror = mirror, .now = now};

	return store_write(s, from_mirror, &ch, err);
}

/* Nothing is appended to an ID that is taken: apt would never ask for it. */
static int
check_dated(
    struct txn *t, const struct change *ch, uint64_t state, struct error *err)
{
	CLEANUP(snapshot_release) struct snapshot s = {0};
	int r = snapshot_load(t, ch->name, &s);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return error_sys(err, r, "snapshot %s", ch->name);
	if (s.state == state)
		return error_set(err, -EEXIST,
		    "the state of mirror %s is snapshotted already, as %s",
		    ch->mirror, ch->name);
	return error_set(err, -EEXIST,
	    "the Date of mirror %s makes the name %s, but that snapshot exists "
	    "already and has another state: name the new one",
	    ch->mirror, ch->name);
}

static int
from_mirror_dated(struct txn *t, void *arg, struct error *err)
{
	const struct dated *d = arg;
	struct change ch = {
	    .name = d->name, .mirror = d->mirror, .now = d->now};
	CLEANUP(state_release) struct state s = {0};
	struct frozen from = {0};
	int r = mirror_state(t, d->mirror, &from, err);

	if (r < 0)
		return r;
	r = state_load(t, from.state, &s);
	if (r < 0)
		return error_sys(err, r, "mirror %s", d->mirror);
	if (s.date == 0)
		return error_set(err, -ENOENT,
		    "the Release of mirror %s has no Date to make a name of: "
		    "name the snapshot",
		    d->mirror);
	(void)date_format_id(s.date, d->name);
	r = check_dated(t, &ch, from.state, err);
	return r < 0 ? r : put_new(t, &ch, &from);
}

int
snapshots_from_mirror_dated(struct store *s, const char *mirror, int64_t now,
    char *name, struct error *err)
{
	struct dated d = {.mirror = mirror, .now = now, .name = name};

	return store_write(s, from_mirror_dated, &d, err);
}

static int
rename_one(struct txn *t, void *arg, struct error *err)
{
	const struct change *ch = arg;
	CLEANUP(snapshot_release) struct snapshot s = {0};
	struct snapshot_source was = {.kind = SOURCE_SNAPSHOT};
	int r = snapshots_load(t, ch->name, &s, err);

	if (r == 0)
		r = snapshots_check_new(t, ch->to, err);
	if (r < 0)
		return r;
	was.state = s.state;
	free(s.name);
	s.name = strdup(ch->to);
	if (!s.name)
		return -ENOMEM;
	r = snapshot_delete(t, ch->name);
	if (r == 0)
		r = snapshot_put(t, &s);
	if (r == 0)
		r = uses_rename(t, SOURCE_SNAPSHOT, ch->name, ch->to);
	was.name = (char *)(uintptr_t)ch->name;
	return r < 0 ? r : snapshot_sources_rename(t, &was, ch->to);
}

int
snapshots_rename(
    struct store *s, const char *from, const char *to, struct error *err)
{
	struct change ch = {.name = from, .to = to};

	return store_write(s, rename_one, &ch, err);
}

static int
drop(struct txn *t, void *arg, struct error *err)
{
	const struct change *ch = arg;
	CLEANUP(snapshot_release) struct snapshot s = {0};
	CLEANUP(buf_release) struct buf places = {0};
	int r = snapshots_load(t, ch->name, &s, err);

	if (r < 0)
		return r;
	r = uses_names(t, SOURCE_SNAPSHOT, ch->name, &places);
	if (r < 0)
		return r;
	if (places.len > 0 && !ch->force)
		return error_set(err, -EBUSY,
		    "snapshot %s is published as %s; with --force these go on "
		    "serving it, but can't be updated any more",
		    ch->name, places.ptr);
	return snapshot_delete(t, ch->name);
}

int
snapshots_drop(struct store *s, const char *name, bool force, struct error *err)
{
	struct change ch = {.name = name, .force = force};

	return store_write(s, drop, &ch, err);
}
