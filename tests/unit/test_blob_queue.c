#include "mirror/blob_queue.h"

#include "scratch_store.h"

#include "base/cleanup.h"
#include "scratch_archive.h"
#include "store/blob.h"
#include "tests/unit/http_server.h"

#define WAIT_S 20 /* until a test counts as hung */

/* Places of a blob, separated by blanks: paths below the archive, or below the
 * server where they begin with a colon. */
struct made {
	struct scratch *s;
	struct span content;
	const char *paths;
	uint16_t port;
	uint64_t blob;
	const char *fallbacks; /* of every origin, below the archive, or NULL */
};

static int
put_origin(struct txn *t, const struct made *m, bool http, uint64_t *ret)
{
	char url[512];
	struct origin o = {.url = url};
	struct span rest = span_of(m->fallbacks ? m->fallbacks : ""), path;

	if (http)
		(void)snprintf(
		    url, sizeof(url), "http://127.0.0.1:%u/", m->port);
	else
		(void)snprintf(
		    url, sizeof(url), "file://%s/archive/", m->s->dir);
	while (m->fallbacks && span_word(&rest, &path)) {
		char fallback[512];

		(void)snprintf(fallback, sizeof(fallback),
		    "file://%s/archive/%.*s", m->s->dir, SPAN_ARG(path));
		assert_int_equal(strs_add(&o.fallbacks, span_of(fallback)), 0);
	}
	int r = origin_put(t, &o);
	*ret = o.number;
	strs_release(&o.fallbacks);
	return r;
}

static int
make_blob_step(struct txn *t, void *arg, struct error *err)
{
	struct made *m = arg;
	struct span rest = span_of(m->paths), path;
	struct digest d;

	(void)err;
	digest_of(m->content.ptr, m->content.len, &d);
	int r = blob_put(t, &d, m->content.len, &m->blob);
	while (r == 0 && span_word(&rest, &path)) {
		struct blob_source source = {.path = path};
		bool http = path.ptr[0] == ':';

		if (http)
			source.path = (struct span){path.ptr + 1, path.len - 1};
		r = put_origin(t, m, http, &source.origin);
		if (r == 0)
			r = blob_add_sources(t, m->blob, &source, 1);
	}
	return r;
}

static uint64_t
make_blob(
    struct scratch *s, struct span content, const char *paths, uint16_t port)
{
	struct made m = {
	    .s = s, .content = content, .paths = paths, .port = port};

	scratch_write(s, make_blob_step, &m);
	return m.blob;
}

static bool
is_present(struct scratch *s, struct span content)
{
	struct digest d;

	digest_of(content.ptr, content.len, &d);
	return blob_present(s->store, &d) == 1;
}

/* What an earlier process left of the blob. */
static void
leave_part(struct scratch *s, struct span content, struct span part)
{
	char hex[DIGEST_HEX_SIZE], name[128];
	struct digest d;

	digest_of(content.ptr, content.len, &d);
	(void)snprintf(
	    name, sizeof(name), "../store/tmp/%s", digest_hex(&d, hex));
	archive_write(s, "x", SPAN("")); /* makes archive */
	archive_write(s, name, part);
}

/* One who waits for blobs. */
struct waiting {
	pthread_mutex_t lock;
	pthread_cond_t came;
	int calls;
	int status;
	char why[1024];
};

static void
waiting_init(struct waiting *w)
{
	*w = (struct waiting){0};
	assert_int_equal(pthread_mutex_init(&w->lock, NULL), 0);
	assert_int_equal(pthread_cond_init(&w->came, NULL), 0);
}

static void
done(void *ctx, int r, const char *why)
{
	struct waiting *w = ctx;

	pthread_mutex_lock(&w->lock);
	w->calls++;
	w->status = r;
	(void)snprintf(w->why, sizeof(w->why), "%s", why ? why : "");
	pthread_cond_signal(&w->came);
	pthread_mutex_unlock(&w->lock);
}

static void
wait_for(struct waiting *w, int calls)
{
	struct timespec until;
	int r = 0;

	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += WAIT_S;
	pthread_mutex_lock(&w->lock);
	while (w->calls < calls && r == 0)
		r = pthread_cond_timedwait(&w->came, &w->lock, &until);
	pthread_mutex_unlock(&w->lock);
	assert_int_equal(r, 0);
	assert_int_equal(w->calls, calls);
}

static struct blob_queue *
new_queue(struct scratch *s, bool retry)
{
	struct blob_queue_opts opts = {
	    .threads = 2, .retry = retry, .tries = 1, .stall_ms = 20000};
	struct blob_queue *q = NULL;
	struct error err;

	assert_int_equal(blob_queue_new(s->store, &opts, &q, &err), 0);
	return q;
}

/* Asks for one blob and waits for it. */
static void
ask(struct blob_queue *q, uint64_t blob, struct waiting *w)
{
	struct blob_requests *rq = blob_queue_requests(q);

	waiting_init(w);
	rq->request(rq->arg, blob, done, w);
	wait_for(w, 1);
}

static void
test_request_tries_places_in_order(void **state)
{
	static const struct {
		const char *paths;
		int expected;
		const char *part; /* of the error */
	} cases[] = {
	    {"good", 0, ""},
	    {"nothing good", 0, ""},
	    {"wrong short long nothing good", 0, ""},
	    {"wrong", -EBADMSG, "archive/wrong"},
	    {"short", -EBADMSG, "archive/short"},
	    {"nothing", -ENOENT, "archive/nothing"},
	    {"nothing wrong nothing", -EBADMSG, "archive/wrong"},
	    {"", -ENOENT, "nobody has"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct scratch *s;
		struct waiting w;

		assert_int_equal(scratch_setup((void **)&s), 0);
		archive_write(s, "good", SPAN("content"));
		archive_write(s, "wrong", SPAN("CONTENT"));
		archive_write(s, "short", SPAN("con"));
		archive_write(s, "long", SPAN("content and more"));
		struct blob_queue *q = new_queue(s, false);
		uint64_t blob =
		    make_blob(s, SPAN("content"), cases[i].paths, 0);
		ask(q, blob, &w);
		assert_int_equal(w.status, cases[i].expected);
		if (!strstr(w.why, cases[i].part))
			fail_msg("'%s' lacks '%s'", w.why, cases[i].part);
		assert_int_equal(
		    is_present(s, SPAN("content")), cases[i].expected == 0);
		blob_queue_free(q);
		assert_int_equal(scratch_teardown((void **)&s), 0);
	}
	(void)state;
}

static void
test_request_tries_fallbacks(void **state)
{
	static const struct {
		const char *paths, *fallbacks;
		int expected;
		const char *part; /* of the error */
	} cases[] = {
	    {"gone", "other/", -EBADMSG, "archive/other/gone"},
	    {"wrong", "nothing/", -EBADMSG, "archive/wrong"},
	    {"gone", "other/ files/@HASH@", 0, ""},
	    {"gone", "nothing/@HASH@ moved/", 0, ""},
	    {"gone", "nothing/@HASH@ none/", -ENOENT, "archive/gone"},
	    {"wrong", "moved/", -EBADMSG, "archive/wrong"},
	    {"wrong gone", "moved/", 0, ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct scratch *s;
		struct waiting w;
		struct digest d;
		char hex[DIGEST_HEX_SIZE], name[128];

		assert_int_equal(scratch_setup((void **)&s), 0);
		digest_of("content", 7, &d);
		(void)snprintf(
		    name, sizeof(name), "files/%s", digest_hex(&d, hex));
		archive_write(s, name, SPAN("content"));
		archive_write(s, "moved/gone", SPAN("content"));
		archive_write(s, "other/gone", SPAN("CONTENT"));
		archive_write(s, "wrong", SPAN("CONTENT"));
		struct made m = {.s = s,
		    .content = SPAN("content"),
		    .paths = cases[i].paths,
		    .fallbacks = cases[i].fallbacks};
		scratch_write(s, make_blob_step, &m);
		struct blob_queue *q = new_queue(s, false);
		ask(q, m.blob, &w);
		if (w.status != cases[i].expected)
			fail_msg("case %zu: %d %s", i, w.status, w.why);
		if (!strstr(w.why, cases[i].part))
			fail_msg("'%s' lacks '%s'", w.why, cases[i].part);
		blob_queue_free(q);
		assert_int_equal(scratch_teardown((void **)&s), 0);
	}
}

static void
remove_blob(struct scratch *s, struct span content)
{
	char hex[DIGEST_HEX_SIZE], name[DIGEST_HEX_SIZE + 3];
	struct digest d;

	digest_of(content.ptr, content.len, &d);
	(void)snprintf(name, sizeof(name), "%.2s/%s", digest_hex(&d, hex), hex);
	assert_int_equal(unlinkat(store_blobs_fd(s->store), name, 0), 0);
}

struct sisters {
	uint64_t blob;
	struct blob_sister v[2];
	size_t n;
};

static int
add_sisters(struct txn *t, void *arg, struct error *err)
{
	const struct sisters *add = arg;
	int r = 0;

	(void)err;
	for (size_t i = 0; r == 0 && i < add->n; i++)
		r = blob_add_sister(t, add->blob, &add->v[i]);
	return r;
}

/* A plain file that is listed, and compressed ones that may be there; that of
 * bz2 is not what Release says it is. */
static void
test_request_unpacks_sister(void **state)
{
	static const struct {
		const char *paths, *gz, *bz2; /* places of the three */
		int expected;
		const char *part; /* of the error */
	} cases[] = {
	    {"nothing", "gz", "", 0, ""},
	    {"nothing", "wrong gz", "nothing", 0, ""},
	    {"wrong", "gz", "bz2", 0, ""},
	    {"nothing", "nothing", "nothing", -ENOENT, "archive/nothing"},
	    {"nothing", "wrong", "nothing", -EBADMSG, "archive/wrong"},
	    {"wrong", "nothing", "nothing", -EBADMSG, "archive/wrong"},
	    {"nothing", "nothing", "bz2", -EBADMSG, "unpacking"},
	    {"wrong", "nothing", "bz2", -EBADMSG, "archive/wrong"},
	};
	struct buf gz = gzipped(SPAN("content"));
	struct buf bz2 = gzipped(SPAN("content and more"));

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct scratch *s;
		struct waiting w;

		assert_int_equal(scratch_setup((void **)&s), 0);
		archive_write(s, "gz", buf_span(&gz));
		archive_write(s, "bz2", buf_span(&bz2));
		archive_write(s, "wrong", SPAN("CONTENT"));
		struct sisters add = {
		    .blob = make_blob(s, SPAN("content"), cases[i].paths, 0),
		    .v = {{CODEC_BZ2,
			      make_blob(s, buf_span(&bz2), cases[i].bz2, 0)},
			{CODEC_GZ,
			    make_blob(s, buf_span(&gz), cases[i].gz, 0)}},
		    .n = 2};
		scratch_write(s, add_sisters, &add);
		struct blob_queue *q = new_queue(s, true);
		ask(q, add.blob, &w);
		if (w.status != cases[i].expected)
			fail_msg("case %zu: %d %s", i, w.status, w.why);
		if (!strstr(w.why, cases[i].part))
			fail_msg("'%s' lacks '%s'", w.why, cases[i].part);
		assert_int_equal(is_present(s, SPAN("content")), w.status == 0);
		/* One that is here is used without a look elsewhere. */
		if (w.status == 0) {
			archive_remove(s, "gz");
			remove_blob(s, SPAN("content"));
			ask(q, add.blob, &w);
			assert_int_equal(w.status, 0);
		}
		blob_queue_free(q);
		assert_int_equal(scratch_teardown((void **)&s), 0);
	}
	buf_release(&gz);
	buf_release(&bz2);
}

static void
test_request_present_needs_no_place(void **state)
{
	struct scratch *s = *state;
	struct waiting w;
	struct blob_queue *q = new_queue(s, false);
	uint64_t blob = make_blob(s, SPAN("content"), "good", 0);

	archive_write(s, "good", SPAN("content"));
	ask(q, blob, &w);
	archive_remove(s, "good");
	ask(q, blob, &w);
	assert_int_equal(w.status, 0);
	blob_queue_free(q);
}

static void
test_request_remembers_failure(void **state)
{
	struct scratch *s = *state;
	struct waiting w;
	struct blob_queue *q = new_queue(s, false);
	struct blob_queue *retry = new_queue(s, true);
	uint64_t blob = make_blob(s, SPAN("content"), "good", 0);

	archive_write(s, "other", SPAN(""));
	ask(q, blob, &w);
	assert_int_equal(w.status, -ENOENT);
	ask(retry, blob, &w);
	assert_int_equal(w.status, -ENOENT);

	archive_write(s, "good", SPAN("content"));
	ask(q, blob, &w);
	assert_int_equal(w.status, -ENOENT);
	assert_non_null(strstr(w.why, "archive/good"));
	ask(retry, blob, &w);
	assert_int_equal(w.status, 0);
	blob_queue_free(q);
	blob_queue_free(retry);
}

/* A part that is left: the rest is asked for, and all of it where the part was
 * of something else. */
static void
test_request_resumes(void **state)
{
	static const struct {
		const char *part;
		struct server_step steps[2];
		size_t nsteps;
	} cases[] = {
	    {"con",
		{{"HTTP/1.1 206 Partial Content\r\nContent-Length: 4\r\n"
		  "Content-Range: bytes 3-6/7\r\n\r\ntent",
		    THEN_CLOSE}},
		1},
	    {"con",
		{{"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\ncontent",
		    THEN_CLOSE}},
		1},
	    {"CON",
		{{"HTTP/1.1 206 Partial Content\r\nContent-Length: 4\r\n"
		  "Content-Range: bytes 3-6/7\r\n\r\ntent",
		     THEN_CLOSE},
		    {"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\ncontent",
			THEN_CLOSE}},
		2},
	    {"CONTENT",
		{{"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\ncontent",
		    THEN_CLOSE}},
		1},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct server server;
		struct scratch *s;
		struct waiting w;

		assert_int_equal(scratch_setup((void **)&s), 0);
		assert_int_equal(server_start(&server, cases[i].steps,
				     cases[i].nsteps, NULL),
		    0);
		leave_part(s, SPAN("content"), span_of(cases[i].part));
		struct blob_queue *q = new_queue(s, false);
		ask(q, make_blob(s, SPAN("content"), ":x", server.port), &w);
		if (w.status < 0)
			fail_msg("case %zu: %s", i, w.why);
		assert_true(is_present(s, SPAN("content")));
		blob_queue_free(q);
		server_stop(&server);
		assert_int_equal(server.requests, cases[i].nsteps);
		if (strlen(cases[i].part) == 3)
			assert_non_null(
			    strstr(server.log.ptr, "Range: bytes=3-"));
		else
			assert_null(strstr(server.log.ptr, "Range:"));
		buf_release(&server.log);
		assert_int_equal(scratch_teardown((void **)&s), 0);
	}
	(void)state;
}

/* The server says half of it and then nothing: who waits, waits together. */
static void
test_free_cancels_and_forget_lets_go(void **state)
{
	static const struct server_step steps[] = {
	    {"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\ncon", THEN_HOLD}};
	struct scratch *s = *state;
	atomic_bool served = false;
	struct server server;
	struct waiting first, second, gone, other;
	struct blob_queue *q = new_queue(s, false);
	struct blob_requests *rq = blob_queue_requests(q);

	assert_int_equal(server_start(&server, steps, 1, &served), 0);
	waiting_init(&first);
	waiting_init(&second);
	waiting_init(&gone);
	uint64_t blob = make_blob(s, SPAN("content"), ":x", server.port);
	rq->request(rq->arg, blob, done, &first);
	while (!atomic_load(&served))
		(void)usleep(1000);
	rq->request(rq->arg, blob, done, &second);
	rq->request(rq->arg, blob, done, &gone);
	assert_int_equal(rq->forget(rq->arg, blob, &gone), 1);
	assert_int_equal(rq->forget(rq->arg, blob, &gone), 0);
	assert_int_equal(rq->forget(rq->arg, blob + 1, &first), 0);

	/* One that hangs holds nobody else up. */
	archive_write(s, "good", SPAN("other"));
	ask(q, make_blob(s, SPAN("other"), "good", 0), &other);
	assert_int_equal(other.status, 0);

	blob_queue_free(q);
	assert_int_equal(first.calls, 1);
	assert_int_equal(first.status, -EINTR);
	assert_int_equal(second.calls, 1);
	assert_int_equal(second.status, -EINTR);
	assert_int_equal(gone.calls, 0);
	server_stop(&server);
	assert_int_equal(server.requests, 1);
	buf_release(&server.log);
}

static void
test_blob_fetch_in_this_thread(void **state)
{
	struct scratch *s = *state;
	uint64_t blob = make_blob(s, SPAN("content"), "good", 0);
	struct error err = {""};

	archive_write(s, "good", SPAN("CONTENT"));
	assert_int_equal(blob_fetch(s->store, blob, NULL, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "archive/good"));
	archive_write(s, "good", SPAN("content"));
	assert_int_equal(blob_fetch(s->store, blob, NULL, &err), 0);
	assert_true(is_present(s, SPAN("content")));
	assert_int_equal(blob_fetch(s->store, blob + 9, NULL, &err), -ENOENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_request_tries_places_in_order),
	    cmocka_unit_test(test_request_tries_fallbacks),
	    cmocka_unit_test(test_request_unpacks_sister),
	    scratch_test(test_request_present_needs_no_place),
	    scratch_test(test_request_remembers_failure),
	    cmocka_unit_test(test_request_resumes),
	    scratch_test(test_free_cancels_and_forget_lets_go),
	    scratch_test(test_blob_fetch_in_this_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
