#include "base/queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* A ring: `full` blocks from `head` on belong to the consumer, the one after
 * them to the producer, if there is one. */
struct queue {
	size_t blocks;
	size_t *used; /* bytes in each block */

	/* The producer's alone. */
	size_t tail; /* the block it fills */
	size_t fill; /* bytes in it */
	bool owned;  /* it has one */

	/* The consumer's alone. */
	bool lent; /* head was given out by queue_read() */

	pthread_mutex_t lock;
	pthread_cond_t changed; /* at most one thread waits on it */
	/* Under the lock. */
	size_t head;
	size_t full;
	bool ended, stopped;
	int end_status, stop_status;

	char bytes[];
};

int
queue_new(size_t blocks, struct queue **ret)
{
	struct queue *q;

	if (blocks == 0)
		return -EINVAL;
	if (blocks > (SIZE_MAX - sizeof(*q)) / QUEUE_BLOCK)
		return -ENOMEM;
	q = malloc(sizeof(*q) + blocks * QUEUE_BLOCK);
	if (!q)
		return -ENOMEM;
	*q = (struct queue){.blocks = blocks};
	q->used = calloc(blocks, sizeof(*q->used));
	if (!q->used) {
		free(q);
		return -ENOMEM;
	}
	(void)pthread_mutex_init(&q->lock, NULL);
	(void)pthread_cond_init(&q->changed, NULL);
	*ret = q;
	return 0;
}

void
queue_free(struct queue *q)
{
	if (!q)
		return;
	(void)pthread_cond_destroy(&q->changed);
	(void)pthread_mutex_destroy(&q->lock);
	free(q->used);
	free(q);
}

/* Waits for an empty block to fill, or for the consumer to give up. */
static int
get_block(struct queue *q)
{
	int r = 0;

	(void)pthread_mutex_lock(&q->lock);
	while (!q->stopped && !q->owned && q->full == q->blocks)
		(void)pthread_cond_wait(&q->changed, &q->lock);
	if (q->stopped)
		r = q->stop_status;
	else
		q->owned = true;
	(void)pthread_mutex_unlock(&q->lock);
	return r;
}

/* Hands the filled block over; called with the lock held. */
static void
give_block(struct queue *q)
{
	q->used[q->tail] = q->fill;
	q->tail = (q->tail + 1) % q->blocks;
	q->fill = 0;
	q->owned = false;
	q->full++;
	(void)pthread_cond_signal(&q->changed);
}

int
queue_write(struct queue *q, const void *ptr, size_t len)
{
	const char *p = ptr;
	int r;

	/* Also with no bytes: so the producer hears of a stop. */
	r = get_block(q);
	while (r == 0 && len > 0) {
		size_t n = QUEUE_BLOCK - q->fill;

		if (n > len)
			n = len;
		memcpy(q->bytes + q->tail * QUEUE_BLOCK + q->fill, p, n);
		q->fill += n;
		p += n;
		len -= n;
		if (q->fill < QUEUE_BLOCK)
			break;
		(void)pthread_mutex_lock(&q->lock);
		give_block(q);
		(void)pthread_mutex_unlock(&q->lock);
		if (len > 0)
			r = get_block(q);
	}
	return r;
}

void
queue_end(struct queue *q, int status)
{
	(void)pthread_mutex_lock(&q->lock);
	if (q->owned && q->fill > 0)
		give_block(q);
	q->ended = true;
	q->end_status = status;
	(void)pthread_cond_signal(&q->changed);
	(void)pthread_mutex_unlock(&q->lock);
}

int
queue_read(struct queue *q, struct span *ret)
{
	int r = 1;

	(void)pthread_mutex_lock(&q->lock);
	if (q->lent) {
		q->lent = false;
		q->head = (q->head + 1) % q->blocks;
		q->full--;
		(void)pthread_cond_signal(&q->changed);
	}
	while (q->full == 0 && !q->ended)
		(void)pthread_cond_wait(&q->changed, &q->lock);
	if (q->full > 0) {
		q->lent = true;
		ret->ptr = q->bytes + q->head * QUEUE_BLOCK;
		ret->len = q->used[q->head];
	} else {
		r = q->end_status;
	}
	(void)pthread_mutex_unlock(&q->lock);
	return r;
}

void
queue_stop(struct queue *q, int status)
{
	(void)pthread_mutex_lock(&q->lock);
	q->stopped = true;
	/* 0 would tell the producer to go on. */
	q->stop_status = status < 0 ? status : -EINTR;
	(void)pthread_cond_signal(&q->changed);
	(void)pthread_mutex_unlock(&q->lock);
}
