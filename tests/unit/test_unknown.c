#include "scratch_store.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "store/unknown.h"

static int
put_name(struct txn *t, void *arg, struct error *err)
{
	const char *name = arg;

	(void)err;
	/* Only its key counts. */
	return txn_put(t, *name == 'm' ? T_MIRRORS : T_SNAPSHOTS, name,
	    strlen(name), SPAN("x"));
}

static void
test_unknown_name_suggests(void **state)
{
	struct scratch *s = *state;
	static const char *const names[] = {
	    "bookworm", "bookworm-2", "trixie", "main-mirror", "b", "xyz"};
	static const struct {
		const char *name;
		unsigned kinds;
		const char *expected;
	} cases[] = {
	    {"bokworm", UNKNOWN_SNAPSHOT,
		"no snapshot is named bokworm; is it bookworm?"},
	    {"bookworm-3", UNKNOWN_SNAPSHOT,
		"no snapshot is named bookworm-3; is it bookworm-2?"},
	    {"trxiie", UNKNOWN_SNAPSHOT | UNKNOWN_MIRROR,
		"no snapshot or mirror is named trxiie; is it trixie?"},
	    {"main-miror", UNKNOWN_SNAPSHOT | UNKNOWN_MIRROR,
		"no snapshot or mirror is named main-miror; is it "
		"main-mirror?"},
	    {"main-miror", UNKNOWN_SNAPSHOT, "no snapshot is named main-miror"},
	    {"buster", UNKNOWN_SNAPSHOT, "no snapshot is named buster"},
	    {"a", UNKNOWN_MIRROR, "no mirror is named a"},
	    {"ab", UNKNOWN_SNAPSHOT, "no snapshot is named ab"},
	    {"xy", UNKNOWN_SNAPSHOT, "no snapshot is named xy"},
	    {"wxyz", UNKNOWN_SNAPSHOT, "no snapshot is named wxyz; is it xyz?"},
	    {"", UNKNOWN_SNAPSHOT, "no snapshot is named "},
	};
	struct txn *t;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		scratch_write(s, put_name, (void *)(uintptr_t)names[i]);
	t = scratch_read(s);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error err = {""};

		assert_int_equal(
		    unknown_name(t, cases[i].kinds, cases[i].name, &err),
		    -ENOENT);
		assert_string_equal(err.text, cases[i].expected);
	}
	txn_end(t);
}

static void
test_unknown_name_of_any_length(void **state)
{
	struct scratch *s = *state;
	char name[NAME_MAX_LEN + 2];
	struct txn *t;

	memset(name, 'a', sizeof(name));
	name[NAME_MAX_LEN] = '\0';
	scratch_write(s, put_name, name);
	t = scratch_read(s);
	for (size_t len = NAME_MAX_LEN - 1; len < sizeof(name); len += 2) {
		struct error err = {""};
		bool near = len <= NAME_MAX_LEN;

		memset(name, 'a', sizeof(name));
		name[len] = '\0';
		assert_int_equal(
		    unknown_name(t, UNKNOWN_SNAPSHOT, name, &err), -ENOENT);
		assert_int_equal(strstr(err.text, "is it") != NULL, near);
	}
	txn_end(t);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    scratch_test(test_unknown_name_suggests),
	    scratch_test(test_unknown_name_of_any_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
