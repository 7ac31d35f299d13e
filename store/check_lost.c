/* What leads to something that is there, and should be there itself: entries
 * that are gone leave no trace in their own table. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "store/check_run.h"
#include "store/path_index.h"
#include "store/publication.h"
#include "store/root.h"

static const char no_hash[] = "can't be found by its hash";

/* Another package or run may have the same content, where the entry was lost
 * once and the content stored anew. */
static int
check_lost_package(struct check *c, struct txn *t, uint64_t number)
{
	struct digest digest;
	uint64_t other;
	int r;

	buf_clear(&c->stanza);
	r = heavy_stanza(c->heavy, t, number, &c->stanza);
	/* What is damaged was told. */
	if (r < 0)
		return is_damage(r) ? 0 : r;
	digest_of(c->stanza.ptr, c->stanza.len, &digest);
	r = package_find(t, &digest, &other);
	if (!is_damage(r))
		return r;
	return check_found_number(c, "package", number, no_hash);
}

static int
check_lost_run(struct check *c, struct txn *t, uint64_t number)
{
	struct span value;
	struct digest id;
	int r = check_run_hash(c, t, number, NULL, &id);

	/* What is damaged was told. */
	if (r < 0)
		return is_damage(r) ? 0 : r;
	r = txn_get(t, T_RUN_IDS, id.byte, sizeof(id.byte), &value);
	if (!is_damage(r))
		return r;
	return check_found_number(c, "run", number, no_hash);
}

typedef int lost_fn(struct check *c, struct txn *t, uint64_t number);

static int
check_lost_ids(
    struct check *c, enum reach_kind kind, enum table table, lost_fn *fn)
{
	const struct bits *reached = &c->reach.bits[kind];
	uint64_t n = bits_next(reached, 1);
	int r = 0;

	while (n != UINT64_MAX && r >= 0) {
		CLEANUP(txn_cleanup) struct txn *t = NULL;

		r = check_stopped(c);
		if (r >= 0)
			r = txn_read(c->store, &t, c->err);
		for (unsigned i = 0; i < 4096 && n != UINT64_MAX && r >= 0;
		     i++, n = bits_next(reached, n + 1)) {
			struct span value;

			if (bits_has(&c->by_hash[kind], n))
				continue;
			/* One that is missing was told. */
			r = txn_get64(t, table, n, &value);
			if (r == 0)
				r = fn(c, t, n);
			else if (is_damage(r))
				r = 0;
		}
	}
	return r;
}

static int
check_lost_paths(struct check *c)
{
	const struct bits *packages = &c->reach.bits[REACH_PACKAGE];
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	uint64_t last = 0;
	int r = txn_read(c->store, &t, c->err);

	if (r >= 0)
		r = txn_last(t, C_PATH, &last);
	/* A damaged counter was told. */
	if (r < 0 || last == 0)
		return is_damage(r) ? 0 : r;
	for (uint64_t n = bits_next(packages, 1); n <= last && r >= 0;
	     n = bits_next(packages, (n / PATH_BLOCK + 1) * PATH_BLOCK)) {
		uint64_t b = n / PATH_BLOCK;
		struct span value;

		r = txn_get64(t, T_PATHS, b, &value);
		if (r == -ENOENT)
			r = check_found_number(c, "paths", b, "are missing");
		else if (is_damage(r))
			r = 0;
	}
	return r;
}

/* A publication, and the tree of its prefix. */
struct place {
	struct check *check;
	struct txn *txn;
};

static bool
shows(const struct root *tree, const struct publication *p)
{
	for (size_t i = 0; i < tree->ndists; i++)
		if (strcmp(tree->dists[i].distribution, p->distribution) == 0)
			return tree->dists[i].root == p->root;
	return false;
}

static int
check_place(const struct publication *p, void *arg)
{
	CLEANUP(root_release) struct root tree = {0};
	const struct place *place = arg;
	uint64_t number;
	char what[512];
	int r = prefix_root(place->txn, p->prefix, &number);

	if (r == 0)
		r = root_load(place->txn, number, &tree);
	if (r == 0 && tree.kind == ROOT_PREFIX && shows(&tree, p))
		return 0;
	if (r < 0 && !is_damage(r))
		return r;
	(void)snprintf(what, sizeof(what), "publication %s/%s",
	    *p->prefix ? p->prefix : ".", p->distribution);
	check_found(place->check, what, false,
	    "is not what the tree of its prefix shows");
	return 0;
}

static int
check_places(struct check *c)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	struct place place = {.check = c};
	int r = txn_read(c->store, &t, c->err);

	if (r < 0)
		return r;
	place.txn = t;
	r = publication_each(t, check_place, &place);
	/* A damaged one was told. */
	return is_damage(r) || r == -EPROTO ? 0 : r;
}

struct tree {
	struct txn *txn;
	struct check *check;
};

static int
check_tree(const char *prefix, uint64_t number, void *arg)
{
	CLEANUP(root_release) struct root tree = {0};
	const struct tree *a = arg;
	int r = root_load(a->txn, number, &tree);

	for (size_t i = 0; r == 0 && i < tree.ndists; i++) {
		CLEANUP(publication_release) struct publication p = {0};
		const char *name = tree.dists[i].distribution;
		char what[512];

		r = publication_load(a->txn, prefix, name, &p);
		/* Others were told. */
		if (r != -ENOENT) {
			r = is_damage(r) || r == -EPROTO ? 0 : r;
			continue;
		}
		(void)snprintf(what, sizeof(what), "publication %s/%s",
		    *prefix ? prefix : ".", name);
		check_found(a->check, what, false,
		    "is missing, but in the tree of its prefix");
		r = 0;
	}
	return is_damage(r) || r == -EPROTO ? 0 : r;
}

static int
check_trees(struct check *c)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	struct tree a = {.check = c};
	int r = txn_read(c->store, &t, c->err);

	if (r < 0)
		return r;
	a.txn = t;
	r = prefix_each(t, check_tree, &a);
	return is_damage(r) ? 0 : r;
}

/* Will new mtimes be later than those that there are? */
static int
check_clock(struct check *c, struct txn *t, enum counter clock, int64_t latest)
{
	uint64_t last;
	int r = txn_last(t, clock, &last);

	if (r < 0)
		return is_damage(r) ? 0 : r;
	if (latest > 0 && (uint64_t)latest > last)
		check_found(c, "counters", false,
		    "the last mtime that was given out is forgotten");
	return 0;
}

static int
check_clocks(struct check *c)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	int r = txn_read(c->store, &t, c->err);

	if (r >= 0)
		r = check_clock(c, t, C_STAMP_TEXT, c->latest_text);
	return r < 0 ? r : check_clock(c, t, C_STAMP_BLOB, c->latest_blob);
}

int
check_lost(struct check *c)
{
	int r = check_lost_ids(c, REACH_PACKAGE, T_HEAVY, check_lost_package);

	if (r >= 0)
		r = check_lost_ids(c, REACH_RUN, T_RUNS, check_lost_run);
	if (r >= 0)
		r = check_lost_paths(c);
	if (r >= 0)
		r = check_places(c);
	if (r >= 0)
		r = check_trees(c);
	return r < 0 ? r : check_clocks(c);
}
