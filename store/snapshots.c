#include "store/snapshots.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/path.h"
#include "store/mirror.h"
#include "store/state.h"
#include "store/uses.h"

/* The arguments of the transactions below. */
struct change {
	const char *name;
	const char *to;
	const char *mirror;
	int64_t now;
	bool force;
};

int
snapshots_load(
    struct txn *t, const char *name, struct snapshot *ret, struct error *err)
{
	int r = snapshot_load(t, name, ret);

	if (r == -ENOENT)
		return error_set(err, r, "no snapshot is named %s", name);
	return r < 0 ? error_sys(err, r, "snapshot %s", name) : 0;
}

/* A new name must be good and free. */
static int
check_new(struct txn *t, const char *name, struct error *err)
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

/* The description is made here; mirror may be NULL. */
static int
put_new(struct txn *t, const struct change *ch, uint64_t state)
{
	CLEANUP(snapshot_release)
	struct snapshot s = {
	    .created = ch->now,
	    .state = state,
	};
	CLEANUP(buf_release) struct buf text = {0};

	if (ch->mirror)
		(void)buf_addf(&text, "mirror %s", ch->mirror);
	else
		(void)buf_add_str(&text, "empty");
	s.name = strdup(ch->name);
	s.mirror = ch->mirror ? strdup(ch->mirror) : NULL;
	s.description = text.failed ? NULL : buf_take(&text);
	if (!s.name || !s.description || (ch->mirror && !s.mirror))
		return -ENOMEM;
	return snapshot_put(t, &s);
}

static int
from_mirror(struct txn *t, void *arg, struct error *err)
{
	const struct change *ch = arg;
	CLEANUP(mirror_release) struct mirror m = {0};
	int r = check_new(t, ch->name, err);

	if (r < 0)
		return r;
	r = mirror_load(t, ch->mirror, &m);
	if (r == -ENOENT)
		return error_set(err, r, "no mirror is named %s", ch->mirror);
	if (r < 0)
		return error_sys(err, r, "mirror %s", ch->mirror);
	if (m.state == 0)
		return error_set(err, -ENOENT,
		    "mirror %s has never been updated: suitefs mirror update "
		    "%s",
		    ch->mirror, ch->mirror);
	return put_new(t, ch, m.state);
}

int
snapshots_from_mirror(struct store *s, const char *name, const char *mirror,
    int64_t now, struct error *err)
{
	struct change ch = {.name = name, .mirror = mirror, .now = now};

	return store_write(s, from_mirror, &ch, err);
}

static int
empty(struct txn *t, void *arg, struct error *err)
{
	const struct change *ch = arg;
	CLEANUP(state_release) struct state state = {.taken = ch->now};
	int r = check_new(t, ch->name, err);

	if (r < 0)
		return r;
	state.suite = strdup(ch->name);
	if (!state.suite)
		return -ENOMEM;
	r = state_put(t, &state);
	return r < 0 ? r : put_new(t, ch, state.number);
}

int
snapshots_empty(
    struct store *s, const char *name, int64_t now, struct error *err)
{
	struct change ch = {.name = name, .now = now};

	return store_write(s, empty, &ch, err);
}

static int
rename_one(struct txn *t, void *arg, struct error *err)
{
	const struct change *ch = arg;
	CLEANUP(snapshot_release) struct snapshot s = {0};
	int r = snapshots_load(t, ch->name, &s, err);

	if (r == 0)
		r = check_new(t, ch->to, err);
	if (r < 0)
		return r;
	free(s.name);
	s.name = strdup(ch->to);
	if (!s.name)
		return -ENOMEM;
	r = snapshot_delete(t, ch->name);
	if (r == 0)
		r = snapshot_put(t, &s);
	return r < 0 ? r : uses_rename(t, SOURCE_SNAPSHOT, ch->name, ch->to);
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
