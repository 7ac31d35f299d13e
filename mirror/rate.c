#include "mirror/rate.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"

#define NS_PER_S UINT64_C(1000000000)
#define SLICE_NS (50 * UINT64_C(1000000)) /* between looks at cancel */
#define BURST_NS (NS_PER_S / 4) /* what was not used for longer is lost */

/* The lock covers free_at: the moment, by the monotonic clock, until which all
 * that came is paid for. */
struct rate {
	pthread_mutex_t lock;
	uint64_t bytes_per_s;
	uint64_t free_at;
};

int
rate_new(uint64_t bytes_per_s, struct rate **ret)
{
	struct rate *r;

	*ret = NULL;
	if (bytes_per_s == 0)
		return 0;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	/* With default attributes it can't fail. */
	(void)pthread_mutex_init(&r->lock, NULL);
	r->bytes_per_s = bytes_per_s;
	*ret = r;
	return 0;
}

void
rate_free(struct rate *r)
{
	if (!r)
		return;
	(void)pthread_mutex_destroy(&r->lock);
	free(r);
}

/* Until when these bytes last. */
static uint64_t
book(struct rate *r, size_t bytes)
{
	uint64_t now = (uint64_t)clock_ns(), until;
	/* Pieces of a transfer are small: no overflow below 18 GB. */
	uint64_t cost = (uint64_t)bytes * NS_PER_S / r->bytes_per_s;

	(void)pthread_mutex_lock(&r->lock);
	if (r->free_at + BURST_NS < now)
		r->free_at = now - BURST_NS;
	r->free_at += cost;
	until = r->free_at;
	(void)pthread_mutex_unlock(&r->lock);
	return until;
}

int
rate_pay(struct rate *r, size_t bytes, const atomic_bool *cancel)
{
	uint64_t until, now;

	if (!r)
		return 0;
	until = book(r, bytes);
	while (now = (uint64_t)clock_ns(), now < until) {
		uint64_t ns = until - now < SLICE_NS ? until - now : SLICE_NS;
		struct timespec ts = {0, (long)ns};

		if (cancel && atomic_load(cancel))
			return -EINTR;
		(void)nanosleep(&ts, NULL);
	}
	return 0;
}
