#include "tree_walk.h"

static void
test_tree_of_nothing(void **state)
{
	struct tree *t = open_tree(*state);
	struct node node;

	assert_true(must_walk(t, "snapshots").is_dir);
	assert_true(must_walk(t, "mirrors").is_dir);
	assert_absent(t, "dists");
	assert_absent(t, "pool");
	assert_absent(t, "keyring.gpg");
	assert_absent(t, "snapshots/none");
	assert_int_equal(tree_node(t, TREE_ROOT_INO, &node), 0);
	assert_true(node.is_dir);
	tree_free(t);
	tree_free(NULL);
}

static void
test_tree_publication(void **state)
{
	struct scratch *s = *state;

	(void)make_named_snapshot(s, "monday", "hello apt", 1);
	(void)publish(s, (struct wish){.sources = "monday"});
	(void)publish(s, (struct wish){.sources = "monday",
			     .distribution = "stable/updates",
			     .prefix = "a/b",
			     .compress = "gz"});
	struct tree *t = open_tree(s);
	struct node release = must_walk(t, "dists/stable/Release");
	struct node plain =
	    must_walk(t, "dists/stable/main/binary-amd64/Packages");

	assert_false(release.is_dir);
	assert_true(release.stable);
	assert_true(release.size > 0);
	assert_int_equal(release.content.kind, CONTENT_TEXT);
	assert_int_equal(plain.content.kind, CONTENT_LIST);
	assert_false(must_walk(t, HELLO).is_dir);
	assert_true(must_walk(t, "a/b/dists/stable/updates").is_dir);
	assert_true(must_walk(t, "a/b/dists/stable/updates").stable);
	assert_false(must_walk(t, "a/b").stable);
	/* The same content is the same file wherever it stands. */
	assert_int_equal(must_walk(t, "a/b/" HELLO).ino,
	    must_walk(t, "snapshots/monday/" HELLO).ino);
	assert_int_equal(
	    must_walk(t, "a/b/dists/stable/updates/main/binary-amd64/"
			 "Packages")
		.ino,
	    plain.ino);
	assert_absent(t, "a/dists");
	assert_absent(t, "b");
	assert_absent(t, "a/b/dists/stable/Release");
	tree_free(t);
}

static void
test_tree_snapshots_and_mirrors(void **state)
{
	struct scratch *s = *state;
	uint64_t st = make_named_snapshot(s, "monday", "hello", 1);

	make_mirror(s, "debian", st);
	make_mirror(s, "fresh", 0);
	struct tree *t = open_tree(s);

	assert_false(must_walk(t, "snapshots/monday/" HELLO).is_dir);
	assert_false(must_walk(t, "mirrors/debian/" HELLO).is_dir);
	assert_absent(t, "mirrors/fresh");
	struct node stanza =
	    must_walk(t, "snapshots/monday/packages/main/hello_1.0_amd64");
	assert_int_equal(stanza.content.kind, CONTENT_STANZA);
	assert_true(stanza.size > 0);
	assert_int_equal(stanza.ino,
	    must_walk(t, "mirrors/debian/packages/main/hello_1.0_amd64").ino);
	/* Two names never share a directory. */
	assert_true(must_walk(t, "snapshots/monday/pool").ino !=
		    must_walk(t, "mirrors/debian/pool").ino);
	tree_free(t);
}

struct walked {
	struct tree *t;
	uint64_t dir;
	unsigned files, dirs, depth;
	uint64_t next;
	unsigned left; /* entries to take from one listing */
	struct node subs[64];
	unsigned nsubs;
};

static void walk_all(struct tree *t, uint64_t dir, struct walked *w);

static int
on_entry(void *arg, struct span name, const struct node *node, uint64_t next)
{
	struct walked *w = arg;
	struct node found;
	bool stable;

	if (w->left == 0)
		return 1;
	w->left--;
	w->next = next;
	if (span_eq(name, SPAN(".")) || span_eq(name, SPAN("..")))
		return 0;
	assert_int_equal(tree_lookup(w->t, w->dir, name, &found, &stable), 0);
	assert_int_equal(found.ino, node->ino);
	assert_int_equal(found.is_dir, node->is_dir);
	assert_int_equal(found.stable, node->stable);
	assert_int_equal(found.size, node->size);
	assert_int_equal(found.nlink, node->nlink);
	(void)check_node(w->t, node);
	if (node->is_dir)
		w->subs[w->nsubs++] = *node;
	else
		w->files++;
	return 0;
}

/* Lists a few entries at a time, as the kernel does, and all below. */
static void
walk_all(struct tree *t, uint64_t dir, struct walked *w)
{
	struct walked here = {.t = t, .dir = dir};
	uint64_t from;

	do {
		from = here.next;
		here.left = 3;
		assert_int_equal(
		    tree_list(t, dir, from, true, on_entry, &here), 0);
	} while (here.next != from);
	w->files += here.files;
	w->dirs += here.nsubs;
	for (unsigned i = 0; i < here.nsubs; i++)
		walk_all(t, here.subs[i].ino, w);
}

static void
test_tree_list_agrees_with_lookup(void **state)
{
	struct scratch *s = *state;
	uint64_t st = make_named_snapshot(s, "monday", "hello apt bash", 1);
	struct walked w = {0};

	make_mirror(s, "debian", st);
	(void)publish(s, (struct wish){.sources = "monday", .compress = "gz"});
	(void)publish(
	    s, (struct wish){.sources = "monday", .prefix = "deep/er"});
	struct tree *t = open_tree(s);

	walk_all(t, TREE_ROOT_INO, &w);
	/* Four pools of three files, two packages/ of three, two dists/ of
	 * Release, Packages, Packages.gz and the hashes of the two. */
	assert_int_equal(w.files, 4 * 3 + 2 * 3 + 2 * 5);
	assert_true(w.dirs > 30);
	tree_free(t);
}

struct counted {
	unsigned n, dots;
};

static int
count(void *arg, struct span name, const struct node *node, uint64_t next)
{
	struct counted *c = arg;

	assert_true(node->ino != 0);
	c->n++;
	assert_int_equal(next, c->n);
	c->dots += name.ptr[0] == '.';
	return 0;
}

static void
test_tree_list_plain(void **state)
{
	struct scratch *s = *state;
	struct counted c = {0};

	(void)make_named_snapshot(s, "monday", "hello apt bash", 1);
	struct tree *t = open_tree(s);

	assert_int_equal(tree_list(t, must_walk(t, "snapshots/monday").ino, 0,
			     false, count, &c),
	    0);
	/* dists, packages and pool */
	assert_int_equal(c.n, 5);
	assert_int_equal(c.dots, 2);
	assert_int_equal(tree_list(t, must_walk(t, "snapshots/monday").ino, 99,
			     false, count, &c),
	    0);
	assert_int_equal(c.n, 5);
	tree_free(t);
}

static void
test_tree_errors(void **state)
{
	struct scratch *s = *state;
	char longest[300];
	struct counted c = {0};
	struct node node;
	bool stable;

	(void)make_named_snapshot(s, "monday", "hello", 1);
	struct tree *t = open_tree(s);
	struct node file = must_walk(t, "snapshots/monday/" HELLO);
	struct node dir = must_walk(t, "snapshots/monday/pool");

	assert_int_equal(
	    tree_lookup(t, file.ino, SPAN("x"), &node, &stable), -ENOTDIR);
	assert_int_equal(tree_list(t, file.ino, 0, true, count, &c), -ENOTDIR);
	/* Absence is for ever where nothing changes, and not at the top. */
	assert_int_equal(
	    tree_lookup(t, dir.ino, SPAN("x"), &node, &stable), -ENOENT);
	assert_true(stable);
	assert_int_equal(
	    tree_lookup(t, TREE_ROOT_INO, SPAN("x"), &node, &stable), -ENOENT);
	assert_false(stable);
	(void)memset(longest, 'x', sizeof(longest));
	assert_int_equal(
	    tree_lookup(t, dir.ino, (struct span){longest, sizeof(longest)},
		&node, &stable),
	    -ENOENT);
	tree_free(t);
}

/* Numbers that nobody was given, or whose content has gone. */
static void
test_tree_stale_numbers(void **state)
{
	static const uint64_t numbers[] = {0, 4, 99, UINT64_C(1) << 60 | 4711,
	    UINT64_C(2) << 60 | 4711, UINT64_C(3) << 60 | 4711,
	    UINT64_C(4) << 60 | 4711, UINT64_C(5) << 60 | 4711,
	    UINT64_C(6) << 60 | 1, UINT64_C(7) << 60 | 1,
	    UINT64_C(8) << 60 | UINT64_C(4711) << 32,
	    UINT64_C(8) << 60 | UINT64_C(4711) << 32 | 5, UINT64_C(9) << 60 | 1,
	    UINT64_MAX};
	struct scratch *s = *state;
	struct tree *t = open_tree(s);
	struct counted c = {0};
	struct node node;
	bool stable;

	(void)make_named_snapshot(s, "monday", "hello", 1);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		assert_int_equal(tree_node(t, numbers[i], &node), -ESTALE);
		int r = tree_lookup(t, numbers[i], SPAN("x"), &node, &stable);
		assert_true(r == -ESTALE || r == -ENOTDIR);
		r = tree_list(t, numbers[i], 0, true, count, &c);
		assert_true(r == -ESTALE || r == -ENOTDIR);
	}
	assert_int_equal(c.n, 0);
	/* An index beyond the catalog, a part that the root does not have. */
	uint64_t root = must_walk(t, "snapshots/monday").ino;
	assert_int_equal(tree_node(t, root | 0xffff, &node), -ESTALE);
	assert_int_equal(
	    tree_node(t, root | UINT64_C(2) << 30 | 7, &node), -ESTALE);
	assert_int_equal(
	    tree_lookup(t, root | 0xffff, SPAN("x"), &node, &stable), -ESTALE);
	tree_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(test_tree_of_nothing),
	    scratch_test(test_tree_publication),
	    scratch_test(test_tree_snapshots_and_mirrors),
	    scratch_test(test_tree_list_agrees_with_lookup),
	    scratch_test(test_tree_list_plain),
	    scratch_test(test_tree_errors),
	    scratch_test(test_tree_stale_numbers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
