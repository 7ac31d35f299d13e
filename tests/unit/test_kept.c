/* What lives on when a program becomes another one: fs/kept.h, fs/service.h. */

#include <fcntl.h>
#include <linux/fuse.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
/* cmocka.h wants the above. */
#include <cmocka.h>

#include "base/file.h"
#include "fs/kept.h"
#include "fs/service.h"

static struct fuse_io_init
some_init(void)
{
	struct fuse_io_init init = {.len = 104};
	struct fuse_in_header in = {.len = 104, .opcode = FUSE_INIT};

	memset(init.bytes, 0x5a, init.len);
	memcpy(init.bytes, &in, sizeof(in));
	return init;
}

/* In place of execve(2): the same process takes it. */
static void
become(void *arg)
{
	struct kept *got = arg;
	struct error err = {""};

	if (kept_take(got, &err) != 1)
		fail_msg("%s", err.text);
}

static void
test_kept_pass(void **state)
{
	struct kept k, got;
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	kept_init(&k);
	k.fd = fds[0];
	k.presence = open("/", O_RDONLY | O_CLOEXEC);
	k.init = some_init();
	k.where = strdup("/mnt/a b");
	kept_init(&got);
	kept_pass(&k, become, &got);
	/* The same descriptors, for us have become ourselves. */
	assert_int_equal(got.fd, k.fd);
	assert_int_equal(got.presence, k.presence);
	assert_int_equal(got.init.len, k.init.len);
	assert_memory_equal(got.init.bytes, k.init.bytes, k.init.len);
	assert_string_equal(got.where, "/mnt/a b");
	assert_true(fcntl(k.fd, F_GETFD) & FD_CLOEXEC);
	assert_null(getenv("SUITEFS_FDS"));
	free(got.where);
	kept_release(&k);
	/* Nothing is left to take. */
	assert_int_equal(kept_take(&got, NULL), 0);
	(void)close(fds[1]);
}

/* Gives bytes as the record of a mount. */
static int
take_record(const void *ptr, size_t len)
{
	struct service_fd fds[] = {{"suitefs-fuse", -1}, {"suitefs-mount", -1}};
	struct kept got;
	int pair[2], r;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	fds[0].fd = pair[0];
	fds[1].fd = memfd_create("test", 0);
	assert_int_equal(file_write_all(fds[1].fd, ptr, len), 0);
	assert_int_equal(service_pass(fds, 2), 0);
	r = kept_take(&got, NULL);
	if (r == 1)
		kept_release(&got);
	(void)close(pair[1]);
	return r;
}

static void
test_kept_take_damaged(void **state)
{
	const struct fuse_io_init init = some_init();
	const uint32_t len = (uint32_t)init.len, much = 100000;
	char good[256], bad[256];
	size_t n = 16;

	(void)state;
	memcpy(good, "suitefs mount 1\n", 16);
	memcpy(good + n, &len, 4);
	memcpy(good + n + 4, init.bytes, len);
	memcpy(good + n + 4 + len, "/mnt", 4);
	n += 4 + len + 4;
	assert_int_equal(take_record(good, n), 1);
	for (size_t i = 0; i < n - 3; i++)
		assert_true(take_record(good, i) < 0);
	memcpy(bad, good, n);
	bad[14] = '2';
	assert_true(take_record(bad, n) < 0);
	memcpy(bad, good, n);
	memcpy(bad + 16, &much, 4);
	assert_true(take_record(bad, n) < 0);
}

static void
test_service_take_listened(void **state)
{
	struct service_fd want[] = {{"b", -1}, {"c", -1}};
	char pid[32];
	int saved = dup(3), other = dup(4);

	(void)state;
	(void)snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	assert_int_equal(dup2(1, 3), 3);
	assert_int_equal(dup2(1, 4), 4);
	(void)setenv("LISTEN_PID", pid, 1);
	(void)setenv("LISTEN_FDS", "2", 1);
	(void)setenv("LISTEN_FDNAMES", "a:b", 1);
	service_take(want, 2);
	assert_int_equal(want[0].fd, 4);
	assert_int_equal(want[1].fd, -1);
	assert_true(fcntl(4, F_GETFD) & FD_CLOEXEC);
	/* What nobody wants is closed. */
	assert_int_equal(fcntl(3, F_GETFD), -1);
	assert_null(getenv("LISTEN_FDS"));
	(void)close(4);
	/* Meant for another process. */
	(void)setenv("LISTEN_PID", "1", 1);
	(void)setenv("LISTEN_FDS", "1", 1);
	(void)setenv("LISTEN_FDNAMES", "b", 1);
	service_take(want, 2);
	assert_int_equal(want[0].fd, -1);
	if (saved >= 0)
		(void)dup2(saved, 3);
	if (other >= 0)
		(void)dup2(other, 4);
}

static void
test_service_notify(void **state)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	char name[64], text[64];
	int sock = socket(AF_UNIX, SOCK_DGRAM, 0);
	ssize_t n;

	(void)state;
	(void)unsetenv("NOTIFY_SOCKET");
	assert_true(service_notify("READY=1", -1) < 0);
	(void)snprintf(name, sizeof(name), "@suitefs-test-%ld", (long)getpid());
	memcpy(to.sun_path + 1, name + 1, strlen(name + 1));
	assert_int_equal(
	    bind(sock, (struct sockaddr *)&to,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) +
			    strlen(name))),
	    0);
	(void)setenv("NOTIFY_SOCKET", name, 1);
	assert_int_equal(service_notify("READY=1", -1), 0);
	n = recv(sock, text, sizeof(text), 0);
	assert_int_equal(n, 7);
	assert_memory_equal(text, "READY=1", 7);
	(void)unsetenv("NOTIFY_SOCKET");
	(void)close(sock);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_kept_pass),
	    cmocka_unit_test(test_kept_take_damaged),
	    cmocka_unit_test(test_service_take_listened),
	    cmocka_unit_test(test_service_notify),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
