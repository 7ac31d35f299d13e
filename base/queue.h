#ifndef BASE_QUEUE_H
#define BASE_QUEUE_H

/*
 * A bounded queue of byte blocks between one producing and one consuming
 * thread, so that decompression and parsing run beside each other.  At most
 * `blocks` blocks are under way; the producer waits when they are.
 */

#include <stddef.h>

#include "base/cleanup.h"
#include "base/span.h"

#define QUEUE_BLOCK (256 * 1024) /* bytes in a block */

struct queue;

int queue_new(size_t blocks, struct queue **ret) MUST_CHECK;
void queue_free(struct queue *q);
/* Copies bytes in; the error the consumer gave to queue_stop(), if it did. */
int queue_write(struct queue *q, const void *ptr, size_t len) MUST_CHECK;
/* No more will come; status (0 or a negative errno) reaches the consumer
 * after the last byte. */
void queue_end(struct queue *q, int status);
/*
 * Lends the next block until the following call.  1 with bytes, 0 at the good
 * end, the producer's negative errno at a bad one.
 */
int queue_read(struct queue *q, struct span *ret) MUST_CHECK;
/* The consumer gives up: the producer's next write fails with status. */
void queue_stop(struct queue *q, int status);

#endif
