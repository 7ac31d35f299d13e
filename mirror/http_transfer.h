#ifndef MIRROR_HTTP_TRANSFER_H
#define MIRROR_HTTP_TRANSFER_H

/* A transfer under way: for fetch_http.c, which runs it, and http_options.c,
 * which says how. */

#include "base/url.h"
#include "mirror/fetch_http.h"
#include "mirror/libcurl.h"

#define HTTP_REASON_MAX 96 /* bytes of "404 Not Found" */

struct http {
	CURL *easy;
	CURLM *multi;
	char text[CURL_ERROR_SIZE]; /* curl's own words for a failure */
};

/* What is done with the body that comes. */
enum body {
	BODY_NONE, /* nothing has come yet */
	BODY_FILE, /* the sink has begun */
	BODY_DROP, /* an error page */
};

struct transfer {
	struct http *http;
	struct http_try *try;
	struct error *err;
	uint64_t from; /* asked for with Range, 0 for all */
	enum body body;
	uint64_t bytes; /* of body, dropped ones too */
	bool connected;
	int64_t begun_ms, moved_ms; /* when it began, and last made progress */
	uint64_t moved;		    /* bytes then */
	bool quiet;		    /* as the requester was told */
	int r;			    /* what ended it from our side, or 0 */
	char reason[HTTP_REASON_MAX];
	char shown[URL_SHOWN_SIZE];
};

/* Until it is connected, in milliseconds. */
long http_connect_ms(const struct transfer *t);
/* Whether a value may stand in a header, and is worth being kept. */
bool http_is_header_value(const char *value);
/* The headers of the request that are ours; t->from is what it asks for.  The
 * list is for the caller to free, at a failure too. */
int http_headers(struct transfer *t, struct curl_slist **list) MUST_CHECK;
/* Sets the options that are numbers and texts. */
CURLcode http_set_values(const struct transfer *t);

#endif
