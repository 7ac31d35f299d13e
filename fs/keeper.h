#ifndef FS_KEEPER_H
#define FS_KEEPER_H

/*
 * A mount is two processes.  The keeper mounts, has the connection to the
 * kernel, registers the files that the kernel reads by itself (fs/backing.h),
 * and unmounts; it is small, without threads, and never looks into the store.
 * The worker, its child, serves.  When a worker dies another one takes the
 * connection over, and what the kernel had asked the first is asked again:
 * clients wait for a moment.
 *
 * That takes Linux 6.9.  Before it, and when workers die faster than
 * fs/restarts.h allows, the keeper unmounts and says so.
 *
 * SIGTERM and SIGINT unmount.  SIGHUP replaces both processes by the program
 * that is installed by then; where it comes from a terminal that has gone it
 * unmounts.  Unmounting by others ends both.
 */

#include <stdbool.h>

#include "base/error.h"
#include "fs/kept.h"

struct keeper_opts {
	struct kept *kept; /* its where is set; its fd, to go on with it */
	unsigned restarts;
	bool passthrough; /* is wanted, of a new mount */
	/* In the keeper: mounts.  *ret_fd is the connection. */
	int (*mount)(void *arg, int *ret_fd, struct error *err);
	/* In the keeper: unmounts what is not gone. */
	void (*unmount)(void *arg);
	/* In a process of its own, with the line of fs/worker_line.h: serves
	 * until the mount has gone; less than 0 is a failure. */
	int (*work)(void *arg, int line, struct error *err);
	/* In the keeper: the mount can be used.  Called once. */
	void (*ready)(void *arg);
	/* In the keeper: becomes the program anew; returns where it can't. */
	void (*become)(void *arg);
	void *arg;
};

/* Returns when the mount has gone: 0 if it was to, else a negative errno and
 * the reason. */
int keeper_run(const struct keeper_opts *opts, struct error *err) MUST_CHECK;

#endif
