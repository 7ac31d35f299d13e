#include "mirror/fetch.h"

#include <errno.h>
#include <fcntl.h>

#include "base/file.h"
#include "tests/unit/fetch_run.h"

static void
test_fetch_gives_body_and_headers(void **state)
{
	static const struct server_step steps[] = {
	    {OK "Content-Length: 5\r\nETag: \"abc\"\r\nLast-Modified: " DATE
		"\r\n\r\nhello",
		THEN_CLOSE}};
	RUN struct run run = {0};

	(void)state;
	run_script(&run, "/dists/x/InRelease", steps, ARRAY_LEN(steps));
	assert_int_equal(run.r, 0);
	assert_string_equal(run.keep.body.ptr, "hello");
	assert_int_equal(run.keep.begun, 1);
	assert_string_equal(run.answer.etag, "\"abc\"");
	assert_string_equal(run.answer.validator, "\"abc\"");
	assert_int_equal(run.answer.last_modified, DATE_S);
	assert_int_equal(run.answer.bytes, 5);
	assert_false(run.answer.not_modified);
	assert_true(asked(&run, "GET /dists/x/InRelease HTTP/1.1\r\n"));
	assert_true(asked(&run, "User-Agent: suitefs/" VERSION "\r\n"));
	assert_false(asked(&run, "Accept-Encoding"));
	assert_false(asked(&run, "Range"));
	assert_false(asked(&run, "If-"));
}

static void
test_fetch_validators(void **state)
{
	static const struct {
		struct server_step step;
		const char *validator;
	} cases[] = {
	    {{OK "ETag: W/\"abc\"\r\nContent-Length: 0\r\n\r\n", 0}, NULL},
	    {{OK "Last-Modified: " DATE "\r\nContent-Length: 0\r\n\r\n", 0},
		DATE},
	    {{OK "ETag: W/\"abc\"\r\nLast-Modified: " DATE
		 "\r\nContent-Length: 0\r\n\r\n",
		 0},
		DATE},
	    {{OK "Last-Modified: yesterday\r\nContent-Length: 0\r\n\r\n", 0},
		NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		RUN struct run run = {0};

		run_script(&run, "/x", &cases[i].step, 1);
		assert_int_equal(run.r, 0);
		assert_int_equal(run.keep.begun, 1);
		assert_int_equal(run.keep.body.len, 0);
		if (cases[i].validator)
			assert_string_equal(
			    run.answer.validator, cases[i].validator);
		else
			assert_null(run.answer.validator);
	}
}

static void
test_fetch_statuses(void **state)
{
	static const struct {
		struct server_step step;
		int expected;
		const char *text;
	} cases[] = {
	    {{"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnope", 0},
		-ENOENT, "/x: 404 Not Found"},
	    {{"HTTP/1.1 410 Gone\r\n\r\nno", 0}, -ENOENT, ": 410 Gone"},
	    {{"HTTP/1.1 403 Forbidden\r\n\r\n", 0}, -EACCES, "403 Forbidden"},
	    {{"HTTP/1.1 401 Unauthorized\r\n\r\n", 0}, -EACCES, "401"},
	    {{"HTTP/1.1 204 No Content\r\n\r\n", 0}, -EIO, "204"},
	    {{"HTTP/1.1 304 Not Modified\r\n\r\n", 0}, -EIO, "304"},
	    {{"HTTP/1.1 404\r\n\r\n", 0}, -ENOENT, ": 404"},
	    {{PART "Content-Range: bytes 0-1/9\r\n\r\nab", 0}, -EIO, "part"},
	    {{OK "Content-Type: text/html; charset=utf-8\r\n\r\n<p>", 0},
		-EBADMSG, "/x: answered with an HTML page"},
	    {{OK "Content-Type: text/html\r\nContent-Length: 0\r\n\r\n", 0},
		-EBADMSG, "HTML page"},
	    {{"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n", 0},
		-EIO, "neither http nor https"},
	    {{"HTTP/1.1 302 Found\r\nLocation: ftp://127.0.0.1/\r\n\r\n", 0},
		-EIO, "neither http nor https"},
	    {{"HTTP/1.1 302 Found\r\n\r\n", 0}, -EIO, "302 Found"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		RUN struct run run = {0};

		run_script(&run, "/x", &cases[i].step, 1);
		if (run.r != cases[i].expected)
			print_error("%zu: %d, %s\n", i, run.r, run.err.text);
		assert_int_equal(run.r, cases[i].expected);
		assert_non_null(strstr(run.err.text, cases[i].text));
		assert_int_equal(run.keep.begun, 0);
		assert_int_equal(run.server.requests, 1);
	}
}

static void
test_fetch_long_error_page(void **state)
{
	CLEANUP(buf_release) struct buf page = {0};
	RUN struct run run = {0};

	(void)state;
	assert_int_equal(
	    buf_add_str(&page, "HTTP/1.1 404 Not Found\r\n\r\n"), 0);
	for (int i = 0; i < 20000; i++)
		assert_int_equal(buf_add_str(&page, "no such thing here. "), 0);
	struct server_step step = {page.ptr, THEN_CLOSE};
	run_script(&run, "/x", &step, 1);
	assert_int_equal(run.r, -ENOENT);
	assert_int_equal(run.server.requests, 1);
}

static void
test_fetch_page_where_one_is_wanted(void **state)
{
	static const char *paths[] = {"/", "/x/", "/index.html", "/a.HTM"};
	static const struct server_step step = {
	    OK "Content-Type: text/html\r\n\r\n<p>", THEN_CLOSE};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		RUN struct run run = {0};

		run_script(&run, paths[i], &step, 1);
		assert_int_equal(run.r, 0);
		assert_string_equal(run.keep.body.ptr, "<p>");
	}
}

static void
test_fetch_leaves_content_encoded(void **state)
{
	static const struct server_step step = {OK
	    "Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b"
	    "zz",
	    THEN_CLOSE};
	RUN struct run run = {0};

	(void)state;
	run_script(&run, "/Packages.gz", &step, 1);
	assert_int_equal(run.r, 0);
	assert_string_equal(run.keep.body.ptr, "\x1f\x8bzz");
}

static void
test_fetch_limits_bytes(void **state)
{
	static const char counted[] = OK "Content-Length: 6\r\n\r\n123456";
	static const char open[] = OK "\r\n123456";
	static const struct {
		struct server_step step;
		uint64_t max;
		int expected;
	} cases[] = {
	    {{counted, 0}, 6, 0},
	    {{counted, 0}, 5, -E2BIG},
	    {{open, 0}, 6, 0},
	    {{open, 0}, 5, -E2BIG},
	    {{open, 0}, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		RUN struct run run = {0};

		run.rq.max_bytes = cases[i].max;
		run_script(&run, "/x", &cases[i].step, 1);
		assert_int_equal(run.r, cases[i].expected);
		assert_int_equal(run.server.requests, 1);
		assert_true(run.r == 0 || run.keep.body.len == 0);
		if (run.r < 0)
			assert_non_null(
			    strstr(run.err.text, "/x: longer than 5 bytes"));
	}
}

static void
test_fetch_if_none_match(void **state)
{
	static const struct server_step step = {
	    "HTTP/1.1 304 Not Modified\r\nETag: \"abc\"\r\n\r\n", THEN_CLOSE};
	RUN struct run run = {0};

	(void)state;
	run.rq.if_none_match = "\"abc\"";
	run.rq.if_modified_since = DATE_S;
	run_script(&run, "/x", &step, 1);
	assert_int_equal(run.r, 0);
	assert_true(run.answer.not_modified);
	assert_int_equal(run.keep.begun, 0);
	assert_true(asked(&run, "If-None-Match: \"abc\"\r\n"));
	assert_false(asked(&run, "If-Modified-Since"));
}

static void
test_fetch_if_modified_since(void **state)
{
	static const struct server_step step = {
	    "HTTP/1.1 304 Not Modified\r\n\r\n", THEN_CLOSE};
	RUN struct run run = {0};

	(void)state;
	run.rq.if_modified_since = DATE_S;
	run_script(&run, "/x", &step, 1);
	assert_int_equal(run.r, 0);
	assert_true(run.answer.not_modified);
	assert_true(asked(&run, "If-Modified-Since: " DATE "\r\n"));
}

/* An archive that went back to an older file, with a 200 that says so. */
static void
test_fetch_takes_older_file(void **state)
{
	static const struct server_step step = {OK
	    "Last-Modified: " DATE "\r\nContent-Length: 3\r\n\r\nold",
	    THEN_CLOSE};
	RUN struct run run = {0};

	(void)state;
	run.rq.if_modified_since = DATE_S + 1000;
	run_script(&run, "/x", &step, 1);
	assert_int_equal(run.r, 0);
	assert_false(run.answer.not_modified);
	assert_string_equal(run.keep.body.ptr, "old");
}

static void
test_fetch_conditions_cannot_break_lines(void **state)
{
	static const struct server_step step = {OK "\r\nx", THEN_CLOSE};
	RUN struct run run = {0};

	(void)state;
	run.rq.if_none_match = "\"a\"\r\nEvil: yes";
	run.rq.if_range = "\"a\"\r\nEvil: yes";
	run.rq.from = 5;
	run_script(&run, "/x", &step, 1);
	assert_int_equal(run.r, 0);
	assert_false(asked(&run, "Evil"));
	assert_false(asked(&run, "Range"));
}

static void
test_fetch_resumes(void **state)
{
	const struct server_step whole = {
	    OK "Content-Length: 6\r\n\r\nabcdef", THEN_CLOSE};
	const struct {
		const char *if_range;
		struct server_step steps[2];
		size_t requests;
		uint64_t from;
		const char *body;
		bool ranged;
	} cases[] = {
	    {"\"v\"",
		{{PART "Content-Range: bytes 4-5/6\r\nContent-Length: 2\r\n"
		       "\r\nef",
		    THEN_CLOSE}},
		1, 4, "ef", true},
	    {DATE, {{PART "Content-Range: bytes 4-5/*\r\n\r\nef", THEN_CLOSE}},
		1, 4, "ef", true},
	    {"\"v\"", {whole}, 1, 0, "abcdef", true},
	    {"\"v\"",
		{{"HTTP/1.1 416 Range Not Satisfiable\r\n\r\n", THEN_CLOSE},
		    whole},
		2, 0, "abcdef", true},
	    {"\"v\"",
		{{PART "Content-Range: bytes 0-5/6\r\n\r\nabcdef", THEN_CLOSE},
		    whole},
		2, 0, "abcdef", true},
	    {"\"v\"", {{PART "\r\nabcdef", THEN_CLOSE}, whole}, 2, 0, "abcdef",
		true},
	    {"W/\"v\"", {whole}, 1, 0, "abcdef", false},
	    {NULL, {whole}, 1, 0, "abcdef", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		RUN struct run run = {0};

		run.rq.from = 4;
		run.rq.if_range = cases[i].if_range;
		run.rq.max_bytes = 6;
		run.rq.tries = 1;
		run_script(&run, "/x", cases[i].steps, 2);
		if (run.r < 0)
			print_error("%zu: %s\n", i, run.err.text);
		assert_int_equal(run.r, 0);
		assert_int_equal(run.server.requests, cases[i].requests);
		assert_int_equal(run.keep.begun, 1);
		assert_int_equal(run.keep.from, cases[i].from);
		assert_string_equal(run.keep.body.ptr, cases[i].body);
		assert_int_equal(
		    asked(&run, "Range: bytes=4-\r\n"), cases[i].ranged);
	}
}

static void
test_fetch_resume_counts_all_bytes(void **state)
{
	static const struct server_step step = {
	    PART "Content-Range: bytes 4-6/7\r\n\r\nefg", THEN_CLOSE};
	RUN struct run run = {0};

	(void)state;
	run.rq.from = 4;
	run.rq.if_range = "\"v\"";
	run.rq.max_bytes = 6;
	run_script(&run, "/x", &step, 1);
	assert_int_equal(run.r, -E2BIG);
}

static void
test_fetch_follows_redirects(void **state)
{
	static const struct server_step steps[] = {
	    {"HTTP/1.1 301 Moved\r\nLocation: /there\r\nETag: \"no\"\r\n"
	     "Content-Length: 4\r\n\r\nhere",
		THEN_KEEP},
	    {OK "Content-Length: 5\r\n\r\nthere", THEN_CLOSE},
	};
	RUN struct run run = {0};

	(void)state;
	run_script(&run, "/x", steps, ARRAY_LEN(steps));
	assert_int_equal(run.r, 0);
	assert_string_equal(run.keep.body.ptr, "there");
	assert_true(asked(&run, "GET /there "));
	assert_null(run.answer.etag);
	assert_int_equal(run.keep.begun, 1);
}

static void
test_fetch_redirect_loop(void **state)
{
	struct server_step steps[FETCH_REDIRECTS + 2];
	RUN struct run run = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		steps[i] = (struct server_step){
		    "HTTP/1.1 302 Found\r\nLocation: /x\r\n"
		    "Content-Length: 0\r\n\r\n",
		    THEN_KEEP};
	run_script(&run, "/x", steps, ARRAY_LEN(steps));
	assert_int_equal(run.r, -EIO);
	assert_non_null(strstr(run.err.text, "more than 10 redirects"));
	assert_int_equal(run.server.requests, FETCH_REDIRECTS + 1);
}

static void
test_fetch_hides_password(void **state)
{
	static const struct server_step step = {
	    "HTTP/1.1 404 Not Found\r\n\r\n", THEN_CLOSE};
	RUN struct run run = {0};

	(void)state;
	assert_int_equal(server_start(&run.server, &step, 1, NULL), 0);
	(void)snprintf(run.url, sizeof(run.url),
	    "http://me:secret@127.0.0.1:%u/x", run.server.port);
	run.rq.url = run.url;
	run_fetch(&run);
	server_stop(&run.server);
	assert_int_equal(run.r, -ENOENT);
	assert_null(strstr(run.err.text, "secret"));
	assert_null(strstr(run.err.text, "me"));
	assert_true(asked(&run, "Authorization: Basic bWU6c2VjcmV0\r\n"));
}

static void
test_fetch_netrc(void **state)
{
	static const struct server_step step = {OK "\r\nx", THEN_CLOSE};
	static const char netrc[] =
	    "machine 127.0.0.1 login me password secret\n";
	char dir[] = "/tmp/test_fetch-XXXXXX";
	CLEANUP_FD int dirfd = -1;
	CLEANUP_FD int fd = -1;
	RUN struct run run = {0};

	(void)state;
	assert_non_null(mkdtemp(dir));
	dirfd = open(dir, O_DIRECTORY | O_CLOEXEC);
	fd = openat(dirfd, ".netrc", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(file_write_all(fd, netrc, strlen(netrc)), 0);
	assert_int_equal(setenv("HOME", dir, 1), 0);
	run_script(&run, "/x", &step, 1);
	assert_int_equal(run.r, 0);
	assert_true(asked(&run, "Authorization: Basic bWU6c2VjcmV0\r\n"));
	assert_int_equal(setenv("HOME", "/nonexistent", 1), 0);
	assert_int_equal(unlinkat(dirfd, ".netrc", 0), 0);
	assert_int_equal(rmdir(dir), 0);
}

static void
test_fetch_keeps_connection(void **state)
{
	static const struct server_step steps[] = {
	    {OK "Content-Length: 2\r\n\r\nab", THEN_KEEP},
	    {"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno",
		THEN_KEEP},
	    {OK "Content-Length: 2\r\n\r\ncd", THEN_CLOSE},
	};
	static const int expected[] = {0, -ENOENT, 0};
	CLEANUP(fetcher_cleanup) struct fetcher *f = NULL;
	CLEANUP(buf_release) struct buf all = {0};
	RUN struct run run = {0};

	(void)state;
	assert_int_equal(fetcher_new(&f), 0);
	assert_int_equal(
	    server_start(&run.server, steps, ARRAY_LEN(steps), NULL), 0);
	(void)snprintf(
	    run.url, sizeof(run.url), "http://127.0.0.1:%u/x", run.server.port);
	run.rq.url = run.url;
	for (size_t i = 0; i < ARRAY_LEN(expected); i++)
		assert_int_equal(
		    fetch_buf(f, &run.rq, &all, NULL, &run.err), expected[i]);
	server_stop(&run.server);
	assert_string_equal(all.ptr, "abcd");
	assert_int_equal(run.server.connections, 1);
	assert_int_equal(run.server.requests, 3);
}

static void
test_fetch_buf_begins_anew(void **state)
{
	static const struct server_step steps[] = {
	    {OK "Content-Length: 5\r\n\r\nwh", THEN_CLOSE},
	    {OK "Content-Length: 5\r\nETag: \"a\"\r\n\r\nwhole", THEN_CLOSE},
	};
	CLEANUP(fetcher_cleanup) struct fetcher *f = NULL;
	CLEANUP(buf_release) struct buf all = {0};
	RUN struct run run = {0};

	(void)state;
	assert_int_equal(buf_add_str(&all, "the "), 0);
	assert_int_equal(fetcher_new(&f), 0);
	assert_int_equal(
	    server_start(&run.server, steps, ARRAY_LEN(steps), NULL), 0);
	(void)snprintf(
	    run.url, sizeof(run.url), "http://127.0.0.1:%u/x", run.server.port);
	run.rq.url = run.url;
	assert_int_equal(fetch_buf(f, &run.rq, &all, &run.answer, &run.err), 0);
	server_stop(&run.server);
	assert_string_equal(all.ptr, "the whole");
	assert_string_equal(run.answer.etag, "\"a\"");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_fetch_gives_body_and_headers),
	    cmocka_unit_test(test_fetch_validators),
	    cmocka_unit_test(test_fetch_statuses),
	    cmocka_unit_test(test_fetch_long_error_page),
	    cmocka_unit_test(test_fetch_page_where_one_is_wanted),
	    cmocka_unit_test(test_fetch_leaves_content_encoded),
	    cmocka_unit_test(test_fetch_limits_bytes),
	    cmocka_unit_test(test_fetch_if_none_match),
	    cmocka_unit_test(test_fetch_if_modified_since),
	    cmocka_unit_test(test_fetch_takes_older_file),
	    cmocka_unit_test(test_fetch_conditions_cannot_break_lines),
	    cmocka_unit_test(test_fetch_resumes),
	    cmocka_unit_test(test_fetch_resume_counts_all_bytes),
	    cmocka_unit_test(test_fetch_follows_redirects),
	    cmocka_unit_test(test_fetch_redirect_loop),
	    cmocka_unit_test(test_fetch_hides_password),
	    cmocka_unit_test(test_fetch_netrc),
	    cmocka_unit_test(test_fetch_keeps_connection),
	    cmocka_unit_test(test_fetch_buf_begins_anew),
	};

	return cmocka_run_group_tests(tests, fetch_group_setup, NULL);
}
