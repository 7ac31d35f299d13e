#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h wants the above. */
#include <cmocka.h>

#include "fs/restarts.h"

static void
test_restarts_burst(void **state)
{
	struct restarts r;
	int delay = -1;

	(void)state;
	restarts_init(&r, 3, 1000);
	for (int i = 0; i < 3; i++) {
		assert_true(restarts_take(&r, 1000, &delay));
		assert_int_equal(delay, i * RESTARTS_DELAY_MS);
	}
	assert_false(restarts_take(&r, 1000 + RESTARTS_REGAIN_MS - 1, &delay));
	assert_true(restarts_take(&r, 1000 + RESTARTS_REGAIN_MS, &delay));
	assert_false(restarts_take(&r, 1000 + RESTARTS_REGAIN_MS, &delay));
}

static void
test_restarts_now_and_then(void **state)
{
	struct restarts r;
	int64_t now = 5;
	int delay;

	(void)state;
	restarts_init(&r, 2, now);
	/* As many as seconds pass, for ever. */
	for (int i = 0; i < 1000; i++) {
		now += RESTARTS_REGAIN_MS;
		assert_true(restarts_take(&r, now, &delay));
		assert_int_equal(delay, 0);
	}
	/* A long time gives back no more than the limit. */
	now += 1000000;
	assert_true(restarts_take(&r, now, &delay));
	assert_true(restarts_take(&r, now, &delay));
	assert_false(restarts_take(&r, now, &delay));
}

static void
test_restarts_parts_of_a_second_add_up(void **state)
{
	struct restarts r;
	int delay;

	(void)state;
	restarts_init(&r, 1, 0);
	assert_true(restarts_take(&r, 0, &delay));
	for (int64_t now = 100; now < RESTARTS_REGAIN_MS; now += 100)
		assert_false(restarts_take(&r, now, &delay));
	assert_true(restarts_take(&r, RESTARTS_REGAIN_MS, &delay));
}

static void
test_restarts_never(void **state)
{
	struct restarts r;
	int delay;

	(void)state;
	restarts_init(&r, 0, 0);
	assert_false(restarts_take(&r, 0, &delay));
	assert_false(restarts_take(&r, 1000000, &delay));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_restarts_burst),
	    cmocka_unit_test(test_restarts_now_and_then),
	    cmocka_unit_test(test_restarts_parts_of_a_second_add_up),
	    cmocka_unit_test(test_restarts_never),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
