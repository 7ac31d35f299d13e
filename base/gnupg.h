#ifndef BASE_GNUPG_H
#define BASE_GNUPG_H

/* Sets gpgme up, before anything else of it is called. */

#include <gpgme.h>

/* 0 where gpg can be used.  Any thread may call, any number of times. */
gpgme_error_t gnupg_start(void);

#endif
