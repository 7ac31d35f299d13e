#ifndef TESTS_TREE_WALK_H
#define TESTS_TREE_WALK_H

/* Looking things up in a tree by path. */

#include "tree_fixture.h"

#include <errno.h>

#include "fs/tree.h"

static inline struct tree *
open_tree(struct scratch *s)
{
	struct tree *t = NULL;
	struct error err = {""};

	if (tree_new(s->store, &t, &err) < 0)
		fail_msg("tree_new: %s", err.text);
	return t;
}

/* Looks up a path from the root; the first error. */
static inline int
walk(struct tree *t, const char *path, struct node *ret)
{
	struct span rest = span_of(path), part;
	bool stable = false;
	int r = tree_node(t, TREE_ROOT_INO, ret);

	while (r == 0 && span_cut(&rest, '/', &part))
		r = tree_lookup(t, ret->ino, part, ret, &stable);
	return r;
}

static inline struct node
must_walk(struct tree *t, const char *path)
{
	struct node node = {0};
	int r = walk(t, path, &node);

	if (r < 0)
		fail_msg("%s: %d", path, r);
	return node;
}

static inline void
assert_absent(struct tree *t, const char *path)
{
	struct node node;
	int r = walk(t, path, &node);

	if (r != -ENOENT)
		fail_msg("%s: %d", path, r);
}

#define HELLO "pool/main/h/hello/hello_1.0_amd64.deb"

/* What a lookup says is what the number says. */
static inline int
check_node(struct tree *t, const struct node *node)
{
	struct node again;
	int r = tree_node(t, node->ino, &again);

	assert_int_equal(r, 0);
	assert_int_equal(again.is_dir, node->is_dir);
	assert_int_equal(again.size, node->size);
	assert_int_equal(again.mtime, node->mtime);
	assert_int_equal(again.nlink, node->nlink);
	assert_true(node->nlink > 0);
	return 0;
}

#endif
