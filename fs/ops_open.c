#include <errno.h>
#include <fcntl.h>
#include <stdint.h>

#include "base/buf.h"
#include "fs/inode.h"
#include "fs/ops_internal.h"
#include "fs/reader.h"

#define MAX_IDLE_IOBUFS 3

struct iobuf {
	SLIST_ENTRY(iobuf) link;
	size_t size;
	char bytes[];
};

void
ops_iobufs_free(struct ops *ops)
{
	struct iobuf *b;

	while ((b = SLIST_FIRST(&ops->iobufs)) != NULL) {
		SLIST_REMOVE_HEAD(&ops->iobufs, link);
		free(b);
	}
}

/* The one used last comes first, so that few are ever touched. */
static struct iobuf *
iobuf_get(struct ops *ops, size_t size)
{
	struct iobuf *b;

	(void)pthread_mutex_lock(&ops->lock);
	b = SLIST_FIRST(&ops->iobufs);
	if (b) {
		SLIST_REMOVE_HEAD(&ops->iobufs, link);
		ops->niobufs--;
	}
	(void)pthread_mutex_unlock(&ops->lock);
	if (b && b->size >= size)
		return b;
	free(b);
	b = malloc(sizeof(*b) + size);
	if (b)
		b->size = size;
	return b;
}

static void
iobuf_put(struct ops *ops, struct iobuf *b)
{
	bool keep;

	(void)pthread_mutex_lock(&ops->lock);
	keep = ops->niobufs < MAX_IDLE_IOBUFS;
	if (keep) {
		SLIST_INSERT_HEAD(&ops->iobufs, b, link);
		ops->niobufs++;
	}
	(void)pthread_mutex_unlock(&ops->lock);
	if (!keep)
		free(b);
}

/*
 * Opens without a message (ENOSYS to OPEN) are ten times as many a second, but
 * a file could not be fetched, or refused, when it is opened.
 */
static int
reply_plain(fuse_req_t req, const struct opening *o, struct fuse_file_info *out)
{
	/* An inode's bytes are the same for ever.  Only where the file was
	 * fetched again, by us or another, what was read of the one before may
	 * have been damaged: that is why it was set aside. */
	out->keep_cache = !o->fetched && !reader_was_damaged(o->reader);
	out->noflush = 1;
	return fuse_reply_open(req, out);
}

static void
close_handle(struct ops *ops, uint64_t handle)
{
	ops_pass_close(ops, handle);
	open_files_close(ops->files, handle);
}

void
ops_reply_open(
    fuse_req_t req, const struct opening *o, const struct fuse_file_info *fi)
{
	struct ops *ops = ops_of(req);
	struct fuse_file_info out = *fi;
	int id, r = open_files_add(ops->files, o->reader, &out.fh);

	if (r < 0) {
		reader_close(o->reader);
		ops_fail(req, r, "cannot open", NULL);
		return;
	}
	id = ops_pass_open(ops, o, out.fh);
	if (id < 0) {
		open_files_close(ops->files, out.fh);
		ops_fail(req, id, "cannot open", NULL);
		return;
	}
	r = id > 0 ? ops_pass_reply(req, out.fh, id)
		   : reply_plain(req, o, &out);
	/* Whoever asked has gone: no release will come. */
	if (r == -ENOENT)
		close_handle(ops, out.fh);
}

static int
open_keyring(struct ops *ops, fuse_ino_t ino, struct reader **ret)
{
	CLEANUP(buf_release) struct buf bytes = {0};

	int r = tree_keyring(ops->opts.tree, ino, &bytes);

	return r < 0 ? r : reader_open_bytes(buf_span(&bytes), ret);
}

static int
open_reader(struct ops *ops, fuse_ino_t ino, struct reader **ret)
{
	if (ino_kind(ino) == INO_KEYRING)
		return open_keyring(ops, ino, ret);
	return reader_open(ops->pool, ino_content(ino), ret);
}

void
ops_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct ops *ops = ops_of(req);
	struct opening o = {.ino = ino};
	int r = -EROFS;

	if ((fi->flags & O_ACCMODE) == O_RDONLY)
		r = open_reader(ops, ino, &o.reader);
	if (r == 0)
		ops_reply_open(req, &o, fi);
	else if (r == -EREMOTE)
		ops_wait(req, ino, fi);
	else
		ops_fail(req, r == -ENOENT ? -ESTALE : r, "cannot open", NULL);
}

/* The reader of a handle, also of one that a process before us gave out. */
static int
find_reader(
    struct ops *ops, fuse_ino_t ino, uint64_t handle, struct reader **ret)
{
	struct reader *reader;
	int r;

	*ret = open_files_find(ops->files, handle);
	if (*ret)
		return 0;
	r = open_reader(ops, ino, &reader);
	if (r < 0)
		return r;
	r = open_files_adopt(ops->files, handle, reader, ret);
	if (r < 0)
		reader_close(reader);
	return r;
}

void
ops_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
    struct fuse_file_info *fi)
{
	struct ops *ops = ops_of(req);
	struct reader *reader;
	struct iobuf *b;
	bool ahead;
	ssize_t n = find_reader(ops, ino, fi->fh, &reader);

	if (n < 0) {
		ops_fail(req, (int)n, "cannot read on", NULL);
		return;
	}
	b = iobuf_get(ops, size);
	if (!b) {
		ops_fail(req, -ENOMEM, "cannot read", NULL);
		return;
	}
	n = reader_read(reader, b->bytes, size, (uint64_t)offset);
	/* Once it has its answer, the kernel may close the file. */
	ahead = n > 0 && reader_begin_ahead(reader);
	if (n < 0)
		ops_fail(req, (int)n, "cannot read", NULL);
	else
		(void)fuse_reply_buf(req, b->bytes, (size_t)n);
	iobuf_put(ops, b);
	/* Other threads answer meanwhile. */
	if (ahead)
		reader_ahead(reader);
}

void
ops_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	close_handle(ops_of(req), fi->fh);
	(void)fuse_reply_err(req, 0);
}
