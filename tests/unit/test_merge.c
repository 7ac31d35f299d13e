#include "scratch_store.h"

#include "index_fixture.h"

#include <errno.h>

#include "algebra/merge.h"
#include "algebra/merge_table.h"

#define NOW	 1764000000
#define ALL_ONLY "No-Support-for-Architecture-all: Packages\n"

static int
add_package(const struct package *p, void *arg)
{
	const struct light *l = &p->light;

	return buf_addf(arg, " %.*s=%.*s/%.*s", SPAN_ARG(l->name),
	    SPAN_ARG(l->version), SPAN_ARG(l->architecture));
}

/* "main/binary-amd64/Packages: a=1/amd64 ...; ..." for the caller to free. */
static char *
shown(struct scratch *s, const char *name)
{
	CLEANUP(buf_release) struct buf b = {0};
	CLEANUP(snapshot_release) struct snapshot snapshot = {0};
	CLEANUP(state_release) struct state state = {0};
	struct txn *t = scratch_read(s);

	assert_int_equal(snapshot_load(t, name, &snapshot), 0);
	assert_int_equal(state_load(t, snapshot.state, &state), 0);
	for (size_t i = 0; i < state.nlists; i++) {
		CLEANUP(list_release) struct list l = {0};

		(void)buf_addf(&b, "%s%s:", i ? "; " : "", state.lists[i].path);
		assert_int_equal(list_load(t, state.lists[i].list, &l), 0);
		assert_int_equal(list_each(t, &l, add_package, &b), 0);
	}
	txn_end(t);
	return buf_take(&b);
}

static int
merge(struct scratch *s, const char *dst, const char *words,
    const struct merge_opts *opts, struct error *err)
{
	CLEANUP(strs_release) struct strs names = {0};
	struct derive_input in[8];
	struct derive_opts d = {
	    .name = dst, .description = "merge", .inputs = in, .now = NOW};
	struct merge_result result;

	assert_int_equal(strs_add_split(&names, span_of(words), 0), 0);
	for (size_t i = 0; i < names.n; i++)
		in[i] = (struct derive_input){SOURCE_SNAPSHOT, names.v[i]};
	d.ninputs = names.n;
	return merge_snapshots(s->store, &d, opts, &result, err);
}

static void
assert_merge(struct scratch *s, const char *words, enum merge_keep keep,
    const char *expected)
{
	static unsigned n;
	struct merge_opts opts = {.keep = keep};
	struct error err = {""};
	char dst[32];
	char *got;

	(void)snprintf(dst, sizeof(dst), "merged-%u", n++);
	if (merge(s, dst, words, &opts, &err) < 0)
		fail_msg("merge of %s: %s", words, err.text);
	got = shown(s, dst);
	assert_string_equal(got, expected);
	free(got);
}

#define AMD64 "main/binary-amd64/Packages:"

static const struct archive archives[] = {
    {"a", NULL,
	{{"main", "amd64",
	    "aa=1/amd64 bb=2/amd64 bb=1/amd64 cc=1/all dd=1/i386 dd=2/amd64",
	    0}}},
    {"b", NULL,
	{{"main", "amd64", "bb=1.5/amd64 cc=1/amd64 dd=2/amd64#x ee=1/all",
	    0}}},
    {"c", NULL, {{"main", "amd64", "aa=0.9/amd64 cc=0.1/all", 0}}},
};

static void
test_replaces_all_versions(void **state)
{
	struct scratch *s = *state;

	make_all(s, archives, ARRAY_LEN(archives));
	/* By name and architecture; the packages of one source stay together,
	 * in its order. */
	assert_merge(s, "a b", MERGE_REPLACE,
	    AMD64 " aa=1/amd64 bb=1.5/amd64 cc=1/all cc=1/amd64 dd=1/i386"
		  " dd=2/amd64 ee=1/all");
	assert_merge(s, "b a", MERGE_REPLACE,
	    AMD64 " aa=1/amd64 bb=2/amd64 bb=1/amd64 cc=1/amd64 cc=1/all"
		  " dd=1/i386 dd=2/amd64 ee=1/all");
	assert_merge(s, "a b c", MERGE_REPLACE,
	    AMD64 " aa=0.9/amd64 bb=1.5/amd64 cc=0.1/all cc=1/amd64 dd=1/i386"
		  " dd=2/amd64 ee=1/all");
}

static void
test_keeps_all_versions(void **state)
{
	struct scratch *s = *state;

	make_all(s, archives, ARRAY_LEN(archives));
	assert_merge(s, "a b c", MERGE_ALL,
	    AMD64 " aa=0.9/amd64 aa=1/amd64 bb=1.5/amd64 bb=2/amd64 bb=1/amd64"
		  " cc=0.1/all cc=1/all cc=1/amd64 dd=1/i386 dd=2/amd64"
		  " ee=1/all");
}

static void
test_keeps_the_newest(void **state)
{
	struct scratch *s = *state;

	make_all(s, archives, ARRAY_LEN(archives));
	assert_merge(s, "a b c", MERGE_LATEST,
	    AMD64 " aa=1/amd64 bb=2/amd64 cc=1/all cc=1/amd64 dd=1/i386"
		  " dd=2/amd64 ee=1/all");
	assert_merge(s, "a", MERGE_LATEST,
	    AMD64 " aa=1/amd64 bb=2/amd64 cc=1/all dd=1/i386 dd=2/amd64");
}

struct find {
	struct span name;
	uint64_t number;
};

static int
find_package(const struct package *p, void *arg)
{
	struct find *f = arg;

	if (span_eq(p->light.name, f->name) &&
	    span_eq(p->light.architecture, SPAN("amd64")))
		f->number = p->number;
	return 0;
}

static uint64_t
package_of(struct scratch *s, const char *snapshot_name, const char *name)
{
	CLEANUP(snapshot_release) struct snapshot snapshot = {0};
	CLEANUP(state_release) struct state state = {0};
	CLEANUP(list_release) struct list l = {0};
	struct find f = {.name = span_of(name)};
	struct txn *t = scratch_read(s);

	assert_int_equal(snapshot_load(t, snapshot_name, &snapshot), 0);
	assert_int_equal(state_load(t, snapshot.state, &state), 0);
	assert_int_equal(list_load(t, state.lists[0].list, &l), 0);
	assert_int_equal(list_each(t, &l, find_package, &f), 0);
	txn_end(t);
	assert_int_not_equal(f.number, 0);
	return f.number;
}

/* dd 2 is in both, with other content. */
static void
test_right_wins_where_only_content_differs(void **state)
{
	struct scratch *s = *state;
	static const struct {
		enum merge_keep keep;
		const char *dst, *words, *from;
	} cases[] = {
	    {MERGE_REPLACE, "r1", "a b", "b"},
	    {MERGE_REPLACE, "r2", "b a", "a"},
	    {MERGE_ALL, "n1", "a b", "b"},
	    {MERGE_ALL, "n2", "b a", "a"},
	    {MERGE_LATEST, "l1", "a b", "b"},
	    {MERGE_LATEST, "l2", "b a", "a"},
	};

	make_all(s, archives, ARRAY_LEN(archives));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct merge_opts opts = {.keep = cases[i].keep};
		struct error err = {""};

		assert_int_equal(
		    merge(s, cases[i].dst, cases[i].words, &opts, &err), 0);
		assert_int_equal(package_of(s, cases[i].dst, "dd"),
		    package_of(s, cases[i].from, "dd"));
	}
}

static uint64_t
first_list(struct scratch *s, const char *name)
{
	CLEANUP(snapshot_release) struct snapshot snapshot = {0};
	CLEANUP(state_release) struct state state = {0};
	struct txn *t = scratch_read(s);

	assert_int_equal(snapshot_load(t, name, &snapshot), 0);
	assert_int_equal(state_load(t, snapshot.state, &state), 0);
	txn_end(t);
	return state.lists[0].list;
}

static void
test_merge_with_itself_is_the_same_list(void **state)
{
	struct scratch *s = *state;
	struct merge_opts replace = {.keep = MERGE_REPLACE};
	struct merge_opts all = {.keep = MERGE_ALL};
	struct archive unsorted = {
	    "u", NULL, {{"main", "amd64", "cc=1/all aa=1/all bb=1/all", 0}}};
	struct archive twin = unsorted;
	struct error err = {""};

	twin.name = "v";
	twin.indexes[0].packages = "cc=1/all aa=1/all bb=1/all dd=1/all";
	make(s, &unsorted);
	make(s, &twin);
	assert_int_equal(merge(s, "x", "u u", &replace, &err), 0);
	assert_int_equal(merge(s, "y", "u u", &all, &err), 0);
	/* The right one has all that the left one has. */
	assert_int_equal(merge(s, "z", "u v", &replace, &err), 0);
	assert_int_equal(first_list(s, "x"), first_list(s, "u"));
	assert_int_equal(first_list(s, "y"), first_list(s, "u"));
	assert_int_equal(first_list(s, "z"), first_list(s, "v"));
}

static void
test_components_kinds_and_architectures_stay_apart(void **state)
{
	struct scratch *s = *state;
	static const struct archive both[] = {
	    {"a", NULL,
		{{"main", "amd64", "aa=1/amd64", 0},
		    {"main", "arm64", "aa=1/arm64", 0},
		    {"main", "source", "aa=1/", PACKAGE_SOURCE},
		    {"main", "amd64", "aa=1/amd64", PACKAGE_UDEB}}},
	    {"b", NULL,
		{{"main", "amd64", "aa=2/amd64", 0},
		    {"contrib", "amd64", "aa=3/amd64", 0},
		    {"main", "source", "aa=2/", PACKAGE_SOURCE}}},
	};
	struct merge_opts opts = {0};
	struct strs archs = {0};
	struct error err = {""};

	make_all(s, both, ARRAY_LEN(both));
	assert_merge(s, "a b", MERGE_REPLACE,
	    AMD64 " aa=2/amd64; main/binary-arm64/Packages: aa=1/arm64; "
		  "main/source/Sources: aa=2/source; "
		  "main/debian-installer/binary-amd64/Packages: aa=1/amd64; "
		  "contrib/binary-amd64/Packages: aa=3/amd64");
	assert_int_equal(strs_add_split(&archs, SPAN("arm64 source"), 0), 0);
	opts.architectures = &archs;
	assert_int_equal(merge(s, "narrow", "a b", &opts, &err), 0);
	char *got = shown(s, "narrow");
	assert_string_equal(got, "main/binary-arm64/Packages: aa=1/arm64; "
				 "main/source/Sources: aa=2/source");
	free(got);
	assert_int_equal(strs_add(&archs, SPAN("riscv64")), 0);
	assert_int_equal(merge(s, "none", "a b", &opts, &err), -EINVAL);
	assert_non_null(strstr(err.text, "riscv64"));
	strs_release(&archs);
}

/* What is for any architecture counts in every index, wherever it stands. */
static void
test_packages_for_all_architectures(void **state)
{
	struct scratch *s = *state;
	static const struct archive v[] = {
	    /* As Debian has them: in both. */
	    {"debian", ALL_ONLY,
		{{"main", "amd64", "aa=1/all bb=1/amd64", 0},
		    {"main", "all", "aa=1/all", 0}}},
	    /* In binary-all alone. */
	    {"apart", "Label: apart\n",
		{{"main", "amd64", "cc=1/amd64", 0},
		    {"main", "all", "aa=2/all", 0}}},
	    /* Without a binary-all. */
	    {"without", "Label: without\n",
		{{"main", "amd64", "aa=3/all", 0},
		    {"main", "arm64", "aa=3/all dd=1/arm64", 0}}},
	};

	make_all(s, v, ARRAY_LEN(v));
	assert_merge(s, "debian apart", MERGE_REPLACE,
	    "main/binary-all/Packages: aa=2/all; " AMD64
	    " bb=1/amd64 cc=1/amd64");
	assert_merge(s, "apart debian", MERGE_REPLACE,
	    "main/binary-all/Packages: aa=1/all; " AMD64
	    " aa=1/all bb=1/amd64 cc=1/amd64");
	assert_merge(s, "debian without", MERGE_REPLACE,
	    "main/binary-all/Packages: aa=3/all; " AMD64
	    " aa=3/all bb=1/amd64; main/binary-arm64/Packages:"
	    " aa=3/all dd=1/arm64");
	assert_merge(s, "without debian", MERGE_LATEST,
	    "main/binary-all/Packages: aa=3/all; " AMD64
	    " aa=3/all bb=1/amd64; main/binary-arm64/Packages:"
	    " aa=3/all dd=1/arm64");
	assert_merge(s, "without apart", MERGE_REPLACE,
	    "main/binary-all/Packages: aa=2/all; " AMD64
	    " cc=1/amd64; main/binary-arm64/Packages: dd=1/arm64");
}

static void
test_flat_archives_are_split(void **state)
{
	struct scratch *s = *state;
	static const struct archive v[] = {
	    {"flat", NULL, {{"", "", "aa=1/all bb=1/amd64 cc=1/arm64", 0}}},
	    {"all", NULL, {{"", "", "aa=2/all", 0}}},
	    {"suite", NULL, {{"main", "amd64", "aa=3/all bb=3/amd64", 0}}},
	};

	make_all(s, v, ARRAY_LEN(v));
	assert_merge(s, "flat", MERGE_REPLACE,
	    AMD64 " aa=1/all bb=1/amd64; main/binary-arm64/Packages: aa=1/all"
		  " cc=1/arm64");
	assert_merge(
	    s, "all", MERGE_REPLACE, "main/binary-all/Packages: aa=2/all");
	assert_merge(s, "suite flat", MERGE_REPLACE,
	    AMD64 " aa=1/all bb=1/amd64; main/binary-arm64/Packages: aa=1/all"
		  " cc=1/arm64");
	assert_merge(s, "flat suite", MERGE_REPLACE,
	    AMD64 " aa=3/all bb=3/amd64; main/binary-arm64/Packages: aa=3/all"
		  " cc=1/arm64");
}

static void
test_table_tells_keys_apart(void **state)
{
	struct merge_table t = {0};
	char name[32];

	(void)state;
	for (unsigned i = 0; i < 5000; i++) {
		struct merge_key k;
		struct merge_entry *e;

		(void)snprintf(name, sizeof(name), "p%u", i / 2);
		k = merge_key_of(span_of(name),
		    i % 2 ? SPAN("amd64") : SPAN("all"), (struct span){0});
		assert_null(merge_table_find(&t, &k));
		e = merge_table_at(&t, &k);
		assert_non_null(e);
		e->package = i + 1;
		assert_int_equal(merge_table_find(&t, &k)->package, i + 1);
	}
	assert_int_equal(t.n, 5000);
	merge_table_release(&t);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    scratch_test(test_replaces_all_versions),
	    scratch_test(test_keeps_all_versions),
	    scratch_test(test_keeps_the_newest),
	    scratch_test(test_right_wins_where_only_content_differs),
	    scratch_test(test_merge_with_itself_is_the_same_list),
	    scratch_test(test_components_kinds_and_architectures_stay_apart),
	    scratch_test(test_packages_for_all_architectures),
	    scratch_test(test_flat_archives_are_split),
	    cmocka_unit_test(test_table_tells_keys_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
