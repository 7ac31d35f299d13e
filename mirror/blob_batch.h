#ifndef MIRROR_BLOB_BATCH_H
#define MIRROR_BLOB_BATCH_H

/*
 * Fetches many blobs for a command, several at once.  What nobody has any
 * more is written down (store/gone.h), and forgotten where it was fetched
 * after all.
 */

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "mirror/blob_queue.h"

struct blob_batch;

struct blob_item {
	uint64_t blob; /* number */
	uint64_t size; /* bytes */
	/* Filled in: 0, or why it is not here; -ECANCELED where the batch
	 * ended before. */
	int r;
	struct blob_batch *batch; /* that it is part of */
};

/* Called by one thread at a time, not for what a full disk or *cancel kept
 * from being fetched. */
typedef void blob_failed_fn(
    void *arg, const struct blob_item *item, const char *why);

struct blob_batch {
	struct blob_item *v;
	size_t n;
	blob_failed_fn *failed; /* or NULL */
	void *arg;
	/* Filled in. */
	uint64_t fetched_files, fetched_bytes, failed_files;
	struct blob_run *run; /* private */
};

/*
 * Goes on after a file that can't be had; 0 says nothing about the single
 * ones.  -ENOSPC and -EINTR (*cancel became true) end it at once; the items
 * are filled in then too.
 */
int blob_batch_fetch(struct store *s, struct blob_batch *b,
    const struct blob_queue_opts *opts, const atomic_bool *cancel,
    struct error *err) MUST_CHECK;

#endif
