#ifndef MIRROR_FETCH_HTTP_H
#define MIRROR_FETCH_HTTP_H

/* One try of a transfer over http or https.  For mirror/fetch.c, which repeats
 * it. */

#include "mirror/fetch.h"

struct http; /* connections that are kept; one thread at a time */

int http_new(struct http **ret) MUST_CHECK;
void http_free(struct http *h);

struct http_try {
	const struct fetch_request *rq;
	const struct fetch_sink *sink;
	struct fetch_answer *answer; /* zeroed */
	bool whole;		     /* don't resume, whatever rq says */

	/* Results of a failed try. */
	bool passing;	       /* trying again may help */
	bool range_refused;    /* trying again with whole will help */
	int64_t retry_after_s; /* as the server wishes, or 0 */
};

int http_fetch(
    struct http *h, struct http_try *try, struct error *err) MUST_CHECK;

#endif
