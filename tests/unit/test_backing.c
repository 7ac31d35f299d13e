/* Which files the kernel reads by itself, and for which handles: fs/backing.h.
 */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>
/* cmocka.h wants the above. */
#include <cmocka.h>

#include "fs/backing.h"

/* A kernel of which one file at a time is expected. */
struct kernel {
	int next;  /* the number, or error, that it answers with */
	int opens; /* asked so often */
	int closed;
};

static int
on_open(void *arg, int fd)
{
	struct kernel *k = arg;

	assert_true(fd >= 0);
	k->opens++;
	return k->next;
}

static void
on_close(void *arg, int id)
{
	struct kernel *k = arg;

	assert_int_equal(k->closed, 0);
	k->closed = id;
}

struct scene {
	struct kernel kernel;
	struct backing_calls calls;
	struct backing *b;
	int file, other;
};

static void
begin(struct scene *s)
{
	*s = (struct scene){.calls = {on_open, on_close, &s->kernel}};
	assert_int_equal(backing_new(&s->b), 0);
	s->file = memfd_create("file", MFD_CLOEXEC);
	s->other = memfd_create("other", MFD_CLOEXEC);
	assert_true(s->file >= 0 && s->other >= 0);
}

static void
end(struct scene *s)
{
	backing_free(s->b);
	(void)close(s->file);
	(void)close(s->other);
}

static int
open_it(struct scene *s, uint64_t ino, uint64_t handle, int fd)
{
	const struct backing_open o = {ino, handle, fd};

	return backing_open(s->b, &o, &s->calls);
}

/* All handles of an inode at a time have one number, until the last is closed;
 * closing twice, or what nobody opened, does nothing. */
static void
test_backing_number(void **state)
{
	struct scene s;

	(void)state;
	begin(&s);
	s.kernel.next = 7;
	assert_int_equal(open_it(&s, 100, 1, s.file), 7);
	s.kernel.next = 8;
	assert_int_equal(open_it(&s, 100, 2, s.file), 7);
	assert_int_equal(open_it(&s, 200, 3, s.other), 8);
	assert_int_equal(s.kernel.opens, 2);
	backing_close(s.b, 1, &s.calls);
	backing_close(s.b, 1, &s.calls);
	backing_close(s.b, 0, &s.calls);
	backing_close(s.b, 99, &s.calls);
	assert_int_equal(s.kernel.closed, 0);
	assert_int_equal(open_it(&s, 100, 4, s.file), 7);
	backing_close(s.b, 2, &s.calls);
	backing_close(s.b, 4, &s.calls);
	assert_int_equal(s.kernel.closed, 7);
	s.kernel.next = 9;
	assert_int_equal(open_it(&s, 100, 5, s.file), 9);
	end(&s);
}

/* What began without a number goes on without one while it is open. */
static void
test_backing_without_number(void **state)
{
	struct scene s;

	(void)state;
	begin(&s);
	s.kernel.next = -ENOMEM;
	assert_int_equal(open_it(&s, 100, 1, s.file), 0);
	s.kernel.next = 7;
	assert_int_equal(open_it(&s, 100, 2, s.file), 0);
	backing_close(s.b, 1, &s.calls);
	assert_int_equal(open_it(&s, 100, 3, s.other), 0);
	backing_close(s.b, 2, &s.calls);
	backing_close(s.b, 3, &s.calls);
	assert_int_equal(s.kernel.closed, 0);
	assert_int_equal(open_it(&s, 100, 4, s.file), 7);
	end(&s);
}

static void
test_backing_another_file(void **state)
{
	struct scene s;

	(void)state;
	begin(&s);
	s.kernel.next = 7;
	assert_int_equal(open_it(&s, 100, 1, s.file), 7);
	assert_int_equal(open_it(&s, 100, 2, s.other), -EBUSY);
	backing_close(s.b, 2, &s.calls);
	assert_int_equal(s.kernel.closed, 0);
	backing_close(s.b, 1, &s.calls);
	assert_int_equal(open_it(&s, 100, 3, s.other), 7);
	end(&s);
}

/* Where the kernel takes none, nobody has to ask again. */
static void
test_backing_refused(void **state)
{
	static const int refusals[] = {-EPERM, -EOPNOTSUPP, -ELOOP, -ENOTTY};
	struct scene s;

	(void)state;
	begin(&s);
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		s.kernel.next = refusals[i];
		assert_int_equal(open_it(&s, 100, 1, s.file), -EOPNOTSUPP);
	}
	/* But not of this file, where it has taken others. */
	s.kernel.next = 7;
	assert_int_equal(open_it(&s, 200, 2, s.other), 7);
	s.kernel.next = -ELOOP;
	assert_int_equal(open_it(&s, 100, 3, s.file), 0);
	end(&s);
}

static void
test_backing_nonsense(void **state)
{
	struct scene s;
	int dir = open("/", O_RDONLY | O_CLOEXEC);

	(void)state;
	begin(&s);
	s.kernel.next = 7;
	assert_int_equal(open_it(&s, 100, 0, s.file), -EINVAL);
	assert_int_equal(open_it(&s, 100, 1, dir), -EINVAL);
	assert_int_equal(open_it(&s, 100, 1, -1), -EINVAL);
	assert_int_equal(s.kernel.opens, 0);
	(void)close(dir);
	end(&s);
}

static void
test_backing_full(void **state)
{
	struct scene s;

	(void)state;
	begin(&s);
	s.kernel.next = 7;
	for (uint64_t i = 1; i <= BACKING_MAX; i++)
		assert_int_equal(open_it(&s, 1, i, s.file), 7);
	assert_int_equal(open_it(&s, 1, BACKING_MAX + 1, s.file), -ENFILE);
	backing_close(s.b, 5, &s.calls);
	assert_int_equal(open_it(&s, 1, BACKING_MAX + 1, s.file), 7);
	end(&s);
}

/* Another process goes on with what is open. */
static void
test_backing_take(void **state)
{
	struct scene s;
	int fd, bad;

	(void)state;
	begin(&s);
	s.kernel.next = 7;
	assert_int_equal(open_it(&s, 100, 1, s.file), 7);
	fd = dup(backing_fd(s.b));
	backing_free(s.b);
	assert_int_equal(backing_take(fd, &s.b), 0);
	s.kernel.next = 8;
	assert_int_equal(open_it(&s, 100, 2, s.file), 7);
	backing_close(s.b, 1, &s.calls);
	backing_close(s.b, 2, &s.calls);
	assert_int_equal(s.kernel.closed, 7);
	/* Others' memory: of another size, and without the mark. */
	bad = memfd_create("bad", MFD_CLOEXEC);
	assert_int_equal(backing_take(bad, &s.b), -EBADMSG);
	bad = memfd_create("bad", MFD_CLOEXEC);
	assert_int_equal(ftruncate(bad, lseek(fd, 0, SEEK_END)), 0);
	assert_int_equal(backing_take(bad, &s.b), -EBADMSG);
	end(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_backing_number),
	    cmocka_unit_test(test_backing_without_number),
	    cmocka_unit_test(test_backing_another_file),
	    cmocka_unit_test(test_backing_refused),
	    cmocka_unit_test(test_backing_nonsense),
	    cmocka_unit_test(test_backing_full),
	    cmocka_unit_test(test_backing_take),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
