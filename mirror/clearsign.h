#ifndef MIRROR_CLEARSIGN_H
#define MIRROR_CLEARSIGN_H

/* The outer form of clearsigned messages (RFC 9580, 7).  Pure. */

#include "base/buf.h"
#include "base/error.h"

/*
 * Checks that bytes are one clearsigned message, with nothing but blank lines
 * around it, no armour header but Hash, and every dash in its text escaped.
 * -EBADMSG with the line otherwise.  Where plain is not NULL, the text is
 * added to it as gpg would give it: unescaped, without blanks and CR at line
 * ends.  -ENOMEM; plain has no part of the text after a failure.
 */
int clearsign_split(struct span bytes, const char *name, struct buf *plain,
    struct error *err) MUST_CHECK;
/* Adds text without blanks and CR at line ends, every line with its newline:
 * gpg leaves the CR of CRLF, which is not signed.  -ENOMEM. */
int clearsign_trim(struct span text, struct buf *plain) MUST_CHECK;

#endif
