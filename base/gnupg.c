#include "base/gnupg.h"

#include <pthread.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;

/*
 * gpgme asks gpgconf, and the programs that it names, one after another: five
 * processes and 30 ms, for S/MIME and other engines that nobody here wants.
 * Without gpgconf it looks for gpg in PATH.
 */
static void
start(void)
{
	(void)gpgme_set_global_flag("disable-gpgconf", "1");
	/* Not for the version: this sets gpgme up. */
	(void)gpgme_check_version(NULL);
}

gpgme_error_t
gnupg_start(void)
{
	(void)pthread_once(&once, start);
	return gpgme_engine_check_version(GPGME_PROTOCOL_OpenPGP);
}
