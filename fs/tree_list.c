#include "fs/tree.h"

#include <errno.h>

#include "fs/inode.h"
#include "fs/tree_call.h"

/* A listing under way. */
struct listing {
	struct tree_call *c;
	uint64_t dir, next;
	bool plus, ended;
	tree_list_fn *fn;
	void *arg;
};

static void
emit(struct listing *l, struct span name, const struct node *node)
{
	l->next++;
	l->ended = l->fn(l->arg, name, node, l->next) != 0;
}

/* Directories are known by their numbers in listings, except for their own
 * attributes where plus asks for all. */
static int
emit_dots(struct listing *l, uint64_t parent)
{
	const struct {
		struct span name;
		uint64_t ino;
	} dots[] = {{SPAN("."), l->dir}, {SPAN(".."), parent}};

	while (!l->ended && l->next < ARRAY_LEN(dots)) {
		uint64_t ino = dots[l->next].ino;
		struct node node = {.ino = ino, .is_dir = true};
		int r = l->plus ? tree_any_node(l->c, ino, &node) : 0;

		if (r < 0)
			return r;
		emit(l, dots[l->next].name, &node);
	}
	return 0;
}

static int
list_top(struct listing *l)
{
	const struct top *top = tree_call_top(l->c);
	const struct top_name *name;
	int r;

	if (!top_has_dir(top, l->dir))
		return -ESTALE;
	r = emit_dots(l, top_parent(top, l->dir));
	while (r == 0 && !l->ended &&
	       (name = top_at(top, l->dir, l->next - 2)) != NULL) {
		struct node node = {
		    .ino = name->ino, .is_dir = !ino_is_file(name->ino)};

		if (l->plus)
			r = tree_any_node(l->c, name->ino, &node);
		node.stable = false;
		if (r == 0)
			emit(l, span_of(name->name), &node);
	}
	return r;
}

static int
emit_packages(struct listing *l, const struct tree_place *place)
{
	const struct catalog *catalog = place->cached->catalog;
	struct catalog_entry e;
	struct node node;
	uint64_t i;
	int r;

	if (l->ended || !tree_has_packages(place->dir) ||
	    catalog_lookup(catalog, 0, SPAN("packages"), &e))
		return 0;
	/* It stands behind the last entry of the catalog. */
	i = l->next - 2;
	if (i > 0 && !catalog_at(catalog, 0, i - 1, &e))
		return 0;
	r = tree_packages_node(l->c, place->dir, l->plus, &node);
	if (r < 0)
		return r;
	node.stable = true;
	emit(l, SPAN("packages"), &node);
	return 0;
}

static int
list_catalog(struct listing *l, const struct tree_place *place)
{
	const struct catalog *catalog = place->cached->catalog;
	struct ino_dir d = place->dir;
	uint64_t parent = INO_ROOT;
	struct catalog_entry e;
	int r;

	if (d.index >= catalog_dirs(catalog))
		return -ESTALE;
	if (d.index > 0)
		parent = ino_of_dir(
		    d.root, d.part, catalog_parent(catalog, d.index));
	r = emit_dots(l, parent);
	while (r == 0 && !l->ended &&
	       catalog_at(catalog, d.index, l->next - 2, &e)) {
		struct node node;

		r = tree_entry_node(l->c, place, &e, l->plus, &node);
		node.stable = true;
		if (r == 0)
			emit(l, e.name, &node);
	}
	return r < 0 ? r : emit_packages(l, place);
}

static int
list_dir(struct listing *l)
{
	struct tree_cache *cache = l->c->tree->cache;
	struct ino_dir d = ino_dir(l->dir);
	struct tree_place place = {NULL, d};
	int r = tree_cache_get(cache, l->c->t, d.root, d.part, &place.cached);

	if (r < 0)
		return r;
	r = list_catalog(l, &place);
	tree_cache_put(cache, place.cached);
	return r;
}

int
tree_list(struct tree *t, uint64_t dir, uint64_t from, bool plus,
    tree_list_fn *fn, void *arg)
{
	struct tree_call c;
	struct listing l = {
	    .c = &c,
	    .dir = dir,
	    .next = from,
	    .plus = plus,
	    .fn = fn,
	    .arg = arg,
	};
	int r;

	if (ino_is_file(dir))
		return -ENOTDIR;
	/* Above a catalog's root stands a directory of the top. */
	r = tree_call_begin(t, ino_is_top(dir) || ino_dir(dir).index == 0, &c);
	if (r < 0)
		return r;
	if (ino_is_top(dir))
		r = list_top(&l);
	else if (ino_kind(dir) == INO_DIR)
		r = list_dir(&l);
	else
		r = -ESTALE;
	tree_call_end(&c);
	return r == -ENOENT ? -EIO : r;
}
