#ifndef FS_LOOKOUT_H
#define FS_LOOKOUT_H

/*
 * The thread of a worker that sees to what no request brings up: that the
 * keeper (fs/keeper.h) is there, and that no open waits for too long.
 *
 * A keeper that has died is told of in the log, and the worker serves on: to
 * end would be an error for everybody who reads.  It can't take its place, for
 * it has not the right to unmount, and systemd, where it is the one that keeps
 * the mount, starts both anew.
 */

#include "base/error.h"
#include "fs/ops.h"

struct lookout;

struct lookout_opts {
	int line;	   /* of fs/worker_line.h; nothing is read there */
	const char *where; /* the mount point */
	struct ops *ops;
};

int lookout_start(const struct lookout_opts *opts, struct lookout **ret,
    struct error *err) MUST_CHECK;
/* NULL is fine. */
void lookout_stop(struct lookout *l);

#endif
