#ifndef STORE_INTS_H
#define STORE_INTS_H

/*
 * Sequences of integers inside a record, as bytes: 7 bits a byte, the low ones
 * first, the high bit set in all bytes but the last; signed ones are doubled
 * first, and -1, -2, ... become 1, 3, ...  Numbers that grow by small steps
 * take a byte each, and nothing is allocated to read them.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

int ints_add(struct buf *b, uint64_t v);
int ints_add_signed(struct buf *b, int64_t v);
/* Cuts the next one from *text; false at the end and where it is damaged. */
bool ints_cut(struct span *text, uint64_t *ret);
static inline bool
ints_cut_signed(struct span *text, int64_t *ret)
{
	uint64_t u;

	/* Here, as there are many and most take a byte. */
	if (text->len > 0 && !(*text->ptr & 0x80)) {
		u = (unsigned char)*text->ptr++;
		text->len--;
	} else if (!ints_cut(text, &u)) {
		return false;
	}
	*ret = u & 1 ? (int64_t) ~(u >> 1) : (int64_t)(u >> 1);
	return true;
}

#endif
