#include "mirror/fetch.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/buf.h"
#include "base/url.h"
#include "mirror/fetch_file.h"
#include "mirror/fetch_http.h"
#include "mirror/fetch_url.h"
#include "mirror/libcurl.h"

#define PAUSE_MS       500   /* after the first try; doubles */
#define PAUSE_MAX_MS   10000 /* ours, and what a server may wish */
#define PAUSE_SLICE_MS 50    /* between looks at cancel */

struct fetcher {
	struct http *http;
};

int
fetch_global_init(struct error *err)
{
	const char *why = libcurl_load();
	CURLcode c;

	if (why)
		return error_set(err, -EIO, "cannot fetch: %s", why);
	c = libcurl()->global_init(CURL_GLOBAL_DEFAULT);
	if (c != CURLE_OK)
		return error_set(
		    err, -EIO, "libcurl: %s", libcurl()->easy_strerror(c));
	return 0;
}

int
fetcher_new(struct fetcher **ret)
{
	CLEANUP(fetcher_cleanup) struct fetcher *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return -ENOMEM;
	r = http_new(&f->http);
	if (r < 0)
		return r;
	*ret = TAKE(f);
	return 0;
}

void
fetcher_free(struct fetcher *f)
{
	if (!f)
		return;
	http_free(f->http);
	free(f);
}

void
fetch_answer_release(struct fetch_answer *a)
{
	free(a->etag);
	free(a->validator);
	*a = (struct fetch_answer){0};
}

/* How long to wait after the given try (from 0): spread by a quarter to both
 * sides, that many clients don't come back at the same moment. */
static long
pause_ms(unsigned tries, int64_t retry_after_s)
{
	long ms = tries < 5 ? PAUSE_MS << tries : PAUSE_MAX_MS;
	unsigned char dice = 128;

	/* Without luck the middle does. */
	(void)!getrandom(&dice, 1, GRND_NONBLOCK);
	ms = ms * 3 / 4 + ms * dice / 512;
	/* The server's number may be any: not to be multiplied unseen. */
	if (retry_after_s >= PAUSE_MAX_MS / 1000)
		return PAUSE_MAX_MS;
	if (retry_after_s * 1000 > ms)
		ms = (long)retry_after_s * 1000;
	return ms < PAUSE_MAX_MS ? ms : PAUSE_MAX_MS;
}

/* False where it was cancelled. */
static bool
wait_ms(long ms, const atomic_bool *cancel)
{
	while (ms > 0) {
		long slice = ms < PAUSE_SLICE_MS ? ms : PAUSE_SLICE_MS;
		struct timespec t = {0, slice * 1000000};

		if (cancel && atomic_load(cancel))
			return false;
		(void)nanosleep(&t, NULL);
		ms -= slice;
	}
	return !(cancel && atomic_load(cancel));
}

static int
stopped(const struct fetch_request *rq, struct error *err)
{
	char shown[URL_SHOWN_SIZE];

	return error_set(err, -EINTR, "%s: stopped", url_shown(rq->url, shown));
}

static int
fetch_tries(struct fetcher *f, const struct fetch_request *rq,
    const struct fetch_sink *sink, struct fetch_answer *ret, struct error *err)
{
	unsigned tries = rq->tries ? rq->tries : FETCH_TRIES;
	bool whole = false;

	for (unsigned i = 0;;) {
		struct http_try try = {
		    .rq = rq, .sink = sink, .answer = ret, .whole = whole};
		int r;

		fetch_answer_release(ret);
		r = http_fetch(f->http, &try, err);
		if (r >= 0)
			return r;
		if (try.range_refused && !whole) {
			whole = true;
			continue;
		}
		if (!try.passing || ++i >= tries)
			return r;
		if (rq->quiet)
			rq->quiet(rq->quiet_arg, true);
		if (!wait_ms(pause_ms(i - 1, try.retry_after_s), rq->cancel))
			return stopped(rq, err);
	}
}

int
fetch(struct fetcher *f, const struct fetch_request *rq,
    const struct fetch_sink *sink, struct fetch_answer *ret, struct error *err)
{
	*ret = (struct fetch_answer){0};
	if (rq->cancel && atomic_load(rq->cancel))
		return stopped(rq, err);
	if (url_is_file(rq->url))
		return fetch_file(rq, sink, ret, err);
	return fetch_tries(f, rq, sink, ret, err);
}

struct buf_sink {
	struct buf *out;
	size_t start; /* what stood there before */
	struct error *err;
};

static int
buf_begin(void *arg, uint64_t from)
{
	struct buf_sink *b = arg;

	(void)from;
	b->out->len = b->start;
	return 0;
}

static int
buf_write(void *arg, const void *ptr, size_t len)
{
	struct buf_sink *b = arg;

	if (buf_add(b->out, ptr, len) < 0)
		return error_set(b->err, -ENOMEM, "out of memory");
	return 0;
}

int
fetch_buf(struct fetcher *f, const struct fetch_request *rq, struct buf *out,
    struct fetch_answer *ret, struct error *err)
{
	CLEANUP(fetch_answer_release) struct fetch_answer own = {0};
	struct buf_sink b = {out, out->len, err};
	const struct fetch_sink sink = {buf_begin, buf_write, &b};
	struct fetch_request all = *rq;

	all.from = 0;
	return fetch(f, &all, &sink, ret ? ret : &own, err);
}
