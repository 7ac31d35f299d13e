/* Publications, their prefixes and keys, and the names they may have. */

#include <errno.h>

#include "base/cleanup.h"
#include "scratch_store.h"
#include "store/publication.h"
#include "store/root.h"

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

struct word {
	const char *name;
	bool good;
};

static void
assert_words(
    const char *(*check)(struct span), const struct word *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *why = check(span_of(cases[i].name));

		if (cases[i].good != !why)
			fail_msg("'%s': %s", cases[i].name, why ? why : "good");
	}
}

static void
test_prefix_check_words(void **state)
{
	static const struct word cases[] = {
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
	assert_words(prefix_check, cases, ARRAY_LEN(cases));
}

static void
test_distribution_check_words(void **state)
{
	static const struct word cases[] = {
	    {"bookworm", true},
	    {"stable/updates", true},
	    {"", false},
	    {"a/", false},
	    {"../x", false},
	    {"-x", false},
	};
	char longest[202] = "";

	(void)state;
	assert_words(distribution_check, cases, ARRAY_LEN(cases));
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
	    scratch_test(test_publication_put_renews_prefix),
	    scratch_test(test_publication_put_reads_back),
	    scratch_test(test_publication_load_version_1),
	    cmocka_unit_test(test_prefix_check_words),
	    cmocka_unit_test(test_distribution_check_words),
	    scratch_test(test_key_put_replaces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
