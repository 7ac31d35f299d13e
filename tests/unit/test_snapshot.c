/* Records of snapshots. */

#include <errno.h>

#include "base/cleanup.h"
#include "scratch_store.h"
#include "store/record.h"
#include "store/snapshot.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(test_snapshot_put_makes_root),
	    scratch_test(test_snapshot_load_without_sources),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
