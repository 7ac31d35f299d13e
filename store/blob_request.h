#ifndef STORE_BLOB_REQUEST_H
#define STORE_BLOB_REQUEST_H

/*
 * How those who serve files ask for one that is remote, without knowing who
 * fetches it.
 */

#include <stdint.h>

/*
 * Called once, from any thread, when the blob is present (0) or could not be
 * had (a negative errno); `why` is a line for the log, NULL with 0.
 */
typedef void blob_done_fn(void *ctx, int r, const char *why);

struct blob_requests {
	void *arg;
	/* Starts a fetch or joins the one under way; returns at once.  done
	 * may be called before it returns. */
	void (*request)(
	    void *arg, uint64_t blob, blob_done_fn *done, void *ctx);
	/* ctx no longer waits: done will not be called for it, or is being
	 * called already (false).  The fetch goes on. */
	int (*forget)(void *arg, uint64_t blob, void *ctx);
};

#endif
