#ifndef FS_OPS_INTERNAL_H
#define FS_OPS_INTERNAL_H

/* What the callbacks' files share. */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "fs/fuse_io.h"
#include "fs/open_files.h"
#include "fs/ops.h"
#include "fs/read_pool.h"

struct waiting; /* an open that waits for its file, fs/ops_wait.c */
struct iobuf;	/* reused memory of replies, fs/ops_open.c */

struct ops {
	struct fuse_io io; /* first: see fs/fuse_io.h */
	struct ops_opts opts;
	struct store *store;
	struct read_pool *pool;
	struct open_files *files;
	bool no_opendir;	   /* the kernel can do without */
	int64_t resumed_ms;	   /* when, or 0 */
	pthread_mutex_t pass_lock; /* of a question and its answer */
	atomic_int pass_line;	   /* to the keeper; -1: nothing is passed */
	pthread_mutex_t lock;	   /* of the rest */
	LIST_HEAD(waiters, waiting) waiting;
	SLIST_HEAD(iobufs, iobuf) iobufs;
	unsigned niobufs;
	/* The failure that was logged last: many may wait for one file. */
	uint64_t failed_blob;
	int64_t failed_ms;
};

struct ops *ops_of(fuse_req_t req);
/*
 * Answers with an error and logs those that say that something is broken;
 * what (name, or NULL) is the request: "cannot read".
 */
void ops_fail(fuse_req_t req, int r, const char *what, const char *name);

/* fs/ops_open.c */
void ops_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void ops_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
    struct fuse_file_info *fi);
void ops_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void ops_iobufs_free(struct ops *ops);
struct reader;
/* Answers an open with a reader, which it takes.  fetched: the file has just
 * come. */
struct opening {
	fuse_ino_t ino;
	struct reader *reader;
	bool fetched;
};
void ops_reply_open(
    fuse_req_t req, const struct opening *o, const struct fuse_file_info *fi);

/* fs/ops_pass.c */
/* The number that the kernel knows the reader's file by, 0 where it has to be
 * read here, or a negative errno.  handle is the file's in open_files. */
int ops_pass_open(
    struct ops *ops, const struct opening *o, uint64_t handle) MUST_CHECK;
/* Before the handle is closed. */
void ops_pass_close(struct ops *ops, uint64_t handle);
/* -ENOENT: whoever asked has gone. */
int ops_pass_reply(fuse_req_t req, uint64_t handle, int id) MUST_CHECK;

/* fs/ops_wait.c */
/* Asks for the blob of an inode; the request is answered later. */
void ops_wait(fuse_req_t req, fuse_ino_t ino, const struct fuse_file_info *fi);
void ops_waiting_free(struct ops *ops);

/* fs/ops_xattr.c */
void ops_getxattr(
    fuse_req_t req, fuse_ino_t ino, const char *name, size_t size);
void ops_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size);
/* Adds the URL that a file comes from, fit to be shown. */
int ops_add_origin(struct ops *ops, fuse_ino_t ino, struct buf *out) MUST_CHECK;

/* fs/ops_write.c: every write is EROFS, however it was mounted. */
void ops_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int set,
    struct fuse_file_info *fi);
void ops_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
    dev_t rdev);
void ops_mkdir(
    fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void ops_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void ops_symlink(
    fuse_req_t req, const char *target, fuse_ino_t parent, const char *name);
void ops_rename(fuse_req_t req, fuse_ino_t parent, const char *name,
    fuse_ino_t new_parent, const char *new_name, unsigned flags);
void ops_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t new_parent,
    const char *new_name);
void ops_create(fuse_req_t req, fuse_ino_t parent, const char *name,
    mode_t mode, struct fuse_file_info *fi);
void ops_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name,
    const char *value, size_t size, int flags);
void ops_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name);

#endif
