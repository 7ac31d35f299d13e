#ifndef MIRROR_FETCH_URL_H
#define MIRROR_FETCH_URL_H

/* What a fetch needs to know of a URL.  Pure but for allocation. */

#include <stdbool.h>

#include "base/cleanup.h"

#define URL_SHOWN_SIZE 640

/* The URL as it may be shown: without user and password, cut with "..." where
 * it is too long for a message.  Returns out. */
char *url_shown(const char *url, char out[URL_SHOWN_SIZE]);
/* Whether a page is what one expects there: it ends in '/', .html or .htm. */
bool url_is_page(const char *url);
bool url_is_file(const char *url);
/* The decoded path of a file: URL, for the caller to free.  -EINVAL, -ENOMEM.
 */
int url_file_path(const char *url, char **ret) MUST_CHECK;

#endif
