#include "store/reach_heads.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "store/dropped.h"
#include "store/mirror.h"
#include "store/publication.h"
#include "store/root.h"
#include "store/snapshot.h"

/* The heads of one table.  mark() looks one up by its key, behind which stand
 * two NULs. */
struct heads {
	struct marking *m;
	struct txn *t;
	const char *what;
	int (*mark)(const struct heads *h, const char *key);
	int64_t dropped_since;
	uint64_t ndropped;
};

/* A head and its root must say the same. */
static int
mark_head(const struct heads *h, uint64_t root, uint64_t state)
{
	CLEANUP(root_release) struct root loaded = {0};
	int r;

	(void)reach_put(h->m, REACH_ROOT, root);
	(void)reach_put(h->m, REACH_STATE, state);
	if (root == 0)
		return 0;
	r = root_load(h->t, root, &loaded);
	/* Whether it is there is said where it is visited. */
	if (r < 0)
		return r == -ENOENT || r == -EIO ? 0 : r;
	return loaded.kind == ROOT_ARCHIVE && loaded.state == state ? 0 : -EIO;
}

static int
mark_mirror(const struct heads *h, const char *key)
{
	CLEANUP(mirror_release) struct mirror m = {0};
	int r = mirror_load(h->t, key, &m);

	if (r < 0)
		return r;
	(void)reach_put(h->m, REACH_ORIGIN, m.origin);
	(void)reach_put(h->m, REACH_STATE, m.whole);
	return mark_head(h, m.root, m.state);
}

static int
mark_snapshot(const struct heads *h, const char *key)
{
	CLEANUP(snapshot_release) struct snapshot s = {0};
	int r = snapshot_load(h->t, key, &s);

	return r < 0 ? r : mark_head(h, s.root, s.state);
}

static int
mark_publication(const struct heads *h, const char *key)
{
	CLEANUP(publication_release) struct publication p = {0};
	int r = publication_load(h->t, key, key + strlen(key) + 1, &p);

	return r < 0 ? r : mark_head(h, p.root, p.state);
}

static int
mark_prefix(const struct heads *h, const char *key)
{
	uint64_t root;
	int r = prefix_root(h->t, key, &root);

	if (r == 0)
		(void)reach_put(h->m, REACH_ROOT, root);
	return r;
}

static int
each_head(struct span key, struct span value, void *arg)
{
	const struct heads *h = arg;
	/* Two NULs: a publication's key has two strings. */
	CLEANUP_FREE char *copy = calloc(1, key.len + 2);
	const char *second;
	char text[256];
	int r;

	(void)value;
	if (!copy)
		return -ENOMEM;
	memcpy(copy, key.ptr, key.len);
	second = copy + strlen(copy) + 1;
	r = h->mark(h, copy);
	if (r != -EIO && r != -EPROTO && r != -ENOENT)
		return r;
	(void)snprintf(text, sizeof(text), "%s %s%s%s", h->what,
	    *second && !*copy ? "." : copy, *second ? "/" : "", second);
	reach_head_fault(h->m, text, "is damaged");
	return 0;
}

static int
each_dropped(uint64_t root, int64_t when, void *arg)
{
	struct heads *h = arg;
	struct span bytes;
	int r;

	if (when < h->dropped_since)
		return 0;
	/* One that an earlier cleanup took is none that is missing. */
	r = txn_get64(h->t, T_ROOTS, root, &bytes);
	if (r == 0 && reach_put(h->m, REACH_ROOT, root))
		h->ndropped++;
	return r == -ENOENT ? 0 : r;
}

int
reach_heads(struct marking *m, struct txn *t, int64_t dropped_since,
    uint64_t *ret_dropped)
{
	static const struct {
		enum table table;
		const char *what;
		int (*mark)(const struct heads *h, const char *key);
	} tables[] = {
	    {T_MIRRORS, "mirror", mark_mirror},
	    {T_SNAPSHOTS, "snapshot", mark_snapshot},
	    {T_PUBLICATIONS, "publication", mark_publication},
	    {T_PREFIXES, "prefix", mark_prefix},
	};
	struct heads h = {.m = m, .t = t, .dropped_since = dropped_since};
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(tables) && r >= 0; i++) {
		h.what = tables[i].what;
		h.mark = tables[i].mark;
		r = txn_each(
		    t, tables[i].table, (struct span){0}, each_head, &h);
	}
	if (r >= 0)
		r = dropped_each(t, each_dropped, &h);
	*ret_dropped = h.ndropped;
	if (r != -EIO)
		return r;
	reach_head_fault(m, "the table of dropped roots", "is damaged");
	return 0;
}
