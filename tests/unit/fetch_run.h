#ifndef TESTS_UNIT_FETCH_RUN_H
#define TESTS_UNIT_FETCH_RUN_H

/* One fetch against a scripted server, for the test programs of fetch. */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h wants these before it. */
#include <setjmp.h>

#include <cmocka.h>

#include "base/buf.h"
#include "mirror/fetch.h"
#include "tests/unit/http_server.h"

#define OK	"HTTP/1.1 200 OK\r\n"
#define PART	"HTTP/1.1 206 Partial Content\r\n"
#define DATE	"Sat, 17 May 2025 09:51:27 GMT"
#define DATE_S	1747475487
#define URL_MAX 128

/* A sink that keeps what it gets, and that fails on demand. */
struct keep {
	struct buf body;
	unsigned begun;
	uint64_t from;
	int begin_r, write_r;
	atomic_bool *cancel; /* set at the first byte */
};

/* One fetch: what is asked, and what came of it. */
struct run {
	struct server server;
	struct fetch_request rq;
	struct fetch_answer answer;
	struct keep keep;
	struct error err;
	char url[URL_MAX];
	atomic_bool *when_served; /* set by the server at the end */
	int r;
};

static int
keep_begin(void *arg, uint64_t from)
{
	struct keep *k = arg;

	k->begun++;
	k->from = from;
	buf_clear(&k->body);
	return k->begin_r;
}

static int
keep_write(void *arg, const void *ptr, size_t len)
{
	struct keep *k = arg;

	if (k->cancel)
		atomic_store(k->cancel, true);
	if (k->write_r)
		return k->write_r;
	return buf_add(&k->body, ptr, len);
}

static inline void
run_fetch(struct run *run)
{
	CLEANUP(fetcher_cleanup) struct fetcher *f = NULL;
	const struct fetch_sink sink = {keep_begin, keep_write, &run->keep};

	assert_int_equal(fetcher_new(&f), 0);
	run->r = fetch(f, &run->rq, &sink, &run->answer, &run->err);
}

/* Runs one fetch of PATH against the script. */
static inline void
run_script(struct run *run, const char *path, const struct server_step *steps,
    size_t n)
{
	assert_int_equal(
	    server_start(&run->server, steps, n, run->when_served), 0);
	(void)snprintf(run->url, sizeof(run->url), "http://127.0.0.1:%u%s",
	    run->server.port, path);
	run->rq.url = run->url;
	run_fetch(run);
	server_stop(&run->server);
}

static inline void
run_release(struct run *run)
{
	fetch_answer_release(&run->answer);
	buf_release(&run->keep.body);
	buf_release(&run->server.log);
}

static inline bool
asked(const struct run *run, const char *text)
{
	return run->server.log.ptr && strstr(run->server.log.ptr, text);
}

#define RUN CLEANUP(run_release)

/* No proxy, no netrc of the machine. */
static inline int
fetch_group_setup(void **state)
{
	struct error err;
	static const char *const unset[] = {
	    "http_proxy", "all_proxy", "ALL_PROXY"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(unset); i++)
		(void)unsetenv(unset[i]);
	(void)setenv("HOME", "/nonexistent", 1);
	return fetch_global_init(&err);
}

#endif
