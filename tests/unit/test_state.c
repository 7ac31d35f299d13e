#include "store/state.h"

#include <errno.h>

#include "base/cleanup.h"
#include "scratch_store.h"
#include "store/head.h"

static void
test_state_dir_of_suites(void **state)
{
	static const struct {
		const char *suite;
		bool flat;
		const char *expected;
	} cases[] = {
	    {"bookworm", false, "dists/bookworm/"},
	    {"stable/updates", false, "dists/stable/updates/"},
	    {"./", true, ""},
	    {"/", true, ""},
	    {"dir/", true, "dir/"},
	    {"./dir/", true, "dir/"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(state_release)
		struct state s = {
		    .suite = strdup(cases[i].suite), .flat = cases[i].flat};
		CLEANUP_FREE char *dir = state_dir(&s);

		assert_non_null(dir);
		assert_string_equal(dir, cases[i].expected);
	}
}

static void
test_state_add_list_makes_path(void **state)
{
	static struct {
		char component[8], architecture[8];
		enum package_kind kind;
		const char *expected;
	} cases[] = {
	    {"main", "amd64", PACKAGE_BINARY, "main/binary-amd64/Packages"},
	    {"main", "source", PACKAGE_SOURCE, "main/source/Sources"},
	    {"main", "arm64", PACKAGE_UDEB,
		"main/debian-installer/binary-arm64/Packages"},
	    {"", "", PACKAGE_BINARY, "Packages"},
	    {"", "", PACKAGE_SOURCE, "Sources"},
	};
	CLEANUP(state_release) struct state s = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct state_list l = {.component = cases[i].component,
		    .architecture = cases[i].architecture,
		    .kind = cases[i].kind,
		    .list = i};

		assert_int_equal(state_add_list(&s, &l), 0);
		assert_int_equal(s.nlists, i + 1);
		assert_string_equal(s.lists[i].path, cases[i].expected);
		assert_int_equal(s.lists[i].list, i);
	}
}

static int
put(struct txn *t, void *arg, struct error *err)
{
	(void)err;
	return state_put(t, arg);
}

static void
test_state_put_reads_back(void **state)
{
	struct scratch *sc = *state;
	struct state_list l = {.component = (char[]){"updates/main"},
	    .architecture = (char[]){"amd64"},
	    .kind = PACKAGE_UDEB,
	    .path = (char[]){"main/binary-amd64/Packages"},
	    .list = 77};
	CLEANUP(state_release)
	struct state s = {.suite = strdup("dir/"),
	    .flat = true,
	    .trusted_unsigned = true,
	    .origin = 3,
	    .in_release = 4,
	    .release = 5,
	    .release_gpg = 6,
	    .listing = 7,
	    .date = 1700000000,
	    .valid_until = -1,
	    .taken = 1800000000};
	CLEANUP(state_release) struct state got = {0};

	assert_int_equal(state_add_list(&s, &l), 0);
	assert_int_equal(strs_add(&s.signers, SPAN("ABCD")), 0);
	assert_int_equal(strs_add(&s.keyrings, SPAN("/k.gpg")), 0);
	assert_int_equal(strs_add(&s.keyring_hashes, SPAN("0123")), 0);
	scratch_write(sc, put, &s);
	assert_int_equal(s.number, 1);

	struct txn *t = scratch_read(sc);
	assert_int_equal(state_load(t, 2, &got), -ENOENT);
	assert_int_equal(state_load(t, 1, &got), 0);
	txn_end(t);
	assert_int_equal(got.number, 1);
	assert_string_equal(got.suite, "dir/");
	assert_true(got.flat && got.trusted_unsigned);
	assert_int_equal(got.origin, 3);
	assert_int_equal(got.in_release, 4);
	assert_int_equal(got.release, 5);
	assert_int_equal(got.release_gpg, 6);
	assert_int_equal(got.listing, 7);
	assert_int_equal(got.date, 1700000000);
	assert_int_equal(got.valid_until, -1);
	assert_int_equal(got.taken, 1800000000);
	assert_int_equal(got.signers.n, 1);
	assert_string_equal(got.signers.v[0], "ABCD");
	assert_string_equal(got.keyrings.v[0], "/k.gpg");
	assert_int_equal(got.keyring_hashes.n, 1);
	assert_string_equal(got.keyring_hashes.v[0], "0123");
	assert_int_equal(got.nlists, 1);
	assert_string_equal(got.lists[0].component, "updates/main");
	assert_string_equal(got.lists[0].architecture, "amd64");
	assert_int_equal(got.lists[0].kind, PACKAGE_UDEB);
	assert_string_equal(got.lists[0].path, "main/binary-amd64/Packages");
	assert_int_equal(got.lists[0].list, 77);
}

/* A record as it was before keyrings' hashes were known. */
static int
put_first_form(struct txn *t, void *arg, struct error *err)
{
	CLEANUP(record_writer_release) struct record_writer w;
	struct strs keyrings = {.v = (char *[]){(char[]){"/k.gpg"}}, .n = 1};

	(void)arg, (void)err;
	record_writer_init(&w);
	record_begin(&w, 1, 14);
	record_put_cstr(&w, "sid");
	record_put_bool(&w, false);
	record_put_bool(&w, false);
	for (int i = 0; i < 5; i++)
		record_put_u64(&w, 0);
	for (int i = 0; i < 3; i++)
		record_put_i64(&w, 7);
	record_put_strs(&w, &(struct strs){0});
	record_put_strs(&w, &keyrings);
	record_array(&w, 0);
	return head_put64(t, T_STATES, 5, &w);
}

static void
test_state_load_first_form(void **state)
{
	struct scratch *sc = *state;
	CLEANUP(state_release) struct state got = {0};
	struct txn *t;

	scratch_write(sc, put_first_form, NULL);
	t = scratch_read(sc);
	assert_int_equal(state_load(t, 5, &got), 0);
	txn_end(t);
	assert_string_equal(got.suite, "sid");
	assert_int_equal(got.taken, 7);
	assert_string_equal(got.keyrings.v[0], "/k.gpg");
	assert_int_equal(got.keyring_hashes.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_state_dir_of_suites),
	    cmocka_unit_test(test_state_add_list_makes_path),
	    scratch_test(test_state_put_reads_back),
	    scratch_test(test_state_load_first_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
