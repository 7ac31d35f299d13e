/* Counters, roots and the trees of prefixes. */

#include <errno.h>
#include <string.h>

#include "store/mend_run.h"
#include "store/mirror.h"
#include "store/publication.h"
#include "store/root.h"
#include "store/snapshot.h"

/* Numbers that were given out, but that nothing has any more, can't be known:
 * so many are left out. */
#define GAP 65536

static const struct {
	enum counter counter;
	enum table table;
} numbered[] = {
    {C_PACKAGE, T_LIGHT},
    {C_PACKAGE, T_HEAVY},
    {C_DICT, T_DICTS},
    {C_RUN, T_RUNS},
    {C_LIST, T_LISTS},
    {C_FORM, T_FORMS},
    {C_TEXT, T_TEXTS},
    {C_BLOB, T_BLOBS},
    {C_ORIGIN, T_ORIGINS},
    {C_STATE, T_STATES},
    {C_ROOT, T_ROOTS},
};

static int
raise_counter(struct txn *t, enum counter counter, uint64_t least, uint64_t gap)
{
	uint64_t last = 0;
	int r = txn_last(t, counter, &last);

	if (r < 0 && !is_damage(r))
		return r;
	if (r >= 0 && last >= least && last <= BITS_MAX)
		return 0;
	return txn_set_last(t, counter, least + gap);
}

static int
raise_counters(struct txn *t, void *arg, struct error *err)
{
	const struct mend *m = arg;
	uint64_t most[C_COUNT] = {0};
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(numbered) && r >= 0; i++) {
		uint64_t max;

		r = txn_max64(t, numbered[i].table, &max);
		if (r >= 0 && max > most[numbered[i].counter])
			most[numbered[i].counter] = max;
	}
	for (size_t i = 0; i < ARRAY_LEN(numbered) && r >= 0; i++)
		r = raise_counter(
		    t, numbered[i].counter, most[numbered[i].counter], GAP);
	if (r >= 0)
		r = raise_counter(
		    t, C_STAMP_TEXT, (uint64_t)m->opts->latest_text, 0);
	if (r >= 0)
		r = raise_counter(
		    t, C_STAMP_BLOB, (uint64_t)m->opts->latest_blob, 0);
	if (r >= 0)
		r = raise_counter(t, C_PATH, 0, 0);
	return r < 0 ? error_sys(err, r, "cannot repair counters") : 0;
}

int
mend_counters(struct mend *m)
{
	return store_write(m->store, raise_counters, m, m->err);
}

/* --- heads ----------------------------------------------------------------
 */

/* Older generations that can't be read would be in the way of all others. */
static int
drop_older(struct txn *t, struct root *root)
{
	size_t n = 0;

	for (size_t i = 0; i < ROOT_OLDER; i++) {
		CLEANUP(state_release) struct state s = {0};
		uint64_t older = root->older[i];
		int r = older == 0 ? -ENOENT : state_load(t, older, &s);

		if (r < 0 && (!is_damage(r) || r == -EPROTO))
			return r == -EPROTO ? 0 : r;
		root->older[i] = 0;
		if (r == 0)
			root->older[n++] = older;
	}
	return 0;
}

/* A root, by the head that names it. */
static int
mend_root(struct txn *t, uint64_t number, uint64_t state)
{
	CLEANUP(root_release) struct root root = {0};
	uint64_t older[ROOT_OLDER];
	int r = number == 0 ? -EPROTO : root_load(t, number, &root);

	if (r == -EPROTO)
		return 0;
	if (is_damage(r)) {
		root = (struct root){
		    .number = number, .kind = ROOT_ARCHIVE, .state = state};
		return root_restore(t, &root);
	}
	memcpy(older, root.older, sizeof(older));
	if (r == 0)
		r = drop_older(t, &root);
	if (r < 0 || memcmp(older, root.older, sizeof(older)) == 0)
		return r;
	return root_restore(t, &root);
}

/* Keys, one after another; each ends in a NUL, and one more. */
static int
add_key(struct span key, struct span value, void *arg)
{
	struct buf *keys = arg;

	(void)value;
	(void)buf_add_span(keys, key);
	(void)buf_add(keys, "\0", 2);
	return keys->failed ? -ENOMEM : 0;
}

static int
mend_mirror(struct txn *t, const char *name, const char *rest)
{
	CLEANUP(mirror_release) struct mirror m = {0};
	int r = mirror_load(t, name, &m);

	(void)rest;
	return r < 0 ? r : mend_root(t, m.root, m.state);
}

static int
mend_snapshot(struct txn *t, const char *name, const char *rest)
{
	CLEANUP(snapshot_release) struct snapshot s = {0};
	int r = snapshot_load(t, name, &s);

	(void)rest;
	return r < 0 ? r : mend_root(t, s.root, s.state);
}

static bool
is_shown(struct txn *t, const struct publication *p)
{
	CLEANUP(root_release) struct root tree = {0};
	uint64_t number = 0;

	if (prefix_root(t, p->prefix, &number) < 0 ||
	    root_load(t, number, &tree) < 0 || tree.kind != ROOT_PREFIX)
		return false;
	for (size_t i = 0; i < tree.ndists; i++)
		if (strcmp(tree.dists[i].distribution, p->distribution) == 0)
			return tree.dists[i].root == p->root;
	return false;
}

static int
mend_publication(struct txn *t, const char *prefix, const char *distribution)
{
	CLEANUP(publication_release) struct publication p = {0};
	int r = publication_load(t, prefix, distribution, &p);

	if (r == 0)
		r = mend_root(t, p.root, p.state);
	if (r < 0 || is_shown(t, &p))
		return r;
	/* A publication that is damaged would be lost from the tree. */
	return publication_renew_prefix(t, prefix);
}

static int
mend_each_head(struct txn *t, enum table table,
    int (*fn)(struct txn *t, const char *key, const char *second))
{
	CLEANUP(buf_release) struct buf keys = {0};
	int r = txn_each(t, table, (struct span){0}, add_key, &keys);
	size_t at = 0;

	while (at < keys.len && r >= 0) {
		const char *key = keys.ptr + at;
		const char *second = key + strlen(key) + 1;

		r = fn(t, key, second);
		/* A damaged one is told by the check. */
		if (is_damage(r))
			r = 0;
		/* A key of one part is followed by two NULs. */
		at = (size_t)(second - keys.ptr) + strlen(second) + 1;
		if (table == T_PUBLICATIONS)
			at++;
	}
	return r;
}

static int
mend_all_heads(struct txn *t, void *arg, struct error *err)
{
	int r = mend_each_head(t, T_MIRRORS, mend_mirror);

	(void)arg;
	if (r >= 0)
		r = mend_each_head(t, T_SNAPSHOTS, mend_snapshot);
	if (r >= 0)
		r = mend_each_head(t, T_PUBLICATIONS, mend_publication);
	return r < 0 ? error_sys(err, r, "cannot repair trees") : 0;
}

int
mend_heads(struct mend *m)
{
	return store_write(m->store, mend_all_heads, m, m->err);
}
