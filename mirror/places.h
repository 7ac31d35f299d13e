#ifndef MIRROR_PLACES_H
#define MIRROR_PLACES_H

/*
 * The URLs that a blob can be had at, in the order in which they are tried:
 * where archives have it, then what they name as fallbacks.  Private to
 * mirror/.
 */

#include <stddef.h>

#include "store/blob.h"
#include "store/origin.h"

#define PLACES_OWN_MAX 32 /* at archives */
#define PLACES_MAX     96 /* with fallbacks */

struct place {
	const struct origin *origin; /* for ca, cert, key; NULL at a fallback */
	char *url;
};

/* Zeroed it is empty. */
struct places {
	struct {
		struct origin origin;
		char *path;
	} own[PLACES_OWN_MAX];
	size_t nown;
	struct place v[PLACES_MAX];
	size_t n;
};

int places_find(
    struct txn *t, const struct blob *b, struct places *ret) MUST_CHECK;
void places_release(struct places *p);

#endif
