#include "base/fd_message.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/un.h>

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int))];
};

int
fd_message_send(int sock, const struct fd_message *m,
    const struct sockaddr_un *to, socklen_t to_len)
{
	union control control = {0};
	struct iovec iov = {.iov_base = (void *)(uintptr_t)m->ptr, m->len};
	struct msghdr msg = {
	    .msg_name = (void *)(uintptr_t)to,
	    .msg_namelen = to ? to_len : 0,
	    .msg_iov = &iov,
	    .msg_iovlen = 1,
	};
	ssize_t n;

	if (m->fd >= 0) {
		struct cmsghdr *c;

		msg.msg_control = control.bytes;
		msg.msg_controllen = sizeof(control.bytes);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &m->fd, sizeof(int));
	}
	do {
		n = sendmsg(sock, &msg, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

ssize_t
fd_message_receive(int sock, void *ptr, size_t len, int *ret_fd)
{
	union control control = {0};
	struct iovec iov = {.iov_base = ptr, .iov_len = len};
	struct msghdr msg = {
	    .msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.bytes,
	    .msg_controllen = sizeof(control.bytes),
	};
	struct cmsghdr *c;
	ssize_t n;

	*ret_fd = -1;
	do {
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	c = CMSG_FIRSTHDR(&msg);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(ret_fd, CMSG_DATA(c), sizeof(int));
	return n;
}
