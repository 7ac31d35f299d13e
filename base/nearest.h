#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

/*
 * What somebody who mistyped a name may have meant: of some names those that
 * the fewest changes make of it (a character that is missing, too many, wrong,
 * or in the other's place): one for each three of its bytes, three at most.  A
 * zeroed struct with the word in it has seen no name yet.
 */

#include <stddef.h>

#include "base/span.h"

#define NEAREST_MAX_WORD 128 /* bytes; nothing is near to a longer one */
#define NEAREST_MAX	 3   /* names that are kept */
#define NEAREST_SIZE	 448

struct nearest {
	struct span word;
	unsigned distance; /* of the names below */
	size_t n;	   /* how many; NEAREST_MAX + 1: too many to tell */
	char names[NEAREST_MAX][NEAREST_MAX_WORD + 1];
};

void nearest_try(struct nearest *n, struct span name);
/* Is there one? */
static inline bool
nearest_found(const struct nearest *n)
{
	return n->n > 0 && n->n <= NEAREST_MAX;
}
/* "; is it monday?", "; is it monday, or sunday?", or nothing, for the end of a
 * message.  prefix stands before each name.  Returns out. */
const char *nearest_question(
    const struct nearest *n, const char *prefix, char out[NEAREST_SIZE]);

#endif
