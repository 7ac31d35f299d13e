#ifndef FS_PRIVILEGES_H
#define FS_PRIVILEGES_H

/*
 * What the two processes of a mount (fs/keeper.h) give up when root has
 * started them; for others there is nothing to do, but that a worker can't get
 * at programs with more rights.
 *
 * The keeper mounts, registers what the worker has opened with the kernel
 * (fs/backing.h), unmounts and starts workers: it keeps CAP_SYS_ADMIN,
 * CAP_SETUID, CAP_SETGID, CAP_SETPCAP, CAP_KILL (a worker may be another user)
 * and CAP_DAC_READ_SEARCH (the way to the mount point).
 *
 * The worker, which reads foreign bytes and talks to the network, has no
 * capability at all, can't gain any (no_new_privs, an empty bounding set), and
 * is the user whom the store belongs to: nobody else may write there.
 */

#include <sys/types.h>

#include "base/error.h"

int privileges_of_keeper(struct error *err) MUST_CHECK;

/* Before there are threads.  store is the store's directory. */
int privileges_of_worker(const char *store, struct error *err) MUST_CHECK;

#endif
