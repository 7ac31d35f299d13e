#ifndef BASE_URL_H
#define BASE_URL_H

/* URLs as people may see them: without user and password. */

#include "base/buf.h"

#define URL_SHOWN_SIZE 640

/* For a message; cut with "..." where it is too long for one.  Returns out. */
char *url_shown(const char *url, char out[URL_SHOWN_SIZE]);
/* The same in full, added to b. */
int url_add_shown(struct buf *b, const char *url);

#endif
