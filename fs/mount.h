#ifndef FS_MOUNT_H
#define FS_MOUNT_H

/* The FUSE session: mounting, callbacks, noticing changes, unmounting. */

#include <stdbool.h>

#include "base/error.h"
#include "store/blob_request.h"
#include "store/store.h"

struct mount_opts {
	const char *store; /* directory */
	const char *mountpoint;
	bool foreground;
	const char *fuse_options; /* "allow_other,..." or NULL */
	/* Called first and last in the process that stays, or NULL. */
	int (*begin)(void *arg, struct error *err);
	int (*end)(void *arg, struct error *err);
	/* Makes the fetching side once the process is the one that stays
	 * (threads don't survive fork).  NULL: remote files are EIO. */
	int (*start_fetching)(void *arg, struct store *s,
	    struct blob_requests **ret, struct error *err);
	void (*stop_fetching)(void *arg);
	void *arg;
};

/*
 * Mounts and serves until unmounted (umount, fusermount3 -u, SIGTERM,
 * SIGINT).  In the background, returns 0 in the parent when the mount is
 * ready, or the error that kept it from being so.  Errors: -ENOTDIR, -ENOENT
 * the mount point; -EBUSY something is mounted there; -ENOENT no store;
 * -EPERM.
 */
int mount_serve(const struct mount_opts *opts, struct error *err) MUST_CHECK;

#endif
