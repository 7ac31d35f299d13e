#ifndef ALGEBRA_WORDS_H
#define ALGEBRA_WORDS_H

/*
 * Strings of bytes that are kept once each, and numbered from 0 in the order
 * in which they came.  A zeroed struct is empty.  How they are spread over the
 * table can't be foreseen, so that an archive has no way to slow it down.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

#define WORDS_MAX	(UINT32_MAX - 1) /* words */
#define WORDS_MAX_BYTES UINT32_MAX	 /* all together */
#define WORD_NONE	UINT32_MAX	 /* no word's number */

struct words {
	struct buf bytes;
	uint32_t *ends; /* by number: offset behind the word in bytes */
	struct words_slot {
		uint32_t hash;
		uint32_t number; /* and one; 0: empty */
	} * slots;		 /* nslots, a power of two */
	size_t n, cap, nslots;
	uint64_t seed;
};

/* The word's number, a new one where it was not there.  -ENOMEM; -E2BIG. */
int words_add(struct words *w, struct span word, uint32_t *ret) MUST_CHECK;
/* WORD_NONE where it is not there. */
uint32_t words_find(const struct words *w, struct span word);
/* Lent until the next words_add(). */
struct span words_get(const struct words *w, uint32_t number);
void words_release(struct words *w);

#endif
