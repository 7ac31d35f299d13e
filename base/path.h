#ifndef BASE_PATH_H
#define BASE_PATH_H

/*
 * Checks of names that come from outside.  All validators return NULL where
 * the name is good and otherwise a constant text that says what is wrong with
 * it ("has a part '..'").
 */

#include "base/span.h"

#define PATH_MAX_LEN  1024 /* of a path inside an archive */
#define PATH_MAX_PART 255  /* of one name in it: what Linux allows */
#define NAME_MAX_LEN  128  /* of a mirror, snapshot, distribution part */

/*
 * A path inside an archive: relative, '/' between parts, no empty part, no
 * "." and "..", no control characters, within the limits above.
 */
const char *path_check(struct span path);
/* Drops leading "./" as flat archives write them: the rest is checked. */
struct span path_strip_dot(struct span path);
/* A name of ours: letters, digits and "+-.:_~@", beginning with a letter or
 * digit: no slash, no blank. */
const char *name_check(struct span name);
/* What follows the last slash, or all of it. */
struct span path_base(struct span path);
/* What stands before the last slash, or nothing. */
struct span path_dir(struct span path);

#endif
