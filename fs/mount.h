#ifndef FS_MOUNT_H
#define FS_MOUNT_H

/* A mount, from options to its end; see fs/keeper.h for the processes. */

#include <stdbool.h>

#include "base/error.h"
#include "store/blob_request.h"
#include "store/store.h"

struct mount_opts {
	const char *store; /* directory */
	const char *mountpoint;
	bool foreground;
	const char *fuse_options; /* "allow_other,..." or NULL */
	/* Called first and last in a process that serves, or NULL. */
	int (*begin)(void *arg, struct error *err);
	int (*end)(void *arg, struct error *err);
	/* Makes the fetching side once the process is one that serves
	 * (threads don't survive fork).  NULL: remote files are EIO. */
	int (*start_fetching)(void *arg, struct store *s,
	    struct blob_requests **ret, struct error *err);
	void (*stop_fetching)(void *arg);
	/* Becomes the program that is installed now, with the same options, by
	 * execve(2); returns where it can't.  May be NULL. */
	void (*become)(void *arg, const char *store, const char *mountpoint);
	void *arg;
};

/*
 * Mounts and serves until unmounted (umount, fusermount3 -u, SIGTERM,
 * SIGINT), or goes on with a mount that this process was given (fs/kept.h).
 *  In the background, returns 0 in the parent when the mount is
 * ready, or the error that kept it from being so.  Errors: -ENOTDIR, -ENOENT
 * the mount point; -EBUSY something is mounted there; -ENOENT no store;
 * -EPERM.
 */
int mount_serve(const struct mount_opts *opts, struct error *err) MUST_CHECK;

#endif
