#include "scratch_store.h"

#include "index_fixture.h"

#include <errno.h>

#include "algebra/diff.h"

struct shown {
	struct buf text;
	struct heavy *heavy; /* with the fields that differ */
	struct txn *t;
};

static int
show(const struct diff_row *row, void *arg)
{
	static const char signs[] = "+-!";
	struct shown *s = arg;
	CLEANUP(strs_release) struct strs fields = {0};
	CLEANUP_FREE char *joined = NULL;

	(void)buf_addf(&s->text, "%s%c %.*s %.*s %.*s %.*s",
	    s->text.len > 0 ? "; " : "", signs[row->change],
	    SPAN_ARG(row->architecture), SPAN_ARG(row->name),
	    SPAN_ARG(row->old_package ? row->old_version : SPAN("-")),
	    SPAN_ARG(row->new_package ? row->new_version : SPAN("-")));
	if (row->change == DIFF_CHANGED &&
	    strcmp(row->old_component, row->new_component) != 0)
		(void)buf_addf(&s->text, " %s->%s", row->old_component,
		    row->new_component);
	if (!s->heavy || row->change != DIFF_CHANGED)
		return 0;
	assert_int_equal(diff_fields(s->heavy, s->t, row, &fields), 0);
	joined = strs_join(&fields, ",");
	return buf_addf(&s->text, " %s", joined);
}

static void
load(struct txn *t, const char *name, struct state *ret)
{
	CLEANUP(snapshot_release) struct snapshot s = {0};

	assert_int_equal(snapshot_load(t, name, &s), 0);
	assert_int_equal(state_load(t, s.state, ret), 0);
}

static void
assert_diff_with(struct scratch *s, const char *a, const char *b,
    const struct diff_opts *given, const char *expected)
{
	CLEANUP(state_release) struct state old = {0}, new = {0};
	struct shown shown = {.t = scratch_read(s)};
	struct diff_opts opts = *given;

	opts.fn = show;
	opts.arg = &shown;
	load(shown.t, a, &old);
	load(shown.t, b, &new);
	if (given->arg)
		assert_int_equal(heavy_new(s->store, &shown.heavy), 0);
	assert_int_equal(diff_states(shown.t, &old, &new, &opts), 0);
	txn_end(shown.t);
	assert_string_equal(shown.text.ptr ? shown.text.ptr : "", expected);
	buf_release(&shown.text);
	heavy_free(shown.heavy);
}

static void
assert_diff(
    struct scratch *s, const char *a, const char *b, const char *expected)
{
	struct diff_opts opts = {0};

	assert_diff_with(s, a, b, &opts, expected);
}

static const struct archive pair[] = {
    {"a", NULL,
	{{"main", "amd64",
	     "gone=1/amd64 kept=1/all new-version=1/amd64 other=1/amd64", 0},
	    {"main", "source", "src=1/ src=2/", PACKAGE_SOURCE}}},
    {"b", NULL,
	{{"main", "amd64",
	     "added=1/amd64 kept=1/all new-version=1.1/amd64 other=1/amd64#x",
	     0},
	    {"main", "source", "src=2/ src=3/", PACKAGE_SOURCE}}},
};

static void
test_rows(void **state)
{
	struct scratch *s = *state;

	make_all(s, pair, ARRAY_LEN(pair));
	assert_diff(s, "a", "b",
	    "+ amd64 added - 1; - amd64 gone 1 -; "
	    "! amd64 new-version 1 1.1; ! amd64 other 1 1; "
	    "! source src 1 3");
	assert_diff(s, "b", "a",
	    "- amd64 added 1 -; + amd64 gone - 1; "
	    "! amd64 new-version 1.1 1; ! amd64 other 1 1; "
	    "! source src 3 1");
	assert_diff(s, "a", "a", "");
}

static void
test_only_matching_and_architectures(void **state)
{
	struct scratch *s = *state;
	struct diff_opts matching = {.only_matching = true};
	struct strs archs = {0};
	struct diff_opts narrow = {.architectures = &archs};

	make_all(s, pair, ARRAY_LEN(pair));
	assert_int_equal(strs_add(&archs, SPAN("source")), 0);
	assert_diff_with(s, "a", "b", &matching,
	    "! amd64 new-version 1 1.1; ! amd64 other 1 1; "
	    "! source src 1 3");
	assert_diff_with(s, "a", "b", &narrow, "! source src 1 3");
	strs_release(&archs);
}

static void
test_fields(void **state)
{
	struct scratch *s = *state;
	struct diff_opts opts = {.only_matching = true, .arg = s};

	make_all(s, pair, ARRAY_LEN(pair));
	assert_diff_with(s, "a", "b", &opts,
	    "! amd64 new-version 1 1.1 Filename,SHA256,Version; "
	    "! amd64 other 1 1 Comment,SHA256; "
	    "! source src 1 3 Checksums-Sha256,Version");
}

static void
test_components(void **state)
{
	struct scratch *s = *state;
	static const struct archive v[] = {
	    {"a", NULL,
		{{"main", "amd64", "aa=1/amd64 bb=1/amd64 cc=1/all", 0},
		    {"contrib", "amd64", "bb=1/amd64#x dd=1/all", 0}}},
	    {"b", NULL,
		{{"main", "amd64", "bb=1/amd64 cc=1/all dd=2/all", 0},
		    {"contrib", "amd64", "aa=1/amd64 bb=2/amd64", 0}}},
	};

	make_all(s, v, ARRAY_LEN(v));
	/* The very same stanza may move, too. */
	assert_diff(s, "a", "b",
	    "! amd64 aa 1 1 main->contrib; ! amd64 bb 1 2; "
	    "! all dd 1 2 contrib->main");
}

/* Several versions: first the same ones are paired, then from the oldest on. */
static void
test_pairs(void **state)
{
	struct scratch *s = *state;
	static const struct archive v[] = {
	    {"a", NULL,
		{{"main", "amd64",
		    "aa=1/all aa=2/all aa=3/all bb=1/all bb=9/all bb=10/all",
		    0}}},
	    {"b", NULL,
		{{"main", "amd64",
		    "aa=2/all#x aa=4/all aa=5/all aa=6/all bb=9/all#x", 0}}},
	};

	make_all(s, v, ARRAY_LEN(v));
	assert_diff(s, "a", "b",
	    "! all aa 1 4; ! all aa 2 2; ! all aa 3 5; + all aa - 6; "
	    "- all bb 1 -; ! all bb 9 9; - all bb 10 -");
}

/* It is sorted by version, then by architecture. */
static void
test_order(void **state)
{
	struct scratch *s = *state;
	static const struct archive v[] = {
	    {"a", NULL,
		{{"main", "amd64", "aa=9/amd64 aa=10/i386 aa=9/i386", 0},
		    {"main", "amd64", "aa=9/amd64", PACKAGE_UDEB}}},
	    {"b", NULL, {{"main", "amd64", "", 0}}},
	};

	make_all(s, v, ARRAY_LEN(v));
	assert_diff(s, "a", "b",
	    "- amd64 aa 9 -; - amd64 aa 9 -; - i386 aa 9 -; "
	    "- i386 aa 10 -");
}

/* What is for any architecture stands in several lists, and counts once. */
static void
test_all_architectures(void **state)
{
	struct scratch *s = *state;
	static const struct archive v[] = {
	    {"both", NULL,
		{{"main", "amd64", "aa=1/all bb=1/amd64", 0},
		    {"main", "arm64", "aa=1/all bb=1/arm64", 0}}},
	    {"one", NULL, {{"main", "amd64", "aa=1/all bb=1/amd64", 0}}},
	    {"none", NULL, {{"main", "amd64", "bb=1/amd64", 0}}},
	    {"half", NULL,
		{{"main", "amd64", "bb=1/amd64", 0},
		    {"main", "arm64", "aa=1/all bb=1/arm64", 0}}},
	    {"flat", NULL, {{"", "", "aa=1/all bb=1/amd64 bb=1/arm64", 0}}},
	};

	make_all(s, v, ARRAY_LEN(v));
	assert_diff(s, "both", "one", "- arm64 bb 1 -");
	assert_diff(s, "one", "both", "+ arm64 bb - 1");
	assert_diff(s, "both", "none", "- all aa 1 -; - arm64 bb 1 -");
	assert_diff(s, "none", "both", "+ all aa - 1; + arm64 bb - 1");
	assert_diff(s, "both", "half", "");
	assert_diff(s, "half", "both", "");
	assert_diff(s, "both", "flat", "");
	assert_diff(s, "flat", "one", "- arm64 bb 1 -");
}

/* "p0000=1/all ...", of which one has another version. */
static char *
many(unsigned n, unsigned odd)
{
	struct buf b = {0};

	for (unsigned i = 0; i < n; i++)
		(void)buf_addf(&b, "p%04u=%d/all ", i, i == odd ? 2 : 1);
	return buf_take(&b);
}

static int
drop_run(struct txn *t, void *arg, struct error *err)
{
	struct key64 key = key64(*(uint64_t *)arg);

	(void)err;
	return txn_del(t, T_RUNS, &key, sizeof(key));
}

static void
test_common_runs_are_not_read(void **state)
{
	struct scratch *s = *state;
	CLEANUP_FREE char *one = many(2000, 1000);
	CLEANUP_FREE char *two = many(2000, 2000);
	struct archive v[] = {
	    {"a", NULL, {{"main", "all", one, 0}}},
	    {"b", NULL, {{"main", "all", two, 0}}},
	};
	CLEANUP(state_release) struct state a = {0};
	CLEANUP(list_release) struct list l = {0};
	struct txn *t;

	make_all(s, v, 2);
	t = scratch_read(s);
	load(t, "a", &a);
	assert_int_equal(list_load(t, a.lists[0].list, &l), 0);
	txn_end(t);
	assert_true(l.nruns > 4);
	scratch_write(s, drop_run, &l.runs[0].run);
	scratch_write(s, drop_run, &l.runs[l.nruns - 1].run);
	assert_diff(s, "a", "b", "! all p1000 2 1");
}

/* The rows are there when what they were found in has gone. */
static void
test_rows_outlive_the_transaction(void **state)
{
	struct scratch *s = *state;
	CLEANUP(diff_cleanup) struct diff *d = NULL;
	struct state a = {0}, b = {0};
	struct shown at_once = {0}, later = {0};
	struct diff_opts opts = {.fn = show, .arg = &at_once};
	struct txn *t;

	make_all(s, pair, ARRAY_LEN(pair));
	t = scratch_read(s);
	load(t, "a", &a);
	load(t, "b", &b);
	assert_int_equal(diff_states(t, &a, &b, &opts), 0);
	assert_int_equal(diff_new(t, &a, &b, &opts, &d), 0);
	state_release(&a);
	state_release(&b);
	txn_end(t);
	assert_int_equal(diff_each(d, show, &later), 0);
	assert_true(later.text.len > 0);
	assert_string_equal(later.text.ptr, at_once.text.ptr);
	buf_release(&at_once.text);
	buf_release(&later.text);
}

static void
test_damage_is_told(void **state)
{
	struct scratch *s = *state;
	CLEANUP(state_release) struct state a = {0}, b = {0};
	CLEANUP(list_release) struct list l = {0};
	struct shown shown = {0};
	struct diff_opts opts = {.fn = show, .arg = &shown};
	struct txn *t;

	make_all(s, pair, ARRAY_LEN(pair));
	t = scratch_read(s);
	load(t, "a", &a);
	load(t, "b", &b);
	assert_int_equal(list_load(t, a.lists[0].list, &l), 0);
	txn_end(t);
	scratch_write(s, drop_run, &l.runs[0].run);
	t = scratch_read(s);
	assert_int_equal(diff_states(t, &a, &b, &opts), -EIO);
	txn_end(t);
	assert_int_equal(shown.text.len, 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    scratch_test(test_rows),
	    scratch_test(test_only_matching_and_architectures),
	    scratch_test(test_fields),
	    scratch_test(test_components),
	    scratch_test(test_pairs),
	    scratch_test(test_order),
	    scratch_test(test_all_architectures),
	    scratch_test(test_common_runs_are_not_read),
	    scratch_test(test_rows_outlive_the_transaction),
	    scratch_test(test_damage_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
