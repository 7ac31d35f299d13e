#ifndef FS_FUSE_IO_H
#define FS_FUSE_IO_H

/*
 * How a FUSE session begins, through fuse_session_custom_io(): with the
 * kernel's first request, INIT, taken by ourselves.
 *
 *   - Its answer says what libfuse 3.14 knows of but doesn't transmit:
 *     FUSE_PARALLEL_DIROPS, so that look-ups in one directory go side by side
 *     (three times as many a second with two readers); and, where it is wanted
 *     and the kernel can, that files may be passed through (fs/backing.h).
 *   - Its bytes are kept, for a process that takes the connection over.  There
 *     the same INIT is played to libfuse again, the answer is swallowed, and
 *     the kernel is asked to send again what the last process has not
 *     answered (FUSE_NOTIFY_RESEND, Linux 6.9).
 *
 * After that, libfuse reads and writes the descriptor as it would by itself.
 *
 * The session's user data must begin with a struct fuse_io.  Calls belong to
 * one thread, before the session's loop.
 */

#include <fuse_lowlevel.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/span.h"

/* Bytes of an INIT request: 56 until Linux 5.15, 104 since. */
#define FUSE_IO_INIT_MAX 512

struct fuse_io {
	bool beginning;	  /* INIT has not been answered */
	bool swallow;	  /* its answer is not for the kernel */
	bool passthrough; /* is in its answer */
};

struct fuse_io_init {
	size_t len; /* 0: none yet */
	unsigned char bytes[FUSE_IO_INIT_MAX];
};

/* -EBADMSG: it is none. */
int fuse_io_init_check(struct span bytes) MUST_CHECK;
/* Can the connection be taken over, by what its kernel says? */
bool fuse_io_can_resend(const struct fuse_io_init *init);
/* Can its kernel read files by itself? */
bool fuse_io_can_pass(const struct fuse_io_init *init);

/*
 * Mounts as libfuse does, with fusermount3 where we are not root.  *ret serves
 * nothing: it is there to unmount, with fuse_io_unmount(), which does no harm
 * where that has been done by others.  *ret_fd is the connection; when it and
 * all copies are closed nobody is served any more.
 */
int fuse_io_mount(const char *options, const char *where,
    struct fuse_session **ret, int *ret_fd, struct error *err) MUST_CHECK;
/* Who is inside stays so; the name is free.  NULL is fine. */
void fuse_io_unmount(struct fuse_session *mounted);

struct fuse_io_opts {
	struct fuse_session *session;
	struct fuse_io *io; /* what its user data begins with */
	int fd;		    /* the session takes it */
	bool passthrough;   /* is wanted; a connection that has begun has it or
			     * not */
	/* Called with INIT before it is answered; what it returns below 0 ends
	 * the beginning. */
	int (*keep)(void *arg, const struct fuse_io_init *init);
	void *arg;
};

/*
 * Makes the session use the descriptor and answers INIT.  With init->len 0 the
 * request is read and stored in *init.  Otherwise that one is played again, and
 * everything that is under way is asked for again.  -ENODEV: the mount has
 * gone; -EBADMSG: the kernel's first request is another.
 */
int fuse_io_begin(
    const struct fuse_io_opts *opts, struct fuse_io_init *init) MUST_CHECK;

/*
 * Makes the kernel ask again for a name, when it is next used.  Before Linux
 * 6.2 it drops at once what it knows below the name, and until it has done so
 * nobody can look for another in the directory.  -ENOENT: it doesn't know the
 * name.
 */
int fuse_io_expire_name(int fd, uint64_t dir, struct span name);

/* Makes the kernel ask again for every name that it knows (Linux 6.16).
 * -EINVAL: it can't. */
int fuse_io_forget_names(int fd);

#endif
