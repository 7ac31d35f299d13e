/* Servers and networks that fail in the middle. */

#include "mirror/fetch.h"

#include <errno.h>
#include <time.h>

#include "tests/unit/fetch_run.h"

static void
test_fetch_tries_again(void **state)
{
	static const char good[] = OK "Content-Length: 5\r\n\r\nwhole";
	static const struct server_step firsts[] = {
	    {"HTTP/1.1 503 Busy\r\nRetry-After: 0\r\n\r\n", THEN_CLOSE},
	    {"HTTP/1.1 429 Slow Down\r\nContent-Length: 0\r\n\r\n", THEN_KEEP},
	    {OK "Content-Length: 5\r\n\r\nwh", THEN_CLOSE},
	    {OK "Content-Length: 5\r\n\r\nwh", THEN_RESET},
	    {"", THEN_CLOSE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(firsts); i++) {
		const struct server_step steps[] = {
		    firsts[i], {good, THEN_CLOSE}};
		RUN struct run run = {0};

		run_script(&run, "/x", steps, ARRAY_LEN(steps));
		if (run.r < 0)
			print_error("%zu: %s\n", i, run.err.text);
		assert_int_equal(run.r, 0);
		assert_int_equal(run.server.requests, 2);
		assert_string_equal(run.keep.body.ptr, "whole");
		assert_int_equal(run.answer.bytes, 5);
	}
}

static void
test_fetch_gives_up(void **state)
{
	static const struct server_step bad = {
	    "HTTP/1.1 502 Bad Gateway\r\n\r\n", THEN_CLOSE};
	const struct server_step steps[] = {bad, bad, bad};
	RUN struct run run = {0};

	(void)state;
	run.rq.tries = 2;
	run_script(&run, "/x", steps, ARRAY_LEN(steps));
	assert_int_equal(run.r, -EIO);
	assert_int_equal(run.server.requests, 2);
	assert_non_null(strstr(run.err.text, "/x: 502 Bad Gateway"));
}

static void
test_fetch_truncated(void **state)
{
	static const struct server_step steps[] = {
	    {OK "Content-Length: 5\r\n\r\nwh", THEN_CLOSE},
	    {OK "Transfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n", THEN_CLOSE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		RUN struct run run = {0};

		run.rq.tries = 1;
		run_script(&run, "/x", &steps[i], 1);
		assert_int_equal(run.r, -EIO);
		assert_non_null(strstr(run.err.text, "/x: "));
	}
}

static void
test_fetch_stalls(void **state)
{
	static const struct server_step steps[] = {
	    {OK "Content-Length: 5\r\n\r\nwh", THEN_HOLD},
	    {"", THEN_HOLD},
	};
	static const char *const texts[] = {
	    "/x: hardly any data for 0.2 s", "/x: no data for 0.2 s"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		RUN struct run run = {0};

		run.rq.tries = 1;
		run.rq.stall_ms = 200;
		run_script(&run, "/x", &steps[i], 1);
		assert_int_equal(run.r, -EIO);
		assert_non_null(strstr(run.err.text, texts[i]));
	}
}

static void
test_fetch_nobody_listens(void **state)
{
	uint16_t port;
	int fd;
	RUN struct run run = {0};

	(void)state;
	fd = server_listen(1, &port);
	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
	(void)snprintf(run.url, sizeof(run.url), "http://127.0.0.1:%u/x", port);
	run.rq.url = run.url;
	run.rq.tries = 1;
	run_fetch(&run);
	assert_int_equal(run.r, -EIO);
	assert_non_null(strstr(run.err.text, "connect"));
}

/* A full backlog: the kernel does not answer any more. */
static void
test_fetch_connection_times_out(void **state)
{
	uint16_t port;
	CLEANUP_FD int fd = -1;
	CLEANUP_FD int full = -1;
	RUN struct run run = {0};

	(void)state;
	fd = server_listen(0, &port);
	assert_true(fd >= 0);
	full = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in a = {.sin_family = AF_INET};
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	a.sin_port = htons(port);
	assert_int_equal(connect(full, (struct sockaddr *)&a, sizeof(a)), 0);
	(void)snprintf(run.url, sizeof(run.url), "http://127.0.0.1:%u/x", port);
	run.rq.url = run.url;
	run.rq.tries = 1;
	run.rq.connect_ms = 200;
	run.rq.stall_ms = 100;
	run_fetch(&run);
	assert_int_equal(run.r, -EIO);
	assert_non_null(
	    strstr(run.err.text, "/x: connection timed out after 0.2 s"));
}

static void
test_fetch_no_such_host(void **state)
{
	RUN struct run run = {0};

	(void)state;
	/* A label of more than 63 bytes: no name server is asked. */
	run.rq.url = "http://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		     "aaaaaaaaaaaaaaaaaaaaaa.example.org/x";
	run.rq.tries = 1;
	run_fetch(&run);
	assert_int_equal(run.r, -EIO);
	assert_non_null(strstr(run.err.text, "/x: could not resolve host"));
}

static int64_t
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
test_fetch_cancel_in_transfer(void **state)
{
	static const struct server_step step = {
	    OK "Content-Length: 5\r\n\r\nwh", THEN_HOLD};
	atomic_bool cancel = false;
	int64_t begin;
	RUN struct run run = {0};

	(void)state;
	run.rq.cancel = &cancel;
	run.keep.cancel = &cancel;
	begin = now_ms();
	run_script(&run, "/x", &step, 1);
	assert_int_equal(run.r, -EINTR);
	assert_non_null(strstr(run.err.text, "/x: stopped"));
	assert_true(now_ms() - begin < 1000);
}

static void
test_fetch_cancel_in_pause(void **state)
{
	static const struct server_step steps[] = {
	    {"HTTP/1.1 503 Busy\r\nRetry-After: 9\r\n\r\n", THEN_CLOSE},
	    {"HTTP/1.1 503 Busy\r\nRetry-After: 9223372036854775807\r\n\r\n",
		THEN_CLOSE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		atomic_bool cancel = false;
		int64_t begin;
		RUN struct run run = {0};

		begin = now_ms();

		run.rq.cancel = &cancel;
		run.when_served = &cancel;
		run_script(&run, "/x", &steps[i], 1);
		assert_int_equal(run.r, -EINTR);
		assert_true(now_ms() - begin < 2000);
	}
}

static void
test_fetch_cancelled_before(void **state)
{
	atomic_bool cancel = true;
	RUN struct run run = {0};

	(void)state;
	run.rq.cancel = &cancel;
	run_script(&run, "/x", NULL, 0);
	assert_int_equal(run.r, -EINTR);
	assert_int_equal(run.server.requests, 0);
}

static void
test_fetch_sink_errors(void **state)
{
	static const struct {
		int begin_r, write_r, expected;
	} cases[] = {{-ENOSPC, 0, -ENOSPC}, {0, -EDOM, -EDOM}};
	static const struct server_step step = {
	    OK "Content-Length: 2\r\n\r\nab", THEN_CLOSE};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		RUN struct run run = {.err = {"the sink's"}};

		run.keep.begin_r = cases[i].begin_r;
		run.keep.write_r = cases[i].write_r;
		run_script(&run, "/x", &step, 1);
		assert_int_equal(run.r, cases[i].expected);
		assert_string_equal(run.err.text, "the sink's");
		assert_int_equal(run.server.requests, 1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_fetch_tries_again),
	    cmocka_unit_test(test_fetch_gives_up),
	    cmocka_unit_test(test_fetch_truncated),
	    cmocka_unit_test(test_fetch_stalls),
	    cmocka_unit_test(test_fetch_nobody_listens),
	    cmocka_unit_test(test_fetch_connection_times_out),
	    cmocka_unit_test(test_fetch_no_such_host),
	    cmocka_unit_test(test_fetch_cancel_in_transfer),
	    cmocka_unit_test(test_fetch_cancel_in_pause),
	    cmocka_unit_test(test_fetch_cancelled_before),
	    cmocka_unit_test(test_fetch_sink_errors),
	};

	return cmocka_run_group_tests(tests, fetch_group_setup, NULL);
}
