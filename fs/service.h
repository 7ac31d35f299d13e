#ifndef FS_SERVICE_H
#define FS_SERVICE_H

/*
 * What systemd is told and what it keeps for a service: sd_notify(3),
 * sd_pid_notify_with_fds(3) and sd_listen_fds(3), of which a mount needs so
 * little that libsystemd is not wanted.  The same way of handing over
 * descriptors serves a process that replaces its own program.
 */

#include <stdbool.h>

#include "base/error.h"

/* Says something ("READY=1") where there is a service manager; fd, or -1, goes
 * along.  -ENOENT: there is none. */
int service_notify(const char *text, int fd);

struct service_fd {
	const char *name; /* without colon and = */
	int fd;		  /* -1: none */
};

/* Leaves descriptors to the program that this process is about to become by
 * execve(2); the second is for where it could not. */
int service_pass(const struct service_fd *fds, unsigned n) MUST_CHECK;
void service_pass_undo(const struct service_fd *fds, unsigned n);

/*
 * The descriptors of these names that this process was given; where one is
 * missing fd is -1.  Others that were given are closed, and all are
 * close-on-exec.  Whoever is started from here on sees nothing of it.
 */
void service_take(struct service_fd *fds, unsigned n);

#endif
