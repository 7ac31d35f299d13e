#include "mirror/fetch_http.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/span.h"
#include "mirror/fetch_url.h"
#include "mirror/http_transfer.h"

#define WAIT_MS	 100	     /* between looks at cancel and stall */
#define DROP_MAX (64 * 1024) /* bytes of an error page, to keep the line */

static void
cleanup_slist(struct curl_slist **l)
{
	libcurl()->slist_free_all(*l);
}

static long
stall_ms(const struct transfer *t)
{
	long ms = t->try->rq->stall_ms;

	return ms > 0 ? ms : FETCH_STALL_S * 1000L;
}

static long
status_of(const struct transfer *t)
{
	long status = 0;

	(void)libcurl()->easy_getinfo(
	    t->http->easy, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

static void
tell_quiet(struct transfer *t, bool quiet)
{
	const struct fetch_request *rq = t->try->rq;

	if (rq->quiet && quiet != t->quiet)
		rq->quiet(rq->quiet_arg, quiet);
	t->quiet = quiet;
}

/* A byte now and then is no progress, unless no more was wanted. */
static void
note_progress(struct transfer *t)
{
	uint64_t limit = t->try->rq->bytes_per_s;

	tell_quiet(t, false);
	if (t->bytes - t->moved < FETCH_PROGRESS &&
	    (limit == 0 || limit >= FETCH_PROGRESS))
		return;
	t->moved = t->bytes;
	t->moved_ms = clock_ms();
}

/* A header of the last answer, or NULL. */
static const char *
header(const struct transfer *t, const char *name)
{
	struct curl_header *h;

	if (libcurl()->easy_header(
		t->http->easy, name, 0, CURLH_HEADER, -1, &h) != CURLHE_OK)
		return NULL;
	return h->value;
}

static int
fill_answer(struct transfer *t)
{
	struct fetch_answer *a = t->try->answer;
	const char *etag = header(t, "ETag");
	const char *date = header(t, "Last-Modified");
	const char *validator = NULL;

	if (date && http_is_header_value(date)) {
		time_t when = libcurl()->getdate(date, NULL);

		a->last_modified = when > 0 ? when : 0;
		validator = when > 0 ? date : NULL;
	}
	if (etag && http_is_header_value(etag)) {
		a->etag = strdup(etag);
		if (!a->etag)
			return error_set(t->err, -ENOMEM, "out of memory");
		/* RFC 9110, 13.1.5: a weak one does for If-None-Match only. */
		if (etag[0] == '"')
			validator = etag;
	}
	if (validator) {
		a->validator = strdup(validator);
		if (!a->validator)
			return error_set(t->err, -ENOMEM, "out of memory");
	}
	return 0;
}

static int
check_type(struct transfer *t)
{
	const char *type = header(t, "Content-Type");

	if (!type || strncasecmp(type, "text/html", 9) != 0 ||
	    url_is_page(t->try->rq->url))
		return 0;
	return error_set(
	    t->err, -EBADMSG, "%s: answered with an HTML page", t->shown);
}

static int
too_long(struct transfer *t)
{
	return error_set(t->err, -E2BIG, "%s: longer than %llu bytes", t->shown,
	    (unsigned long long)t->try->rq->max_bytes);
}

/* Whether a 206 holds what was asked for: "bytes 100-199/200". */
static bool
is_wanted_range(const struct transfer *t)
{
	const char *range = header(t, "Content-Range");
	struct span rest, first;
	uint64_t from;

	if (t->from == 0 || !range || strncasecmp(range, "bytes ", 6) != 0)
		return false;
	rest = span_of(range + 6);
	return span_cut(&rest, '-', &first) &&
	       span_u64(span_trim(first), &from) == 0 && from == t->from;
}

static int
begin_file(struct transfer *t, uint64_t from)
{
	const struct fetch_request *rq = t->try->rq;
	int r = check_type(t);
	curl_off_t len = -1;

	if (r < 0)
		return r;
	(void)libcurl()->easy_getinfo(
	    t->http->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &len);
	if (rq->max_bytes &&
	    (from > rq->max_bytes ||
		(len > 0 && (uint64_t)len > rq->max_bytes - from)))
		return too_long(t);
	r = fill_answer(t);
	if (r < 0)
		return r;
	t->from = from;
	t->body = BODY_FILE;
	return t->try->sink->begin(t->try->sink->arg, from);
}

/* Decides by the status where the body goes. */
static int
begin_body(struct transfer *t)
{
	long status = status_of(t);

	if (status == 200)
		return begin_file(t, 0);
	if (status != 206) {
		t->body = BODY_DROP;
		return 0;
	}
	if (is_wanted_range(t))
		return begin_file(t, t->from);
	t->try->range_refused = t->from != 0;
	return error_set(t->err, -EIO,
	    "%s: answered with a part of the file that was not asked for",
	    t->shown);
}

static int
add_body(struct transfer *t, const char *ptr, size_t len)
{
	const struct fetch_request *rq = t->try->rq;

	if (t->body == BODY_NONE) {
		int r = begin_body(t);

		if (r < 0)
			return r;
	}
	t->bytes += len;
	if (t->body == BODY_DROP)
		return t->bytes > DROP_MAX ? -EIO : 0;
	if (rq->max_bytes && t->from + t->bytes > rq->max_bytes)
		return too_long(t);
	t->try->answer->bytes = t->bytes;
	return t->try->sink->write(t->try->sink->arg, ptr, len);
}

static size_t
on_body(char *ptr, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	size_t len = size * n;
	int r = add_body(t, ptr, len);

	/* The sink's time is not the server's: look at the clock now. */
	note_progress(t);
	if (r >= 0)
		return len;
	/* Too long an error page is no failure of its own. */
	if (t->body != BODY_DROP)
		t->r = r;
	return CURL_WRITEFUNC_ERROR;
}

/* Keeps "404 Not Found" of "HTTP/1.1 404 Not Found". */
static size_t
on_header(char *ptr, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	struct span line = {ptr, size * n};
	struct span version;

	if (!span_starts(line, SPAN("HTTP/")))
		return line.len;
	(void)span_word(&line, &version);
	line = span_trim(line);
	(void)snprintf(t->reason, sizeof(t->reason), "%.*s",
	    line.len < HTTP_REASON_MAX ? (int)line.len : HTTP_REASON_MAX,
	    line.ptr);
	return size * n;
}

/* Called when a connection stands and the request is about to be sent. */
static int
on_request(void *arg, char *to, char *from, int to_port, int from_port)
{
	struct transfer *t = arg;

	(void)to, (void)from, (void)to_port, (void)from_port;
	t->connected = true;
	t->moved_ms = clock_ms();
	return CURL_PREREQFUNC_OK;
}

/* ACCEPT_ENCODING stays unset: where a .gz is labelled with Content-Encoding,
 * it is the .gz that Release has the hash of. */
static CURLcode
set_options(struct transfer *t, struct curl_slist *headers)
{
	const struct {
		CURLoption option;
		void *value;
	} pointers[] = {
	    {CURLOPT_HTTPHEADER, headers},
	    {CURLOPT_ERRORBUFFER, t->http->text},
	    {CURLOPT_WRITEDATA, t},
	    {CURLOPT_HEADERDATA, t},
	    {CURLOPT_PREREQDATA, t},
	};
	CURL *easy = t->http->easy;
	CURLcode c;

	libcurl()->easy_reset(easy);
	c = http_set_values(t);
	for (size_t i = 0; i < ARRAY_LEN(pointers) && c == CURLE_OK; i++) {
		CURLoption option = pointers[i].option;

		c = libcurl()->easy_setopt(easy, option, pointers[i].value);
	}
	if (c == CURLE_OK)
		c = libcurl()->easy_setopt(
		    easy, CURLOPT_WRITEFUNCTION, on_body);
	if (c == CURLE_OK)
		c = libcurl()->easy_setopt(
		    easy, CURLOPT_HEADERFUNCTION, on_header);
	if (c == CURLE_OK)
		c = libcurl()->easy_setopt(
		    easy, CURLOPT_PREREQFUNCTION, on_request);
	return c;
}

/* Ends a transfer that is to stop or does not move. */
static int
watch(struct transfer *t)
{
	const atomic_bool *cancel = t->try->rq->cancel;
	int64_t now;

	if (cancel && atomic_load(cancel))
		return error_set(t->err, -EINTR, "%s: stopped", t->shown);
	now = clock_ms();
	if (now - (t->connected ? t->moved_ms : t->begun_ms) >= FETCH_QUIET_MS)
		tell_quiet(t, true);
	/* Until it is connected, curl's own limit holds. */
	if (!t->connected || now - t->moved_ms < stall_ms(t))
		return 0;
	t->try->passing = true;
	return error_set(t->err, -EIO, "%s: %s for %g s", t->shown,
	    t->bytes - t->moved > 0 ? "hardly any data" : "no data",
	    (double)stall_ms(t) / 1000);
}

static CURLcode
result_of(CURLM *multi)
{
	int left;
	const CURLMsg *m = libcurl()->multi_info_read(multi, &left);

	return m && m->msg == CURLMSG_DONE ? m->data.result : CURLE_FAILED_INIT;
}

/*
 * curl_easy_perform(), but for looking up more often than its every second.
 * Where t->r says that we ended the transfer, the result does not count.
 */
static CURLcode
perform(struct transfer *t)
{
	CURLM *multi = t->http->multi;
	CURLMcode m = CURLM_OK;
	CURLcode c = CURLE_FAILED_INIT;

	if (libcurl()->multi_add_handle(multi, t->http->easy) != CURLM_OK)
		return CURLE_FAILED_INIT;
	for (;;) {
		int running = 0;

		m = libcurl()->multi_perform(multi, &running);
		if (m != CURLM_OK)
			break;
		if (running == 0) {
			c = result_of(multi);
			break;
		}
		t->r = watch(t);
		if (t->r < 0)
			break;
		m = libcurl()->multi_poll(multi, NULL, 0, WAIT_MS, NULL);
		if (m != CURLM_OK)
			break;
	}
	(void)libcurl()->multi_remove_handle(multi, t->http->easy);
	return m == CURLM_OUT_OF_MEMORY ? CURLE_OUT_OF_MEMORY : c;
}

static bool
is_passing(CURLcode c)
{
	switch (c) {
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_PARTIAL_FILE:
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
		return true;
	default:
		return false;
	}
}

static int
judge_code(struct transfer *t, CURLcode c)
{
	t->try->passing = is_passing(c);
	switch (c) {
	case CURLE_OUT_OF_MEMORY:
		return error_set(t->err, -ENOMEM, "out of memory");
	case CURLE_COULDNT_RESOLVE_HOST:
		return error_set(
		    t->err, -EIO, "%s: could not resolve host", t->shown);
	case CURLE_OPERATION_TIMEDOUT:
		return error_set(t->err, -EIO,
		    "%s: connection timed out after %g s", t->shown,
		    (double)http_connect_ms(t) / 1000);
	case CURLE_TOO_MANY_REDIRECTS:
		return error_set(t->err, -EIO, "%s: more than %d redirects",
		    t->shown, FETCH_REDIRECTS);
	case CURLE_UNSUPPORTED_PROTOCOL:
		/* Also where the answer does not begin as HTTP/1 does. */
		return error_set(t->err, -EIO, "%s: %s", t->shown,
		    status_of(t) > 0 ? "leads to what is neither http nor https"
				     : "answered with what is no HTTP");
	case CURLE_PARTIAL_FILE:
		return error_set(t->err, -EIO,
		    "%s: connection closed before the end", t->shown);
	default:
		return error_set(t->err, -EIO, "%s: %s", t->shown,
		    t->http->text[0] ? t->http->text
				     : libcurl()->easy_strerror(c));
	}
}

static bool
is_passing_status(long status)
{
	return status >= 500 || status == 429 || status == 408;
}

/* 416 is about the range, 407 is the proxy's. */
static int
error_of(long status)
{
	if (status == 404 || status == 410)
		return -ENOENT;
	if (status >= 400 && status < 500 && status != 407 && status != 416 &&
	    !is_passing_status(status))
		return -EACCES;
	return -EIO;
}

static int
judge_status(struct transfer *t)
{
	const struct fetch_request *rq = t->try->rq;
	long status = status_of(t);
	curl_off_t after = 0;

	if (status == 304 && (rq->if_none_match || rq->if_modified_since)) {
		t->try->answer->not_modified = true;
		return fill_answer(t);
	}
	t->try->range_refused = status == 416 && t->from != 0;
	t->try->passing = is_passing_status(status);
	(void)libcurl()->easy_getinfo(
	    t->http->easy, CURLINFO_RETRY_AFTER, &after);
	t->try->retry_after_s = after;
	return error_set(t->err, error_of(status), "%s: %s", t->shown,
	    t->reason[0] ? t->reason : "no answer");
}

static int
judge(struct transfer *t, CURLcode c)
{
	if (t->r < 0)
		return t->r;
	if (c != CURLE_OK && !(c == CURLE_WRITE_ERROR && t->body == BODY_DROP))
		return judge_code(t, c);
	/* A file without a byte has not been begun yet. */
	if (t->body == BODY_NONE && c == CURLE_OK) {
		int r = begin_body(t);

		if (r < 0)
			return r;
	}
	return t->body == BODY_FILE ? 0 : judge_status(t);
}

int
http_fetch(struct http *h, struct http_try *try, struct error *err)
{
	struct transfer t = {
	    .http = h, .try = try, .err = err, .begun_ms = clock_ms()};
	CLEANUP(cleanup_slist) struct curl_slist *headers = NULL;
	int r;
	CURLcode c;

	(void)url_shown(try->rq->url, t.shown);
	h->text[0] = '\0';
	r = http_headers(&t, &headers);
	if (r < 0)
		return error_set(err, r, "out of memory");
	c = set_options(&t, headers);
	if (c == CURLE_OK)
		c = perform(&t);
	r = judge(&t, c);
	/* Nothing of t may stay behind in the handle. */
	libcurl()->easy_reset(h->easy);
	return r;
}

int
http_new(struct http **ret)
{
	struct http *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	h->easy = libcurl()->easy_init();
	h->multi = libcurl()->multi_init();
	if (!h->easy || !h->multi) {
		http_free(h);
		return -ENOMEM;
	}
	*ret = h;
	return 0;
}

void
http_free(struct http *h)
{
	if (!h)
		return;
	libcurl()->easy_cleanup(h->easy);
	libcurl()->multi_cleanup(h->multi);
	free(h);
}
