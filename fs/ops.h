#ifndef FS_OPS_H
#define FS_OPS_H

/*
 * The FUSE callbacks: from requests to fs/tree.h and fs/reader.h and back.
 *
 * No request waits for the network in a FUSE thread: an open of a remote file
 * is answered by whoever brings it, or as soon as the reader gives up.
 * Inode numbers need no bookkeeping, so forget has nothing to do.  Neither do
 * they depend on the process that gave them out, and files that one before us
 * has opened are opened again when they are read.
 */

#include <fuse_lowlevel.h>

#include "fs/tree.h"
#include "store/blob_request.h"

/* How long the kernel may keep what it was told, in seconds: of what never
 * changes, and of the few names that do (notices come first, see notify.h). */
#define OPS_STABLE_S  86400.0
#define OPS_MUTABLE_S 5.0

struct ops;

struct ops_opts {
	struct tree *tree;
	/* NULL: files that are remote can't be had. */
	struct blob_requests *requests;
	/* How long an open may wait for its file; 0: as long as it takes. */
	int64_t wait_ms;
};

int ops_new(const struct ops_opts *opts, struct ops **ret) MUST_CHECK;
/* Nobody may be asked for a file by then (no requests under way). */
void ops_free(struct ops *ops);

/* Before requests come: large blobs are registered with the keeper, at whose
 * end of the line fs/backing.h is, and read by the kernel. */
void ops_pass_through(struct ops *ops, int line);

/* What the kernel asks in the first moments has waited for the process before
 * us already. */
void ops_resumed(struct ops *ops);
/*
 * Answers, with EIO, the opens that have waited for too long; their fetches go
 * on.  To be called now and then, by another thread than those that serve.
 * False: none ever waits too long.
 */
bool ops_expire(struct ops *ops);

/* What fuse_io_begin() wants. */
struct fuse_io;
struct fuse_io *ops_io(struct ops *ops);

/* What fuse_session_new() wants; the ops are its user data. */
extern const struct fuse_lowlevel_ops ops_table;

#endif
