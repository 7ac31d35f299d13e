#include "base/url.h"

#include <stdio.h>
#include <string.h>

/* What stands before user and password, and what behind them. */
static void
split(const char *url, struct span *head, const char **tail)
{
	const char *host = strstr(url, "://"), *at;

	*head = (struct span){url, 0};
	*tail = url;
	if (!host)
		return;
	host += strlen("://");
	head->len = (size_t)(host - url);
	/* The last '@' counts: a password may hold one unescaped. */
	at = memrchr(host, '@', strcspn(host, "/?#"));
	*tail = at ? at + 1 : host;
}

char *
url_shown(const char *url, char out[URL_SHOWN_SIZE])
{
	struct span head;
	const char *tail;
	int n;

	split(url, &head, &tail);
	n = snprintf(out, URL_SHOWN_SIZE, "%.*s%s", SPAN_ARG(head), tail);
	if (n >= URL_SHOWN_SIZE)
		memcpy(out + URL_SHOWN_SIZE - 4, "...", 4);
	return out;
}

int
url_add_shown(struct buf *b, const char *url)
{
	struct span head;
	const char *tail;

	split(url, &head, &tail);
	return buf_addf(b, "%.*s%s", SPAN_ARG(head), tail);
}
