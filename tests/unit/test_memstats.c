#include "base/memstats.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define MIB (UINT64_C(1024) * 1024)

static void
test_interval(void **state)
{
	static const struct {
		const char *text;
		int r;
		unsigned ms;
	} t[] = {
	    {"100ms", 0, 100},
	    {"1ms", 0, 1},
	    {"250", 0, 250},
	    {"2s", 0, 2000},
	    {"3600s", 0, 3600000},
	    {"3601s", -EINVAL, 0},
	    {"0", -EINVAL, 0},
	    {"0ms", -EINVAL, 0},
	    {"ms", -EINVAL, 0},
	    {"", -EINVAL, 0},
	    {"1m", -EINVAL, 0},
	    {"1 ms", -EINVAL, 0},
	    {"-1ms", -EINVAL, 0},
	    {"99999999999999999999s", -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		unsigned ms = 0;

		assert_int_equal(
		    memstats_interval(span_of(t[i].text), &ms), t[i].r);
		assert_int_equal(ms, t[i].ms);
	}
}

/* What is allocated and written to is anonymous, and malloc's where it is. */
static void
test_take_anonymous(void **state)
{
	struct memstats_sample before, after;
	volatile char *p;

	(void)state;
	assert_int_equal(memstats_take("/nothing", &before), 0);
	p = malloc(32 * MIB);
	assert_non_null(p);
	for (size_t i = 0; i < 32 * MIB; i += 4096)
		p[i] = 1;
	assert_int_equal(memstats_take("/nothing", &after), 0);
	assert_true(after.anonymous >= before.anonymous + 32 * MIB);
	assert_true(after.resident >= before.resident + 32 * MIB);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	assert_true(after.heap >= before.heap + 32 * MIB);
#endif
	assert_int_equal(after.database, 0);
	free((void *)p);
}

/* Pages of the file count once they have been looked at. */
static void
test_take_mapped(void **state)
{
	char name[] = "/tmp/test-memstats.XXXXXX";
	int fd = mkstemp(name);
	const volatile char *map;
	struct memstats_sample s;
	char sum = 0;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 8 * MIB), 0);
	map = mmap(NULL, 8 * MIB, PROT_READ, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(map, MAP_FAILED);
	assert_int_equal(memstats_take(strrchr(name, '/'), &s), 0);
	assert_int_equal(s.database, 0);
	for (size_t i = 0; i < 8 * MIB; i += 4096)
		sum = (char)(sum + map[i]);
	assert_int_equal(sum, 0);
	assert_int_equal(memstats_take(strrchr(name, '/'), &s), 0);
	assert_int_equal(s.database, 8 * MIB);
	assert_true(s.resident >= s.anonymous + s.database);
	assert_int_equal(memstats_take("/other", &s), 0);
	assert_int_equal(s.database, 0);
	assert_int_equal(munmap((void *)map, 8 * MIB), 0);
	assert_int_equal(close(fd), 0);
	assert_int_equal(unlink(name), 0);
}

static void
test_open_fails(void **state)
{
	struct memstats *m = NULL;
	struct error err = {0};

	(void)state;
	assert_int_equal(
	    memstats_open("/nowhere/at/all", 1, "x", &m, &err), -ENOENT);
	assert_non_null(strstr(err.text, "/nowhere/at/all"));
	assert_null(m);
	assert_int_equal(memstats_open("/dev/full", 1, "x", &m, &err), -ENOSPC);
	assert_null(m);
}

/* One that was never begun has nothing to end. */
static void
test_never_begun(void **state)
{
	struct memstats *m = NULL;

	(void)state;
	assert_int_equal(memstats_open("/dev/null", 1, "x", &m, NULL), 0);
	assert_int_equal(memstats_end(m, NULL), 0);
	memstats_close(m);
	assert_int_equal(memstats_end(NULL, NULL), 0);
	memstats_close(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_interval),
	    cmocka_unit_test(test_take_anonymous),
	    cmocka_unit_test(test_take_mapped),
	    cmocka_unit_test(test_open_fails),
	    cmocka_unit_test(test_never_begun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
