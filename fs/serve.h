#ifndef FS_SERVE_H
#define FS_SERVE_H

/* The worker of a mount (see fs/keeper.h): everything that serves requests. */

#include "base/error.h"
#include "fs/mount.h"

struct serve_opts {
	const struct mount_opts *mount;
	const char *store;     /* absolute */
	const char *where;     /* the mount point, absolute */
	const char *options;   /* libfuse's */
	unsigned fetch_wait_s; /* what was said, or 0 */
};

/* Serves until the mount has gone or SIGTERM; line is its end of
 * fs/worker_line.h.  For a process of its own, which ends after it. */
int serve(
    const struct serve_opts *opts, int line, struct error *err) MUST_CHECK;

/* From here on nobody looks at our output: to syslog(3). */
void serve_detach(void);

#endif
