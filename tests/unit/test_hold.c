#include "scratch_store.h"
#include "store/hold.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>

static atomic_bool stop = true;
static const struct hold_wait no_wait = {.cancel = &stop};

static int
take(struct scratch *s, enum hold kind, const struct hold_wait *wait, int *fd)
{
	struct error err = {""};
	int r = hold_take(s->store, kind, wait, fd, &err);

	assert_true((r < 0) == (err.text[0] != '\0'));
	return r;
}

static void
test_hold_take_shared_or_alone(void **state)
{
	struct scratch *s = *state;
	int one = -1, two = -1, alone = -1;

	assert_int_equal(take(s, HOLD_SHARED, NULL, &one), 0);
	assert_int_equal(take(s, HOLD_SHARED, &no_wait, &two), 0);
	assert_int_equal(take(s, HOLD_ALONE, &no_wait, &alone), -EINTR);
	assert_int_equal(alone, -1);
	(void)close(one);
	assert_int_equal(take(s, HOLD_ALONE, &no_wait, &alone), -EINTR);
	(void)close(two);
	assert_int_equal(take(s, HOLD_ALONE, &no_wait, &alone), 0);
	assert_int_equal(take(s, HOLD_SHARED, &no_wait, &one), -EINTR);
	assert_int_equal(take(s, HOLD_ALONE, &no_wait, &one), -EINTR);
	(void)close(alone);
	assert_int_equal(take(s, HOLD_SHARED, &no_wait, &one), 0);
	(void)close(one);
}

struct waiter {
	struct scratch *s;
	int r, fd;
};

static void *
wait_alone(void *arg)
{
	struct waiter *w = arg;
	struct error err;

	w->r = hold_take(w->s->store, HOLD_ALONE, NULL, &w->fd, &err);
	return NULL;
}

static void
test_hold_take_waits(void **state)
{
	struct waiter w = {.s = *state, .r = 1, .fd = -1};
	pthread_t thread;
	int shared = -1;

	assert_int_equal(take(w.s, HOLD_SHARED, NULL, &shared), 0);
	assert_int_equal(pthread_create(&thread, NULL, wait_alone, &w), 0);
	(void)usleep(20000);
	(void)close(shared);
	(void)pthread_join(thread, NULL);
	assert_int_equal(w.r, 0);
	(void)close(w.fd);
}

static void
test_hold_is_alone(void **state)
{
	struct scratch *s = *state;
	int fd;

	assert_true(hold_is_alone(s->store));
	assert_true(hold_is_alone(s->store));
	/* As another program would: LMDB does not want two in one process. */
	fd = openat(store_blobs_fd(s->store), ".", O_RDONLY | O_DIRECTORY);
	assert_true(fd >= 0);
	assert_int_equal(hold_enter(fd), 0);
	assert_false(hold_is_alone(s->store));
	/* That it asked must not have lost its own. */
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), -1);
	(void)close(fd);
	assert_true(hold_is_alone(s->store));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(test_hold_take_shared_or_alone),
	    scratch_test(test_hold_take_waits),
	    scratch_test(test_hold_is_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
