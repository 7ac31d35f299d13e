#ifndef FS_REWRITE_H
#define FS_REWRITE_H

/*
 * Gives a package's files a place in a publication's pool where the one that
 * the stanza names can't be: outside pool/ (flat archives).  Pure.
 */

#include <stdbool.h>

#include "base/buf.h"
#include "store/package.h"

/* Is one of the files outside pool/? */
bool rewrite_needed(const struct light *l);

/*
 * Adds the stanza with its Filename (a source package: its Directory)
 * replaced by pool/<component>/<letters>/<source>/..., as Debian's pool is
 * laid out; all else stays byte for byte.  -EBADMSG: no path can be made of
 * the source's name, or the stanza has no Filename.
 */
int rewrite_stanza(struct span stanza, const struct light *l,
    const char *component, struct buf *out) MUST_CHECK;

#endif
