#ifndef MIRROR_RATE_H
#define MIRROR_RATE_H

/* A limit of bytes per second that several threads share. */

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

struct rate;

/* 0 bytes per second: no limit, *ret is NULL.  -ENOMEM. */
int rate_new(uint64_t bytes_per_s, struct rate **ret) MUST_CHECK;
void rate_free(struct rate *r);
static inline void
rate_cleanup(struct rate **r)
{
	rate_free(*r);
}
/* Returns when the bytes that came just now are paid for: -EINTR where *cancel
 * (or NULL) became true before.  NULL is no limit. */
int rate_pay(
    struct rate *r, size_t bytes, const atomic_bool *cancel) MUST_CHECK;

#endif
