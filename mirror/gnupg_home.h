#ifndef MIRROR_GNUPG_HOME_H
#define MIRROR_GNUPG_HOME_H

/* A GnuPG home of our own under $TMPDIR (or /tmp), for public keys only: gpg
 * starts no agent there and asks no keyserver. */

#include "base/error.h"

/* The name is for the caller to free. */
int gnupg_home_make(char **ret, struct error *err) MUST_CHECK;
/* Removes it with all that gpg put there; NULL is accepted. */
void gnupg_home_remove(const char *home);

#endif
