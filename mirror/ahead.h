#ifndef MIRROR_AHEAD_H
#define MIRROR_AHEAD_H

/*
 * Files that are read one after another and come several at once.
 *
 * Threads fetch them into the blob store, in their order, while one thread, the
 * caller's, reads them in the same order: of each what has come, before it is
 * whole.  The next one is asked for when those that are under way have less
 * than AHEAD_BYTES to come: so the server's latency is waited for once, and the
 * bandwidth is left to the file that is read.  Memory does not depend on how
 * far ahead the threads are.
 *
 * Each file is asked for once, at one place.  What fails is left to the reader,
 * who knows other places and what to say; where the server is in trouble, all
 * that has not been begun is left to him too.
 */

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/hash.h"
#include "base/progress.h"
#include "mirror/fetch.h"
#include "store/store.h"

#define AHEAD_BYTES   (UINT64_C(1) << 20)
#define AHEAD_FETCHES 4 /* at once, where nothing else was asked for */

struct ahead;

struct ahead_file {
	char *url;
	struct digest sha256;
	uint64_t size; /* bytes, all of them */
};

/* What is pointed to outlives the ahead. */
struct ahead_opts {
	struct store *store;
	/* Of all requests: origin, cancel, limits of time and speed. */
	struct fetch_request request;
	struct fetcher *fetcher;   /* lent, for its connections; or NULL */
	unsigned fetches;	   /* at once, 0: AHEAD_FETCHES */
	struct rate *rate;	   /* that all bytes are paid to; or NULL */
	struct progress *progress; /* bytes are counted there */
};

int ahead_new(const struct ahead_opts *opts, const struct ahead_file *files,
    size_t n, struct ahead **ret) MUST_CHECK;
/* Breaks off what is under way. */
void ahead_free(struct ahead *a);
static inline void
ahead_cleanup(struct ahead **a)
{
	ahead_free(*a);
}
/*
 * Reads of file i (from 0) at most len bytes from byte `at` on; waits until
 * there are any.  They are not proven before it returns 0: the file is present
 * and has no more.  -ENOENT: the file is left to the reader; -EINTR: the
 * request's *cancel became true; -EIO, -ENOMEM: the store can't be read.
 */
ssize_t ahead_read(
    struct ahead *a, size_t i, uint64_t at, void *ptr, size_t len) MUST_CHECK;
/* Bytes of file i, or of all of them, that have come. */
uint64_t ahead_bytes_of(struct ahead *a, size_t i);
uint64_t ahead_bytes(struct ahead *a);

#endif
