#ifndef BASE_HASH_H
#define BASE_HASH_H

/* SHA-256 through libcrypto, and its digests as bytes and as hex. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/span.h"

#define DIGEST_SIZE	32
#define DIGEST_HEX_SIZE (2 * DIGEST_SIZE + 1)

struct digest {
	unsigned char byte[DIGEST_SIZE];
};

struct hash; /* a computation under way; one thread at a time */

/* -ENOMEM, or 0. */
int hash_new(struct hash **ret) MUST_CHECK;
/* Another computation that has seen the same bytes so far. */
int hash_fork(const struct hash *h, struct hash **ret) MUST_CHECK;
void hash_add(struct hash *h, const void *ptr, size_t len);
/* Yields the digest and starts anew. */
void hash_end(struct hash *h, struct digest *ret);
void hash_free(struct hash *h);
static inline void
hash_cleanup(struct hash **h)
{
	hash_free(*h);
}

/* One call for bytes in memory. */
void digest_of(const void *ptr, size_t len, struct digest *ret);
bool digest_eq(const struct digest *a, const struct digest *b);
int digest_cmp(const struct digest *a, const struct digest *b);
/* Lower-case hex and a NUL; returns out. */
char *digest_hex(const struct digest *d, char out[DIGEST_HEX_SIZE]);
/* 64 hex digits of either case; -EBADMSG otherwise. */
int digest_parse(struct span hex, struct digest *ret);

#endif
