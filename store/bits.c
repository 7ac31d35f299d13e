#include "store/bits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LEAST 1024 /* bytes */

static int
reserve(struct bits *b, size_t size)
{
	size_t want = b->size ? b->size : LEAST;
	unsigned char *v;

	while (want < size)
		want *= 2;
	v = realloc(b->v, want);
	if (!v)
		return -ENOMEM;
	memset(v + b->size, 0, want - b->size);
	b->v = v;
	b->size = want;
	return 0;
}

int
bits_set(struct bits *b, uint64_t n)
{
	size_t at = (size_t)(n / 8);
	unsigned char bit = (unsigned char)(1u << (n % 8));

	if (n > BITS_MAX)
		return -E2BIG;
	if (at >= b->size && reserve(b, at + 1) < 0)
		return -ENOMEM;
	if (b->v[at] & bit)
		return 0;
	b->v[at] |= bit;
	return 1;
}

uint64_t
bits_next(const struct bits *b, uint64_t from)
{
	for (uint64_t n = from; n / 8 < b->size;) {
		if (bits_has(b, n))
			return n;
		n++;
		while (n % 8 == 0 && n / 8 < b->size && b->v[n / 8] == 0)
			n += 8;
	}
	return UINT64_MAX;
}

void
bits_release(struct bits *b)
{
	free(b->v);
	*b = (struct bits){0};
}
