#include "fs/ops.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/log.h"
#include "base/path.h"
#include "fs/ops_internal.h"

#define BLOCK_SIZE 4096 /* st_blksize, f_bsize */

int
ops_new(const struct ops_opts *opts, struct ops **ret)
{
	struct ops *ops = calloc(1, sizeof(*ops));

	if (!ops)
		return -ENOMEM;
	ops->opts = *opts;
	ops->store = tree_store(opts->tree);
	if (read_pool_new(ops->store, &ops->pool) < 0 ||
	    open_files_new(&ops->files) < 0) {
		read_pool_free(ops->pool);
		free(ops);
		return -ENOMEM;
	}
	ops->pass_line = -1;
	/* Does not fail with default attributes on Linux. */
	(void)pthread_mutex_init(&ops->lock, NULL);
	(void)pthread_mutex_init(&ops->pass_lock, NULL);
	LIST_INIT(&ops->waiting);
	SLIST_INIT(&ops->iobufs);
	*ret = ops;
	return 0;
}

void
ops_free(struct ops *ops)
{
	if (!ops)
		return;
	ops_waiting_free(ops);
	open_files_free(ops->files);
	read_pool_free(ops->pool);
	ops_iobufs_free(ops);
	(void)pthread_mutex_destroy(&ops->pass_lock);
	(void)pthread_mutex_destroy(&ops->lock);
	free(ops);
}

struct fuse_io *
ops_io(struct ops *ops)
{
	return &ops->io;
}

struct ops *
ops_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

/* Errors that are answers and nothing to tell anybody of. */
static bool
is_plain_answer(int r)
{
	static const int plain[] = {
	    ENOENT, ENOTDIR, ESTALE, ENODATA, EOPNOTSUPP, EROFS, EINTR};

	for (size_t i = 0; i < ARRAY_LEN(plain); i++)
		if (r == -plain[i])
			return true;
	return false;
}

void
ops_fail(fuse_req_t req, int r, const char *what, const char *name)
{
	if (is_plain_answer(r)) {
		(void)fuse_reply_err(req, -r);
		return;
	}
	log_error("%s%s%s: %s", what, name ? " " : "", name ? name : "",
	    strerror(-r));
	(void)fuse_reply_err(req, r == -ENOMEM ? ENOMEM : EIO);
}

static void
op_init(void *userdata, struct fuse_conn_info *conn)
{
	struct ops *ops = userdata;

	/* What an inode number shows never changes, so neither times nor sizes
	 * need watching; splicing gains nothing.  Who lists 63,000 packages and
	 * then looks at each (ls -l, diff -r, rsync) would ask for all but the
	 * first ones by name if the kernel were to guess when attributes are
	 * wanted along with names. */
	conn->want &=
	    ~(unsigned)(FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_SPLICE_READ |
			FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE |
			FUSE_CAP_READDIRPLUS_AUTO);
	conn->want |= conn->capable &
		      (FUSE_CAP_EXPLICIT_INVAL_DATA | FUSE_CAP_READDIRPLUS |
			  FUSE_CAP_PARALLEL_DIROPS);
	ops->no_opendir = conn->capable & FUSE_CAP_NO_OPENDIR_SUPPORT;
}

static void
fill_stat(const struct node *node, struct stat *st)
{
	*st = (struct stat){
	    .st_ino = node->ino,
	    .st_mode = node->is_dir ? S_IFDIR | 0555 : S_IFREG | 0444,
	    .st_nlink = node->nlink,
	    .st_size = (off_t)node->size,
	    .st_blksize = BLOCK_SIZE,
	    .st_blocks = (blkcnt_t)((node->size + 511) / 512),
	    .st_atim = {.tv_sec = node->mtime},
	    .st_mtim = {.tv_sec = node->mtime},
	    .st_ctim = {.tv_sec = node->mtime},
	};
}

static double
attr_timeout(const struct node *node)
{
	return tree_is_top(node->ino) ? OPS_MUTABLE_S : OPS_STABLE_S;
}

static void
fill_entry(const struct node *node, struct fuse_entry_param *e)
{
	*e = (struct fuse_entry_param){
	    .ino = node->ino,
	    .attr_timeout = attr_timeout(node),
	    .entry_timeout = node->stable ? OPS_STABLE_S : OPS_MUTABLE_S,
	};
	fill_stat(node, &e->attr);
}

static void
op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param e = {.entry_timeout = OPS_STABLE_S};
	struct node node;
	bool stable = false;

	int r = tree_lookup(
	    ops_of(req)->opts.tree, parent, span_of(name), &node, &stable);

	if (r == 0)
		fill_entry(&node, &e);
	/* An entry without a number: its absence may be remembered. */
	if (r == 0 || (r == -ENOENT && stable))
		(void)fuse_reply_entry(req, &e);
	else
		ops_fail(req, r, "cannot look up", name);
}

static void
op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup)
{
	(void)ino;
	(void)nlookup;
	fuse_reply_none(req);
}

static void
op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	(void)count;
	(void)forgets;
	fuse_reply_none(req);
}

static void
op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct node node;
	struct stat st;
	int r;

	(void)fi;
	r = tree_node(ops_of(req)->opts.tree, ino, &node);
	if (r < 0) {
		ops_fail(req, r, "cannot look at an inode", NULL);
		return;
	}
	fill_stat(&node, &st);
	(void)fuse_reply_attr(req, &st, attr_timeout(&node));
}

/*
 * Directories need no opening, and the kernel keeps their listings where we
 * say so in this way: until an entry is invalidated or the mtime changes.
 */
static void
op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	if (ops_of(req)->no_opendir)
		(void)fuse_reply_err(req, ENOSYS);
	else
		(void)fuse_reply_open(req, fi);
}

/* A reply to readdir or readdirplus that is being filled. */
struct page {
	fuse_req_t req;
	char *bytes;
	size_t size, used;
	bool plus;
};

static size_t
add_plus(const struct page *p, const char *name, const struct node *node,
    uint64_t next)
{
	struct fuse_entry_param e;

	fill_entry(node, &e);
	/* The kernel has the two dots already and counts no look-up. */
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		e.ino = 0;
	return fuse_add_direntry_plus(p->req, p->bytes + p->used,
	    p->size - p->used, name, &e, (off_t)next);
}

static int
add_to_page(void *arg, struct span name, const struct node *node, uint64_t next)
{
	struct page *p = arg;
	char text[PATH_MAX_PART + 1];
	struct stat st;
	size_t n;

	if (name.len > PATH_MAX_PART)
		return 0;
	memcpy(text, name.ptr, name.len);
	text[name.len] = '\0';
	if (p->plus) {
		n = add_plus(p, text, node, next);
	} else {
		fill_stat(node, &st);
		n = fuse_add_direntry(p->req, p->bytes + p->used,
		    p->size - p->used, text, &st, (off_t)next);
	}
	if (n > p->size - p->used)
		return 1;
	p->used += n;
	return 0;
}

static void
list(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, bool plus)
{
	struct page p = {.req = req, .size = size, .plus = plus};
	CLEANUP_FREE char *bytes = malloc(size);
	int r = bytes ? 0 : -ENOMEM;

	p.bytes = bytes;
	if (r == 0)
		r = tree_list(ops_of(req)->opts.tree, ino, (uint64_t)offset,
		    plus, add_to_page, &p);
	/* What has been found is good; the error comes again next time. */
	if (r < 0 && p.used == 0)
		ops_fail(req, r, "cannot list a directory", NULL);
	else
		(void)fuse_reply_buf(req, bytes, p.used);
}

static void
op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
    struct fuse_file_info *fi)
{
	(void)fi;
	list(req, ino, size, offset, false);
}

static void
op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
    struct fuse_file_info *fi)
{
	(void)fi;
	list(req, ino, size, offset, true);
}

static void
op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct statvfs st = {
	    .f_bsize = BLOCK_SIZE,
	    .f_frsize = BLOCK_SIZE,
	    .f_namemax = PATH_MAX_PART,
	};

	(void)ino;
	(void)fuse_reply_statfs(req, &st);
}

const struct fuse_lowlevel_ops ops_table = {
    .init = op_init,
    .lookup = op_lookup,
    .forget = op_forget,
    .forget_multi = op_forget_multi,
    .getattr = op_getattr,
    .opendir = op_opendir,
    .readdir = op_readdir,
    .readdirplus = op_readdirplus,
    .open = ops_open,
    .read = ops_read,
    .release = ops_release,
    .statfs = op_statfs,
    .getxattr = ops_getxattr,
    .listxattr = ops_listxattr,
    .setattr = ops_setattr,
    .mknod = ops_mknod,
    .mkdir = ops_mkdir,
    .unlink = ops_unlink,
    .rmdir = ops_unlink,
    .symlink = ops_symlink,
    .rename = ops_rename,
    .link = ops_link,
    .create = ops_create,
    .setxattr = ops_setxattr,
    .removexattr = ops_removexattr,
};
