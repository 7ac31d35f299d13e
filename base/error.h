#ifndef BASE_ERROR_H
#define BASE_ERROR_H

/*
 * What went wrong, for a person.
 *
 * Functions return a negative errno; where a person needs more than the
 * number, they also fill the caller's struct error, which is the last
 * parameter and may be NULL.  The text is one line without a newline, says
 * what could not be done and names the file, field, line or URL.  The text is
 * meaningful only after a failure.  Library code never prints; the command or
 * the mount prints the text once.
 *
 * The numbers, one meaning each, throughout the program:
 *
 *   ENOENT        proven absent (never "could not look")
 *   EEXIST        the name is taken
 *   EBUSY         still in use (a published snapshot, say)
 *   EINVAL        an argument that can't be meant: wrong usage
 *   EBADMSG       malformed, or size or hash differ from what was announced
 *   E2BIG         larger than a limit allows
 *   ENOKEY        no signature by a key of the keyring
 *   EKEYREJECTED  a bad signature
 *   EKEYEXPIRED   only signatures by expired keys, or expired signatures
 *   EKEYREVOKED   only signatures by revoked keys
 *   ESTALE        Valid-Until has passed, or Date went back
 *   EPROTO        the store's schema is newer than this program
 *   EACCES        refused: a file may not be read, a server says 401 or 403
 *   EROFS         a write to the published tree
 *   EPERM         others could have written it, or we may not
 *   ENOSPC        the disk or the map is full
 *   ENOMEM        out of memory
 *   EINTR         stopped on request
 *   EIO           anything else that could not be done
 */

#include "base/cleanup.h"

/* In messages: 1 file, 2 files. */
#define PLURAL(n) ((n) == 1 ? "" : "s")

struct error {
	char text[1024];
};

/*
 * Writes the text and returns r, so that failing is one line:
 * return error_set(err, -EBADMSG, "%s:%zu: no colon", name, line);
 * Control characters that foreign bytes bring along become '?'.
 */
int error_set(struct error *err, int r, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* As error_set(), with ": " and the system's words for -r at the end. */
int error_sys(struct error *err, int r, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Puts "<formatted>: " in front of the text that is there, or of the system's
 * words for -r where there is none; returns r. */
int error_prefix(struct error *err, int r, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* Makes every control character of a string '?', as the calls above do. */
void error_clean(char *text);

#endif
