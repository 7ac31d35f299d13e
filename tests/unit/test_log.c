#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define OUT_SIZE 8192

/* Standard error as a pipe of packets: one read(2) yields one write(2). */
struct capture {
	int saved;
	int from;
};

static int
capture_setup(void **state)
{
	static struct capture c;
	int ends[2];

	/* O_DIRECT makes packets; a page each, so there is room for 256. */
	if (pipe2(ends, O_DIRECT | O_NONBLOCK) < 0 ||
	    fcntl(ends[1], F_SETPIPE_SZ, 1 << 20) < 0)
		return -1;
	c.from = ends[0];
	c.saved = dup(STDERR_FILENO);
	*state = &c;
	return dup2(ends[1], STDERR_FILENO) < 0 ? -1 : close(ends[1]);
}

static int
capture_teardown(void **state)
{
	struct capture *c = *state;

	log_set_level(LOG_INFO);
	(void)dup2(c->saved, STDERR_FILENO);
	(void)close(c->saved);
	return close(c->from);
}

/* The next packet as a string; "" when there is none. */
static const char *
next(void **state, char out[OUT_SIZE])
{
	const struct capture *c = *state;
	ssize_t n = read(c->from, out, OUT_SIZE - 1);

	out[n > 0 ? n : 0] = '\0';
	return out;
}

static void
test_line_in_one_write(void **state)
{
	char out[OUT_SIZE];

	log_info("%s of %d", "one", 2);
	log_error("a\nb\033[2J");
	assert_string_equal(next(state, out), "suitefs: one of 2\n");
	assert_string_equal(next(state, out), "suitefs: a?b?[2J\n");
	assert_string_equal(next(state, out), "");
}

static void
test_line_too_long(void **state)
{
	char out[OUT_SIZE];
	char text[OUT_SIZE];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_info("%s", text);
	(void)next(state, out);
	assert_int_equal(strlen(out), 4095);
	assert_int_equal(out[4094], '\n');
	assert_string_equal(next(state, out), "");
}

static void
test_set_level_hides(void **state)
{
	static const enum log_level levels[] = {
	    LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG};
	char out[OUT_SIZE];

	assert_int_equal(log_get_level(), LOG_INFO);
	for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
		log_set_level(levels[i]);
		log_error("0");
		log_warn("1");
		log_info("2");
		log_debug("3");
		for (size_t k = 0; k <= i; k++) {
			char want[] = "suitefs: 0\n";

			want[9] = (char)('0' + k);
			assert_string_equal(next(state, out), want);
		}
		assert_string_equal(next(state, out), "");
	}
}

#define THREADS 4
#define LINES	50

static void *
talk(void *arg)
{
	for (int i = 0; i < LINES; i++)
		log_info("thread %d says %d", *(int *)arg, i);
	return NULL;
}

static void
test_line_from_threads(void **state)
{
	pthread_t threads[THREADS];
	int ids[THREADS], count[THREADS] = {0};
	char out[OUT_SIZE], want[64];

	for (int i = 0; i < THREADS; i++) {
		ids[i] = i;
		assert_int_equal(
		    pthread_create(&threads[i], NULL, talk, &ids[i]), 0);
	}
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	for (int i = 0; i < THREADS * LINES; i++) {
		int id;

		assert_int_equal(
		    sscanf(next(state, out), "suitefs: thread %d", &id), 1);
		assert_in_range(id, 0, THREADS - 1);
		(void)snprintf(want, sizeof(want),
		    "suitefs: thread %d says %d\n", id, count[id]++);
		assert_string_equal(out, want);
	}
	assert_string_equal(next(state, out), "");
}

static void
test_to_syslog_too(void **state)
{
	char out[OUT_SIZE];

	log_to_syslog("test_log");
	log_debug("not said");
	log_info("said twice");
	assert_string_equal(next(state, out), "suitefs: said twice\n");
}

#define CAPTURED(f)                                                            \
	cmocka_unit_test_setup_teardown(f, capture_setup, capture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CAPTURED(test_line_in_one_write), CAPTURED(test_line_too_long),
	    CAPTURED(test_set_level_hides), CAPTURED(test_line_from_threads),
	    CAPTURED(test_to_syslog_too), /* last: it can't be undone */
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
