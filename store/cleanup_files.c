#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "store/blob_dir.h"
#include "store/cleanup_run.h"

/* Is a file of that hash of use?  1, 0, or an error.  Its size is not asked
 * for: a file that is damaged is not to be taken for one that nobody wants. */
static int
is_used(struct cleanup *c, const struct digest *sha256, uint64_t size)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	struct content content;
	int r = txn_read(c->store, &t, c->err);

	if (r < 0)
		return r;
	r = content_find(t, sha256, &content);
	if (r == 0 && reach_has_content(&c->reach, content))
		return 1;
	if (r == 0)
		r = content_find_file(t, sha256, size, &content);
	if (r == 0)
		return reach_has_content(&c->reach, content);
	return r == -ENOENT ? 0 : error_sys(c->err, r, "cannot look a file up");
}

static void
count(struct cleanup_count *n, uint64_t size)
{
	n->n++;
	n->bytes += size;
}

static int
visit_file(const struct blob_dir_entry *e, void *arg)
{
	struct cleanup *c = arg;
	int r = cleanup_stopped(c);

	if (r < 0 || !e->is_blob)
		return r;
	r = is_used(c, &e->sha256, e->size);
	if (r != 0)
		return r < 0 ? r : 0;
	if (!c->opts->dry_run && unlinkat(e->dirfd, e->name, 0) < 0)
		return errno == ENOENT
			   ? 0
			   : error_sys(c->err, -errno, "%s/blobs/sha256/%s",
				 store_dir(c->store), e->path);
	count(&c->result->files, e->size);
	progress_add(c->opts->progress, 0, 1);
	return 0;
}

int
cleanup_files(struct cleanup *c)
{
	return blob_dir_each(c->store, visit_file, c, c->err);
}

/* The file that fd has open, if it is old and still has the name.  With the
 * lock, nobody begins to write it. */
static bool
is_abandoned(const struct cleanup *c, int fd, const char *name, uint64_t *size)
{
	int64_t before = store_now(c->store) - CLEANUP_DOWNLOADS;
	struct stat st, by_name;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    st.st_mtime > before || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return false;
	*size = (uint64_t)st.st_size;
	return fstatat(store_tmp_fd(c->store), name, &by_name,
		   AT_SYMLINK_NOFOLLOW) == 0 &&
	       by_name.st_dev == st.st_dev && by_name.st_ino == st.st_ino;
}

static int
visit_download(struct cleanup *c, const char *name)
{
	CLEANUP_FD int fd = openat(store_tmp_fd(c->store), name,
	    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	uint64_t size;

	/* One that was renamed into place meanwhile, or is none of ours. */
	if (fd < 0 || !is_abandoned(c, fd, name, &size))
		return 0;
	if (!c->opts->dry_run && unlinkat(store_tmp_fd(c->store), name, 0) < 0)
		return error_sys(
		    c->err, -errno, "%s/tmp/%s", store_dir(c->store), name);
	count(&c->result->downloads, size);
	return 0;
}

int
cleanup_downloads(struct cleanup *c)
{
	int fd = openat(
	    store_tmp_fd(c->store), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	int r = 0;

	if (!d) {
		r = error_sys(c->err, -errno, "%s/tmp", store_dir(c->store));
		cleanup_fd(&fd);
		return r;
	}
	while (r >= 0 && (e = readdir(d)) != NULL) {
		struct digest sha256;

		if (digest_parse(span_of(e->d_name), &sha256) == 0)
			r = visit_download(c, e->d_name);
	}
	(void)closedir(d);
	return r;
}
