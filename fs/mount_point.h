#ifndef FS_MOUNT_POINT_H
#define FS_MOUNT_POINT_H

/* The directory that is mounted on: may we, and what is there. */

#include <stdbool.h>

#include "base/error.h"
#include "base/span.h"

#define READ_AHEAD_KB 1024

/*
 * Is it a directory that can be mounted on?  Its absolute path, for the caller
 * to free.  -ENOENT; -ENOTDIR; -EBUSY: a FUSE mount is there already; -EINVAL:
 * it is in the store, or the store in it.  store is absolute.
 */
int mount_point_check(const char *name, const char *store, char **ret,
    struct error *err) MUST_CHECK;

/* A line of /proc/self/mountinfo. */
struct mount_line {
	struct span device; /* "0:57" */
	struct span where;  /* with octal escapes */
	struct span type;   /* "fuse.suitefs" */
};
/* -EBADMSG: no such line. */
int mount_line_parse(struct span line, struct mount_line *ret) MUST_CHECK;

/*
 * Lets the kernel read further ahead in a mount than libfuse can ask for;
 * only root may.  Failing to is no failure: reading is slower then.
 */
void mount_point_read_ahead(const char *where);

/* Unmounts, with fusermount3 where we are not root.  Who is inside stays so;
 * the name is free. */
void mount_point_unmount(const char *where);

#endif
