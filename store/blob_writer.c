#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/file.h"
#include "store/blob.h"
#include "store/blob_file.h"

#define WAIT_MS	     50 /* between tries to get the lock */
#define REHASH_BLOCK (256 * 1024)

struct blob_writer {
	struct store *store;
	struct digest sha256;
	char hex[DIGEST_HEX_SIZE]; /* also the file's name in tmp */
	uint64_t size;		   /* announced */
	uint64_t have;		   /* written and hashed */
	const atomic_bool *cancel; /* while it is opened; or NULL */
	struct hash *hash;
	int fd; /* holds the lock */
	bool ended;
	int failed; /* the file may have more than was hashed */
};

void
blob_writer_free(struct blob_writer *w)
{
	if (!w)
		return;
	/* While the lock is held, the name in tmp is this file's. */
	if (w->fd >= 0 && w->have == 0 && !w->ended)
		(void)unlinkat(store_tmp_fd(w->store), w->hex, 0);
	if (w->fd >= 0)
		(void)close(w->fd);
	hash_free(w->hash);
	free(w);
}

static bool
is_cancelled(const struct blob_writer *w)
{
	return w->cancel && atomic_load(w->cancel);
}

/* 1 with the lock, 0 where another has it. */
static int
try_lock(int fd)
{
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 1;
	return errno == EWOULDBLOCK || errno == EINTR ? 0 : -errno;
}

/* Does the name in tmp still lead to this file?  Who had the lock before may
 * have renamed or dropped it. */
static int
still_named(const struct blob_writer *w, int fd)
{
	struct stat by_fd, by_name;

	if (fstat(fd, &by_fd) < 0)
		return -errno;
	if (fstatat(store_tmp_fd(w->store), w->hex, &by_name,
		AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	return by_fd.st_dev == by_name.st_dev && by_fd.st_ino == by_name.st_ino;
}

/* A file that was about to be moved in when its writer ended is read-only, and
 * only root may write to it all the same.  0: try again. */
static int
make_writable(const struct blob_writer *w)
{
	CLEANUP_FD int fd = openat(
	    store_tmp_fd(w->store), w->hex, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int r;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	/* Not one that is being moved in now. */
	r = try_lock(fd);
	if (r > 0)
		r = still_named(w, fd);
	if (r > 0)
		r = fchmod(fd, 0600) < 0 ? -errno : 0;
	return r;
}

/* 1 with the file open and locked, 0 to try again later. */
static int
try_open(struct blob_writer *w)
{
	CLEANUP_FD int fd = openat(store_tmp_fd(w->store), w->hex,
	    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int r;

	if (fd < 0)
		return errno == EACCES ? make_writable(w) : -errno;
	r = try_lock(fd);
	if (r > 0)
		r = still_named(w, fd);
	if (r <= 0)
		return r;
	w->fd = fd;
	fd = -1;
	return 1;
}

/* Waits for the lock, or until another process has completed the blob. */
static int
open_locked(struct blob_writer *w)
{
	int r;

	for (;;) {
		r = blob_present(w->store, &w->sha256);
		if (r != 0)
			return r < 0 ? r : -EEXIST;
		r = try_open(w);
		if (r < 0)
			return r;
		if (r > 0)
			break;
		if (is_cancelled(w))
			return -EINTR;
		(void)poll(NULL, 0, WAIT_MS);
	}
	/* It may have been completed between the look and the lock. */
	r = blob_present(w->store, &w->sha256);
	return r > 0 ? -EEXIST : r;
}

static int
rehash(struct blob_writer *w)
{
	CLEANUP_FREE char *block = malloc(REHASH_BLOCK);
	struct stat st;
	ssize_t n;

	if (!block)
		return -ENOMEM;
	if (fstat(w->fd, &st) < 0)
		return -errno;
	if (st.st_size == 0)
		return 0;
	if ((uint64_t)st.st_size > w->size)
		return blob_writer_restart(w);
	do {
		n = file_pread_all(w->fd, block, REHASH_BLOCK, (off_t)w->have);
		if (n < 0)
			return (int)n;
		hash_add(w->hash, block, (size_t)n);
		w->have += (uint64_t)n;
	} while (n > 0 && !is_cancelled(w));
	if (n > 0)
		return -EINTR;
	return lseek(w->fd, (off_t)w->have, SEEK_SET) < 0 ? -errno : 0;
}

int
blob_writer_open(struct store *s, const struct blob_wish *wish,
    struct blob_writer **ret, uint64_t *ret_have, struct error *err)
{
	CLEANUP(blob_writer_cleanup) struct blob_writer *w = NULL;
	int r;

	w = calloc(1, sizeof(*w));
	if (!w)
		return error_sys(err, -ENOMEM, "cannot write a file");
	w->fd = -1;
	w->store = s;
	w->sha256 = wish->sha256;
	w->size = wish->size;
	w->cancel = wish->cancel;
	digest_hex(&w->sha256, w->hex);
	r = hash_new(&w->hash);
	if (r == 0)
		r = open_locked(w);
	if (r == 0)
		r = rehash(w);
	if (r == -EINTR)
		return error_set(err, r, "stopped");
	if (r < 0)
		return error_sys(err, r, "%s/tmp/%s", store_dir(s), w->hex);
	*ret_have = w->have;
	*ret = TAKE(w);
	return 0;
}

int
blob_writer_new(struct store *s, const struct digest *sha256, uint64_t size,
    struct blob_writer **ret, uint64_t *ret_have, struct error *err)
{
	struct blob_wish wish = {*sha256, size, NULL};

	return blob_writer_open(s, &wish, ret, ret_have, err);
}

int
blob_writer_add(
    struct blob_writer *w, const void *ptr, size_t len, struct error *err)
{
	int r = w->failed;

	if (r == 0 && len > w->size - w->have)
		return error_set(err, -EBADMSG,
		    "more than the announced %" PRIu64 " bytes", w->size);
	if (r == 0)
		r = file_write_all(w->fd, ptr, len);
	if (r < 0) {
		w->failed = r;
		return error_sys(err, r, "cannot write %s/tmp/%s",
		    store_dir(w->store), w->hex);
	}
	hash_add(w->hash, ptr, len);
	w->have += len;
	return 0;
}

int
blob_writer_restart(struct blob_writer *w)
{
	struct digest dropped;

	if (ftruncate(w->fd, 0) < 0 || lseek(w->fd, 0, SEEK_SET) < 0)
		return -errno;
	hash_end(w->hash, &dropped);
	w->have = 0;
	w->failed = 0;
	return 0;
}

int
blob_writer_reopen(const struct blob_writer *w)
{
	int fd = openat(
	    store_tmp_fd(w->store), w->hex, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 ? -errno : fd;
}

static int
verify(struct blob_writer *w, struct error *err)
{
	struct digest got;
	char hex[DIGEST_HEX_SIZE];

	if (w->failed < 0)
		return error_sys(err, w->failed, "cannot write %s/tmp/%s",
		    store_dir(w->store), w->hex);
	if (w->have != w->size)
		return error_set(err, -EBADMSG,
		    "%" PRIu64 " bytes instead of the announced %" PRIu64,
		    w->have, w->size);
	hash_end(w->hash, &got);
	if (!digest_eq(&got, &w->sha256))
		return error_set(err, -EBADMSG,
		    "SHA-256 is %s instead of the announced %s",
		    digest_hex(&got, hex), w->hex);
	return 0;
}

/* The directory of the blob, named by the first two digits, is there. */
static int
make_dir(int blobs_fd, const char *name)
{
	struct stat st;

	if (mkdirat(blobs_fd, name, 0755) == 0)
		return dir_sync(blobs_fd, ".");
	if (errno != EEXIST ||
	    fstatat(blobs_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	/* Where a link leads is none of our places. */
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

static int
move_in(struct blob_writer *w)
{
	int blobs_fd = store_blobs_fd(w->store), r;
	char name[BLOB_FILE_NAME_SIZE], dir[3] = {w->hex[0], w->hex[1], '\0'};

	if (fchmod(w->fd, 0444) < 0 || fsync(w->fd) < 0)
		return -errno;
	r = make_dir(blobs_fd, dir);
	if (r < 0)
		return r;
	if (renameat(store_tmp_fd(w->store), w->hex, blobs_fd,
		blob_file_name(&w->sha256, name)) < 0)
		return -errno;
	w->ended = true;
	return dir_sync(blobs_fd, dir);
}

int
blob_writer_end(struct blob_writer *w, struct error *err)
{
	int r;

	r = verify(w, err);
	if (r == -EBADMSG) {
		(void)unlinkat(store_tmp_fd(w->store), w->hex, 0);
		w->ended = true;
	}
	if (r < 0)
		return r;
	r = move_in(w);
	if (r < 0)
		return error_sys(err, r, "cannot complete %s/blobs/sha256/%s",
		    store_dir(w->store), w->hex);
	return 0;
}
