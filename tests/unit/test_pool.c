#include "mirror/pool.h"

#include "scratch_store.h"

#include "update_fixture.h"

/* apple 1, banana 1 in main; cherry 3 in contrib; all but some files. */
static uint64_t
make_mirror(struct scratch *s)
{
	struct archive a = {.s = s};

	put_archive(&a, "1", ARCHIVE_DATE);
	archive_deb(s, "apple", "1");
	archive_deb(s, "banana", "1");
	archive_deb(s, "cherry", "3");
	archive_mirror(s, "m", "sid", "");
	(void)update_ok(&a, "m");
	buf_release(&a.files);
	CLEANUP(mirror_release) struct mirror m = mirror_now(&a, "m");
	return m.state;
}

static void
see_failure(void *arg, const char *why)
{
	assert_int_equal(strs_add(arg, span_of(why)), 0);
}

static int
count_files(struct store *s, const struct pool_want *want,
    struct pool_count *ret, struct error *err)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;

	assert_int_equal(txn_read(s, &t, err), 0);
	return pool_count(t, want, ret, err);
}

static void
test_pool_count_of_names(void **state)
{
	static const struct {
		const char *names, *architectures;
		uint64_t files, bytes;
		const char *unknown;
	} cases[] = {
	    {"", "", 3, 8 + 9 + 9, NULL},
	    {"", "amd64", 3, 8 + 9 + 9, NULL},
	    {"", "arm64", 0, 0, NULL},
	    {"", "source", 0, 0, NULL},
	    {"apple", "", 1, 8, NULL},
	    {"apple cherry nothing none", "amd64", 2, 8 + 9, "nothing"},
	    {"banana_1_amd64", "", 1, 9, NULL},
	    {"banana_1_amd64 banana", "", 1, 9, NULL},
	    {"banana_2_amd64", "", 0, 0, "banana_2_amd64"},
	    {"apple|cherry Name(%*an*)", "", 3, 8 + 9 + 9, NULL},
	};
	struct scratch *s = *state;
	uint64_t number = make_mirror(s);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(strs_release) struct strs names = {0};
		CLEANUP(strs_release) struct strs architectures = {0};
		struct pool_want want = {.state = number,
		    .queries = &names,
		    .architectures = &architectures};
		struct pool_count got;
		struct error err;

		assert_int_equal(
		    strs_add_split(&names, span_of(cases[i].names), 0), 0);
		assert_int_equal(strs_add_split(&architectures,
				     span_of(cases[i].architectures), 0),
		    0);
		assert_int_equal(count_files(s->store, &want, &got, &err), 0);
		assert_int_equal(got.pool.files, cases[i].files);
		assert_int_equal(got.pool.bytes, cases[i].bytes);
		assert_int_equal(got.pool.missing_files, cases[i].files);
		assert_int_equal(got.pool.missing_bytes, cases[i].bytes);
		if (cases[i].unknown)
			assert_string_equal(got.unknown, cases[i].unknown);
		else
			assert_null(got.unknown);
	}
}

static void
test_pool_fetch_all(void **state)
{
	struct scratch *s = *state;
	struct pool_want want = {.state = make_mirror(s)};
	struct blob_queue_opts opts = {.retry = true, .tries = 1};
	struct pool_result result;
	struct pool_count count;
	struct error err;

	assert_int_equal(
	    pool_fetch(s->store, &want, &opts, NULL, NULL, NULL, &result, &err),
	    0);
	assert_int_equal(result.fetched_files, 3);
	assert_int_equal(result.fetched_bytes, 8 + 9 + 9);
	assert_int_equal(result.failed_files, 0);
	assert_int_equal(count_files(s->store, &want, &count, &err), 0);
	assert_int_equal(count.pool.files, 3);
	assert_int_equal(count.pool.missing_files, 0);
	assert_int_equal(count.pool.missing_bytes, 0);
	assert_int_equal(
	    pool_fetch(s->store, &want, &opts, NULL, NULL, NULL, &result, &err),
	    0);
	assert_int_equal(result.fetched_files, 0);
}

static void
test_pool_fetch_goes_on_after_failure(void **state)
{
	struct scratch *s = *state;
	struct pool_want want = {.state = make_mirror(s)};
	struct blob_queue_opts opts = {.retry = true, .tries = 1};
	CLEANUP(strs_release) struct strs why = {0};
	struct pool_result result;
	struct error err = {""};

	archive_remove(s, "pool/apple_1.deb");
	archive_write(s, "pool/cherry_3.deb", SPAN("CHERRY 3\n"));
	assert_int_equal(pool_fetch(s->store, &want, &opts, NULL, see_failure,
			     &why, &result, &err),
	    -EIO);
	assert_string_equal(err.text, "2 files could not be fetched");
	assert_int_equal(result.fetched_files, 1);
	assert_int_equal(result.fetched_bytes, 9);
	assert_int_equal(result.failed_files, 2);
	strs_sort(&why);
	assert_int_equal(why.n, 2);
	assert_non_null(strstr(why.v[0], "pool/apple_1.deb"));
	assert_non_null(strstr(why.v[1], "pool/cherry_3.deb"));
}

/* What nobody has is noted; what lies is not gone. */
static uint64_t
count_gone(struct scratch *s)
{
	struct txn *t = scratch_read(s);
	uint64_t n = 0;

	assert_int_equal(txn_count(t, T_GONE, &n), 0);
	txn_end(t);
	return n;
}

static void
test_pool_fetch_notes_what_is_gone(void **state)
{
	struct scratch *s = *state;
	struct pool_want want = {.state = make_mirror(s)};
	struct blob_queue_opts opts = {.retry = true, .tries = 1};
	struct pool_result result;
	struct pool_count count;
	struct error err;
	/* The update has found no Translation, which is none of ours. */
	uint64_t before = count_gone(s);

	archive_remove(s, "pool/apple_1.deb");
	archive_write(s, "pool/cherry_3.deb", SPAN("CHERRY 3\n"));
	assert_int_equal(
	    pool_fetch(s->store, &want, &opts, NULL, NULL, NULL, &result, &err),
	    -EIO);
	assert_int_equal(count_files(s->store, &want, &count, &err), 0);
	assert_int_equal(count.pool.missing_files, 2);
	assert_int_equal(count.pool.gone_files, 1);
	assert_int_equal(count.pool.gone_bytes, 8);

	archive_deb(s, "apple", "1");
	assert_int_equal(
	    pool_fetch(s->store, &want, &opts, NULL, NULL, NULL, &result, &err),
	    -EIO);
	assert_int_equal(count_files(s->store, &want, &count, &err), 0);
	assert_int_equal(count.pool.missing_files, 1);
	assert_int_equal(count.pool.gone_files, 0);
	assert_int_equal(count_gone(s), before);
}

/* What Release lists counts too where it is asked for; what the store renders
 * by itself does not, and what is not there is no failure. */
static void
test_pool_fetch_listed(void **state)
{
	struct scratch *s = *state;
	struct pool_want want = {.state = make_mirror(s), .listed = true};
	struct blob_queue_opts opts = {.retry = true, .tries = 1};
	struct pool_result result;
	struct pool_count count;
	struct error err = {""};

	assert_int_equal(count_files(s->store, &want, &count, &err), 0);
	assert_int_equal(count.pool.files, 3);
	/* The .gz of two indexes, which came with the update, and this one. */
	assert_int_equal(count.listed.files, 3);
	assert_int_equal(count.listed.missing_files, 1);
	assert_int_equal(count.listed.missing_bytes, 6);
	assert_int_equal(
	    pool_fetch(s->store, &want, &opts, NULL, NULL, NULL, &result, &err),
	    0);
	assert_int_equal(result.fetched_files, 3);
	assert_int_equal(result.failed_files, 0);
	assert_int_equal(result.absent_files, 1);
	assert_non_null(strstr(result.absent.text, "i18n/Translation-en"));
	assert_int_equal(count_files(s->store, &want, &count, &err), 0);
	assert_int_equal(count.listed.gone_files, 1);
	archive_write(s, DIR "main/i18n/Translation-en", SPAN("hello\n"));
	assert_int_equal(
	    pool_fetch(s->store, &want, &opts, NULL, NULL, NULL, &result, &err),
	    0);
	assert_int_equal(result.fetched_files, 1);
	assert_int_equal(result.absent_files, 0);
	assert_int_equal(count_files(s->store, &want, &count, &err), 0);
	assert_int_equal(count.listed.missing_files, 0);
}

static void
test_pool_fetch_of_unsaved_state(void **state)
{
	struct scratch *s = *state;
	struct archive a = {.s = s};
	struct blob_queue_opts opts = {.retry = true, .tries = 1};
	struct pool_result result;
	struct error err;

	(void)make_mirror(s);
	CLEANUP(state_release) struct state st = state_now(&a, "m");
	struct pool_want want = {.unsaved = &st};
	assert_int_equal(
	    pool_fetch(s->store, &want, &opts, NULL, NULL, NULL, &result, &err),
	    0);
	assert_int_equal(result.fetched_files, 3);
}

static void
test_pool_fetch_cancelled(void **state)
{
	struct scratch *s = *state;
	struct pool_want want = {.state = make_mirror(s)};
	struct blob_queue_opts opts = {.retry = true, .tries = 1};
	atomic_bool cancel = true;
	struct pool_result result;
	struct error err;

	assert_int_equal(pool_fetch(s->store, &want, &opts, &cancel, NULL, NULL,
			     &result, &err),
	    -EINTR);
	assert_int_equal(result.fetched_files, 0);
	assert_int_equal(result.failed_files, 0);
}

static void
test_pool_count_no_state(void **state)
{
	struct scratch *s = *state;
	struct pool_want want = {.state = 77};
	struct pool_count count;
	struct error err;

	assert_int_equal(count_files(s->store, &want, &count, &err), -ENOENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(test_pool_count_of_names),
	    scratch_test(test_pool_fetch_all),
	    scratch_test(test_pool_fetch_notes_what_is_gone),
	    scratch_test(test_pool_fetch_listed),
	    scratch_test(test_pool_fetch_of_unsaved_state),
	    scratch_test(test_pool_fetch_goes_on_after_failure),
	    scratch_test(test_pool_fetch_cancelled),
	    scratch_test(test_pool_count_no_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
