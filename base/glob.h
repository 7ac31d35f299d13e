#ifndef BASE_GLOB_H
#define BASE_GLOB_H

/*
 * Patterns for whole texts, as aptly has them (Go's filepath.Match): '*' is any
 * run of characters, '?' any one, [a-z] one of a class, [^a-z] one that is not
 * in it, and '\' takes what follows as it stands.  None of these stands for a
 * '/'.  Characters are those of UTF-8; a byte that is none counts as one.
 */

#include <stdbool.h>

#include "base/span.h"

/* NULL where the pattern is good, else what is wrong with it. */
const char *glob_check(struct span pattern);
/* For a good pattern.  The work grows with the product of both lengths at
 * most. */
bool glob_match(struct span pattern, struct span text);

#endif
