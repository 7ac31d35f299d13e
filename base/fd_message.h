#ifndef BASE_FD_MESSAGE_H
#define BASE_FD_MESSAGE_H

/* Messages between processes that carry descriptors (unix(7), SCM_RIGHTS). */

#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "base/cleanup.h"

struct sockaddr_un;

struct fd_message {
	const void *ptr;
	size_t len; /* at least 1 */
	int fd;	    /* goes along; -1: none */
};

/* to: where a datagram goes, of to_len bytes; NULL on a connected socket.  A
 * negative errno; -EPIPE where nobody is at the other end (no signal). */
int fd_message_send(int sock, const struct fd_message *m,
    const struct sockaddr_un *to, socklen_t to_len) MUST_CHECK;

/*
 * The number of bytes of the next message, cut to len; 0 at the end.  *ret_fd
 * is the descriptor that came along, close-on-exec, or -1.
 */
ssize_t fd_message_receive(
    int sock, void *ptr, size_t len, int *ret_fd) MUST_CHECK;

#endif
