#include "fs/worker_line.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/fd_message.h"

int
worker_line_new(int ret[2])
{
	const struct timeval limit = {.tv_sec = 1};

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret) < 0)
		return -errno;
	/* Takes any time that is one. */
	(void)setsockopt(
	    ret[0], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	return 0;
}

int
worker_line_send(int line, const struct worker_message *m, int fd)
{
	const struct fd_message message = {m, sizeof(*m), fd};

	return fd_message_send(line, &message, NULL, 0);
}

int
worker_line_receive(int line, struct worker_message *ret, int *ret_fd)
{
	ssize_t n = fd_message_receive(line, ret, sizeof(*ret), ret_fd);

	if (n < 0)
		return n == -ECONNRESET ? 0 : (int)n;
	if (n == 0)
		return 0;
	ret->err.text[sizeof(ret->err.text) - 1] = '\0';
	if ((size_t)n == sizeof(*ret) && ret->init.len <= FUSE_IO_INIT_MAX)
		return 1;
	cleanup_fd(ret_fd);
	*ret_fd = -1;
	return -EBADMSG;
}

void
worker_line_say(int line, enum worker_word word)
{
	const struct worker_message m = {.word = word};

	(void)!worker_line_send(line, &m, -1);
}

void
worker_line_fail(int line, int r, const struct error *err)
{
	struct worker_message m = {.word = WORKER_FAILED, .result = r};

	if (err)
		m.err = *err;
	(void)!worker_line_send(line, &m, -1);
}
