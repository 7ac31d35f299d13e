#ifndef BASE_VERSION_H
#define BASE_VERSION_H

/* Debian version numbers, deb-version(7). */

#include "base/span.h"

/* <0, 0, >0 as dpkg orders them: epoch at the first colon, revision at the
 * last hyphen, '~' before everything, digit runs of any length. */
int version_cmp(struct span a, struct span b);

#endif
