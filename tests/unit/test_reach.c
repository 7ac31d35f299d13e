#include "store/reach.h"

#include "scratch_store.h"

#include "care_fixture.h"
#include "store/dropped.h"
#include "store/publication.h"
#include "store/root.h"

static int64_t
at(void *arg)
{
	return *(int64_t *)arg;
}

static int
mark(struct scratch *s, int64_t since, struct reach *ret, struct error *err)
{
	struct reach_opts opts = {.dropped_since = since};

	return reach_mark(s->store, &opts, ret, err);
}

static struct reach
reach_of(struct scratch *s, int64_t since)
{
	struct reach r;
	struct error err = {""};
	int status = mark(s, since, &r, &err);

	if (status < 0)
		fail_msg("%d %s", status, err.text);
	return r;
}

static uint64_t
package_of(struct scratch *s, const char *name)
{
	CLEANUP(buf_release) struct buf b = {0};
	struct digest d;
	uint64_t number = 0;
	struct txn *t = scratch_read(s);

	add_stanza_of(&b, span_of(name));
	/* Without the empty line. */
	digest_of(b.ptr, b.len - 1, &d);
	assert_int_equal(package_find(t, &d, &number), 0);
	txn_end(t);
	return number;
}

static bool
has_package(struct scratch *s, const struct reach *r, const char *name)
{
	bool package = reach_has(r, REACH_PACKAGE, package_of(s, name));

	/* Its file goes with it. */
	assert_int_equal(reach_has(r, REACH_BLOB, blob_of(s, name)), package);
	return package;
}

static void
test_reach_mark_follows_snapshots(void **state)
{
	struct scratch *s = *state;
	struct freezing one = freeze(s, "one", "a b");
	struct freezing two = freeze(s, "two", "b c");
	CLEANUP(reach_release) struct reach both = reach_of(s, INT64_MAX);

	assert_true(has_package(s, &both, "a"));
	assert_true(has_package(s, &both, "b"));
	assert_true(has_package(s, &both, "c"));
	drop(s, "one");
	CLEANUP(reach_release) struct reach r = reach_of(s, INT64_MAX);
	assert_false(has_package(s, &r, "a"));
	assert_true(has_package(s, &r, "b"));
	assert_true(has_package(s, &r, "c"));
	assert_false(reach_has(&r, REACH_STATE, one.state));
	assert_true(reach_has(&r, REACH_STATE, two.state));
	assert_false(reach_has(&r, REACH_LIST, one.list));
	assert_true(reach_has(&r, REACH_LIST, two.list));
	/* What its Release lists, too. */
	assert_false(reach_has(&r, REACH_BLOB, blob_of(s, "extra-one")));
	assert_true(reach_has(&r, REACH_BLOB, blob_of(s, "extra-two")));
	assert_true(reach_has(&r, REACH_BLOB, blob_of(s, "common")));
	/* b was seen at the origin of the first. */
	assert_true(reach_has(&r, REACH_ORIGIN, one.origin));
	assert_true(reach_has(&r, REACH_ORIGIN, two.origin));
	assert_int_equal(r.dropped, 0);
	/* What nobody has been given counts as reached. */
	assert_true(reach_has(&r, REACH_STATE, two.state + 1));
}

static void
test_reach_mark_keeps_what_was_just_dropped(void **state)
{
	struct scratch *s = *state;
	int64_t now = 1000;

	store_set_clock(s->store, at, &now);
	(void)freeze(s, "one", "a");
	drop(s, "one");
	CLEANUP(reach_release) struct reach since = reach_of(s, 1000);
	CLEANUP(reach_release) struct reach after = reach_of(s, 1001);
	assert_int_equal(since.dropped, 1);
	assert_true(has_package(s, &since, "a"));
	assert_int_equal(after.dropped, 0);
	assert_false(has_package(s, &after, "a"));
}

struct publishing {
	struct publication p;
	uint64_t replaces;
};

static int
publish_in(struct txn *t, void *arg, struct error *err)
{
	struct publishing *p = arg;
	int r = root_new(t, p->p.state, p->replaces, &p->p.root);

	(void)err;
	return r < 0 ? r : publication_put(t, &p->p);
}

static int
unpublish_in(struct txn *t, void *arg, struct error *err)
{
	(void)arg, (void)err;
	return publication_delete(t, "", "stable");
}

static void
test_reach_mark_follows_publications(void **state)
{
	struct scratch *s = *state;
	static const char *const names[] = {"1", "2", "3", "4", "5"};
	static const char *const packages[] = {"a", "b", "c", "d", "e"};
	struct publishing p = {.p = {.prefix = (char[]){""},
				   .distribution = (char[]){"stable"},
				   .kind = SOURCE_SNAPSHOT}};
	int64_t now = 1000;

	store_set_clock(s->store, at, &now);
	for (size_t i = 0; i < 5; i++) {
		p.p.state = freeze(s, names[i], packages[i]).state;
		p.replaces = p.p.root;
		scratch_write(s, publish_in, &p);
		drop(s, names[i]);
	}
	/* The last, and three generations before it. */
	CLEANUP(reach_release) struct reach r = reach_of(s, INT64_MAX);
	assert_false(has_package(s, &r, "a"));
	for (size_t i = 1; i < 5; i++)
		assert_true(has_package(s, &r, packages[i]));
	/* The trees of the prefix were dropped, and lead to all. */
	CLEANUP(reach_release) struct reach just = reach_of(s, 1000);
	assert_true(has_package(s, &just, "a"));
	scratch_write(s, unpublish_in, NULL);
	CLEANUP(reach_release) struct reach none = reach_of(s, INT64_MAX);
	assert_false(has_package(s, &none, "e"));
	CLEANUP(reach_release) struct reach old = reach_of(s, 1000);
	assert_true(has_package(s, &old, "e"));
}

static int
put_like(struct txn *t, void *arg, struct error *err)
{
	uint64_t *v = arg, like = 0;
	struct state s = {.suite = (char[]){"s"}};
	struct snapshot sn = {
	    .name = (char[]){"x"}, .description = (char[]){"d"}};

	(void)err;
	for (int i = 0; i < 3; i++) {
		char text[64];

		(void)snprintf(text, sizeof(text), "Suite: s\nX: %d\n", i);
		assert_int_equal(text_put(t, span_of(text), like, &v[i]), 0);
		like = v[i];
	}
	s.release_gpg = v[2];
	assert_int_equal(state_put(t, &s), 0);
	sn.state = s.number;
	return snapshot_put(t, &sn);
}

static void
test_reach_mark_follows_texts(void **state)
{
	struct scratch *s = *state;
	uint64_t v[3];

	scratch_write(s, put_like, v);
	CLEANUP(reach_release) struct reach r = reach_of(s, INT64_MAX);
	for (int i = 0; i < 3; i++)
		assert_true(reach_has(&r, REACH_TEXT, v[i]));
}

static int
put_forged(struct txn *t, void *arg, struct error *err)
{
	/* The hash of package a's file, announced with another size first. */
	struct digest d = file_digest("a");

	(void)err;
	return blob_put(t, &d, 77, arg);
}

static void
test_reach_mark_keeps_what_leads_to_a_file(void **state)
{
	struct scratch *s = *state;
	uint64_t forged;

	scratch_write(s, put_forged, &forged);
	(void)freeze(s, "one", "a");
	assert_int_not_equal(blob_of(s, "a"), forged);
	CLEANUP(reach_release) struct reach r = reach_of(s, INT64_MAX);
	assert_true(reach_has(&r, REACH_BLOB, forged));
	assert_true(reach_has(&r, REACH_BLOB, blob_of(s, "a")));
}

static void
count_fault(void *arg, const struct reach_fault *f)
{
	CLEANUP_FREE char *text = NULL;
	struct buf *b = arg;

	assert_true(asprintf(&text, "%s %s\n", f->what, f->text) > 0);
	(void)buf_add_str(b, text);
}

static void
test_reach_mark_tells_faults(void **state)
{
	static const struct {
		enum table table;
		bool missing;
		const char *expected;
	} cases[] = {
	    {T_LISTS, true, "list 1 is missing"},
	    {T_RUNS, true, "run 1 is missing"},
	    {T_LIGHT, true, "package 1 is missing"},
	    {T_STATES, true, "state 1 is missing"},
	    {T_ROOTS, true, "root 1 is missing"},
	    {T_TEXTS, true, "text 1 is missing"},
	    {T_LISTS, false, "list 1 is damaged"},
	    {T_RUNS, false, "run 1 is damaged"},
	    {T_LIGHT, false, "package 1 is damaged"},
	    {T_STATES, false, "state 1 is damaged"},
	    {T_ROOTS, false, "root 1 is damaged"},
	    {T_BLOBS, false, "blob 1 is damaged"},
	};
	struct scratch *s = *state;
	struct key64 one = key64(1);
	struct span key = {(const char *)one.byte, sizeof(one.byte)};

	(void)freeze(s, "one", "a b");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(buf_release) struct buf told = {0}, old = {0};
		CLEANUP(reach_release) struct reach r = {0};
		struct reach_opts opts = {.dropped_since = INT64_MAX,
		    .fault = count_fault,
		    .arg = &told};
		struct error err = {""};
		struct span was, junk = SPAN("\xc1junk");
		struct txn *t = scratch_read(s);

		assert_int_equal(
		    txn_get(t, cases[i].table, key.ptr, key.len, &was), 0);
		assert_int_equal(buf_add_span(&old, was), 0);
		txn_end(t);
		set_entry(
		    s, cases[i].table, key, cases[i].missing ? NULL : &junk);
		assert_int_equal(reach_mark(s->store, &opts, &r, &err), 0);
		if (!told.ptr || !strstr(told.ptr, cases[i].expected))
			fail_msg("'%s' is not told: %s", cases[i].expected,
			    told.ptr ? told.ptr : "nothing");
		/* Without somebody to tell it ends there. */
		assert_int_equal(mark(s, INT64_MAX, &r, &err), -EIO);
		assert_non_null(strstr(err.text, "db check"));
		was = buf_span(&old);
		set_entry(s, cases[i].table, key, &was);
	}
	CLEANUP(reach_release) struct reach r = reach_of(s, INT64_MAX);
	assert_true(has_package(s, &r, "a"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(test_reach_mark_follows_snapshots),
	    scratch_test(test_reach_mark_keeps_what_was_just_dropped),
	    scratch_test(test_reach_mark_follows_publications),
	    scratch_test(test_reach_mark_follows_texts),
	    scratch_test(test_reach_mark_keeps_what_leads_to_a_file),
	    scratch_test(test_reach_mark_tells_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
