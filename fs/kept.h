#ifndef FS_KEPT_H
#define FS_KEPT_H

/*
 * What has to live on for a mount to survive the processes that serve it.  The
 * keeper has it (fs/keeper.h), leaves it to the program that it becomes for an
 * upgrade, and gives it to a service manager that keeps descriptors.
 */

#include "base/error.h"
#include "fs/backing.h"
#include "fs/fuse_io.h"

struct kept {
	int fd; /* the connection to the kernel; -1: not mounted yet */
	struct backing *backing; /* NULL: files are not passed through */
	int presence; /* says that the store is in use (store/hold.h), or -1 */
	struct fuse_io_init init;
	char *where; /* the mount point, absolute */
};

void kept_init(struct kept *k);
void kept_release(struct kept *k);
/* Has it been unmounted, or the connection been aborted? */
bool kept_is_gone(const struct kept *k);

/* Takes what this process was given, if it was and is still mounted: 1 or 0. */
int kept_take(struct kept *ret, struct error *err) MUST_CHECK;
/* Runs become(arg), which calls execve(2), with all of it left to the new
 * program; returns only if that fails. */
void kept_pass(const struct kept *k, void (*become)(void *), void *arg);
/* Gives it to the service manager, if there is one, or has it forget it. */
void kept_store(const struct kept *k);
void kept_unstore(void);

#endif
