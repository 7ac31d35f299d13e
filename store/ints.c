#include "store/ints.h"

#define INT_BYTES_MAX 10 /* of 64 bits */

int
ints_add(struct buf *b, uint64_t v)
{
	unsigned char bytes[INT_BYTES_MAX];
	size_t n = 0;

	while (v > 0x7f) {
		bytes[n++] = (unsigned char)(v | 0x80);
		v >>= 7;
	}
	bytes[n++] = (unsigned char)v;
	return buf_add(b, bytes, n);
}

int
ints_add_signed(struct buf *b, int64_t v)
{
	uint64_t u = (uint64_t)v << 1;

	return ints_add(b, v < 0 ? ~u : u);
}

bool
ints_cut(struct span *text, uint64_t *ret)
{
	uint64_t v = 0;

	for (size_t i = 0; i < text->len && i < INT_BYTES_MAX; i++) {
		unsigned char byte = (unsigned char)text->ptr[i];

		v |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (byte & 0x80)
			continue;
		text->ptr += i + 1;
		text->len -= i + 1;
		*ret = v;
		return true;
	}
	return false;
}
