#ifndef MIRROR_FETCH_URL_H
#define MIRROR_FETCH_URL_H

/* What a fetch needs to know of a URL, after fetch_global_init().  Pure but for
 * allocation. */

#include <stdbool.h>

#include "base/cleanup.h"

/* Whether a page is what one expects there: it ends in '/', .html or .htm. */
bool url_is_page(const char *url);
bool url_is_file(const char *url);
/* The decoded path of a file: URL, for the caller to free.  -EINVAL, -ENOMEM.
 */
int url_file_path(const char *url, char **ret) MUST_CHECK;

#endif
