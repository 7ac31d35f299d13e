#include "mirror/fetch_url.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "mirror/fetch.h"
#include "mirror/libcurl.h"

static void
cleanup_curlu(CURLU **u)
{
	if (*u)
		libcurl()->url_cleanup(*u);
}

static void
cleanup_curl(char **p)
{
	if (*p)
		libcurl()->free(*p);
}

static bool
ends_nocase(const char *s, size_t len, const char *suffix)
{
	size_t n = strlen(suffix);

	return len >= n && strncasecmp(s + len - n, suffix, n) == 0;
}

bool
url_is_page(const char *url)
{
	size_t len = strcspn(url, "?#");

	return ends_nocase(url, len, "/") || ends_nocase(url, len, ".html") ||
	       ends_nocase(url, len, ".htm");
}

bool
url_is_file(const char *url)
{
	return strncasecmp(url, "file:", 5) == 0;
}

int
url_file_path(const char *url, char **ret)
{
	CLEANUP(cleanup_curlu) CURLU *u = libcurl()->url();
	CURLUcode c;
	CLEANUP(cleanup_curl) char *path = NULL;
	char *copy;

	if (!u)
		return -ENOMEM;
	c = libcurl()->url_set(u, CURLUPART_URL, url, 0);
	if (c != CURLUE_OK)
		return c == CURLUE_OUT_OF_MEMORY ? -ENOMEM : -EINVAL;
	c = libcurl()->url_get(u, CURLUPART_PATH, &path, CURLU_URLDECODE);
	if (c != CURLUE_OK)
		return c == CURLUE_OUT_OF_MEMORY ? -ENOMEM : -EINVAL;
	copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	*ret = copy;
	return 0;
}

static const char *
check_chars(const char *url)
{
	for (const char *p = url; *p; p++) {
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			return "has a blank or control character";
		if (*p == '?' || *p == '#')
			return "has a query or fragment";
	}
	return NULL;
}

static const char *
check_file(const char *url)
{
	CLEANUP_FREE char *path = NULL;
	int r = url_file_path(url, &path);

	if (r == -ENOMEM)
		return "can't be checked: out of memory";
	if (r < 0 || url[strlen("file:")] != '/')
		return "is no well-formed file: URL with an absolute path";
	return NULL;
}

const char *
fetch_url_check(const char *url)
{
	const char *why = check_chars(url);
	CLEANUP(cleanup_curlu) CURLU *u = NULL;
	CURLUcode c;
	CLEANUP(cleanup_curl) char *host = NULL;

	if (why)
		return why;
	if (url_is_file(url))
		return check_file(url);
	if (strncasecmp(url, "http://", 7) != 0 &&
	    strncasecmp(url, "https://", 8) != 0)
		return "does not begin with http://, https:// or file:";
	/* curl takes "http:///host/" for "http://host/". */
	if (strstr(url, "://")[3] == '/')
		return "has no host";
	u = libcurl()->url();
	if (!u)
		return "can't be checked: out of memory";
	c = libcurl()->url_set(u, CURLUPART_URL, url, 0);
	if (c == CURLUE_NO_HOST)
		return "has no host";
	if (c == CURLUE_OUT_OF_MEMORY)
		return "can't be checked: out of memory";
	if (c != CURLUE_OK)
		return "is not well-formed";
	c = libcurl()->url_get(u, CURLUPART_HOST, &host, 0);
	if (c != CURLUE_OK || host[0] == '\0')
		return "has no host";
	return NULL;
}

const char *
fetch_fallback_check(const char *url)
{
	const char *why = fetch_url_check(url);
	const char *mark = strstr(url, ORIGIN_HASH);
	const char *host = strstr(url, "://");

	if (why || !mark || url_is_file(url))
		return why;
	if (mark < host + 3 + strcspn(host + 3, "/"))
		return "has " ORIGIN_HASH " elsewhere than in its path";
	return NULL;
}
