/* Releases that are kept as texts. */

#include <errno.h>

#include "base/cleanup.h"
#include "scratch_store.h"
#include "store/listing.h"
#include "store/text.h"

#define GOOD                                                                   \
	"Date: Fri, 27 Nov 2026 12:00:00 UTC\nComponents: main\nSHA256:\n "    \
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 0 "  \
	"main/x\n"

struct kept {
	const char *text;
	uint64_t number;
};

static int
keep(struct txn *t, void *arg, struct error *err)
{
	struct kept *k = arg;

	(void)err;
	return text_put(t, span_of(k->text), 0, &k->number);
}

static int
load(struct scratch *s, uint64_t number, struct listing *ret)
{
	struct txn *t = scratch_read(s);
	int r = listing_load(t, number, ret);

	txn_end(t);
	return r;
}

static void
test_listing_outlives_transaction(void **state)
{
	struct scratch *s = *state;
	CLEANUP(listing_release) struct listing l = {0};
	struct kept k = {.text = GOOD};

	scratch_write(s, keep, &k);
	assert_int_equal(load(s, k.number, &l), 0);
	assert_int_equal(l.release.nfiles, 1);
	assert_non_null(release_find(&l.release, SPAN("main/x")));
}

static void
test_listing_load_tells_none_from_bad(void **state)
{
	static const char *const bad[] = {"",
	    "Date: Fri, 27 Nov 2026 12:00:00 UTC\n", "no field\n", GOOD "x"};
	struct scratch *s = *state;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CLEANUP(listing_release) struct listing l = {0};
		struct kept k = {.text = bad[i]};

		scratch_write(s, keep, &k);
		assert_int_equal(load(s, k.number, &l), -EIO);
	}
	CLEANUP(listing_release) struct listing l = {0};
	assert_int_equal(load(s, 0, &l), -ENOENT);
	assert_int_equal(load(s, 4711, &l), -ENOENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(test_listing_outlives_transaction),
	    scratch_test(test_listing_load_tells_none_from_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
