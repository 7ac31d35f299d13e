#include <sys/wait.h>

#include "store_fixture.h"

#include "base/buf.h"

static void
test_open_creates(void **state)
{
	static const struct {
		const char *name;
		mode_t mode;
	} parts[] = {{"", 0755}, {"/db", 0755}, {"/blobs", 0755},
	    {"/blobs/sha256", 0755}, {"/tmp", 0755}};
	struct fixture *f = *state;
	mode_t mask = umask(022);
	struct store *s = must_open(f, STORE_CREATE);
	struct stat st;
	char path[128];

	(void)umask(mask);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		(void)snprintf(
		    path, sizeof(path), "%s%s", f->dir, parts[i].name);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode, S_IFDIR | parts[i].mode);
	}
	assert_string_equal(store_dir(s), f->dir);
	assert_int_equal(fstat(store_blobs_fd(s), &st), 0);
	assert_int_equal(fstat(store_tmp_fd(s), &st), 0);
	store_close(s);
}

static void
test_open_again(void **state)
{
	static const unsigned flags[] = {
	    0, STORE_CREATE, STORE_READ_ONLY, STORE_READ_ONLY | STORE_CREATE};
	struct fixture *f = *state;
	struct store *s = must_open(f, STORE_CREATE);

	must_put(f, s, (struct put){T_MIRRORS, "m", 10, 1, false});
	store_close(s);
	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		struct txn *t = NULL;
		struct span v;

		s = must_open(f, flags[i]);
		assert_int_equal(txn_read(s, &t, &f->err), 0);
		assert_int_equal(txn_get(t, T_MIRRORS, "m0", 2, &v), 0);
		assert_int_equal(v.len, 10);
		txn_end(t);
		store_close(s);
	}
}

static void
test_open_no_store(void **state)
{
	struct fixture *f = *state;

	must_fail(f, 0, -ENOENT, "there is no store");
	must_fail(f, STORE_READ_ONLY, -ENOENT, "there is no store");
	assert_int_equal(access(f->dir, F_OK), -1);
}

static void
test_open_other_directory(void **state)
{
	struct fixture *f = *state;
	char path[96];

	make_dir(f);
	must_fail(f, 0, -ENOENT, "is not a suitefs store");
	(void)snprintf(path, sizeof(path), "%s/letter.txt", f->dir);
	write_file(path, "x", 1);
	must_fail(f, STORE_CREATE, -EINVAL, "not empty");
	assert_int_equal(unlink(path), 0);
	store_close(must_open(f, STORE_CREATE));
}

static void
test_read_only_refuses(void **state)
{
	struct fixture *f = *state;
	struct put p = {T_TEXTS, "t", 1, 1, false};
	struct store *s;

	store_close(must_open(f, STORE_CREATE));
	s = must_open(f, STORE_READ_ONLY);
	assert_int_equal(store_write(s, put, &p, &f->err), -EROFS);
	assert_non_null(strstr(f->err.text, "read-only"));
	store_close(s);
}

static void
test_last_commit_counts(void **state)
{
	struct fixture *f = *state;
	struct store *s = must_open(f, STORE_CREATE);
	uint64_t before = store_last_commit(s);

	assert_true(before > 0);
	assert_int_equal(store_last_commit(s), before);
	must_put(f, s, (struct put){T_TEXTS, "t", 1, 1, false});
	assert_int_equal(store_last_commit(s), before + 1);
	store_close(s);
	s = must_open(f, STORE_READ_ONLY);
	assert_int_equal(store_last_commit(s), before + 1);
	store_close(s);
}

/* What another process commits is seen, and never before it can be read. */
static void
test_last_commit_other_process(void **state)
{
	struct fixture *f = *state;
	struct store *s;
	uint64_t seen = 0;
	int status = 0;
	pid_t pid;

	store_close(must_open(f, STORE_CREATE));
	pid = fork();
	if (pid == 0) {
		s = must_open(f, 0);
		for (unsigned i = 0; i < 200; i++) {
			char key[16];

			(void)snprintf(key, sizeof(key), "%u-", i);
			must_put(f, s, (struct put){T_TEXTS, key, 1, 1, false});
		}
		store_close(s);
		_exit(0);
	}
	assert_true(pid > 0);
	s = must_open(f, STORE_READ_ONLY);
	while (waitpid(pid, &status, WNOHANG) == 0 || seen == 0) {
		uint64_t commit = store_last_commit(s), n = 0;
		struct txn *t = NULL;

		assert_true(commit >= seen);
		seen = commit;
		assert_int_equal(txn_read(s, &t, &f->err), 0);
		assert_int_equal(txn_count(t, T_TEXTS, &n), 0);
		/* The first commit made the tables. */
		assert_true(n + 1 >= commit);
		txn_end(t);
	}
	assert_int_equal(status, 0);
	assert_int_equal(store_last_commit(s), 201);
	store_close(s);
}

static void
test_default_dir(void **state)
{
	static const struct {
		const char *store, *data, *home, *want, *want_root;
	} cases[] = {
	    {"/x/y", "/data", "/home/u", "/x/y", "/x/y"},
	    {NULL, "/data", "/home/u", "/data/suitefs", "/var/lib/suitefs"},
	    {"", "data", "/home/u", "/home/u/.local/share/suitefs",
		"/var/lib/suitefs"},
	    {NULL, NULL, "/home/u", "/home/u/.local/share/suitefs",
		"/var/lib/suitefs"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *names[] = {
		    "SUITEFS_STORE", "XDG_DATA_HOME", "HOME"};
		const char *values[] = {
		    cases[i].store, cases[i].data, cases[i].home};
		char *got;

		for (size_t k = 0; k < ARRAY_LEN(names); k++)
			assert_int_equal(values[k]
					     ? setenv(names[k], values[k], 1)
					     : unsetenv(names[k]),
			    0);
		got = store_default_dir();
		assert_non_null(got);
		assert_string_equal(
		    got, geteuid() == 0 ? cases[i].want_root : cases[i].want);
		free(got);
	}
}

static void
test_close_null(void **state)
{
	(void)state;
	store_close(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_open_creates),
	    TEST(test_open_again),
	    TEST(test_open_no_store),
	    TEST(test_open_other_directory),
	    TEST(test_read_only_refuses),
	    TEST(test_last_commit_counts),
	    TEST(test_last_commit_other_process),
	    cmocka_unit_test(test_default_dir),
	    cmocka_unit_test(test_close_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
