/* file: URLs, and what is asked of URLs. */

#include "mirror/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "mirror/fetch_url.h"
#include "tests/unit/fetch_run.h"

/* A file "a file" with "hello" in it; path gets its URL. */
static void
file_setup(char dir[], char url[URL_MAX])
{
	CLEANUP_FD int dirfd = -1;
	CLEANUP_FD int fd = -1;

	assert_non_null(mkdtemp(dir));
	dirfd = open(dir, O_DIRECTORY | O_CLOEXEC);
	fd = openat(dirfd, "a file", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_int_equal(file_write_all(fd, "hello", 5), 0);
	const struct timespec times[] = {{0, UTIME_OMIT}, {DATE_S, 5}};
	assert_int_equal(futimens(fd, times), 0);
	(void)snprintf(url, URL_MAX, "file://%s/a%%20file", dir);
}

static void
file_teardown(const char *dir)
{
	char name[URL_MAX];

	(void)snprintf(name, sizeof(name), "%s/a file", dir);
	assert_int_equal(unlink(name), 0);
	assert_int_equal(rmdir(dir), 0);
}

static void
test_fetch_file(void **state)
{
	char dir[] = "/tmp/test_fetch-XXXXXX";
	char url[URL_MAX];

	(void)state;
	file_setup(dir, url);
	RUN struct run run = {.rq = {.url = url, .max_bytes = 5}};
	run_fetch(&run);
	assert_int_equal(run.r, 0);
	assert_string_equal(run.keep.body.ptr, "hello");
	assert_int_equal(run.answer.last_modified, DATE_S);
	assert_int_equal(run.answer.bytes, 5);

	struct run same RUN = {.rq = {.url = url}};
	same.rq.if_none_match = run.answer.etag;
	run_fetch(&same);
	assert_int_equal(same.r, 0);
	assert_true(same.answer.not_modified);
	assert_int_equal(same.keep.begun, 0);

	struct run old RUN = {.rq = {.url = url}};
	old.rq.if_modified_since = DATE_S;
	run_fetch(&old);
	assert_true(old.answer.not_modified);

	struct run other RUN = {.rq = {.url = url}};
	other.rq.if_none_match = "\"other\"";
	other.rq.if_modified_since = DATE_S;
	run_fetch(&other);
	assert_false(other.answer.not_modified);
	assert_string_equal(other.keep.body.ptr, "hello");

	struct run rest RUN = {.rq = {.url = url, .from = 3}};
	rest.rq.if_range = run.answer.validator;
	run_fetch(&rest);
	assert_int_equal(rest.keep.from, 3);
	assert_string_equal(rest.keep.body.ptr, "lo");
	file_teardown(dir);
}

static void
test_fetch_file_errors(void **state)
{
	char dir[] = "/tmp/test_fetch-XXXXXX";
	char url[URL_MAX];

	(void)state;
	file_setup(dir, url);
	const struct {
		const char *tail;
		uint64_t max;
		int expected;
	} cases[] = {
	    {"/absent", 0, -ENOENT},
	    {"/a%20file/absent", 0, -ENOENT},
	    {"/a%20file", 4, -E2BIG},
	    {"/", 0, -EIO},
	    {"/a%00file", 0, -EIO},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		RUN struct run run = {0};

		(void)snprintf(
		    run.url, sizeof(run.url), "file:%s%s", dir, cases[i].tail);
		run.rq.url = run.url;
		run.rq.max_bytes = cases[i].max;
		run_fetch(&run);
		assert_int_equal(run.r, cases[i].expected);
		assert_non_null(strstr(run.err.text, run.url));
		assert_int_equal(run.keep.begun, 0);
	}
	file_teardown(dir);
}

static void
test_fetch_file_unreadable(void **state)
{
	uid_t user = geteuid();
	char dir[] = "/tmp/test_fetch-XXXXXX";
	char url[URL_MAX];
	char name[URL_MAX];

	(void)state;
	file_setup(dir, url);
	(void)snprintf(name, sizeof(name), "%s/a file", dir);
	assert_int_equal(chmod(name, 0), 0);
	RUN struct run run = {.rq = {.url = url}};
	/* Root reads everything. */
	assert_int_equal(seteuid(user == 0 ? 65534 : user), 0);
	run_fetch(&run);
	assert_int_equal(seteuid(user), 0);
	assert_int_equal(run.r, -EIO);
	file_teardown(dir);
}

static void
test_fetch_url_check_table(void **state)
{
	static const struct {
		const char *url;
		bool good;
	} cases[] = {
	    {"http://mirror.example.org/debian/", true},
	    {"https://mirror.example.org:8443/debian", true},
	    {"HTTPS://mirror.example.org/", true},
	    {"http://me:pw@[::1]:80/x/", true},
	    {"file:///srv/archive/", true},
	    {"file:/srv/archive/", true},
	    {"file://localhost/srv/archive/", true},
	    {"", false},
	    {"/srv/archive", false},
	    {"mirror.example.org/debian", false},
	    {"http:///debian/", false},
	    {"http://", false},
	    {"http:/mirror.example.org/", false},
	    {"ftp://mirror.example.org/", false},
	    {"file:", false},
	    {"file:srv/archive", false},
	    {"file://elsewhere.example.org/srv/", false},
	    {"http://mirror.example.org:99999/", false},
	    {"http://mirror.example.org/a b/", false},
	    {"http://mirror.example.org/a\n", false},
	    {"http://mirror.example.org/?x=", false},
	    {"http://mirror.example.org/#x", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *why = fetch_url_check(cases[i].url);

		if (!why != cases[i].good)
			print_error("%s: %s\n", cases[i].url, why ? why : "");
		assert_int_equal(!why, cases[i].good);
	}
}

static void
test_fetch_fallback_check_table(void **state)
{
	static const struct {
		const char *url;
		bool good;
	} cases[] = {
	    {"http://mirror.example.org/debian/", true},
	    {"http://mirror.example.org/file/@HASH@", true},
	    {"https://me@mirror.example.org/@HASH@/@HASH@.bin", true},
	    {"file:/srv/files/@HASH@", true},
	    {"http://@HASH@/", false},
	    {"http://@HASH@.example.org/@HASH@", false},
	    {"http://mirror.example.org/?@HASH@", false},
	    {"@HASH@", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *why = fetch_fallback_check(cases[i].url);

		if (!why != cases[i].good)
			print_error("%s: %s\n", cases[i].url, why ? why : "");
		assert_int_equal(!why, cases[i].good);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_fetch_file),
	    cmocka_unit_test(test_fetch_file_errors),
	    cmocka_unit_test(test_fetch_file_unreadable),
	    cmocka_unit_test(test_fetch_url_check_table),
	    cmocka_unit_test(test_fetch_fallback_check_table),
	};

	return cmocka_run_group_tests(tests, fetch_group_setup, NULL);
}
