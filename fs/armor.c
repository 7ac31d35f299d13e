#include "fs/armor.h"

#include <errno.h>
#include <stdint.h>

#define LINE_BYTES 48 /* in a line of 64 characters */

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* RFC 4880, 6.1. */
static uint32_t
crc24(struct span s)
{
	uint32_t crc = 0xb704ce;

	for (size_t i = 0; i < s.len; i++) {
		crc ^= (uint32_t)(unsigned char)s.ptr[i] << 16;
		for (int bit = 0; bit < 8; bit++) {
			crc <<= 1;
			if (crc & 0x1000000)
				crc ^= 0x1864cfb;
		}
	}
	return crc & 0xffffff;
}

/* One to three bytes as four characters. */
static void
add_group(struct buf *out, const unsigned char *p, size_t n)
{
	uint32_t word = (uint32_t)p[0] << 16;
	char group[4];

	if (n > 1)
		word |= (uint32_t)p[1] << 8;
	if (n > 2)
		word |= p[2];
	group[0] = alphabet[word >> 18];
	group[1] = alphabet[word >> 12 & 63];
	group[2] = n > 1 ? alphabet[word >> 6 & 63] : '=';
	group[3] = n > 2 ? alphabet[word & 63] : '=';
	(void)buf_add(out, group, sizeof(group));
}

static void
add_base64(struct buf *out, const void *ptr, size_t len)
{
	const unsigned char *p = ptr;

	for (size_t i = 0; i < len; i += 3)
		add_group(out, p + i, len - i);
}

int
armor_public_keys(struct span binary, struct buf *out)
{
	uint32_t crc = crc24(binary);
	unsigned char sum[3] = {
	    (unsigned char)(crc >> 16),
	    (unsigned char)(crc >> 8),
	    (unsigned char)crc,
	};

	(void)buf_add_str(out, "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n");
	for (size_t i = 0; i < binary.len; i += LINE_BYTES) {
		size_t left = binary.len - i;

		add_base64(
		    out, binary.ptr + i, left < LINE_BYTES ? left : LINE_BYTES);
		(void)buf_add_char(out, '\n');
	}
	(void)buf_add_char(out, '=');
	add_base64(out, sum, sizeof(sum));
	(void)buf_add_str(out, "\n-----END PGP PUBLIC KEY BLOCK-----\n");
	return out->failed ? -ENOMEM : 0;
}
