#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Every test runs in a directory of its own, which is the working one. */
static int
enter_scratch(void **state)
{
	char *dir = strdup("/tmp/test_file.XXXXXX");

	*state = dir;
	return dir && mkdtemp(dir) && chdir(dir) == 0 ? 0 : -1;
}

static int
leave_scratch(void **state)
{
	char command[64];
	int r;

	(void)snprintf(command, sizeof(command), "rm -rf '%s'", (char *)*state);
	r = chdir("/") == 0 && system(command) == 0 ? 0 : -1;
	free(*state);
	return r;
}

static void
put(const char *name, const void *ptr, size_t len)
{
	CLEANUP_FD int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(file_write_all(fd, ptr, len), 0);
}

static void
test_read_whole(void **state)
{
	static char big[300000];
	static const size_t sizes[] = {0, 1, 65535, 65536, 65537, 300000};
	struct buf b = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 7);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		put("f", big, sizes[i]);
		buf_clear(&b);
		assert_int_equal(buf_add_str(&b, "x"), 0);
		assert_int_equal(
		    file_read(AT_FDCWD, "f", sizes[i], &b, NULL), 0);
		assert_int_equal(b.len, sizes[i] + 1);
		assert_memory_equal(b.ptr + 1, big, sizes[i]);
		assert_int_equal(b.ptr[b.len], 0);
	}
	buf_release(&b);
}

static void
test_read_beyond_limit(void **state)
{
	struct buf b = {0};
	struct error err;

	(void)state;
	put("f", "abcd", 4);
	assert_int_equal(buf_add_str(&b, "kept"), 0);
	assert_int_equal(file_read(AT_FDCWD, "f", 3, &b, &err), -E2BIG);
	assert_string_equal(err.text, "f is larger than 3 bytes");
	assert_string_equal(b.ptr, "kept");
	assert_int_equal(file_read(AT_FDCWD, "f", 0, &b, &err), -E2BIG);
	assert_int_equal(file_read(AT_FDCWD, "f", SIZE_MAX, &b, &err), 0);
	assert_string_equal(b.ptr, "keptabcd");
	/* A file without a size and without an end. */
	assert_int_equal(
	    file_read(AT_FDCWD, "/dev/zero", 100000, &b, &err), -E2BIG);
	assert_string_equal(b.ptr, "keptabcd");
	buf_release(&b);
}

static void
test_read_errors(void **state)
{
	struct buf b = {0};
	struct error err;

	(void)state;
	assert_int_equal(file_read(AT_FDCWD, "no", 9, &b, &err), -ENOENT);
	assert_string_equal(
	    err.text, "cannot open no: No such file or directory");
	assert_int_equal(file_read(AT_FDCWD, ".", 9, &b, &err), -EISDIR);
	assert_string_equal(err.text, "cannot read .: Is a directory");
	assert_int_equal(b.len, 0);
	buf_release(&b);
}

static void
test_read_at_directory(void **state)
{
	struct buf b = {0};
	CLEANUP_FD int dir = -1;

	(void)state;
	assert_int_equal(mkdir("d", 0700), 0);
	put("d/f", "in d", 4);
	dir = open("d", O_RDONLY | O_DIRECTORY);
	assert_int_equal(file_read(dir, "f", 100, &b, NULL), 0);
	assert_string_equal(b.ptr, "in d");
	buf_release(&b);
}

static void *
drain(void *arg)
{
	char some[4096];
	size_t total = 0;
	ssize_t n;

	while ((n = read(*(int *)arg, some, sizeof(some))) > 0)
		total += (size_t)n;
	return (void *)total;
}

static void
test_write_all_short_writes(void **state)
{
	static char big[500000];
	pthread_t reader;
	void *total;
	int ends[2];

	(void)state;
	/* A pipe takes 64 KiB at a time. */
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(pthread_create(&reader, NULL, drain, &ends[0]), 0);
	assert_int_equal(file_write_all(ends[1], big, sizeof(big)), 0);
	assert_int_equal(close(ends[1]), 0);
	assert_int_equal(pthread_join(reader, &total), 0);
	assert_int_equal((size_t)total, sizeof(big));
	assert_int_equal(file_write_all(ends[1], big, 1), -EBADF);
	assert_int_equal(file_write_all(ends[1], NULL, 0), 0);
	(void)close(ends[0]);
}

static void
test_pread_all_at_end(void **state)
{
	char out[8] = "";
	CLEANUP_FD int fd = -1;

	(void)state;
	put("f", "abcdef", 6);
	fd = open("f", O_RDONLY);
	assert_int_equal(file_pread_all(fd, out, 3, 1), 3);
	assert_memory_equal(out, "bcd", 3);
	assert_int_equal(file_pread_all(fd, out, 8, 4), 2);
	assert_memory_equal(out, "ef", 2);
	assert_int_equal(file_pread_all(fd, out, 8, 6), 0);
	assert_int_equal(file_pread_all(-1, out, 8, 6), -EBADF);
}

static void
test_dir_make_table(void **state)
{
	static const struct {
		const char *name;
		int r;
	} t[] = {
	    {"a", 0},
	    {"a", 0},
	    {"a/b/c", 0},
	    {"a/b//d/", 0},
	    {"./e/../g", 0},
	    {".", 0},
	    {"/", 0},
	    {"file", -ENOTDIR},
	    {"file/x", -ENOTDIR},
	    {"", -ENOENT},
	};
	struct stat st;

	(void)state;
	put("file", "", 0);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct error err = {""};

		assert_int_equal(dir_make(t[i].name, 0700, &err), t[i].r);
		assert_int_equal(err.text[0] != '\0', t[i].r < 0);
		if (t[i].r == 0) {
			assert_int_equal(stat(t[i].name, &st), 0);
			assert_true(S_ISDIR(st.st_mode));
		}
	}
	assert_int_equal(stat("a/b/d", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
}

static void
test_dir_sync(void **state)
{
	(void)state;
	put("f", "", 0);
	assert_int_equal(dir_sync(AT_FDCWD, "."), 0);
	assert_int_equal(dir_sync(AT_FDCWD, "no"), -ENOENT);
	assert_int_equal(dir_sync(AT_FDCWD, "f"), -ENOTDIR);
}

#define IN_SCRATCH(f)                                                          \
	cmocka_unit_test_setup_teardown(f, enter_scratch, leave_scratch)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    IN_SCRATCH(test_read_whole),
	    IN_SCRATCH(test_read_beyond_limit),
	    IN_SCRATCH(test_read_errors),
	    IN_SCRATCH(test_read_at_directory),
	    IN_SCRATCH(test_write_all_short_writes),
	    IN_SCRATCH(test_pread_all_at_end),
	    IN_SCRATCH(test_dir_make_table),
	    IN_SCRATCH(test_dir_sync),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
