/* What only helps: paths, sightings, when something was gone or dropped. */

#include <errno.h>

#include "store/blob.h"
#include "store/mend_run.h"
#include "store/path_index.h"

/* --- paths ---------------------------------------------------------------- */

static int
remove_wrong_paths(
    struct mend *m, struct txn *t, struct span key, struct span value)
{
	CLEANUP(path_maker_cleanup) struct path_maker *maker = NULL;
	int r;

	if (key.len != sizeof(struct key64) || !path_index_is_block(value))
		return mend_remove(m, T_PATHS, key);
	r = path_maker_new(&maker);
	if (r == 0)
		r = path_maker_check(maker, t, key64_value(key.ptr), value);
	if (r == 0)
		return mend_remove(m, T_PATHS, key);
	return r < 0 && !is_damage(r) ? r : 0;
}

static int
mend_paths(struct mend *m)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	uint64_t last = 0, n = 0;
	int r = txn_read(m->store, &t, m->err);

	if (r >= 0)
		r = txn_last(t, C_PATH, &last);
	if (r >= 0)
		r = txn_count(t, T_PATHS, &n);
	txn_end(TAKE(t));
	/* Nobody has asked for it yet. */
	if (r < 0 || (last == 0 && n == 0))
		return is_damage(r) ? 0 : r;
	r = mend_each(m, T_PATHS, remove_wrong_paths);
	if (r >= 0)
		r = path_index_update(m->store, m->err);
	/* A package that can't be read is told by the check. */
	return is_damage(r) ? 0 : r;
}

/* --- sightings --------------------------------------------------------------
 */

#define SIGHTING_KEY   (2 * sizeof(struct key64))
#define SIGHTING_VALUE 1024

static int
remove_malformed_sighting(
    struct mend *m, struct txn *t, struct span key, struct span value)
{
	(void)t;
	return key.len == SIGHTING_KEY && value.len == SIGHTING_VALUE
		   ? 0
		   : mend_remove(m, T_SIGHTINGS, key);
}

struct seen {
	uint64_t origin, list;
};

static int
put_seen(struct txn *t, void *arg, struct error *err)
{
	CLEANUP(list_release) struct list l = {0};
	const struct seen *s = arg;
	int r = list_load(t, s->list, &l);

	(void)err;
	if (r == 0)
		r = sighting_put_list(t, s->origin, &l);
	return is_damage(r) ? 0 : r;
}

static int
mend_state_sightings(struct mend *m, uint64_t state, struct bits *done)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	CLEANUP(state_release) struct state s = {0};
	int r = txn_read(m->store, &t, m->err);

	if (r >= 0)
		r = state_load(t, state, &s);
	txn_end(TAKE(t));
	if (r < 0)
		return is_damage(r) ? 0 : r;
	for (size_t i = 0; s.origin && i < s.nlists && r >= 0; i++) {
		struct seen seen = {s.origin, s.lists[i].list};

		r = mend_set(m, T_LISTS, done, seen.list);
		if (r <= 0) {
			r = r == -ENOMEM ? r : 0;
			continue;
		}
		r = txn_read(m->store, &t, m->err);
		if (r >= 0)
			r = sighting_has_list(t, s.origin, seen.list);
		txn_end(TAKE(t));
		if (r == 0)
			r = store_write(m->store, put_seen, &seen, m->err);
		else if (is_damage(r))
			r = 0;
	}
	return r;
}

static int
mend_sightings(struct mend *m)
{
	CLEANUP(bits_release) struct bits done = {0};
	const struct bits *states = &m->reach.bits[REACH_STATE];
	int r = mend_each(m, T_SIGHTINGS, remove_malformed_sighting);

	for (uint64_t n = bits_next(states, 1); n != UINT64_MAX && r >= 0;
	     n = bits_next(states, n + 1))
		r = mend_state_sightings(m, n, &done);
	return r;
}

/* --- times and keys
 * ---------------------------------------------------------------- */

static bool
is_pair(struct span key, struct span value)
{
	return key.len == sizeof(struct key64) &&
	       value.len == sizeof(struct key64);
}

static int
remove_malformed_gone(
    struct mend *m, struct txn *t, struct span key, struct span value)
{
	(void)t;
	return is_pair(key, value) ? 0 : mend_remove(m, T_GONE, key);
}

static int
remove_malformed_dropped(
    struct mend *m, struct txn *t, struct span key, struct span value)
{
	(void)t;
	return is_pair(key, value) ? 0 : mend_remove(m, T_DROPPED, key);
}

/* A key that is damaged would be in the way of the others. */
static int
remove_damaged_key(
    struct mend *m, struct txn *t, struct span key, struct span value)
{
	(void)t;
	return value.len > 0 ? 0 : mend_remove(m, T_KEYS, key);
}

int
mend_hints(struct mend *m)
{
	int r = mend_paths(m);

	if (r >= 0)
		r = mend_sightings(m);
	if (r >= 0)
		r = mend_each(m, T_GONE, remove_malformed_gone);
	if (r >= 0)
		r = mend_each(m, T_DROPPED, remove_malformed_dropped);
	return r < 0 ? r : mend_each(m, T_KEYS, remove_damaged_key);
}
