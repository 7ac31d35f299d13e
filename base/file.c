#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_AT_ONCE (64 * 1024)

/* Reads to the end of the file, or to one byte more than limit. */
static int
read_up_to(int fd, size_t limit, struct buf *b)
{
	size_t total = 0;

	while (total <= limit) {
		size_t want = READ_AT_ONCE;
		ssize_t n;

		if (want > limit - total)
			want = limit - total + 1;
		if (buf_reserve(b, want) < 0)
			return -ENOMEM;
		n = read(fd, b->ptr + b->len, want);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		b->len += (size_t)n;
		b->ptr[b->len] = '\0';
		total += (size_t)n;
	}
	return -E2BIG;
}

int
file_read(
    int dirfd, const char *name, size_t limit, struct buf *b, struct error *err)
{
	CLEANUP_FD int fd =
	    openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	size_t before = b->len;
	int r;

	if (fd < 0)
		return error_sys(err, -errno, "cannot open %s", name);
	r = read_up_to(fd, limit, b);
	if (r == 0)
		return 0;
	if (b->ptr) {
		b->len = before;
		b->ptr[before] = '\0';
	}
	if (r == -E2BIG)
		return error_set(
		    err, r, "%s is larger than %zu bytes", name, limit);
	return error_sys(err, r, "cannot read %s", name);
}

int
file_write_all(int fd, const void *ptr, size_t len)
{
	const char *p = ptr;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

ssize_t
file_pread_all(int fd, void *ptr, size_t len, off_t offset)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(
		    fd, (char *)ptr + done, len - done, offset + (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

int
dir_sync(int dirfd, const char *name)
{
	CLEANUP_FD int fd =
	    openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return -errno;
	return 0;
}

/* Where a directory was made, the entry for it is flushed. */
static int
sync_parent(const char *name)
{
	CLEANUP_FREE char *path = NULL;
	int r;

	if (asprintf(&path, "%s/..", name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	r = dir_sync(AT_FDCWD, path);
	/* One may be allowed to write there and not to read. */
	return r == -EACCES ? 0 : r;
}

static int
make_one(const char *name, mode_t mode)
{
	struct stat st;
	int r;

	if (mkdir(name, mode) == 0)
		return sync_parent(name);
	r = -errno;
	/* What mkdir() says of a directory that is there depends on the file
	 * system: EROFS and EACCES occur as well as EEXIST. */
	if (stat(name, &st) < 0)
		return r;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int
dir_make(const char *name, mode_t mode, struct error *err)
{
	CLEANUP_FREE char *path = strdup(name);
	char *slash;
	int r;

	if (!path)
		return error_sys(
		    err, -ENOMEM, "cannot make directory %s", name);
	for (slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		if (slash == path || slash[-1] == '/')
			continue;
		*slash = '\0';
		r = make_one(path, mode);
		if (r < 0)
			return error_sys(
			    err, r, "cannot make directory %s", path);
		*slash = '/';
	}
	r = make_one(path, mode);
	if (r < 0)
		return error_sys(err, r, "cannot make directory %s", path);
	return 0;
}
