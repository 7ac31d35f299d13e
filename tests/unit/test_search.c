#include "algebra/search.h"

#include "algebra/holdings.h"
#include "scratch_store.h"
#include "store/snapshots.h"

#include "update_fixture.h"

/* A mirror m, at a state with apple 1, banana 10 and cherry 3, and a snapshot
 * "first" of the state before, with banana 9. */
static void
make_states(struct scratch *s)
{
	struct archive a = {.s = s};
	struct error err = {""};

	put_archive(&a, "9", ARCHIVE_DATE);
	archive_mirror(s, "m", "sid", "");
	(void)update_ok(&a, "m");
	assert_int_equal(
	    snapshots_from_mirror(s->store, "first", "m", 1, &err), 0);
	put_archive(&a, "10", ARCHIVE_DATE + 1);
	(void)update_ok(&a, "m");
	buf_release(&a.files);
}

struct searching {
	struct search *search;
	struct txn *t;
};

static int
add_state(const struct holder *h, void *arg)
{
	struct searching *s = arg;
	CLEANUP(state_release) struct state state = {0};
	struct error err = {""};

	assert_int_equal(state_load(s->t, h->state, &state), 0);
	return search_add_state(s->search, s->t, &state, &err);
}

/* What is found in all states, in order. */
static struct search *
search_all(struct scratch *s, struct txn *t, const struct search_opts *opts)
{
	struct searching arg = {.t = t};
	struct error err = {""};

	assert_int_equal(search_new(s->store, opts, &arg.search), 0);
	assert_int_equal(holders_each(t, add_state, &arg), 0);
	assert_int_equal(search_sort(arg.search, t, &err), 0);
	return arg.search;
}

static void
assert_found(const struct search *s, const char *expected)
{
	CLEANUP(buf_release) struct buf b = {0};

	for (size_t i = 0; i < search_count(s); i++) {
		struct search_hit h = search_at(s, i);

		assert_int_equal(
		    buf_addf(&b, "%s%.*s_%.*s_%.*s", i > 0 ? " " : "",
			SPAN_ARG(h.name), SPAN_ARG(h.version),
			SPAN_ARG(h.architecture)),
		    0);
		assert_int_equal(h.kind, PACKAGE_BINARY);
		assert_false(search_is_again(s, i));
	}
	assert_string_equal(b.ptr ? b.ptr : "", expected);
}

/* What states share is found once; 10 is newer than 9. */
static void
test_search_order(void **state)
{
	struct scratch *s = *state;
	struct search_opts opts = {0};

	make_states(s);
	CLEANUP(txn_cleanup) struct txn *t = scratch_read(s);
	CLEANUP(search_cleanup) struct search *found = search_all(s, t, &opts);

	assert_found(found,
	    "apple_1_amd64 banana_10_amd64 banana_9_amd64 cherry_3_amd64");
}

static void
test_search_query(void **state)
{
	struct scratch *s = *state;
	CLEANUP(query_cleanup) struct query *q = NULL;
	CLEANUP(strs_release) struct strs archs = {0};
	struct search_opts opts = {.architectures = &archs};
	struct error err = {""};

	make_states(s);
	assert_int_equal(
	    query_parse(SPAN("banana (<< 10) | cherry"), &q, &err), 0);
	opts.query = q;
	CLEANUP(txn_cleanup) struct txn *t = scratch_read(s);
	CLEANUP(search_cleanup) struct search *found = search_all(s, t, &opts);

	assert_found(found, "banana_9_amd64 cherry_3_amd64");
	assert_int_equal(strs_add(&archs, SPAN("arm64")), 0);
	CLEANUP(search_cleanup) struct search *none = search_all(s, t, &opts);

	assert_found(none, "");
}

static int
add_name(const struct holder *h, void *arg)
{
	return buf_addf(arg, "%d:%s ", (int)h->kind, h->name);
}

static void
test_holdings_each(void **state)
{
	static const char *const expected[] = {
	    "0:m 1:first ", "0:m ", "1:first ", "0:m 1:first "};
	struct scratch *s = *state;
	struct search_opts opts = {0};
	CLEANUP(holdings_cleanup) struct holdings *h = NULL;
	struct error err = {""};

	make_states(s);
	CLEANUP(txn_cleanup) struct txn *t = scratch_read(s);
	CLEANUP(search_cleanup) struct search *found = search_all(s, t, &opts);

	assert_int_equal(holdings_find(t, search_packages(found), &h, &err), 0);
	assert_int_equal(search_count(found), ARRAY_LEN(expected));
	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		CLEANUP(buf_release) struct buf b = {0};

		assert_int_equal(
		    holdings_each(h, search_at(found, i).package, add_name, &b),
		    0);
		assert_string_equal(b.ptr, expected[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(test_search_order),
	    scratch_test(test_search_query),
	    scratch_test(test_holdings_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
