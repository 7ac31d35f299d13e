#include "tree_fixture.h"

#include <errno.h>
#include <pthread.h>

#include "fs/tree.h"
#include "fs/tree_call.h"
#include "store/env.h"

static struct tree *
open_tree(struct scratch *s)
{
	struct tree *t = NULL;
	struct error err = {""};

	if (tree_new(s->store, &t, &err) < 0)
		fail_msg("tree_new: %s", err.text);
	return t;
}

/* Looks up a path from the root; the first error. */
static int
walk(struct tree *t, const char *path, struct node *ret)
{
	struct span rest = span_of(path), part;
	bool stable = false;
	int r = tree_node(t, TREE_ROOT_INO, ret);

	while (r == 0 && span_cut(&rest, '/', &part))
		r = tree_lookup(t, ret->ino, part, ret, &stable);
	return r;
}

static struct node
must_walk(struct tree *t, const char *path)
{
	struct node node = {0};
	int r = walk(t, path, &node);

	if (r < 0)
		fail_msg("%s: %d", path, r);
	return node;
}

static void
assert_absent(struct tree *t, const char *path)
{
	struct node node;
	int r = walk(t, path, &node);

	if (r != -ENOENT)
		fail_msg("%s: %d", path, r);
}

#define HELLO "pool/main/h/hello/hello_1.0_amd64.deb"

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

/* What a lookup says is what the number says. */
static int
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

struct changes {
	char text[512];
};

static void
on_change(void *arg, uint64_t dir, struct span name)
{
	struct changes *c = arg;
	size_t len = strlen(c->text);

	(void)snprintf(c->text + len, sizeof(c->text) - len, "%ju/%.*s ",
	    dir > 9 ? (uintmax_t)9 : (uintmax_t)dir, SPAN_ARG(name));
}

static void
assert_changes(struct tree *t, const char *expected)
{
	struct changes c = {""};

	assert_int_equal(tree_poll(t, on_change, &c), 0);
	assert_string_equal(c.text, expected);
}

static void
test_tree_poll(void **state)
{
	struct scratch *s = *state;
	struct tree *t = open_tree(s);
	struct publish_result result;

	assert_changes(t, "");
	uint64_t st = make_named_snapshot(s, "monday", "hello", 1);
	assert_changes(t, "2/monday ");
	assert_changes(t, "");
	make_mirror(s, "debian", st);
	assert_changes(t, "3/debian ");
	(void)publish(s, (struct wish){.sources = "monday"});
	assert_changes(t, "1/dists 1/pool ");
	(void)publish(
	    s, (struct wish){.sources = "monday", .prefix = "one/two"});
	assert_changes(t, "1/one 9/two 9/dists 9/pool ");
	uint64_t other = make_named_snapshot(s, "tuesday", "hello bash", 1);
	assert_changes(t, "2/tuesday ");
	update_mirror(s, "debian", other);
	assert_changes(t, "3/debian ");
	assert_int_equal(
	    try_switch(s, "stable", "tuesday", NOW + 60, &result), 0);
	assert_changes(t, "1/dists 1/pool ");
	tree_free(t);
}

/* Whoever has a directory of the old tree open can finish. */
static void
test_tree_keeps_old_nodes(void **state)
{
	struct scratch *s = *state;
	struct publish_result result;
	struct node node;
	bool stable;

	(void)make_named_snapshot(s, "monday", "hello", 1);
	(void)make_named_snapshot(s, "tuesday", "bash", 1);
	(void)make_named_snapshot(s, "never", "zsh", 1);
	(void)publish(s, (struct wish){.sources = "monday"});
	(void)publish(
	    s, (struct wish){.sources = "never", .distribution = "other"});
	struct tree *t = open_tree(s);
	struct node pool = must_walk(t, "pool");
	struct node dir = must_walk(t, "pool/main/h/hello");
	struct node old = must_walk(t, HELLO);
	struct node release = must_walk(t, "dists/stable/Release");
	struct node other = must_walk(t, "dists/other");

	assert_absent(t, "pool/main/b");
	assert_int_equal(
	    try_switch(s, "stable", "tuesday", NOW + 60, &result), 0);
	assert_true(must_walk(t, "pool").ino != pool.ino);
	assert_true(must_walk(t, "pool/main/b/bash").is_dir);
	assert_true(must_walk(t, "dists/stable/Release").ino != release.ino);
	/* One distribution's switch leaves the others alone. */
	assert_int_equal(must_walk(t, "dists/other").ino, other.ino);
	assert_int_equal(tree_lookup(t, dir.ino, SPAN("hello_1.0_amd64.deb"),
			     &node, &stable),
	    0);
	assert_int_equal(node.ino, old.ino);
	assert_int_equal(tree_node(t, release.ino, &node), 0);
	/* Clients with the old index find their files in the new pool. */
	assert_int_equal(must_walk(t, HELLO).ino, old.ino);
	tree_free(t);
}

static int
put_keys(struct txn *t, void *arg, struct error *err)
{
	(void)err;
	(void)arg;
	int r = key_put(t, "AAAA", SPAN("first key"));
	return r < 0 ? r : key_put(t, "BBBB", SPAN("second key"));
}

static int
put_third_key(struct txn *t, void *arg, struct error *err)
{
	(void)err;
	(void)arg;
	return key_put(t, "CCCC", SPAN("third key"));
}

static void
test_tree_keyrings(void **state)
{
	struct scratch *s = *state;
	struct tree *t = open_tree(s);
	struct buf bytes = {0};
	struct node node;

	scratch_write(s, put_keys, NULL);
	assert_changes(t, "1/keyring.asc 1/keyring.gpg ");
	struct node binary = must_walk(t, "keyring.gpg");
	struct node armored = must_walk(t, "keyring.asc");

	assert_int_equal(tree_keyring(t, binary.ino, &bytes), 0);
	assert_string_equal(bytes.ptr, "first keysecond key");
	assert_int_equal(binary.size, bytes.len);
	buf_clear(&bytes);
	assert_int_equal(tree_keyring(t, armored.ino, &bytes), 0);
	assert_true(
	    span_starts(buf_span(&bytes), SPAN("-----BEGIN PGP PUBLIC")));
	assert_int_equal(armored.size, bytes.len);
	(void)check_node(t, &binary);
	scratch_write(s, put_third_key, NULL);
	assert_true(must_walk(t, "keyring.gpg").ino != binary.ino);
	assert_int_equal(tree_node(t, binary.ino, &node), -ESTALE);
	assert_int_equal(tree_keyring(t, binary.ino, &bytes), -ESTALE);
	buf_release(&bytes);
	tree_free(t);
}

static void *
walk_often(void *arg)
{
	struct tree *t = arg;

	for (unsigned i = 0; i < 200; i++) {
		(void)must_walk(t, "snapshots/monday/" HELLO);
		(void)must_walk(t, "pool/main/h/hello");
		(void)must_walk(t, "dists/stable/Release");
	}
	return NULL;
}

static void
test_tree_shared_by_threads(void **state)
{
	struct scratch *s = *state;
	pthread_t threads[4];

	(void)make_named_snapshot(s, "monday", "hello apt", 1);
	(void)publish(s, (struct wish){.sources = "monday"});
	struct tree *t = open_tree(s);

	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, walk_often, t), 0);
	(void)make_named_snapshot(s, "tuesday", "hello bash", 2);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	tree_free(t);
}

static int
list_nothing(void *arg, struct span name, const struct node *n, uint64_t next)
{
	(void)arg;
	(void)name;
	(void)n;
	(void)next;
	return 0;
}

/* A second one waits for itself where the map is being replaced. */
static void
test_tree_has_one_transaction_at_a_time(void **state)
{
	struct scratch *s = *state;
	struct tree *t = open_tree(s);
	struct node top = must_walk(t, "snapshots");
	struct node snapshot;
	bool stable;

	for (unsigned i = 0; i < 4; i++) {
		char name[16];

		/* Each makes the top be read again. */
		(void)snprintf(name, sizeof(name), "day%u", i);
		(void)make_named_snapshot(s, name, "hello", i);
		if (i == 0)
			assert_int_equal(tree_node(t, top.ino, &top), 0);
		else if (i == 1)
			assert_int_equal(tree_lookup(t, top.ino, span_of(name),
					     &snapshot, &stable),
			    0);
		else if (i == 2)
			assert_int_equal(
			    tree_list(t, top.ino, 0, true, list_nothing, NULL),
			    0);
		else
			assert_int_equal(tree_list(t, snapshot.ino, 0, true,
					     list_nothing, NULL),
			    0);
		/* Those that are at rest: as many as ever were at once. */
		assert_int_equal(s->store->npool, 1);
	}
	tree_free(t);
}

/* Catalogs go when nobody uses them, and come again as they were. */
static void
test_tree_drops_idle_catalogs(void **state)
{
	struct scratch *s = *state;
	struct tree *t = open_tree(s);
	const struct cached *cached;
	struct node before, after;
	struct ino_dir dir;
	struct txn *txn = NULL;

	(void)make_named_snapshot(s, "monday", "hello", 1);
	before = must_walk(t, "snapshots/monday/pool/main");
	assert_true(tree_cache_bytes(t->cache) > 0);
	tree_cache_drop_idle(t->cache, TREE_IDLE_S);
	assert_true(tree_cache_bytes(t->cache) > 0);
	dir = ino_dir(before.ino);
	assert_int_equal(txn_read(s->store, &txn, NULL), 0);
	assert_int_equal(
	    tree_cache_get(t->cache, txn, dir.root, dir.part, &cached), 0);
	tree_cache_drop_idle(t->cache, 0);
	assert_true(tree_cache_bytes(t->cache) > 0);
	tree_cache_put(t->cache, cached);
	txn_end(txn);
	tree_cache_drop_idle(t->cache, 0);
	assert_int_equal(tree_cache_bytes(t->cache), 0);
	assert_int_equal(tree_node(t, before.ino, &after), 0);
	after = must_walk(t, "snapshots/monday/pool/main");
	assert_int_equal(after.ino, before.ino);
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
	    scratch_test(test_tree_poll),
	    scratch_test(test_tree_keeps_old_nodes),
	    scratch_test(test_tree_keyrings),
	    scratch_test(test_tree_shared_by_threads),
	    scratch_test(test_tree_has_one_transaction_at_a_time),
	    scratch_test(test_tree_drops_idle_catalogs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
