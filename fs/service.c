#include "fs/service.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd_message.h"

#define PASSED	  "SUITEFS_FDS" /* <pid>:<name>=<fd>:... */
#define FIRST_FD  3		/* SD_LISTEN_FDS_START */
#define GIVEN_MAX 64		/* more are not ours */

int
service_notify(const char *text, int fd)
{
	const char *path = getenv("NOTIFY_SOCKET");
	const struct fd_message m = {text, strlen(text), fd};
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	CLEANUP_FD int sock = -1;
	size_t len;

	if (!path || (*path != '/' && *path != '@'))
		return -ENOENT;
	len = strlen(path);
	if (len >= sizeof(to.sun_path))
		return -E2BIG;
	memcpy(to.sun_path, path, len);
	/* An abstract address. */
	if (*path == '@')
		to.sun_path[0] = '\0';
	sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return -errno;
	return fd_message_send(sock, &m, &to,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
}

int
service_pass(const struct service_fd *fds, unsigned n)
{
	CLEANUP(buf_release) struct buf text = {0};

	(void)buf_addf(&text, "%ld", (long)getpid());
	for (unsigned i = 0; i < n; i++)
		if (fds[i].fd >= 0)
			(void)buf_addf(&text, ":%s=%d", fds[i].name, fds[i].fd);
	if (text.failed)
		return -ENOMEM;
	if (setenv(PASSED, text.ptr, 1) < 0)
		return -errno;
	for (unsigned i = 0; i < n; i++)
		if (fds[i].fd >= 0 && fcntl(fds[i].fd, F_SETFD, 0) < 0)
			return -errno;
	return 0;
}

void
service_pass_undo(const struct service_fd *fds, unsigned n)
{
	(void)unsetenv(PASSED);
	for (unsigned i = 0; i < n; i++)
		if (fds[i].fd >= 0)
			(void)fcntl(fds[i].fd, F_SETFD, FD_CLOEXEC);
}

static bool
is_our_pid(struct span text)
{
	uint64_t pid;

	return span_u64(text, &pid) == 0 && pid == (uint64_t)getpid();
}

static void
take_one(struct service_fd *fds, unsigned n, struct span name, int fd)
{
	for (unsigned i = 0; i < n; i++) {
		if (fds[i].fd >= 0 || !span_eq(name, span_of(fds[i].name)))
			continue;
		fds[i].fd = fd;
		(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
		return;
	}
	(void)close(fd);
}

/* From systemd: the first so many after the standard ones. */
static void
take_listened(struct service_fd *fds, unsigned n)
{
	struct span names = span_of(getenv("LISTEN_FDNAMES")), name;
	uint64_t given;

	if (!is_our_pid(span_of(getenv("LISTEN_PID"))) ||
	    span_u64(span_of(getenv("LISTEN_FDS")), &given) < 0 ||
	    given > GIVEN_MAX)
		return;
	for (int i = 0; i < (int)given; i++) {
		if (!span_cut(&names, ':', &name))
			name = SPAN("");
		take_one(fds, n, name, FIRST_FD + i);
	}
}

/* From service_pass(). */
static void
take_passed(struct service_fd *fds, unsigned n)
{
	struct span rest = span_of(getenv(PASSED)), word, name;
	uint64_t fd;

	if (!span_cut(&rest, ':', &word) || !is_our_pid(word))
		return;
	while (span_cut(&rest, ':', &word))
		if (span_cut(&word, '=', &name) && span_u64(word, &fd) == 0 &&
		    fd <= INT_MAX)
			take_one(fds, n, name, (int)fd);
}

void
service_take(struct service_fd *fds, unsigned n)
{
	static const char *const names[] = {
	    PASSED, "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"};

	for (unsigned i = 0; i < n; i++)
		fds[i].fd = -1;
	take_passed(fds, n);
	take_listened(fds, n);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		(void)unsetenv(names[i]);
}
