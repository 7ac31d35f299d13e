#include "publish_fixture.h"

#include <errno.h>

#include "store/path_index.h"

/* What is looked for, and how often it was met. */
struct search {
	uint32_t hash;
	unsigned files, dirs;
	uint64_t package; /* the last one */
};

static int
meet(uint32_t hash, uint64_t package, void *arg)
{
	struct search *s = arg;

	if (hash != s->hash)
		return 0;
	s->files += package != 0;
	s->dirs += package == 0;
	if (package)
		s->package = package;
	return 0;
}

static struct search
search(struct scratch *s, const char *path)
{
	struct search found = {.hash = path_hash(span_of(path))};
	struct txn *t = scratch_read(s);

	assert_int_equal(path_index_each(t, meet, &found), 0);
	txn_end(t);
	return found;
}

static void
update(struct scratch *s)
{
	struct error err = {""};

	if (path_index_update(s->store, &err) < 0)
		fail_msg("path_index_update: %s", err.text);
}

static void
test_path_index_update(void **state)
{
	struct scratch *s = *state;
	struct buf b = {0};
	struct search found;

	update(s);
	add_pool_stanza(&b, "apt", "amd64", 1);
	add_stanza(&b, "bash", "amd64", "./flat/bash.deb", 2);
	(void)make_list_of(s, &b);
	assert_int_equal(search(s, "flat/bash.deb").files, 0);
	update(s);
	found = search(s, "pool/main/a/apt/apt_1.0_amd64.deb");
	assert_int_equal(found.files, 1);
	assert_int_equal(found.package, 1);
	found = search(s, "flat/bash.deb");
	assert_int_equal(found.files, 1);
	assert_int_equal(found.package, 2);
	found = search(s, "pool/main/a");
	assert_int_equal(found.files, 0);
	assert_int_equal(found.dirs, 1);
	assert_int_equal(search(s, "pool").dirs, 1);
	assert_int_equal(search(s, "pool/main/b").dirs, 0);
}

/* Blocks that were full stay, others grow; nothing is counted twice. */
static void
test_path_index_update_again(void **state)
{
	struct scratch *s = *state;
	struct txn *t;
	uint64_t blocks = 0;

	(void)make_long_list(s, "a", 700, 1);
	update(s);
	(void)make_long_list(s, "b", 700, 1);
	update(s);
	update(s);
	for (unsigned i = 0; i < 1400; i += 23) {
		struct search found;
		char path[128];
		const char *name = i < 700 ? "a" : "b";

		(void)snprintf(path, sizeof(path),
		    "pool/main/%s/%s%04u/%s%04u_1.0_amd64.deb", name, name,
		    i % 700, name, i % 700);
		found = search(s, path);
		assert_int_equal(found.files, 1);
		assert_int_equal(found.package, i + 1);
	}
	t = scratch_read(s);
	assert_int_equal(txn_count(t, T_PATHS, &blocks), 0);
	assert_int_equal(blocks, 2);
	txn_end(t);
}

static int
damage(struct txn *t, void *arg, struct error *err)
{
	(void)err;
	return txn_put64(t, T_PATHS, 0, *(const struct span *)arg);
}

static void
test_path_index_each_damaged(void **state)
{
	const struct span cases[] = {
	    SPAN("x"), SPAN("\0\001abc"), SPAN("\0\001abcdefg")};
	struct scratch *s = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct search none = {0};
		struct txn *t;

		scratch_write(s, damage, (void *)&cases[i]);
		t = scratch_read(s);
		assert_int_equal(path_index_each(t, meet, &none), -EIO);
		txn_end(t);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(test_path_index_update),
	    scratch_test(test_path_index_update_again),
	    scratch_test(test_path_index_each_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
