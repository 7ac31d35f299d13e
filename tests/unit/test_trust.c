#include "scratch_store.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "store/trust.h"

static void
path_of(const struct scratch *s, const char *part, char *ret, size_t size)
{
	(void)snprintf(ret, size, "%s%s", s->store_dir, part);
}

static const char *const parts[] = {"", "/db", "/db/data.mdb", "/db/lock.mdb",
    "/blobs", "/blobs/sha256", "/tmp"};

/* What trust_check() says, and store_open() with it. */
static void
refused(const struct scratch *s, const char *path, const char *words)
{
	struct store *again = NULL;
	struct error err = {""};

	assert_int_equal(trust_check(s->store_dir, &err), -EPERM);
	if (strncmp(err.text, path, strlen(path)) != 0 ||
	    !strstr(err.text, words))
		fail_msg("%s: %s", path, err.text);
	assert_int_equal(
	    store_open(s->store_dir, STORE_CREATE, 0, &again, &err), -EPERM);
	assert_null(again);
}

static void
test_trust_modes(void **state)
{
	static const mode_t more[] = {S_IWGRP, S_IWOTH, S_IWGRP | S_IWOTH};
	struct scratch *s = *state;
	char path[128];
	struct stat st;

	assert_int_equal(trust_check(s->store_dir, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		path_of(s, parts[i], path, sizeof(path));
		assert_int_equal(stat(path, &st), 0);
		for (size_t j = 0; j < ARRAY_LEN(more); j++) {
			(void)chmod(path, (st.st_mode & 07777) | more[j]);
			refused(s, path, "chmod go-w");
		}
		(void)chmod(path, st.st_mode & 07777);
		assert_int_equal(trust_check(s->store_dir, NULL), 0);
	}
}

static void
test_trust_owner(void **state)
{
	struct scratch *s = *state;
	char path[128];

	if (geteuid() != 0) {
		print_message("not root: owners are not tested\n");
		skip();
	}
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		path_of(s, parts[i], path, sizeof(path));
		assert_int_equal(chown(path, 65534, (gid_t)-1), 0);
		refused(s, path, "belongs to the user 65534");
		assert_int_equal(chown(path, 0, (gid_t)-1), 0);
	}
	assert_int_equal(trust_check(s->store_dir, NULL), 0);
}

/* Its owner, others than root, and everybody where it is root's. */
static int
check_as(const char *dir, uid_t uid)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0)
		_exit(setuid(uid) == 0 ? -trust_check(dir, NULL) : 255);
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
test_trust_as_others(void **state)
{
	struct scratch *s = *state;
	char path[128];

	if (geteuid() != 0) {
		print_message("not root: owners are not tested\n");
		skip();
	}
	/* The scratch directory itself is root's alone. */
	assert_int_equal(chmod(s->dir, 0755), 0);
	assert_int_equal(check_as(s->store_dir, 65534), 0);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		path_of(s, parts[i], path, sizeof(path));
		assert_int_equal(chown(path, 65534, (gid_t)-1), 0);
	}
	assert_int_equal(check_as(s->store_dir, 65534), 0);
	assert_int_equal(check_as(s->store_dir, 65533), EPERM);
	assert_int_equal(check_as(s->store_dir, 0), EPERM);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		test_trust_modes, scratch_setup, scratch_teardown),
	    cmocka_unit_test_setup_teardown(
		test_trust_owner, scratch_setup, scratch_teardown),
	    cmocka_unit_test_setup_teardown(
		test_trust_as_others, scratch_setup, scratch_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
