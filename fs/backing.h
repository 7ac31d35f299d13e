#ifndef FS_BACKING_H
#define FS_BACKING_H

/*
 * Files that the kernel reads by itself, without asking who serves the mount
 * (passthrough, Linux 6.9), and which handles of the mount read them.
 *
 * The kernel wants all that have an inode open at one time to read it in the
 * same way, and from the same file, which it knows by a number.  So this is
 * noted for each handle, also for those that had to do without, in memory that
 * can be handed to another process, and outlives those that serve.
 *
 * The keeper's (fs/keeper.h): registering a file takes CAP_SYS_ADMIN.  One
 * thread.  Its memory is not there in processes that it forks.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

/* So many handles at a time; more can't be opened. */
#define BACKING_MAX 16384

struct backing;

/* Registers a file, for a number above 0, or forgets a number. */
struct backing_calls {
	int (*open)(void *arg, int fd);
	void (*close)(void *arg, int id);
	void *arg; /* the connection, an int, for the kernel's */
};

/* What ioctl(2) of /dev/fuse does. */
int backing_register(void *connection, int fd);
void backing_forget(void *connection, int id);

int backing_new(struct backing **ret) MUST_CHECK;
/* What another process had: takes fd, which backing_fd() was there, also where
 * it fails.  -EBADMSG: it is none. */
int backing_take(int fd, struct backing **ret) MUST_CHECK;
void backing_free(struct backing *b);
int backing_fd(const struct backing *b);

/*
 * A handle is about to be opened: the number to say to the kernel, or 0 where
 * it has to be read through whoever serves.  -EBUSY: it is open as another file
 * (one that was damaged, and has been replaced); -ENFILE: too many;
 * -EOPNOTSUPP: the kernel takes no file at all, and nobody need ask again.
 */
struct backing_open {
	uint64_t ino, handle;
	int fd;
};
int backing_open(struct backing *b, const struct backing_open *o,
    const struct backing_calls *calls) MUST_CHECK;
/* A handle is no more; one that is not known is none of ours. */
void backing_close(
    struct backing *b, uint64_t handle, const struct backing_calls *calls);

#endif
