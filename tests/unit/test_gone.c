#include "store/gone.h"

#include <errno.h>

#include "scratch_store.h"

static int
put_three(struct txn *t, void *arg, struct error *err)
{
	static const uint64_t blobs[] = {9, 1, 5};

	(void)arg, (void)err;
	return gone_put(t, blobs, 3, 1700000000);
}

static int
forget_some(struct txn *t, void *arg, struct error *err)
{
	static const uint64_t blobs[] = {7, 5, 9};

	(void)arg, (void)err;
	return gone_forget(t, blobs, 3);
}

static int
put_junk(struct txn *t, void *arg, struct error *err)
{
	(void)arg, (void)err;
	return txn_put64(t, T_GONE, 3, SPAN("junk"));
}

static void
test_gone_put_and_forget(void **state)
{
	static const struct {
		uint64_t blob;
		int expected;
	} cases[] = {{1, 0}, {5, -ENOENT}, {7, -ENOENT}, {9, -ENOENT}};
	struct scratch *s = *state;

	scratch_write(s, put_three, NULL);
	scratch_write(s, forget_some, NULL);
	struct txn *t = scratch_read(s);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t when = 0;

		assert_int_equal(
		    gone_find(t, cases[i].blob, &when), cases[i].expected);
		assert_int_equal(when, cases[i].expected == 0 ? 1700000000 : 0);
	}
	txn_end(t);
}

static void
test_gone_find_damaged(void **state)
{
	struct scratch *s = *state;

	scratch_write(s, put_junk, NULL);
	struct txn *t = scratch_read(s);
	assert_int_equal(gone_find(t, 3, NULL), -EIO);
	txn_end(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(test_gone_put_and_forget),
	    scratch_test(test_gone_find_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
