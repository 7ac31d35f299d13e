/* What commands do to snapshots. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/date.h"
#include "scratch_store.h"
#include "store/mirror.h"
#include "store/snapshots.h"
#include "store/state.h"

#define DATE 1764000000 /* Mon, 24 Nov 2025 16:00:00 UTC */
#define ID   "20251124T160000Z"

struct taken {
	char *mirror;
	int64_t date;
	bool never; /* no state at all */
};

/* A mirror whose newest state is of a date. */
static int
take(struct txn *t, void *arg, struct error *err)
{
	const struct taken *k = arg;
	struct mirror m = {
	    .name = k->mirror, .suite = (char[]){"stable"}, .origin = 1};
	struct state s = {.suite = m.suite, .date = k->date};
	int r = k->never ? 0 : state_put(t, &s);

	(void)err;
	m.state = s.number;
	return r < 0 ? r : mirror_put(t, &m);
}

static void
test_snapshots_from_mirror_dated_makes_the_name(void **state)
{
	struct scratch *s = *state;
	struct taken first = {.mirror = (char[]){"m"}, .date = DATE};
	struct taken other = {.mirror = (char[]){"o"}, .date = DATE};
	struct taken undated = {.mirror = (char[]){"u"}};
	struct taken never = {.mirror = (char[]){"n"}, .never = true};
	struct taken *all[] = {&first, &other, &undated, &never};
	static const struct {
		const char *mirror;
		int status;
		const char *says;
	} calls[] = {
	    {"m", 0, NULL},
	    {"m", -EEXIST, "snapshotted already, as " ID},
	    {"o", -EEXIST, "another state: name the new one"},
	    {"u", -ENOENT, "no Date"},
	    {"n", -ENOENT, "never been updated"},
	    {"x", -ENOENT, "no mirror is named x"},
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		scratch_write(s, take, all[i]);
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		char name[DATE_SIZE] = "";
		struct error err = {""};

		assert_int_equal(snapshots_from_mirror_dated(
				     s->store, calls[i].mirror, 7, name, &err),
		    calls[i].status);
		if (calls[i].says)
			assert_non_null(strstr(err.text, calls[i].says));
		else
			assert_string_equal(name, ID);
	}
}

static void
test_snapshots_from_mirror_dated_is_a_capture(void **state)
{
	struct scratch *s = *state;
	struct taken first = {.mirror = (char[]){"m"}, .date = DATE};
	CLEANUP(snapshot_release) struct snapshot got = {0};
	char name[DATE_SIZE];
	struct error err;

	scratch_write(s, take, &first);
	assert_int_equal(
	    snapshots_from_mirror_dated(s->store, "m", 7, name, &err), 0);

	struct txn *t = scratch_read(s);
	assert_int_equal(snapshots_load(t, ID, &got, &err), 0);
	txn_end(t);
	assert_string_equal(got.mirror, "m");
	assert_string_equal(got.description, "mirror m");
	assert_int_equal(got.created, 7);
	assert_int_not_equal(got.state, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(test_snapshots_from_mirror_dated_makes_the_name),
	    scratch_test(test_snapshots_from_mirror_dated_is_a_capture),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
