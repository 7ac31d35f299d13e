/* A tree while the store changes below it and others use it. */

#include <pthread.h>

#include "tree_walk.h"

#include "fs/tree_call.h"
#include "store/env.h"

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
	    scratch_test(test_tree_poll),
	    scratch_test(test_tree_keeps_old_nodes),
	    scratch_test(test_tree_keyrings),
	    scratch_test(test_tree_shared_by_threads),
	    scratch_test(test_tree_has_one_transaction_at_a_time),
	    scratch_test(test_tree_drops_idle_catalogs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
