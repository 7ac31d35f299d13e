#include "publish_run.h"

#include <errno.h>

/* A snapshot with one list of one made-up package. */
static uint64_t
make_simple(struct scratch *s, const char *snapshot, const char *component,
    const char *package, unsigned file)
{
	struct buf b = {0};
	struct list_spec lists[] = {
	    {component, "amd64", 0, PACKAGE_BINARY}, {0}};
	uint64_t state;

	add_pool_stanza(&b, package, "amd64", file);
	lists[0].list = make_list_of(s, &b);
	state = make_state(s, "stable",
	    "Origin: Upstream\nLabel: Ours\nVersion: 12.1\n"
	    "Description: d\nDate: Mon, 24 Nov 2025 00:00:00 UTC\nSHA256:\n",
	    NOW - 3600, lists);
	make_snapshot(s, snapshot, state);
	return lists[0].list;
}

static void
test_publish_new_one_snapshot(void **state)
{
	struct scratch *s = *state;
	uint64_t list = make_simple(s, "one", "main", "hello", 1);
	struct publish_result result =
	    publish(s, (struct wish){.sources = "one"});
	struct seen seen;

	look(s, "", "stable", &seen);
	/* The source's own list, not a copy. */
	assert_int_equal(seen.state.nlists, 1);
	assert_int_equal(seen.state.lists[0].list, list);
	assert_files(&seen, "main/binary-amd64/Packages "
			    "main/binary-amd64/Packages.gz");
	assert_all_served(s, &seen);
	assert_int_equal(result.packages, 1);
	assert_int_equal(result.indexes, 2);
	assert_int_equal(result.date, NOW);
	assert_int_equal(seen.release.date, NOW);
	assert_int_equal(seen.state.in_release, 0);
	assert_int_equal(seen.state.release_gpg, 0);
	assert_int_equal(seen.pub.nmade_of, 1);
	assert_int_equal(seen.pub.created, NOW);
	seen_release(&seen);
}

static void
test_publish_new_fields_inherited(void **state)
{
	struct scratch *s = *state;
	struct seen seen;

	(void)make_simple(s, "one", "main", "hello", 1);
	(void)publish(s, (struct wish){.sources = "one"});
	look(s, "", "stable", &seen);
	assert_true(span_eq(seen.release.origin, SPAN("Upstream")));
	assert_true(span_eq(seen.release.label, SPAN("Ours")));
	assert_true(span_eq(seen.release.suite, SPAN("stable")));
	assert_true(span_eq(seen.release.codename, SPAN("stable")));
	assert_true(span_eq(seen.release.version, SPAN("12.1")));
	assert_true(span_eq(seen.release.description, SPAN("d")));
	assert_true(seen.release.acquire_by_hash);
	assert_true(seen.release.no_arch_all);
	assert_int_equal(seen.release.valid_until, 0);
	seen_release(&seen);
}

static void
test_publish_new_fields_given(void **state)
{
	struct scratch *s = *state;
	struct wish w = {.sources = "one", .prefix = "debian"};
	struct publication p;
	struct publish_result result;
	struct error err;
	struct seen seen;

	(void)make_simple(s, "one", "main", "hello", 1);
	wish_fill(&w, &p);
	p.origin = strdup("O");
	p.suite = strdup("testing");
	p.codename = strdup("trixie");
	p.not_automatic = true;
	p.but_automatic_upgrades = true;
	p.valid_for = 86400;
	assert_int_equal(try_publish(s, &p, NOW, &result, &err), 0);
	publication_release(&p);
	look(s, "debian", "stable", &seen);
	assert_true(span_eq(seen.release.origin, SPAN("O")));
	assert_true(span_eq(seen.release.suite, SPAN("testing")));
	assert_true(span_eq(seen.release.codename, SPAN("trixie")));
	assert_true(seen.release.not_automatic);
	assert_true(seen.release.but_automatic_upgrades);
	assert_int_equal(seen.release.valid_until, NOW + 86400);
	assert_int_equal(seen.state.valid_until, NOW + 86400);
	seen_release(&seen);
}

static void
test_publish_new_fields_default(void **state)
{
	struct scratch *s = *state;
	struct list_spec lists[] = {
	    {"main", "amd64", make_long_list(s, "p", 2, 0), 0}, {0}};
	struct seen seen;

	make_snapshot(s, "bare", make_state(s, "sid", NULL, NOW, lists));
	(void)publish(s, (struct wish){.sources = "bare"});
	look(s, "", "sid", &seen);
	assert_true(span_eq(seen.release.origin, SPAN(". sid")));
	assert_true(span_eq(seen.release.label, SPAN(". sid")));
	assert_int_equal(seen.release.version.len, 0);
	seen_release(&seen);
	(void)publish(s, (struct wish){.sources = "bare", .prefix = "a/b"});
	look(s, "a/b", "sid", &seen);
	assert_true(span_eq(seen.release.origin, SPAN("a/b sid")));
	seen_release(&seen);
}

/* Release promises each architecture in each component. */
static void
test_publish_new_components_and_gaps(void **state)
{
	struct scratch *s = *state;
	struct list_spec two[] = {
	    {"contrib", "arm64", make_long_list(s, "c", 1, 0), 0},
	    {"contrib", "source", make_list(s, PACKAGE_SOURCE, SPAN("")),
		PACKAGE_SOURCE},
	    {0}};
	struct seen seen;

	(void)make_simple(s, "one", "main", "hello", 1);
	make_snapshot(s, "two", make_state(s, "stable", NULL, NOW, two));
	(void)publish(s, (struct wish){.sources = "one two"});
	look(s, "", "stable", &seen);
	assert_files(&seen,
	    "contrib/binary-amd64/Packages contrib/binary-amd64/Packages.gz "
	    "contrib/binary-arm64/Packages contrib/binary-arm64/Packages.gz "
	    "contrib/source/Sources contrib/source/Sources.gz "
	    "main/binary-amd64/Packages main/binary-amd64/Packages.gz "
	    "main/binary-arm64/Packages main/binary-arm64/Packages.gz "
	    "main/source/Sources main/source/Sources.gz");
	assert_all_served(s, &seen);
	assert_int_equal(seen.release.components.n, 2);
	assert_string_equal(seen.release.components.v[0], "main");
	assert_int_equal(seen.release.architectures.n, 2);
	/* What only one of them says of itself isn't said of both, but the
	 * other one has no Release. */
	assert_true(span_eq(seen.release.origin, SPAN("Upstream")));
	assert_int_equal(seen.release.version.len, 0);
	seen_release(&seen);
}

static void
test_publish_new_components_named(void **state)
{
	struct scratch *s = *state;
	struct seen seen;

	(void)make_simple(s, "one", "main", "hello", 1);
	(void)make_simple(s, "two", "main", "world", 2);
	assert_refused(
	    s, (struct wish){.sources = "one two"}, -EINVAL, "--component=");
	(void)publish(
	    s, (struct wish){.sources = "one two", .components = "main extra"});
	look(s, "", "stable", &seen);
	assert_files(&seen,
	    "extra/binary-amd64/Packages extra/binary-amd64/Packages.gz "
	    "main/binary-amd64/Packages main/binary-amd64/Packages.gz");
	seen_release(&seen);
}

/* Two sources in one component: one list, identical packages once. */
static void
test_publish_new_merges_lists(void **state)
{
	struct scratch *s = *state;
	struct buf b = {0}, index = {0}, expected = {0};
	struct list_spec lists[] = {{"main", "amd64", 0, 0}, {0}};
	struct seen seen;

	(void)make_simple(s, "one", "main", "hello", 1);
	add_pool_stanza(&b, "hello", "amd64", 1);
	add_pool_stanza(&b, "world", "amd64", 2);
	lists[0].list = make_list_of(s, &b);
	make_snapshot(s, "two", make_state(s, "stable", NULL, NOW, lists));
	(void)publish(
	    s, (struct wish){.sources = "one two", .components = "main main"});
	look(s, "", "stable", &seen);
	read_index(s, &seen, "main/binary-amd64/Packages", &index);
	render_list(s, lists[0].list, &expected);
	assert_string_equal(index.ptr, expected.ptr);
	buf_release(&index);
	buf_release(&expected);
	seen_release(&seen);
}

static void
test_publish_new_merge_of_different_content(void **state)
{
	struct scratch *s = *state;

	(void)make_simple(s, "one", "main", "hello", 1);
	(void)make_simple(s, "two", "main", "hello", 2);
	assert_refused(s,
	    (struct wish){.sources = "one two", .components = "main main"},
	    -EEXIST, "hello_1.0_amd64");
	assert_refused(s,
	    (struct wish){.sources = "one two", .components = "main main"},
	    -EEXIST, "snapshot one");
	assert_refused(s,
	    (struct wish){.sources = "one two", .components = "main main"},
	    -EEXIST, "snapshot two");
}

/* One path, two files: in one publication, and in two of one prefix. */
static void
test_publish_new_pool_conflict(void **state)
{
	struct scratch *s = *state;
	struct txn *t;
	struct publication p;

	(void)make_simple(s, "one", "main", "hello", 1);
	(void)make_simple(s, "two", "main", "hello", 2);
	assert_refused(s,
	    (struct wish){.sources = "one two", .components = "main extra"},
	    -EEXIST, "hello");
	(void)publish(s, (struct wish){.sources = "one"});
	assert_refused(s,
	    (struct wish){.sources = "two", .distribution = "other"}, -EEXIST,
	    "hello");
	t = scratch_read(s);
	assert_int_equal(publication_load(t, "", "other", &p), -ENOENT);
	txn_end(t);
	/* Another prefix has another pool. */
	(void)publish(s, (struct wish){.sources = "two", .prefix = "else"});
}

static void
test_publish_new_place_taken(void **state)
{
	struct scratch *s = *state;

	(void)make_simple(s, "one", "main", "hello", 1);
	(void)publish(s,
	    (struct wish){.sources = "one", .distribution = "stable/updates"});
	assert_refused(s,
	    (struct wish){.sources = "one", .distribution = "stable/updates"},
	    -EEXIST, "stable/updates is published already");
	assert_refused(
	    s, (struct wish){.sources = "one"}, -EEXIST, "inside another");
	assert_refused(s,
	    (struct wish){
		.sources = "one", .distribution = "stable/updates/more"},
	    -EEXIST, "inside another");
	(void)publish(
	    s, (struct wish){.sources = "one", .distribution = "stable-x"});
}

static void
test_publish_new_flat(void **state)
{
	struct scratch *s = *state;
	struct buf b = {0}, index = {0};
	struct list_spec lists[] = {{"", "", 0, PACKAGE_BINARY}, {0}};
	struct seen seen;

	add_stanza(&b, "hello", "amd64", "./hello_1.0_amd64.deb", 1);
	add_stanza(&b, "doc", "all", "./sub/doc_1.0_all.deb", 2);
	add_stanza(&b, "libhello1", "arm64", "libhello1_1.0_arm64.deb", 3);
	add_stanza(&b, "fine", "arm64", "pool/x/fine_1.0_arm64.deb", 4);
	lists[0].list = make_list_of(s, &b);
	make_snapshot(s, "flat", make_state(s, "./", NULL, NOW, lists));
	assert_refused(
	    s, (struct wish){.sources = "flat"}, -EINVAL, "--distribution=");
	(void)publish(
	    s, (struct wish){.sources = "flat", .distribution = "ours"});
	look(s, "", "ours", &seen);
	assert_files(&seen,
	    "main/binary-amd64/Packages main/binary-amd64/Packages.gz "
	    "main/binary-arm64/Packages main/binary-arm64/Packages.gz");
	read_index(s, &seen, "main/binary-arm64/Packages", &index);
	assert_null(strstr(index.ptr, "Package: hello\n"));
	assert_non_null(
	    strstr(index.ptr, "\nFilename: pool/main/d/doc/doc_1.0_all.deb\n"));
	assert_non_null(strstr(index.ptr,
	    "\nFilename: pool/main/libh/libhello1/libhello1_1.0_arm64.deb\n"));
	assert_non_null(
	    strstr(index.ptr, "\nFilename: pool/x/fine_1.0_arm64.deb\n"));
	assert_all_served(s, &seen);
	buf_release(&index);
	seen_release(&seen);
}

static void
test_publish_new_architectures(void **state)
{
	struct scratch *s = *state;
	struct list_spec lists[] = {
	    {"main", "all", make_long_list(s, "a", 1, 0), PACKAGE_BINARY},
	    {"main", "amd64", make_long_list(s, "b", 1, 0), PACKAGE_BINARY},
	    {"main", "amd64", make_long_list(s, "u", 1, 0), PACKAGE_UDEB},
	    {"main", "arm64", make_long_list(s, "c", 1, 0), PACKAGE_BINARY},
	    {"main", "source", make_list(s, PACKAGE_SOURCE, SPAN("")),
		PACKAGE_SOURCE},
	    {0}};
	struct seen seen;

	make_snapshot(s, "one", make_state(s, "stable", NULL, NOW, lists));
	(void)publish(
	    s, (struct wish){.sources = "one", .architectures = "amd64"});
	look(s, "", "stable", &seen);
	assert_files(&seen,
	    "main/binary-all/Packages main/binary-all/Packages.gz "
	    "main/binary-amd64/Packages main/binary-amd64/Packages.gz "
	    "main/debian-installer/binary-amd64/Packages "
	    "main/debian-installer/binary-amd64/Packages.gz");
	assert_false(seen.release.no_arch_all);
	seen_release(&seen);
	assert_refused(s,
	    (struct wish){
		.sources = "one", .prefix = "p", .architectures = "mips"},
	    -EINVAL, "mips");
}

static void
test_publish_new_empty_snapshot(void **state)
{
	struct scratch *s = *state;
	struct seen seen;

	make_snapshot(s, "void", make_state(s, "", NULL, 0, NULL));
	assert_refused(s,
	    (struct wish){.sources = "void", .distribution = "new"}, -EINVAL,
	    "--arch=");
	(void)publish(s, (struct wish){.sources = "void",
			     .distribution = "new",
			     .architectures = "amd64 source"});
	look(s, "", "new", &seen);
	assert_files(&seen,
	    "main/binary-amd64/Packages main/binary-amd64/Packages.gz "
	    "main/source/Sources main/source/Sources.gz");
	assert_int_equal(seen.release.files[0].size, 0);
	assert_true(seen.release.files[1].size > 0);
	assert_all_served(s, &seen);
	seen_release(&seen);
}

static void
test_publish_new_codecs(void **state)
{
	struct scratch *s = *state;
	struct seen seen;

	(void)make_simple(s, "one", "main", "hello", 1);
	(void)publish(
	    s, (struct wish){.sources = "one", .compress = "zst gz zst"});
	look(s, "", "stable", &seen);
	assert_files(&seen, "main/binary-amd64/Packages "
			    "main/binary-amd64/Packages.gz "
			    "main/binary-amd64/Packages.zst");
	assert_all_served(s, &seen);
	seen_release(&seen);
}

static void
test_publish_new_refused(void **state)
{
	struct scratch *s = *state;
	static const struct {
		struct wish wish;
		int r;
		const char *words;
	} cases[] = {
	    {{.sources = "none"}, -ENOENT, "no snapshot is named none"},
	    {{.sources = "none", .kind = SOURCE_MIRROR}, -ENOENT,
		"no mirror is named none"},
	    {{.sources = "one", .kind = SOURCE_REPO}, -EINVAL, "snapshots"},
	    {{.sources = ""}, -EINVAL, "nothing"},
	    {{.sources = "one", .components = "a b"}, -EINVAL, "2 components"},
	    {{.sources = "one", .components = "a/b"}, -EINVAL, "component"},
	    {{.sources = "one", .architectures = "../x"}, -EINVAL,
		"architecture"},
	    {{.sources = "one", .prefix = "pool"}, -EINVAL, "prefix"},
	    {{.sources = "one", .distribution = "../x"}, -EINVAL,
		"distribution"},
	    {{.sources = "one", .compress = "bz2"}, -EINVAL, "bz2"},
	};

	(void)make_simple(s, "one", "main", "hello", 1);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_refused(s, cases[i].wish, cases[i].r, cases[i].words);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(test_publish_new_one_snapshot),
	    scratch_test(test_publish_new_fields_inherited),
	    scratch_test(test_publish_new_fields_given),
	    scratch_test(test_publish_new_fields_default),
	    scratch_test(test_publish_new_components_and_gaps),
	    scratch_test(test_publish_new_components_named),
	    scratch_test(test_publish_new_merges_lists),
	    scratch_test(test_publish_new_merge_of_different_content),
	    scratch_test(test_publish_new_pool_conflict),
	    scratch_test(test_publish_new_place_taken),
	    scratch_test(test_publish_new_flat),
	    scratch_test(test_publish_new_architectures),
	    scratch_test(test_publish_new_empty_snapshot),
	    scratch_test(test_publish_new_codecs),
	    scratch_test(test_publish_new_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
