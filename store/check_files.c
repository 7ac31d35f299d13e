#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"
#include "store/blob.h"
#include "store/blob_dir.h"
#include "store/check_run.h"
#include "store/content.h"

#define BLOCK (1024 * 1024)

struct files {
	struct check *check;
	char *block;
	int damaged_fd; /* DIR/damaged, once it is needed; or -1 */
	uint64_t files, bytes;
};

static void
files_release(struct files *f)
{
	free(f->block);
	cleanup_fd(&f->damaged_fd);
}

static int
sum(const struct blob_dir_entry *e, void *arg)
{
	struct files *f = arg;

	f->files += e->is_blob;
	f->bytes += e->is_blob ? e->size : 0;
	return 0;
}

static int
open_damaged(struct files *f)
{
	struct check *c = f->check;
	CLEANUP_FREE char *path = NULL;

	if (f->damaged_fd >= 0)
		return 0;
	if (asprintf(&path, "%s/damaged", store_dir(c->store)) < 0) {
		path = NULL;
		return error_sys(c->err, -ENOMEM, "cannot set a file aside");
	}
	if (mkdir(path, 0700) == 0)
		(void)dir_sync(AT_FDCWD, store_dir(c->store)); /* no matter */
	else if (errno != EEXIST)
		return error_sys(c->err, -errno, "%s", path);
	f->damaged_fd =
	    open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return f->damaged_fd < 0 ? error_sys(c->err, -errno, "%s", path) : 0;
}

/* The file is remote from the rename on. */
static int
set_aside(struct files *f, const struct blob_dir_entry *e)
{
	struct check *c = f->check;
	int r = open_damaged(f);

	if (r < 0)
		return r;
	if (renameat(e->dirfd, e->name, f->damaged_fd, e->name) < 0)
		return error_sys(c->err, -errno, "%s/blobs/sha256/%s",
		    store_dir(c->store), e->path);
	r = dir_sync(e->dirfd, ".");
	if (r == 0)
		r = dir_sync(f->damaged_fd, ".");
	return r < 0 ? error_sys(c->err, r, "%s/damaged", store_dir(c->store))
		     : 0;
}

static int
is_place(uint64_t origin, struct span path, void *arg)
{
	(void)origin, (void)path, (void)arg;
	return 1;
}

/* What becomes of a file that can't be read as it is; fills in f's blob, where
 * there is more to be done. */
static const char *
prospect(
    struct check *c, const struct blob_dir_entry *e, struct check_finding *f)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	CLEANUP(blob_release) struct blob b = {0};
	struct content content;
	struct digest sha256;

	if (digest_parse(span_of(e->name), &sha256) < 0 ||
	    txn_read(c->store, &t, NULL) < 0 ||
	    content_find(t, &sha256, &content) < 0)
		return "nothing refers to it";
	if (content.kind != CONTENT_BLOB)
		return "it is not needed any more";
	if (blob_load(t, content.number, &b) < 0 ||
	    (b.nsisters == 0 && blob_each_place(t, &b, is_place, NULL) <= 0))
		return "nobody is known to have it";
	f->blob = b.number;
	f->size = b.size;
	return "it can be fetched again";
}

static int
found(struct files *f, const struct blob_dir_entry *e, const char *text)
{
	struct check *c = f->check;
	char what[1024], all[1024];
	struct check_finding finding = {
	    .what = what, .text = all, .repaired = c->opts->repair};
	const char *then = prospect(c, e, &finding);
	int r = 0;

	if (c->opts->repair)
		r = set_aside(f, e);
	else
		finding.blob = 0;
	if (r < 0)
		return r;
	(void)snprintf(what, sizeof(what), "blobs/sha256/%s", e->path);
	(void)snprintf(all, sizeof(all), "%s; %s%s", text,
	    c->opts->repair ? "set aside; " : "", then);
	check_tell(c, &finding);
	return 0;
}

/* -EIO and the like: the disk does not give the bytes. */
static int
hash_file(struct files *f, int fd, struct digest *ret)
{
	struct check *c = f->check;
	off_t at = 0;
	ssize_t n;

	hash_end(c->hash, ret);
	do {
		if (c->opts->cancel && atomic_load(c->opts->cancel))
			return -EINTR;
		n = file_pread_all(fd, f->block, BLOCK, at);
		if (n < 0)
			return (int)n;
		hash_add(c->hash, f->block, (size_t)n);
		progress_add(c->opts->progress, (uint64_t)n, 0);
		at += n;
	} while (n == BLOCK);
	hash_end(c->hash, ret);
	return 0;
}

static int
check_file(struct files *f, const struct blob_dir_entry *e)
{
	struct check *c = f->check;
	CLEANUP_FD int fd = openat(
	    e->dirfd, e->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct digest got;
	char hex[DIGEST_HEX_SIZE], text[256];
	int r = fd < 0 ? -errno : hash_file(f, fd, &got);

	if (r == -ENOENT)
		return 0;
	if (r == -EINTR)
		return error_set(c->err, r, "stopped");
	if (r == -EIO) {
		(void)snprintf(text, sizeof(text), "can't be read");
		return found(f, e, text);
	}
	if (r < 0)
		return error_sys(c->err, r, "%s/blobs/sha256/%s",
		    store_dir(c->store), e->path);
	c->result->files++;
	c->result->bytes += e->size;
	progress_add(c->opts->progress, 0, 1);
	if (digest_eq(&got, &e->sha256))
		return 0;
	(void)snprintf(
	    text, sizeof(text), "its SHA-256 is %s", digest_hex(&got, hex));
	return found(f, e, text);
}

static int
visit(const struct blob_dir_entry *e, void *arg)
{
	struct files *f = arg;
	struct digest sha256;

	if (e->is_blob)
		return check_file(f, e);
	/* What has the name of a blob would be in a blob's way. */
	if (digest_parse(span_of(e->name), &sha256) < 0)
		return 0;
	return found(f, e, "is no file, or is in the wrong directory");
}

int
check_files(struct check *c)
{
	CLEANUP(files_release)
	struct files f = {.check = c, .block = malloc(BLOCK), .damaged_fd = -1};
	int r;

	if (!f.block)
		return error_sys(c->err, -ENOMEM, "cannot check files");
	r = blob_dir_each(c->store, sum, &f, c->err);
	if (r < 0)
		return r;
	progress_stage(c->opts->progress, "checking files", f.bytes, f.files);
	r = blob_dir_each(c->store, visit, &f, c->err);
	progress_end(c->opts->progress);
	return r;
}
