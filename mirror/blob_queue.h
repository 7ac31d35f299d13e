#ifndef MIRROR_BLOB_QUEUE_H
#define MIRROR_BLOB_QUEUE_H

/*
 * Fetches blobs with threads of its own, so many at once from each origin that
 * an origin which stalls delays nobody else's.  Transfers that have gone quiet
 * don't count, up to BLOB_QUEUE_QUIET times as many: a few files that stall do
 * not keep the origin's others from anybody.  However many ask for a blob, it
 * is fetched once at a time; each place that it may come from is tried in
 * order, and a wrong size or hash counts as that place's failure.  A blob that
 * could not be had is not asked for again for BLOB_QUEUE_NEGATIVE_S seconds
 * (for one second where it was room or memory that this machine lacked), unless
 * every requester is a command (retry).
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/progress.h"
#include "store/blob_request.h"
#include "store/store.h"

#define BLOB_QUEUE_NEGATIVE_S 20
#define BLOB_QUEUE_QUIET      3

struct blob_queue;

struct blob_queue_opts {
	unsigned threads;     /* fetches at once from an origin; 0: 4 */
	bool retry;	      /* no memory of failures */
	uint64_t bytes_per_s; /* of all together, 0: no limit */
	long connect_ms, stall_ms;
	unsigned tries;
	struct progress *progress; /* bytes and files are counted there */
	struct rate *rate;	   /* private: what holds bytes_per_s */
	/* Private: as those of a fetch_request (mirror/fetch.h). */
	void (*quiet)(void *arg, bool quiet);
	void *quiet_arg;
};

int blob_queue_new(struct store *s, const struct blob_queue_opts *opts,
    struct blob_queue **ret, struct error *err) MUST_CHECK;
/* Cancels what is under way; done is called with -EINTR for all that wait. */
void blob_queue_free(struct blob_queue *q);
static inline void
blob_queue_cleanup(struct blob_queue **q)
{
	blob_queue_free(*q);
}
/* The queue as those who serve files see it; lives as long as the queue. */
struct blob_requests *blob_queue_requests(struct blob_queue *q);

/* Fetches one blob in the calling thread and returns when it is done. */
int blob_fetch(struct store *s, uint64_t blob,
    const struct blob_queue_opts *opts, struct error *err) MUST_CHECK;

#endif
