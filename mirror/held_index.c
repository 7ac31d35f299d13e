/* Indexes that need no fetching, because the store has their list. */

#include <errno.h>
#include <string.h>

#include "mirror/update_run.h"
#include "store/blob.h"
#include "store/content.h"
#include "store/list.h"

/* The list of the old state that stands under the same path, or 0. */
static uint64_t
old_list(const struct update *u, const struct wanted *w)
{
	for (size_t i = 0; i < u->old.nlists; i++) {
		const struct state_list *l = &u->old.lists[i];

		if (l->kind == w->kind && strcmp(l->path, w->path) == 0)
			return l->list;
	}
	return 0;
}

/* Does the old Release list any form of the index with the same hash? */
static bool
same_form(const struct update *u, const struct wanted *w)
{
	for (size_t i = 0; i < w->nforms; i++) {
		const struct release_file *now = w->forms[i].file;
		const struct release_file *then =
		    release_find(&u->listed.release, now->path);

		if (then && digest_eq(&then->sha256, &now->sha256))
			return true;
	}
	return false;
}

/* -ENOENT, or 0 with the list. */
static int
look(struct txn *t, const struct update *u, const struct wanted *w,
    uint64_t *ret)
{
	struct content c;
	int r;

	*ret = old_list(u, w);
	if (*ret != 0 && same_form(u, w))
		return 0;
	if (!w->plain)
		return -ENOENT;
	r = content_find(t, &w->plain->sha256, &c);
	if (r < 0)
		return r;
	*ret = c.number;
	return c.kind == CONTENT_LIST ? 0 : -ENOENT;
}

struct sighting {
	const struct update *u;
	const uint64_t *lists;
	size_t n;
};

static int
mark_sightings(struct txn *t, void *arg, struct error *err)
{
	const struct sighting *s = arg;
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->n; i++) {
		CLEANUP(list_release) struct list list = {0};

		r = list_load(t, s->lists[i], &list);
		if (r == 0)
			r = sighting_put_list(t, s->u->mirror.origin, &list);
	}
	return r < 0 ? error_sys(err, r, "cannot mark packages as seen") : 0;
}

int
index_seen(struct update *u, const uint64_t *lists, size_t n, struct error *err)
{
	struct sighting s = {u, lists, n};

	return n == 0 ? 0 : store_write(u->store, mark_sightings, &s, err);
}

/* Were the list's packages seen at this origin? */
static bool
is_seen(const struct update *u, uint64_t list)
{
	for (size_t i = 0; i < u->old.nlists; i++) {
		if (u->old.lists[i].list == list)
			return u->old.origin == u->mirror.origin;
	}
	return false;
}

static int
find(struct update *u, const struct wanted *w, struct list *ret,
    struct error *err)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	uint64_t number;
	int r = txn_read(u->store, &t, err);

	if (r < 0)
		return r;
	r = look(t, u, w, &number);
	if (r == 0)
		r = list_load(t, number, ret);
	if (r < 0 && r != -ENOENT)
		return error_sys(err, r, "cannot look for %s", w->path);
	return r;
}

int
index_held(struct update *u, const struct wanted *w, uint64_t *ret_list,
    struct error *err)
{
	CLEANUP(list_release) struct list list = {0};
	int r = find(u, w, &list, err);

	if (r == 0 && !is_seen(u, list.number))
		r = index_seen(u, &list.number, 1, err);
	if (r < 0)
		return r;
	u->result.indexes_kept++;
	u->result.packages += list.packages;
	*ret_list = list.number;
	return 0;
}
