#ifndef MIRROR_FETCH_H
#define MIRROR_FETCH_H

/*
 * One transfer at a time: http and https through libcurl, file: by reading.
 *
 * A fetcher keeps its connections between calls and serves one thread; a
 * global curl set-up is done once by fetch_global_init(), which loads libcurl.
 * Proxies and netrc are taken from the environment.  Redirects stay on http and
 * https.  A transfer that fails in a way that may pass (no connection, reset,
 * stall, which is less than FETCH_PROGRESS in FETCH_STALL_S, 5xx, 429) is tried
 * again, FETCH_TRIES times in all, with growing pauses; the sink is told to
 * begin anew.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "store/origin.h"

#define FETCH_TRIES	4
#define FETCH_CONNECT_S 20   /* seconds until connected */
#define FETCH_STALL_S	30   /* seconds without progress */
#define FETCH_PROGRESS	1024 /* bytes that are some */
#define FETCH_QUIET_MS	3000 /* until a transfer counts as quiet */
#define FETCH_REDIRECTS 10

/* Called before everything else here, and before threads start.  -EIO: libcurl
 * can't be had. */
int fetch_global_init(struct error *err) MUST_CHECK;

struct fetcher;
int fetcher_new(struct fetcher **ret) MUST_CHECK;
void fetcher_free(struct fetcher *f);
static inline void
fetcher_cleanup(struct fetcher **f)
{
	fetcher_free(*f);
}

/* Where the body goes.  A negative return ends the transfer with it. */
struct fetch_sink {
	/* The body begins at byte `from` (0, or what the request offered to
	 * resume at); called again when a try begins anew. */
	int (*begin)(void *arg, uint64_t from);
	int (*write)(void *arg, const void *ptr, size_t len);
	void *arg;
};

struct fetch_request {
	const char *url;
	const struct origin *origin; /* for ca, cert, key; may be NULL */
	uint64_t max_bytes; /* a longer file is -E2BIG; 0 asks for no limit */
	/* Conditional: NULL and 0 where not wanted.  The time is not looked at
	 * where there is an ETag. */
	const char *if_none_match;
	int64_t if_modified_since;
	/* Resume: asks for the bytes from here on, 0 for all, provided that the
	 * file is still the one that if_range (an earlier answer's validator)
	 * stands for.  Without if_range, from is not looked at, unless
	 * from_anyway says that the caller checks the whole file's hash. */
	uint64_t from;
	const char *if_range;
	bool from_anyway;
	/* Ends the transfer with -EINTR soon after it becomes true; or NULL. */
	const atomic_bool *cancel;
	/* Milliseconds; 0 for the defaults above. */
	long connect_ms, stall_ms;
	unsigned tries;	      /* 0: FETCH_TRIES */
	uint64_t bytes_per_s; /* limit, 0: none */
	/* Told that nothing has come for FETCH_QUIET_MS, and that something
	 * comes again; or NULL. */
	void (*quiet)(void *arg, bool quiet);
	void *quiet_arg;
};

/*
 * Filled in before the sink's begin is called, so that begin may look at it,
 * and kept on failure: release it in any case.
 */
struct fetch_answer {
	bool not_modified;
	char *etag;	       /* or NULL */
	int64_t last_modified; /* or 0 */
	char *validator;       /* for if_range, or NULL */
	uint64_t bytes;	       /* of body received in the last try */
};

/*
 * Fetches.  -ENOENT: the server says that there is no such thing (404, 410;
 * for file: the file is absent); -EACCES: it refuses to give it (any other 4xx
 * that does not pass: some stores answer 403 where a file is absent); -E2BIG;
 * -EBADMSG: the answer is no file (an HTML page where the URL is not one's);
 * -EINTR; -EIO for the rest.  err names the URL (without user and password) and
 * the reason.  The sink's errors are returned as they are, and err is left to
 * the sink.
 */
int fetch(struct fetcher *f, const struct fetch_request *rq,
    const struct fetch_sink *sink, struct fetch_answer *ret,
    struct error *err) MUST_CHECK;
void fetch_answer_release(struct fetch_answer *a);

/* A small file into memory; it is added to out.  ret may be NULL. */
struct buf;
int fetch_buf(struct fetcher *f, const struct fetch_request *rq,
    struct buf *out, struct fetch_answer *ret, struct error *err) MUST_CHECK;

/* NULL where a URL is one that can be mirrored (http, https, file:, a host
 * where one is needed, no query), otherwise what is wrong with it. */
const char *fetch_url_check(const char *url);
/* The same for a fallback (store/origin.h), which may name files by hash. */
const char *fetch_fallback_check(const char *url);

#endif
