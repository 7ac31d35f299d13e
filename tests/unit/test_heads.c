/* Roots, snapshots, mirrors and publications: the names of states. */

#include <errno.h>

#include "base/cleanup.h"
#include "scratch_store.h"
#include "store/mirror.h"
#include "store/publication.h"
#include "store/record.h"
#include "store/root.h"
#include "store/snapshot.h"

struct new_root {
	uint64_t state, replaces, number;
};

static int
new_root(struct txn *t, void *arg, struct error *err)
{
	struct new_root *n = arg;

	(void)err;
	return root_new(t, n->state, n->replaces, &n->number);
}

static void
test_root_new_keeps_older(void **state)
{
	static const struct {
		uint64_t state;
		uint64_t older[ROOT_OLDER];
	} steps[] = {
	    {10, {0, 0, 0}}, {11, {10, 0, 0}},
	    {11, {10, 0, 0}}, /* the same once more */
	    {12, {11, 10, 0}}, {13, {12, 11, 10}}, {14, {13, 12, 11}},
	    {12, {14, 13, 11}}, /* back to an older one */
	};
	struct scratch *s = *state;
	uint64_t last = 0;

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		struct new_root n = {steps[i].state, last, 0};
		CLEANUP(root_release) struct root got = {0};

		scratch_write(s, new_root, &n);
		assert_true(n.number > last);
		last = n.number;
		struct txn *t = scratch_read(s);
		assert_int_equal(root_load(t, last, &got), 0);
		txn_end(t);
		assert_int_equal(got.kind, ROOT_ARCHIVE);
		assert_int_equal(got.state, steps[i].state);
		assert_memory_equal(
		    got.older, steps[i].older, sizeof(got.older));
	}
}

static int
put_snapshot(struct txn *t, void *arg, struct error *err)
{
	(void)err;
	return snapshot_put(t, arg);
}

static int
drop_snapshot(struct txn *t, void *arg, struct error *err)
{
	(void)err;
	return snapshot_delete(t, arg);
}

static int
add_snapshot_name(const struct snapshot *s, void *arg)
{
	return strs_add(arg, span_of(s->name));
}

/* What a program wrote that knew of no sources. */
static int
put_old_snapshot(struct txn *t, void *arg, struct error *err)
{
	CLEANUP(record_writer_release) struct record_writer w;
	struct span bytes;

	(void)arg, (void)err;
	record_writer_init(&w);
	record_begin(&w, 1, 5);
	record_put_i64(&w, 5);
	record_put_cstr(&w, "mirror m");
	record_put_cstr(&w, "m");
	record_put_u64(&w, 3);
	record_put_u64(&w, 9);
	assert_int_equal(record_end(&w, &bytes), 0);
	return txn_put(t, T_SNAPSHOTS, "old", 3, bytes);
}

static void
test_snapshot_load_without_sources(void **state)
{
	struct scratch *sc = *state;
	CLEANUP(snapshot_release) struct snapshot got = {0};
	struct txn *t;

	scratch_write(sc, put_old_snapshot, NULL);
	t = scratch_read(sc);
	assert_int_equal(snapshot_load(t, "old", &got), 0);
	txn_end(t);
	assert_string_equal(got.mirror, "m");
	assert_int_equal(got.state, 9);
	assert_int_equal(got.nsources, 0);
}

static void
test_snapshot_put_makes_root(void **state)
{
	struct scratch *sc = *state;
	struct snapshot b = {.name = (char[]){"b"},
	    .description = (char[]){"empty"},
	    .state = 9};
	struct snapshot a = {.name = (char[]){"a"},
	    .mirror = (char[]){"m"},
	    .created = 5,
	    .state = 9};
	CLEANUP(snapshot_release) struct snapshot got = {0};
	CLEANUP(strs_release) struct strs names = {0};

	scratch_write(sc, put_snapshot, &b);
	scratch_write(sc, put_snapshot, &a);
	assert_int_not_equal(a.root, 0);
	assert_int_not_equal(a.root, b.root);

	struct txn *t = scratch_read(sc);
	assert_int_equal(snapshot_load(t, "c", &got), -ENOENT);
	assert_int_equal(snapshot_load(t, "a", &got), 0);
	assert_int_equal(snapshot_each(t, add_snapshot_name, &names), 0);
	txn_end(t);
	assert_string_equal(got.mirror, "m");
	assert_null(got.description);
	assert_int_equal(got.created, 5);
	assert_int_equal(got.root, a.root);
	assert_int_equal(got.state, 9);
	assert_int_equal(names.n, 2);
	assert_string_equal(names.v[0], "a");
	assert_string_equal(names.v[1], "b");

	scratch_write(sc, drop_snapshot, (char[]){"a"});
	t = scratch_read(sc);
	struct snapshot gone;
	assert_int_equal(snapshot_load(t, "a", &gone), -ENOENT);
	txn_end(t);
}

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

static int
drop_publication(struct txn *t, void *arg, struct error *err)
{
	const struct publication *p = arg;

	(void)err;
	return publication_delete(t, p->prefix, p->distribution);
}

static void
publish(struct scratch *s, char *prefix, char *distribution, uint64_t root)
{
	struct publication p = {.prefix = prefix,
	    .distribution = distribution,
	    .kind = SOURCE_SNAPSHOT,
	    .root = root};

	scratch_write(s, put_publication, &p);
}

/* The tree of a prefix as "distribution=root ..."; "-" without one. */
static void
assert_prefix(struct scratch *s, const char *prefix, const char *expected)
{
	CLEANUP(root_release) struct root root = {0};
	struct txn *t = scratch_read(s);
	char text[256] = "";
	uint64_t number;
	int r = prefix_root(t, prefix, &number);

	if (r == 0) {
		assert_int_equal(root_load(t, number, &root), 0);
		assert_int_equal(root.kind, ROOT_PREFIX);
		assert_string_equal(root.prefix, prefix);
	} else {
		assert_int_equal(r, -ENOENT);
		(void)snprintf(text, sizeof(text), "- ");
	}
	for (size_t i = 0; i < root.ndists; i++) {
		size_t len = strlen(text);

		(void)snprintf(text + len, sizeof(text) - len, "%s=%u ",
		    root.dists[i].distribution, (unsigned)root.dists[i].root);
	}
	txn_end(t);
	assert_string_equal(text, expected);
}

static int
add_prefix(const char *prefix, uint64_t root, void *arg)
{
	assert_int_not_equal(root, 0);
	return strs_add(arg, span_of(prefix));
}

static void
test_publication_put_renews_prefix(void **state)
{
	struct scratch *s = *state;
	CLEANUP(strs_release) struct strs prefixes = {0};
	struct publication drop = {
	    .prefix = (char[]){"a"}, .distribution = (char[]){"sid"}};

	assert_prefix(s, "", "- ");
	publish(s, (char[]){"a"}, (char[]){"sid"}, 50);
	publish(s, (char[]){""}, (char[]){"stable/updates"}, 51);
	publish(s, (char[]){"a"}, (char[]){"bookworm"}, 52);
	publish(s, (char[]){"a-b"}, (char[]){"x"}, 53);
	publish(s, (char[]){"a/b"}, (char[]){"y"}, 54);
	assert_prefix(s, "a", "bookworm=52 sid=50 ");
	assert_prefix(s, "", "stable/updates=51 ");
	assert_prefix(s, "a-b", "x=53 ");
	assert_prefix(s, "a/b", "y=54 ");

	struct txn *t = scratch_read(s);
	assert_int_equal(prefix_each(t, add_prefix, &prefixes), 0);
	txn_end(t);
	assert_int_equal(prefixes.n, 4);
	assert_string_equal(prefixes.v[0], "");

	scratch_write(s, drop_publication, &drop);
	assert_prefix(s, "a", "bookworm=52 ");
	drop.distribution = (char[]){"bookworm"};
	scratch_write(s, drop_publication, &drop);
	assert_prefix(s, "a", "- ");
	assert_prefix(s, "a/b", "y=54 ");
}

static void
test_publication_put_reads_back(void **state)
{
	struct scratch *s = *state;
	uint64_t made_of[] = {4, 5};
	struct publication p = {.prefix = (char[]){"p"},
	    .distribution = (char[]){"d"},
	    .kind = SOURCE_MIRROR,
	    .verbatim = true,
	    .passphrase_file = (char[]){"/pass"},
	    .label = (char[]){""},
	    .version = (char[]){"12.1"},
	    .not_automatic = true,
	    .valid_for = 86400,
	    .snapshots_url = (char[]){"http://mirror.example.org/@SNAPSHOTID@"},
	    .created = 1,
	    .updated = 2,
	    .root = 3,
	    .state = 4,
	    .made_of = made_of,
	    .nmade_of = 2};
	CLEANUP(publication_release) struct publication got = {0};

	assert_int_equal(strs_add(&p.sources, SPAN("m1")), 0);
	assert_int_equal(strs_add(&p.compress, SPAN("gz")), 0);
	scratch_write(s, put_publication, &p);
	strs_release(&p.sources);
	strs_release(&p.compress);

	struct txn *t = scratch_read(s);
	assert_int_equal(publication_load(t, "", "d", &got), -ENOENT);
	assert_int_equal(publication_load(t, "p", "d", &got), 0);
	txn_end(t);
	assert_string_equal(got.prefix, "p");
	assert_string_equal(got.distribution, "d");
	assert_int_equal(got.kind, SOURCE_MIRROR);
	assert_string_equal(got.sources.v[0], "m1");
	assert_string_equal(got.compress.v[0], "gz");
	assert_int_equal(got.components.n, 0);
	assert_true(got.verbatim && got.not_automatic && !got.skip_signing);
	assert_string_equal(got.passphrase_file, "/pass");
	assert_null(got.origin);
	assert_string_equal(got.label, "");
	assert_string_equal(got.version, "12.1");
	assert_int_equal(got.valid_for, 86400);
	assert_string_equal(got.snapshots_url, p.snapshots_url);
	assert_int_equal(got.created, 1);
	assert_int_equal(got.updated, 2);
	assert_int_equal(got.root, 3);
	assert_int_equal(got.state, 4);
	assert_int_equal(got.nmade_of, 2);
	assert_int_equal(got.made_of[1], 5);
}

/* Takes the last item of a publication away, as version 1 did not have it. */
static int
age_publication(struct txn *t, void *arg, struct error *err)
{
	struct span key = *(struct span *)arg, bytes;
	unsigned char old[256];

	(void)err;
	assert_int_equal(
	    txn_get(t, T_PUBLICATIONS, key.ptr, key.len, &bytes), 0);
	assert_in_range(bytes.len, 5, sizeof(old));
	memcpy(old, bytes.ptr, bytes.len);
	assert_int_equal(old[0], 0xdc); /* an array of as many items */
	assert_int_equal(old[3], 2);
	assert_int_equal(old[bytes.len - 1], 0xc0);
	old[2]--;
	old[3] = 1;
	return txn_put(t, T_PUBLICATIONS, key.ptr, key.len,
	    (struct span){(char *)old, bytes.len - 1});
}

static void
test_publication_load_version_1(void **state)
{
	struct scratch *s = *state;
	struct publication p = {.prefix = (char[]){""},
	    .distribution = (char[]){"d"},
	    .kind = SOURCE_SNAPSHOT,
	    .root = 7};
	CLEANUP(publication_release) struct publication got = {0};

	scratch_write(s, put_publication, &p);
	scratch_write(s, age_publication, &(struct span){"\0d", 2});

	struct txn *t = scratch_read(s);
	assert_int_equal(publication_load(t, "", "d", &got), 0);
	txn_end(t);
	assert_int_equal(got.root, 7);
	assert_null(got.snapshots_url);
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

static void
test_prefix_check_words(void **state)
{
	static const struct {
		const char *name;
		bool good;
	} cases[] = {
	    {"", true},
	    {"debian", true},
	    {"debian/security", true},
	    {"a/snapshots", true},
	    {"poolside", true},
	    {"snapshots", false},
	    {"mirrors/x", false},
	    {"repos", false},
	    {"keyring.gpg", false},
	    {"a/dists", false},
	    {"pool", false},
	    {"/a", false},
	    {"a//b", false},
	    {"a/", false},
	    {"..", false},
	    {"a b", false},
	    {"a\nb", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *why = prefix_check(span_of(cases[i].name));

		if (cases[i].good != !why)
			fail_msg("'%s': %s", cases[i].name, why ? why : "good");
	}
}

static void
test_distribution_check_words(void **state)
{
	static const struct {
		const char *name;
		bool good;
	} cases[] = {
	    {"bookworm", true},
	    {"stable/updates", true},
	    {"", false},
	    {"a/", false},
	    {"../x", false},
	    {"-x", false},
	};
	char longest[202] = "";

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *why = distribution_check(span_of(cases[i].name));

		if (cases[i].good != !why)
			fail_msg("'%s': %s", cases[i].name, why ? why : "good");
	}
	for (size_t i = 0; i < 201; i++)
		longest[i] = i % 2 ? '/' : 'a';
	assert_non_null(distribution_check(span_of(longest)));
	longest[199] = '\0';
	assert_null(distribution_check(span_of(longest)));
}

static int
put_key_twice(struct txn *t, void *arg, struct error *err)
{
	int r = key_put(t, "AA", SPAN("old"));

	(void)arg, (void)err;
	return r < 0 ? r : key_put(t, "AA", SPAN("new"));
}

static int
see_key(const char *fingerprint, struct span binary, void *arg)
{
	assert_string_equal(fingerprint, "AA");
	assert_true(span_eq(binary, SPAN("new")));
	++*(int *)arg;
	return 0;
}

static void
test_key_put_replaces(void **state)
{
	struct scratch *s = *state;
	int seen = 0;

	scratch_write(s, put_key_twice, NULL);
	struct txn *t = scratch_read(s);
	assert_int_equal(key_each(t, see_key, &seen), 0);
	txn_end(t);
	assert_int_equal(seen, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(test_root_new_keeps_older),
	    scratch_test(test_snapshot_put_makes_root),
	    scratch_test(test_snapshot_load_without_sources),
	    cmocka_unit_test(test_mirror_settings_tell_what_is_wanted),
	    scratch_test(test_mirror_load_versions),
	    scratch_test(test_publication_put_renews_prefix),
	    scratch_test(test_publication_put_reads_back),
	    scratch_test(test_publication_load_version_1),
	    scratch_test(test_mirror_advance_moves_verbatim),
	    cmocka_unit_test(test_prefix_check_words),
	    cmocka_unit_test(test_distribution_check_words),
	    scratch_test(test_key_put_replaces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
