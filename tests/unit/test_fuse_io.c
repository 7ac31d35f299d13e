/* How a session begins, with a socket in the kernel's place. */

#include <errno.h>
#include <linux/fuse.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
/* cmocka.h wants the above. */
#include <cmocka.h>

#include "fs/fuse_io.h"

#define RESEND	    7
#define HAS_FLAGS2  (1u << 30)
#define HAS_RESEND  (1u << 7)
#define INIT_UNIQUE 17

struct init {
	struct fuse_in_header in;
	struct fuse_init_in init;
};

struct user {
	struct fuse_io io;
	unsigned inits, keeps;
	int keep_result;
};

static void
on_init(void *userdata, struct fuse_conn_info *conn)
{
	struct user *u = userdata;

	(void)conn;
	u->inits++;
}

static int
on_keep(void *arg, const struct fuse_io_init *init)
{
	struct user *u = arg;

	assert_int_equal(init->len, sizeof(struct init));
	u->keeps++;
	return u->keep_result;
}

static struct init
kernels_init(void)
{
	return (struct init){
	    .in = {.len = sizeof(struct init),
		.opcode = FUSE_INIT,
		.unique = INIT_UNIQUE},
	    .init = {.major = 7,
		.minor = 38,
		.max_readahead = 131072,
		.flags = FUSE_ASYNC_READ | FUSE_PARALLEL_DIROPS | HAS_FLAGS2,
		.flags2 = HAS_RESEND},
	};
}

static struct fuse_session *
new_session(struct user *u)
{
	static const struct fuse_lowlevel_ops ops = {.init = on_init};
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	struct fuse_session *session;

	assert_int_equal(fuse_opt_add_arg(&args, "test"), 0);
	session = fuse_session_new(&args, &ops, sizeof(ops), u);
	assert_non_null(session);
	fuse_opt_free_args(&args);
	return session;
}

/* Begins with the socket's other end; the result. */
static int
begin(struct user *u, int fd, struct fuse_io_init *init)
{
	struct fuse_session *session = new_session(u);
	struct fuse_io_opts opts = {.session = session,
	    .io = &u->io,
	    .fd = fd,
	    .keep = on_keep,
	    .arg = u};
	int r = fuse_io_begin(&opts, init);

	fuse_session_destroy(session);
	return r;
}

static void
test_fuse_io_begin_first(void **state)
{
	struct {
		struct fuse_out_header out;
		struct fuse_init_out init;
	} answer;
	struct init init = kernels_init();
	struct fuse_io_init kept = {0};
	struct user u = {0};
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	assert_int_equal(write(fds[0], &init, sizeof(init)), sizeof(init));
	assert_int_equal(begin(&u, fds[1], &kept), 0);
	assert_int_equal(u.inits, 1);
	assert_int_equal(u.keeps, 1);
	assert_int_equal(kept.len, sizeof(init));
	assert_memory_equal(kept.bytes, &init, sizeof(init));
	assert_true(fuse_io_can_resend(&kept));
	assert_int_equal(read(fds[0], &answer, sizeof(answer)), sizeof(answer));
	assert_int_equal(answer.out.unique, INIT_UNIQUE);
	assert_int_equal(answer.out.error, 0);
	assert_true(answer.init.flags & FUSE_PARALLEL_DIROPS);
	assert_int_equal(answer.init.major, 7);
	/* Nothing else. */
	assert_int_equal(read(fds[0], &answer, sizeof(answer)), 0);
	(void)close(fds[0]);
}

static void
test_fuse_io_begin_again(void **state)
{
	struct init init = kernels_init();
	struct fuse_io_init kept = {.len = sizeof(init)};
	struct fuse_out_header notice;
	struct user u = {0};
	int fds[2];

	(void)state;
	memcpy(kept.bytes, &init, sizeof(init));
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	assert_int_equal(begin(&u, fds[1], &kept), 0);
	assert_int_equal(u.inits, 1);
	assert_int_equal(u.keeps, 0);
	/* The kernel hears one notice, and no answer. */
	assert_int_equal(read(fds[0], &notice, sizeof(notice)), sizeof(notice));
	assert_int_equal(notice.len, sizeof(notice));
	assert_int_equal(notice.error, RESEND);
	assert_int_equal(notice.unique, 0);
	assert_int_equal(read(fds[0], &notice, sizeof(notice)), 0);
	(void)close(fds[0]);
}

static void
test_fuse_io_begin_not_kept(void **state)
{
	struct init init = kernels_init();
	struct fuse_io_init kept = {0};
	struct user u = {.keep_result = -EPIPE};
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	assert_int_equal(write(fds[0], &init, sizeof(init)), sizeof(init));
	assert_int_equal(begin(&u, fds[1], &kept), -EPIPE);
	assert_int_equal(read(fds[0], &init, sizeof(init)), 0);
	(void)close(fds[0]);
}

static void
test_fuse_io_begin_other_request(void **state)
{
	struct init init = kernels_init();
	struct fuse_io_init kept = {0};
	struct user u = {0};
	int fds[2];

	(void)state;
	init.in.opcode = FUSE_LOOKUP;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	assert_int_equal(write(fds[0], &init, sizeof(init)), sizeof(init));
	assert_int_equal(begin(&u, fds[1], &kept), -EBADMSG);
	assert_int_equal(u.keeps, 0);
	(void)close(fds[0]);
}

static void
test_fuse_io_init_check(void **state)
{
	struct init init = kernels_init();
	struct span bytes = {(const char *)&init, sizeof(init)};
	struct fuse_io_init kept = {.len = sizeof(init)};

	(void)state;
	assert_int_equal(fuse_io_init_check(bytes), 0);
	bytes.len--;
	assert_int_equal(fuse_io_init_check(bytes), -EBADMSG);
	bytes.len = 3;
	assert_int_equal(fuse_io_init_check(bytes), -EBADMSG);
	/* Linux before 6.9, and before it had more flags. */
	init.init.flags2 = 0;
	memcpy(kept.bytes, &init, sizeof(init));
	assert_false(fuse_io_can_resend(&kept));
	init.init.flags2 = HAS_RESEND;
	init.init.flags &= ~HAS_FLAGS2;
	memcpy(kept.bytes, &init, sizeof(init));
	assert_false(fuse_io_can_resend(&kept));
	kept.len = sizeof(struct fuse_in_header) + 16;
	assert_false(fuse_io_can_resend(&kept));
	kept.len = 0;
	assert_false(fuse_io_can_resend(&kept));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_fuse_io_begin_first),
	    cmocka_unit_test(test_fuse_io_begin_again),
	    cmocka_unit_test(test_fuse_io_begin_not_kept),
	    cmocka_unit_test(test_fuse_io_begin_other_request),
	    cmocka_unit_test(test_fuse_io_init_check),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
