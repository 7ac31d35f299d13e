/* Records of mirrors, and what moves with them. */

#include "base/cleanup.h"
#include "scratch_store.h"
#include "store/mirror.h"
#include "store/publication.h"
#include "store/root.h"

static void
test_mirror_settings_tell_what_is_wanted(void **state)
{
	struct mirror m = {
	    .name = (char[]){"m"}, .suite = (char[]){"bookworm"}, .origin = 1};
	struct digest before, after;

	(void)state;
	assert_int_equal(mirror_settings(&m, &before), 0);
	m.updated = 7;
	m.name = (char[]){"renamed"};
	assert_int_equal(mirror_settings(&m, &after), 0);
	assert_true(digest_eq(&before, &after));
	m.whole_pool = true;
	assert_int_equal(mirror_settings(&m, &after), 0);
	assert_true(digest_eq(&before, &after));
	m.no_translations = true;
	assert_int_equal(mirror_settings(&m, &after), 0);
	assert_false(digest_eq(&before, &after));
	m.no_translations = false;
	m.udebs = true;
	assert_int_equal(mirror_settings(&m, &after), 0);
	assert_false(digest_eq(&before, &after));
}

static int
put_mirror(struct txn *t, void *arg, struct error *err)
{
	(void)err;
	return mirror_put(t, arg);
}

/* What versions of a mirror's record did not have yet, which are these bytes of
 * one where nothing is set but the whole pool. */
static const struct mirror_age {
	unsigned char version, items;
	size_t bytes;
} mirror_ages[] = {
    {2, 4, 3 + 34},	    /* the filter */
    {1, 4 + 3, 3 + 34 + 3}, /* the indexes and the pool, too */
};

static int
age_mirror(struct txn *t, void *arg, struct error *err)
{
	const struct mirror_age *age = arg;
	struct span bytes;
	unsigned char old[256];

	(void)err;
	assert_int_equal(txn_get(t, T_MIRRORS, "m", 1, &bytes), 0);
	assert_in_range(bytes.len, age->bytes, sizeof(old));
	memcpy(old, bytes.ptr, bytes.len);
	assert_int_equal(old[0], 0xdc); /* an array of as many items */
	assert_int_equal(old[3], 3);
	assert_memory_equal(old + bytes.len - 40, "\x90\xc2\xc3", 3);
	assert_memory_equal(old + bytes.len - 37, "\xc0\xc2\0\xc4\x20\0", 6);
	old[2] = (unsigned char)(old[2] - age->items);
	old[3] = age->version;
	return txn_put(t, T_MIRRORS, "m", 1,
	    (struct span){(char *)old, bytes.len - age->bytes});
}

static void
test_mirror_load_versions(void **state)
{
	struct scratch *s = *state;
	struct mirror m = {.name = (char[]){"m"},
	    .suite = (char[]){"bookworm"},
	    .filter = (char[]){"nginx"},
	    .filter_deps = true,
	    .whole = 7,
	    .whole_pool = true,
	    .created = 5};
	CLEANUP(mirror_release) struct mirror got = {0};

	assert_int_equal(strs_add(&m.indexes, SPAN("*/x")), 0);
	scratch_write(s, put_mirror, &m);
	struct txn *t = scratch_read(s);
	assert_int_equal(mirror_load(t, "m", &got), 0);
	txn_end(t);
	assert_int_equal(got.indexes.n, 1);
	assert_string_equal(got.indexes.v[0], "*/x");
	assert_false(got.no_translations);
	assert_true(got.whole_pool);
	assert_string_equal(got.filter, "nginx");
	assert_true(got.filter_deps);
	assert_int_equal(got.whole, 7);

	strs_release(&m.indexes);
	m.filter = NULL;
	m.filter_deps = false;
	m.whole = 0;
	for (size_t i = 0; i < ARRAY_LEN(mirror_ages); i++) {
		CLEANUP(mirror_release) struct mirror old = {0};

		scratch_write(s, put_mirror, &m);
		scratch_write(
		    s, age_mirror, (void *)(uintptr_t)&mirror_ages[i]);
		t = scratch_read(s);
		assert_int_equal(mirror_load(t, "m", &old), 0);
		txn_end(t);
		assert_int_equal(old.created, 5);
		assert_int_equal(old.indexes.n, 0);
		assert_int_equal(old.whole_pool, mirror_ages[i].version > 1);
		assert_null(old.filter);
	}
}

static int
put_publication(struct txn *t, void *arg, struct error *err)
{
	(void)err;
	return publication_put(t, arg);
}

struct advance {
	struct mirror *m;
	uint64_t state;
};

static int
advance(struct txn *t, void *arg, struct error *err)
{
	const struct advance *a = arg;

	(void)err;
	return mirror_advance(t, a->m, a->state);
}

static void
publish_mirror(struct scratch *s, char *distribution, bool verbatim)
{
	struct publication p = {.prefix = (char[]){""},
	    .distribution = distribution,
	    .kind = SOURCE_MIRROR,
	    .verbatim = verbatim,
	    .state = 20};

	assert_int_equal(strs_add(&p.sources, SPAN("m")), 0);
	scratch_write(s, put_publication, &p);
	strs_release(&p.sources);
}

static void
test_mirror_advance_moves_verbatim(void **state)
{
	struct scratch *s = *state;
	struct mirror m = {.name = (char[]){"m"},
	    .suite = (char[]){"sid"},
	    .origin = 1,
	    .updated = 99,
	    .etag = (char[]){"\"x\""}};
	struct advance a = {&m, 20};
	CLEANUP(mirror_release) struct mirror got = {0};
	CLEANUP(publication_release) struct publication follows = {0};
	CLEANUP(publication_release) struct publication signs = {0};
	CLEANUP(root_release) struct root root = {0};

	scratch_write(s, advance, &a);
	publish_mirror(s, (char[]){"follows"}, true);
	publish_mirror(s, (char[]){"signs"}, false);
	a.state = 21;
	scratch_write(s, advance, &a);

	struct txn *t = scratch_read(s);
	assert_int_equal(mirror_load(t, "m", &got), 0);
	assert_int_equal(publication_load(t, "", "follows", &follows), 0);
	assert_int_equal(publication_load(t, "", "signs", &signs), 0);
	assert_int_equal(root_load(t, got.root, &root), 0);
	txn_end(t);
	assert_int_equal(got.state, 21);
	assert_string_equal(got.etag, "\"x\"");
	assert_int_equal(root.state, 21);
	assert_int_equal(root.older[0], 20);
	assert_int_equal(follows.state, 21);
	assert_int_equal(follows.updated, 99);
	assert_int_equal(follows.nmade_of, 1);
	assert_int_equal(follows.made_of[0], 21);
	assert_int_not_equal(follows.root, got.root);
	assert_int_equal(signs.state, 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_mirror_settings_tell_what_is_wanted),
	    scratch_test(test_mirror_load_versions),
	    scratch_test(test_mirror_advance_moves_verbatim),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
