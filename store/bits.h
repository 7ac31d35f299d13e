#ifndef STORE_BITS_H
#define STORE_BITS_H

/* Sets of numbers as bits: what 63,000 packages cost is 8 KB.  A zeroed struct
 * is empty. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

#define BITS_MAX (UINT64_C(1) << 36) /* no number beyond it goes in */

struct bits {
	unsigned char *v;
	size_t size; /* bytes */
};

/* 1 where the number was not in the set yet, else 0; -ENOMEM; -E2BIG. */
int bits_set(struct bits *b, uint64_t n) MUST_CHECK;
static inline bool
bits_has(const struct bits *b, uint64_t n)
{
	return n / 8 < b->size && b->v[n / 8] >> (n % 8) & 1;
}
/* The first number >= from in the set; UINT64_MAX: none. */
uint64_t bits_next(const struct bits *b, uint64_t from);
void bits_release(struct bits *b);

#endif
