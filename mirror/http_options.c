/* What a request says, and how libcurl is to go about it. */

#include <errno.h>
#include <string.h>

#include "base/date.h"
#include "mirror/http_transfer.h"

#define READ_BLOCK (128 * 1024) /* bytes handed over at once */
#define HEADER_MAX 512		/* bytes of an ETag or date that we keep */

long
http_connect_ms(const struct transfer *t)
{
	long ms = t->try->rq->connect_ms;

	return ms > 0 ? ms : FETCH_CONNECT_S * 1000L;
}

bool
http_is_header_value(const char *value)
{
	size_t len = 0;

	for (const char *p = value; *p; p++, len++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return false;
	}
	return len > 0 && len <= HEADER_MAX;
}

static int
add_header(struct curl_slist **list, const char *name, const char *value)
{
	char line[HEADER_MAX + 64];
	struct curl_slist *more;

	(void)snprintf(line, sizeof(line), "%s: %s", name, value);
	more = libcurl()->slist_append(*list, line);
	if (!more)
		return -ENOMEM;
	*list = more;
	return 0;
}

/* RFC 9110, 5.6.7: as in Release, but for the zone's name. */
static int
add_date(struct curl_slist **list, const char *name, int64_t when)
{
	char text[DATE_SIZE];

	(void)date_format(when, text);
	memcpy(strrchr(text, ' '), " GMT", sizeof(" GMT"));
	return add_header(list, name, text);
}

/*
 * The conditions are headers of our own: with CURLOPT_TIMECONDITION curl drops
 * a 200 whose Last-Modified is not newer, even where the ETag differs.
 */
int
http_headers(struct transfer *t, struct curl_slist **list)
{
	const struct fetch_request *rq = t->try->rq;
	int r = 0;
	bool checked;
	char range[32];

	if (rq->if_none_match && http_is_header_value(rq->if_none_match))
		r = add_header(list, "If-None-Match", rq->if_none_match);
	else if (rq->if_modified_since)
		r = add_date(list, "If-Modified-Since", rq->if_modified_since);
	if (r < 0)
		return r;
	checked = rq->if_range && http_is_header_value(rq->if_range) &&
		  strncmp(rq->if_range, "W/", 2) != 0;
	if (t->try->whole || rq->from == 0 || (!checked && !rq->from_anyway))
		return 0;
	t->from = rq->from;
	(void)snprintf(
	    range, sizeof(range), "bytes=%llu-", (unsigned long long)t->from);
	r = add_header(list, "Range", range);
	if (r < 0 || !checked)
		return r;
	return add_header(list, "If-Range", rq->if_range);
}

static CURLcode
set_numbers(const struct transfer *t)
{
	const struct {
		CURLoption option;
		long value;
	} numbers[] = {
	    {CURLOPT_NOSIGNAL, 1},
	    {CURLOPT_NETRC, CURL_NETRC_OPTIONAL},
	    {CURLOPT_FOLLOWLOCATION, 1},
	    {CURLOPT_MAXREDIRS, FETCH_REDIRECTS},
	    {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
	    {CURLOPT_TCP_KEEPALIVE, 1},
	    {CURLOPT_CONNECTTIMEOUT_MS, http_connect_ms(t)},
	};
	CURLcode c = CURLE_OK;

	for (size_t i = 0; i < ARRAY_LEN(numbers) && c == CURLE_OK; i++) {
		CURLoption option = numbers[i].option;

		c = libcurl()->easy_setopt(
		    t->http->easy, option, numbers[i].value);
	}
	if (c == CURLE_OK && t->try->rq->bytes_per_s)
		c = libcurl()->easy_setopt(t->http->easy,
		    CURLOPT_MAX_RECV_SPEED_LARGE,
		    (curl_off_t)t->try->rq->bytes_per_s);
	/* Refused by a handle that still has the buffer of a try that failed
	 * early: that one does too. */
	(void)libcurl()->easy_setopt(
	    t->http->easy, CURLOPT_BUFFERSIZE, (long)READ_BLOCK);
	return c;
}

static CURLcode
set_texts(const struct transfer *t)
{
	const struct origin *o = t->try->rq->origin;
	const struct {
		CURLoption option;
		const char *value;
	} texts[] = {
	    {CURLOPT_URL, t->try->rq->url},
	    {CURLOPT_USERAGENT, "suitefs/" VERSION},
	    {CURLOPT_PROTOCOLS_STR, "http,https"},
	    {CURLOPT_REDIR_PROTOCOLS_STR, "http,https"},
	    {CURLOPT_CAINFO, o ? o->ca : NULL},
	    {CURLOPT_SSLCERT, o ? o->cert : NULL},
	    {CURLOPT_SSLKEY, o ? o->key : NULL},
	};
	CURLcode c = CURLE_OK;

	for (size_t i = 0; i < ARRAY_LEN(texts) && c == CURLE_OK; i++) {
		CURLoption option = texts[i].option;

		if (texts[i].value)
			c = libcurl()->easy_setopt(
			    t->http->easy, option, texts[i].value);
	}
	return c;
}

CURLcode
http_set_values(const struct transfer *t)
{
	CURLcode c = set_numbers(t);

	return c == CURLE_OK ? set_texts(t) : c;
}
