#include "base/progress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

#define OUT_SIZE 65536
#define WIPE	 "\r\033[K"

/* Seconds that the clock is put forward, so that nobody has to wait. */
static time_t forward_s;

int
clock_gettime(clockid_t clock, struct timespec *ret)
{
	int r = (int)syscall(SYS_clock_gettime, clock, ret);

	if (clock == CLOCK_MONOTONIC)
		ret->tv_sec += forward_s;
	return r;
}

/* Standard error as a pipe or as a terminal, and its other end. */
struct capture {
	int saved;
	int from;
};

static int
redirect(void **state, int to, int from)
{
	static struct capture c;

	c.saved = dup(STDERR_FILENO);
	c.from = from;
	*state = &c;
	if (fcntl(from, F_SETFL, O_NONBLOCK) < 0)
		return -1;
	return dup2(to, STDERR_FILENO) < 0 ? -1 : close(to);
}

static int
pipe_setup(void **state)
{
	int ends[2];

	return pipe(ends) < 0 ? -1 : redirect(state, ends[1], ends[0]);
}

static int
terminal_setup(void **state)
{
	struct winsize size = {.ws_row = 25, .ws_col = 60};
	int ours = posix_openpt(O_RDWR | O_NOCTTY);
	struct termios raw;
	int theirs;

	if (ours < 0 || grantpt(ours) < 0 || unlockpt(ours) < 0)
		return -1;
	theirs = open(ptsname(ours), O_RDWR | O_NOCTTY);
	if (theirs < 0 || ioctl(theirs, TIOCSWINSZ, &size) < 0 ||
	    tcgetattr(theirs, &raw) < 0)
		return -1;
	cfmakeraw(&raw);
	if (tcsetattr(theirs, TCSANOW, &raw) < 0 || setenv("TERM", "xterm", 1))
		return -1;
	return redirect(state, theirs, ours);
}

static int
teardown(void **state)
{
	struct capture *c = *state;

	log_set_level(LOG_INFO);
	(void)dup2(c->saved, STDERR_FILENO);
	(void)close(c->saved);
	return close(c->from);
}

/* All that was written since the last call. */
static const char *
written(void **state)
{
	static char out[OUT_SIZE];
	const struct capture *c = *state;
	size_t len = 0;
	ssize_t n;

	while ((n = read(c->from, out + len, sizeof(out) - 1 - len)) > 0)
		len += (size_t)n;
	out[len] = '\0';
	return out;
}

static bool
starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

static void
test_null_is_accepted(void **state)
{
	(void)state;
	progress_stage(NULL, "x", 1, 1);
	progress_expect(NULL, 1, 1);
	progress_add(NULL, 1, 1);
	progress_end(NULL);
	progress_free(NULL);
	progress_hide();
	progress_show();
}

static void
test_new_only_one(void **state)
{
	CLEANUP(progress_cleanup) struct progress *p = progress_new();

	(void)state;
	assert_non_null(p);
	assert_null(progress_new());
	progress_free(TAKE(p));
	p = progress_new();
	assert_non_null(p);
}

static void
test_new_quiet(void **state)
{
	(void)state;
	log_set_level(LOG_WARN);
	assert_null(progress_new());
}

static void
test_pipe_lines(void **state)
{
	CLEANUP(progress_cleanup) struct progress *p = progress_new();
	const char *out;

	progress_stage(p, "Fetching\033", 3 * 1024 * 1024, 12);
	for (int i = 0; i < 1000; i++)
		progress_add(p, 1000, 0);
	progress_add(p, 0, 5);
	assert_string_equal(written(state), "");
	forward_s += 4;
	progress_add(p, 0, 1);
	assert_true(starts(written(state),
	    "suitefs: Fetching?, 6/12 files, 976.6 KiB/3.0 MiB (31%), "));
	forward_s += 9;
	progress_add(p, 0, 1);
	assert_string_equal(written(state), "");
	forward_s += 2;
	progress_add(p, 0, 1);
	assert_true(starts(written(state), "suitefs: Fetching?, 8/12 files, "));
	progress_end(p);
	out = written(state);
	assert_true(starts(
	    out, "suitefs: Fetching?, 8/12 files, 976.6 KiB/3.0 MiB (31%), "));
	assert_int_equal(out[strlen(out) - 1], '\n');
	progress_end(p);
	assert_string_equal(written(state), "");
}

static void
test_pipe_stage_ends_stage(void **state)
{
	CLEANUP(progress_cleanup) struct progress *p = progress_new();

	progress_stage(p, "One", 0, 0);
	progress_add(p, 0, 3);
	forward_s += 4;
	progress_stage(p, "Two", 0, 0);
	assert_true(starts(written(state), "suitefs: One, 3 files, 4."));
}

static void
test_pipe_short_stages_say_nothing(void **state)
{
	CLEANUP(progress_cleanup) struct progress *p = progress_new();

	progress_stage(p, "One", 0, 0);
	progress_add(p, 1000, 3);
	forward_s += 2;
	progress_stage(p, "Two", 0, 0);
	progress_add(p, 1000, 3);
	progress_end(p);
	assert_string_equal(written(state), "");
}

static void
test_terminal_draws_and_wipes(void **state)
{
	CLEANUP(progress_cleanup) struct progress *p = progress_new();
	const char *out;

	progress_stage(p, "Fetching", 2000, 0);
	assert_string_equal(
	    written(state), "\rFetching, 0 B/2.0 KiB (0%)\033[K");
	progress_add(p, 500, 0);
	progress_expect(p, 2000, 2);
	assert_string_equal(written(state), "");
	/* Other output goes between wiping and drawing again. */
	log_warn("careful");
	out = written(state);
	assert_true(starts(out, WIPE
	    "suitefs: careful\n\rFetching, 0/2 files, 500 B/3.9 KiB (12%)"));
	progress_end(p);
	assert_string_equal(written(state), WIPE);
	log_warn("alone");
	assert_string_equal(written(state), "suitefs: alone\n");
	progress_stage(p, "Next", 0, 0);
	assert_string_equal(written(state), "\rNext\033[K");
	progress_free(TAKE(p));
	assert_string_equal(written(state), WIPE);
}

static void
test_terminal_width(void **state)
{
	CLEANUP(progress_cleanup) struct progress *p = progress_new();
	const char *out;

	progress_stage(p,
	    "A stage with a name that alone fills the terminal's line", 1, 1);
	out = written(state);
	assert_int_equal(out[0], '\r');
	/* One column stays free. */
	assert_int_equal(strlen(out), 1 + 59 + 3);
}

static void
test_terminal_dumb(void **state)
{
	CLEANUP(progress_cleanup) struct progress *p = NULL;

	assert_int_equal(setenv("TERM", "dumb", 1), 0);
	p = progress_new();
	progress_stage(p, "Stage", 0, 0);
	forward_s += 4;
	progress_end(p);
	assert_true(starts(written(state), "suitefs: Stage, 4."));
}

#define THREADS 4
#define ADDS	200000

static void *
work(void *arg)
{
	for (int i = 0; i < ADDS; i++) {
		progress_add(arg, 1, 0);
		if (i % (ADDS / 4) == 0)
			log_info("working");
	}
	return NULL;
}

static void
test_add_from_threads(void **state)
{
	CLEANUP(progress_cleanup) struct progress *p = progress_new();
	pthread_t threads[THREADS];
	const char *out;
	size_t draws = 0;

	progress_stage(p, "Work", 0, THREADS * ADDS + 1);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work, p), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	log_info("done");
	out = written(state);
	/* 800,000 calls in seconds at most: only a few may be shown. */
	for (const char *at = out; (at = strstr(at, "\rWork")); at++)
		draws++;
	assert_in_range(draws, 1 + 4 * THREADS, 300);
	assert_non_null(strstr(out, "\rWork, 0/800001 files, 781.2 KiB"));
}

#define WITH(setup, f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_null_is_accepted),
	    WITH(pipe_setup, test_new_only_one),
	    WITH(pipe_setup, test_new_quiet),
	    WITH(pipe_setup, test_pipe_lines),
	    WITH(pipe_setup, test_pipe_stage_ends_stage),
	    WITH(pipe_setup, test_pipe_short_stages_say_nothing),
	    WITH(terminal_setup, test_terminal_draws_and_wipes),
	    WITH(terminal_setup, test_terminal_width),
	    WITH(terminal_setup, test_terminal_dumb),
	    WITH(terminal_setup, test_add_from_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
