#ifndef FS_NOTIFY_H
#define FS_NOTIFY_H

/*
 * The thread that notices what commands have changed and tells the kernel to
 * drop what it knows of it.  It serves no requests and holds no locks while it
 * tells: the kernel may be asking us something at that moment.
 */

#include <fuse_lowlevel.h>
#include <stdbool.h>

#include "base/error.h"
#include "fs/tree.h"

struct notifier;

struct notifier_opts {
	struct fuse_session *session;
	struct tree *tree;
	/* Another process served the mount before: what changed between its end
	 * and our beginning has to be told too. */
	bool resumed;
};

int notifier_start(const struct notifier_opts *opts, struct notifier **ret,
    struct error *err) MUST_CHECK;
void notifier_stop(struct notifier *n);

#endif
