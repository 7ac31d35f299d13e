#ifndef MIRROR_LIMITS_H
#define MIRROR_LIMITS_H

/* Limits of fetching, as users say them.  Pure. */

#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/span.h"

#define LIMIT_FETCHES_MAX 64

struct limits {
	unsigned fetches;     /* at once from an archive; 0: the default */
	uint64_t bytes_per_s; /* of all together; 0: none */
	long stall_ms;	      /* without progress; 0: the default */
};

/* "8": 1 to LIMIT_FETCHES_MAX.  "500k", "2M", "1G" or without a letter:
 * at least 1.  -EINVAL. */
int limit_fetches(struct span s, unsigned *ret);
int limit_rate(struct span s, uint64_t *ret);

/*
 * Takes fetches=, fetch_rate= and fetch_stall= (seconds) out of mount options,
 * which have commas between them; the others are added to rest.  -EINVAL: a
 * bad value.
 */
int limits_take(struct span options, struct limits *ret, struct buf *rest,
    struct error *err) MUST_CHECK;

#endif
