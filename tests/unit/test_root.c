/* Roots of archives: states under one number for good. */

#include "base/cleanup.h"
#include "scratch_store.h"
#include "store/root.h"

struct new_root {
	uint64_t state, replaces, number;
};

static int
new_root(struct txn *t, void *arg, struct error *err)
{
	struct new_root *n = arg;

	(void)err;
	return root_new(t, n->state, n->replaces, &n->number);
}

static void
test_root_new_keeps_older(void **state)
{
	static const struct {
		uint64_t state;
		uint64_t older[ROOT_OLDER];
	} steps[] = {
	    {10, {0, 0, 0}}, {11, {10, 0, 0}},
	    {11, {10, 0, 0}}, /* the same once more */
	    {12, {11, 10, 0}}, {13, {12, 11, 10}}, {14, {13, 12, 11}},
	    {12, {14, 13, 11}}, /* back to an older one */
	};
	struct scratch *s = *state;
	uint64_t last = 0;

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		struct new_root n = {steps[i].state, last, 0};
		CLEANUP(root_release) struct root got = {0};

		scratch_write(s, new_root, &n);
		assert_true(n.number > last);
		last = n.number;
		struct txn *t = scratch_read(s);
		assert_int_equal(root_load(t, last, &got), 0);
		txn_end(t);
		assert_int_equal(got.kind, ROOT_ARCHIVE);
		assert_int_equal(got.state, steps[i].state);
		assert_memory_equal(
		    got.older, steps[i].older, sizeof(got.older));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(test_root_new_keeps_older),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
