#include "scratch_store.h"

#include "care_fixture.h"

#include "algebra/derive.h"
#include "base/release.h"
#include "store/check.h"
#include "store/cleanup.h"
#include "store/snapshots.h"

#define NOW 1764000000

/* Numbers of a list's packages, in order. */
static uint64_t *
numbers_of(struct scratch *s, uint64_t list, size_t *ret_n)
{
	struct txn *t = scratch_read(s);
	struct list l = {0};
	struct run_packages run = {0};
	uint64_t *v;
	size_t n = 0;

	assert_int_equal(list_load(t, list, &l), 0);
	v = calloc(l.packages + 1, sizeof(*v));
	assert_non_null(v);
	for (size_t i = 0; i < l.nruns; i++) {
		assert_int_equal(run_load(t, l.runs[i].run, &run), 0);
		memcpy(v + n, run.v, run.n * sizeof(*v));
		n += run.n;
	}
	run_packages_release(&run);
	list_release(&l);
	txn_end(t);
	*ret_n = n;
	return v;
}

static uint64_t
list_of(struct scratch *s, const uint64_t *packages, size_t n, uint64_t like)
{
	struct derive_list l = {.component = "main",
	    .architecture = "all",
	    .kind = PACKAGE_BINARY,
	    .packages = packages,
	    .n = n,
	    .like = like};
	struct error err = {""};
	uint64_t list = 0;

	if (derive_make_list(s->store, &l, NULL, &list, &err) < 0)
		fail_msg("derive_make_list: %s", err.text);
	return list;
}

/* "p0000 p0001 ..." */
static char *
many_words(unsigned n)
{
	struct buf b = {0};

	for (unsigned i = 0; i < n; i++)
		(void)buf_addf(&b, "p%04u ", i);
	return buf_take(&b);
}

static void
test_list_is_found_again(void **state)
{
	struct scratch *s = *state;
	CLEANUP_FREE char *words = many_words(600);
	struct digest rendered;
	uint64_t list = take_list(s, words, &rendered);
	size_t n;
	CLEANUP_FREE uint64_t *v = numbers_of(s, list, &n);

	assert_int_equal(n, 600);
	assert_int_equal(list_of(s, v, n, 0), list);
	assert_int_equal(list_of(s, v, n, list), list);
	/* A wrong guess does no harm. */
	assert_int_not_equal(list_of(s, v, n - 1, list), list);
	assert_int_not_equal(list_of(s, v + 1, n - 1, list), list);
}

static void
test_list_shares_runs(void **state)
{
	struct scratch *s = *state;
	CLEANUP_FREE char *words = many_words(1000);
	struct digest rendered;
	uint64_t list = take_list(s, words, &rendered), before, other;
	size_t n, m;
	CLEANUP_FREE uint64_t *v = numbers_of(s, list, &n);

	before = entries(s, T_RUNS);
	assert_true(before > 4);
	memmove(v + 500, v + 501, (n - 501) * sizeof(*v));
	other = list_of(s, v, n - 1, 0);
	assert_int_not_equal(other, list);
	assert_int_equal(entries(s, T_RUNS), before + 1);
	CLEANUP_FREE uint64_t *w = numbers_of(s, other, &m);
	assert_int_equal(m, n - 1);
	assert_memory_equal(v, w, m * sizeof(*v));
}

static void
test_list_may_be_empty(void **state)
{
	struct scratch *s = *state;
	struct digest rendered;
	uint64_t full = take_list(s, "aa bb", &rendered);
	uint64_t list = list_of(s, NULL, 0, 0);
	struct txn *t;
	struct list l = {0};

	/* What was thought to be like it is not. */
	assert_int_equal(list_of(s, NULL, 0, full), list);
	t = scratch_read(s);
	assert_int_equal(list_load(t, list, &l), 0);
	assert_int_equal(l.packages, 0);
	assert_int_equal(l.bytes, 0);
	list_release(&l);
	txn_end(t);
}

static void
test_list_of_unknown_package(void **state)
{
	struct scratch *s = *state;
	uint64_t unknown = 12345, list = 0;
	struct derive_list l = {.component = "main",
	    .architecture = "all",
	    .packages = &unknown,
	    .n = 1};
	struct error err;

	assert_int_equal(
	    derive_make_list(s->store, &l, NULL, &list, &err), -EIO);
}

/* Makes "c" of all that "a" and "b" have. */
static void
derive_c(struct scratch *s, const struct freezing *a, const struct freezing *b)
{
	struct derive_input in[] = {
	    {SOURCE_SNAPSHOT, a->name}, {SOURCE_SNAPSHOT, b->name}};
	struct derive_opts opts = {.name = "c",
	    .description = "merge of a, b",
	    .inputs = in,
	    .ninputs = 2,
	    .now = NOW};
	CLEANUP(derive_cleanup) struct derive *d = NULL;
	struct error err = {""};
	size_t n, m;
	CLEANUP_FREE uint64_t *v = numbers_of(s, a->list, &n);
	CLEANUP_FREE uint64_t *w = numbers_of(s, b->list, &m);
	CLEANUP_FREE uint64_t *all = calloc(n + m, sizeof(*all));
	struct derive_list l = {.component = "main",
	    .architecture = "all",
	    .kind = PACKAGE_BINARY,
	    .packages = all,
	    .n = n + m};

	assert_non_null(all);
	memcpy(all, v, n * sizeof(*v));
	memcpy(all + n, w, m * sizeof(*w));
	if (derive_new(s->store, &opts, &d, &err) < 0)
		fail_msg("derive_new: %s", err.text);
	assert_int_equal(derive_source(d, 1)->number, b->state);
	if (derive_list(d, &l, &err) < 0 || derive_end(d, &err) < 0)
		fail_msg("derive: %s", err.text);
}

static void
test_snapshot_has_a_release_of_its_own(void **state)
{
	struct scratch *s = *state;
	struct freezing a = freeze(s, "a", "one two");
	struct freezing b = freeze(s, "b", "three");
	CLEANUP(snapshot_release) struct snapshot got = {0};
	CLEANUP(state_release) struct state st = {0};
	CLEANUP(buf_release) struct buf text = {0};
	CLEANUP(release_free) struct release release = {0};
	CLEANUP(list_release) struct list l = {0};
	const struct release_file *file;
	struct txn *t;

	derive_c(s, &a, &b);
	t = scratch_read(s);
	assert_int_equal(snapshot_load(t, "c", &got), 0);
	assert_int_equal(state_load(t, got.state, &st), 0);
	assert_int_equal(text_get(t, st.release, &text), 0);
	assert_int_equal(list_load(t, st.lists[0].list, &l), 0);
	txn_end(t);
	assert_string_equal(got.description, "merge of a, b");
	assert_null(got.mirror);
	assert_int_equal(got.nsources, 2);
	assert_string_equal(got.sources[0].name, "a");
	assert_int_equal(got.sources[0].state, a.state);
	assert_int_equal(got.sources[1].kind, SOURCE_SNAPSHOT);
	assert_string_equal(got.sources[1].name, "b");
	assert_int_equal(st.in_release, 0);
	assert_int_equal(st.listing, st.release);
	assert_int_equal(st.origin, 0);
	assert_string_equal(st.suite, "s");
	assert_int_equal(l.packages, 3);

	assert_int_equal(release_parse(buf_span(&text), &release, NULL), 0);
	assert_int_equal(release.date, NOW);
	assert_true(span_eq(release.suite, SPAN("s")));
	/* Each source has another. */
	assert_int_equal(release.description.len, 0);
	assert_true(strs_has(&release.components, SPAN("main")));
	assert_true(strs_has(&release.architectures, SPAN("all")));
	assert_int_equal(release.nfiles, 1);
	file = release_find(&release, SPAN("main/binary-all/Packages"));
	assert_non_null(file);
	assert_int_equal(file->size, l.bytes);
	assert_true(digest_eq(&file->sha256, &l.sha256));
}

static int
note_place(uint64_t origin, struct span path, void *arg)
{
	(void)path;
	*(uint64_t *)arg = origin;
	return 1;
}

static uint64_t
origin_of(struct scratch *s, const char *file)
{
	CLEANUP(blob_release) struct blob b = {0};
	uint64_t number = blob_of(s, file), origin = 0;
	struct txn *t = scratch_read(s);

	assert_int_equal(blob_load(t, number, &b), 0);
	(void)blob_each_place(t, &b, note_place, &origin);
	txn_end(t);
	return origin;
}

static void
fail_finding(void *arg, const struct check_finding *f)
{
	(void)arg;
	fail_msg("%s %s", f->what, f->text);
}

static void
test_snapshot_outlives_its_sources(void **state)
{
	struct scratch *s = *state;
	struct freezing a = freeze(s, "a", "one two");
	struct freezing b = freeze(s, "b", "three");
	struct cleanup_opts clean = {.grace = 0};
	struct cleanup_result cleaned = {0};
	struct check_opts check = {.found = fail_finding};
	struct check_result checked = {0};
	struct error err = {""};

	derive_c(s, &a, &b);
	drop(s, "a");
	drop(s, "b");
	if (cleanup_store(s->store, &clean, &cleaned, &err) < 0)
		fail_msg("cleanup_store: %s", err.text);
	assert_true(cleaned.tables[T_STATES].n >= 2);
	if (check_store(s->store, &check, &checked, &err) < 0)
		fail_msg("check_store: %s", err.text);
	assert_int_equal(checked.findings, 0);
	/* Each file is still found where it came from. */
	assert_int_equal(origin_of(s, "two"), a.origin);
	assert_int_equal(origin_of(s, "three"), b.origin);
}

static void
test_new_refuses(void **state)
{
	struct scratch *s = *state;
	struct derive_input in[SNAPSHOT_MAX_SOURCES + 1] = {
	    {SOURCE_SNAPSHOT, "a"}, {SOURCE_SNAPSHOT, "none"}};
	struct derive_input mirror = {SOURCE_MIRROR, "none"};
	static const struct {
		const char *name;
		size_t n;
		int r;
		const char *says;
	} cases[] = {
	    {"a", 1, -EEXIST, "snapshot a exists already"},
	    {"b/c", 1, -EINVAL, "b/c"},
	    {"b", 2, -ENOENT, "no snapshot is named none"},
	    {"b", SNAPSHOT_MAX_SOURCES + 1, -E2BIG, "64"},
	};
	uint64_t states;

	(void)freeze(s, "a", "one");
	states = entries(s, T_STATES);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct derive_opts opts = {.name = cases[i].name,
		    .description = "x",
		    .inputs = in,
		    .ninputs = cases[i].n};
		struct derive *d = NULL;
		struct error err = {""};

		assert_int_equal(
		    derive_new(s->store, &opts, &d, &err), cases[i].r);
		assert_null(d);
		assert_non_null(strstr(err.text, cases[i].says));
	}
	struct derive_opts opts = {
	    .name = "b", .description = "x", .inputs = &mirror, .ninputs = 1};
	struct derive *d = NULL;
	struct error err = {""};

	assert_int_equal(derive_new(s->store, &opts, &d, &err), -ENOENT);
	assert_non_null(strstr(err.text, "mirror"));
	assert_int_equal(entries(s, T_STATES), states);
	assert_int_equal(entries(s, T_SNAPSHOTS), 1);
}

static void
test_end_refuses_a_name_that_was_taken_meanwhile(void **state)
{
	struct scratch *s = *state;
	struct derive_opts opts = {.name = "a", .description = "x"};
	CLEANUP(derive_cleanup) struct derive *d = NULL;
	struct error err = {""};

	assert_int_equal(derive_new(s->store, &opts, &d, &err), 0);
	freeze(s, "a", "one");
	assert_int_equal(derive_end(d, &err), -EEXIST);
	assert_string_equal(err.text, "snapshot a exists already");
}

static void
test_empty_has_a_release(void **state)
{
	struct scratch *s = *state;
	CLEANUP(snapshot_release) struct snapshot got = {0};
	CLEANUP(state_release) struct state st = {0};
	CLEANUP(buf_release) struct buf text = {0};
	CLEANUP(release_free) struct release release = {0};
	struct error err = {""};
	struct txn *t;

	assert_int_equal(derive_empty(s->store, "none", NOW, &err), 0);
	t = scratch_read(s);
	assert_int_equal(snapshot_load(t, "none", &got), 0);
	assert_int_equal(state_load(t, got.state, &st), 0);
	assert_int_equal(text_get(t, st.release, &text), 0);
	txn_end(t);
	assert_string_equal(got.description, "empty");
	assert_int_equal(got.nsources, 0);
	assert_int_equal(st.nlists, 0);
	assert_int_equal(release_parse(buf_span(&text), &release, NULL), 0);
	assert_int_equal(release.nfiles, 0);
	assert_true(span_eq(release.suite, SPAN("none")));
}

static void
test_sources_follow_renames(void **state)
{
	struct scratch *s = *state;
	struct freezing a = freeze(s, "a", "one two");
	struct freezing b = freeze(s, "b", "three");
	CLEANUP(snapshot_release) struct snapshot got = {0};
	struct error err = {""};
	struct txn *t;

	derive_c(s, &a, &b);
	assert_int_equal(snapshots_rename(s->store, "a", "x", &err), 0);
	/* Another of the same name is none of its sources. */
	drop(s, "b");
	(void)freeze(s, "b", "four");
	assert_int_equal(snapshots_rename(s->store, "b", "y", &err), 0);
	t = scratch_read(s);
	assert_int_equal(snapshot_load(t, "c", &got), 0);
	txn_end(t);
	assert_string_equal(got.sources[0].name, "x");
	assert_string_equal(got.sources[1].name, "b");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    scratch_test(test_list_is_found_again),
	    scratch_test(test_list_shares_runs),
	    scratch_test(test_list_may_be_empty),
	    scratch_test(test_list_of_unknown_package),
	    scratch_test(test_snapshot_has_a_release_of_its_own),
	    scratch_test(test_snapshot_outlives_its_sources),
	    scratch_test(test_new_refuses),
	    scratch_test(test_end_refuses_a_name_that_was_taken_meanwhile),
	    scratch_test(test_empty_has_a_release),
	    scratch_test(test_sources_follow_renames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
