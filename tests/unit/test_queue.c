#include "base/queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

static void
queue_cleanup(struct queue **q)
{
	queue_free(*q);
}

static void
test_new_limits(void **state)
{
	struct queue *q = NULL;

	(void)state;
	assert_int_equal(queue_new(0, &q), -EINVAL);
	assert_int_equal(queue_new(SIZE_MAX, &q), -ENOMEM);
	assert_null(q);
	queue_free(NULL);
}

static void
test_read_end(void **state)
{
	static const int statuses[] = {0, -EBADMSG};
	struct span got;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		CLEANUP(queue_cleanup) struct queue *q = NULL;

		assert_int_equal(queue_new(1, &q), 0);
		assert_int_equal(queue_write(q, "ab", 2), 0);
		assert_int_equal(queue_write(q, NULL, 0), 0);
		assert_int_equal(queue_write(q, "c", 1), 0);
		queue_end(q, statuses[i]);
		assert_int_equal(queue_read(q, &got), 1);
		assert_true(span_eq(got, SPAN("abc")));
		assert_int_equal(queue_read(q, &got), statuses[i]);
		assert_int_equal(queue_read(q, &got), statuses[i]);
	}
}

static void
test_read_empty(void **state)
{
	CLEANUP(queue_cleanup) struct queue *q = NULL;
	struct span got;

	(void)state;
	assert_int_equal(queue_new(2, &q), 0);
	queue_end(q, 0);
	assert_int_equal(queue_read(q, &got), 0);
}

static void
test_read_exact_blocks(void **state)
{
	static char block[QUEUE_BLOCK];
	CLEANUP(queue_cleanup) struct queue *q = NULL;
	struct span got;

	(void)state;
	assert_int_equal(queue_new(2, &q), 0);
	assert_int_equal(queue_write(q, block, sizeof(block)), 0);
	assert_int_equal(queue_write(q, block, sizeof(block)), 0);
	queue_end(q, 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(queue_read(q, &got), 1);
		assert_int_equal(got.len, QUEUE_BLOCK);
	}
	assert_int_equal(queue_read(q, &got), 0);
}

static void
test_stop_fails_write(void **state)
{
	CLEANUP(queue_cleanup) struct queue *q = NULL;

	(void)state;
	assert_int_equal(queue_new(1, &q), 0);
	assert_int_equal(queue_write(q, "a", 1), 0);
	queue_stop(q, -E2BIG);
	assert_int_equal(queue_write(q, "b", 1), -E2BIG);
	assert_int_equal(queue_write(q, NULL, 0), -E2BIG);
	queue_stop(q, 0);
	assert_int_equal(queue_write(q, "b", 1), -EINTR);
}

#define TOTAL (24 * QUEUE_BLOCK + 12345)

struct work {
	struct queue *q;
	struct digest digest; /* of what the producer wrote */
	int result;
};

/* Pieces of all kinds of sizes, some larger than a block. */
static void *
produce(void *arg)
{
	struct work *w = arg;
	CLEANUP(hash_cleanup) struct hash *h = NULL;
	unsigned seed = 1;
	CLEANUP_FREE char *piece = malloc(3 * QUEUE_BLOCK);
	size_t left = TOTAL;

	if (!piece || hash_new(&h) < 0)
		abort();
	for (size_t i = 0; i < 3 * QUEUE_BLOCK; i++)
		piece[i] = (char)(i * 31 + i / 251);
	while (left > 0 && w->result == 0) {
		size_t len = (size_t)rand_r(&seed) % (3 * QUEUE_BLOCK);

		/* Mostly small ones. */
		if (seed % 8 != 0)
			len %= 5000;
		len = len < left ? len : left;
		w->result = queue_write(w->q, piece, len);
		hash_add(h, piece, len);
		left -= len;
	}
	hash_end(h, &w->digest);
	queue_end(w->q, 0);
	return NULL;
}

static void
test_write_in_another_thread(void **state)
{
	static const size_t blocks[] = {1, 2, 5, 100};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(blocks); i++) {
		CLEANUP(queue_cleanup) struct queue *q = NULL;
		CLEANUP(hash_cleanup) struct hash *h = NULL;
		struct work w = {0};
		struct digest d;
		struct span got;
		pthread_t producer;
		size_t total = 0;

		assert_int_equal(hash_new(&h), 0);
		assert_int_equal(queue_new(blocks[i], &q), 0);
		w.q = q;
		assert_int_equal(
		    pthread_create(&producer, NULL, produce, &w), 0);
		while (queue_read(q, &got) == 1) {
			assert_in_range(got.len, 1, QUEUE_BLOCK);
			hash_add(h, got.ptr, got.len);
			total += got.len;
		}
		assert_int_equal(pthread_join(producer, NULL), 0);
		hash_end(h, &d);
		assert_int_equal(w.result, 0);
		assert_int_equal(total, TOTAL);
		assert_true(digest_eq(&d, &w.digest));
	}
}

static void
test_stop_wakes_producer(void **state)
{
	CLEANUP(queue_cleanup) struct queue *q = NULL;
	struct work w = {0};
	struct span got;
	pthread_t producer;

	(void)state;
	assert_int_equal(queue_new(2, &q), 0);
	w.q = q;
	assert_int_equal(pthread_create(&producer, NULL, produce, &w), 0);
	assert_int_equal(queue_read(q, &got), 1);
	queue_stop(q, -EBADMSG);
	assert_int_equal(pthread_join(producer, NULL), 0);
	assert_int_equal(w.result, -EBADMSG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_new_limits),
	    cmocka_unit_test(test_read_end),
	    cmocka_unit_test(test_read_empty),
	    cmocka_unit_test(test_read_exact_blocks),
	    cmocka_unit_test(test_stop_fails_write),
	    cmocka_unit_test(test_write_in_another_thread),
	    cmocka_unit_test(test_stop_wakes_producer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
