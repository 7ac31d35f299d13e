/*
 * The calls that change files, in the place of the C library's.  Each asks
 * whether it is about the store, then what is to become of it, does it, and
 * logs it.  Names ending in 64 are those that _FILE_OFFSET_BITS=64 leads to.
 */
/* The names without 64 are to be defined here too. */
#undef _FILE_OFFSET_BITS

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fault.h"

#define ALIAS(name) __attribute__((alias(#name)))

static uint64_t
ino_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? st.st_ino : 0;
}

/* --- opening ---------------------------------------------------------------
 */

static void
note_open(int fd, const char *path, int flags, bool made)
{
	struct stat st;
	unsigned char kind = FD_FILE;

	if (fstat(fd, &st) < 0)
		return;
	if (S_ISDIR(st.st_mode))
		kind = FD_DIR;
	else if (flags & O_DSYNC)
		kind |= FD_DSYNC;
	fault_set_fd(fd, kind);
	if (kind == FD_DIR || (flags & O_ACCMODE) == O_RDONLY)
		return;
	fault_log(&(struct logged){.op = OP_OPEN,
	    .path = path,
	    .ino = st.st_ino,
	    .flags = (made ? 1 : 0) | (flags & O_TRUNC ? 2 : 0)});
}

static int
open_any(int dirfd, const char *name, int flags, mode_t mode)
{
	char buf[PATH_MAX];
	const char *path = fault_path(dirfd, name, buf);
	bool made = false;
	int fd;

	if (!path) {
		fd = (int)syscall(SYS_openat, dirfd, name, flags, mode);
		fault_set_fd(fd, FD_OTHER);
		return fd;
	}
	fault_lock();
	if (flags & O_CREAT)
		made = faccessat(dirfd, name, F_OK, 0) < 0;
	if (made || flags & O_TRUNC) {
		struct verdict v = fault_judge();

		if (v.error) {
			fault_unlock();
			errno = v.error;
			return -1;
		}
	}
	fd = (int)syscall(SYS_openat, dirfd, name, flags, mode);
	if (fd >= 0) {
		int saved = errno;

		note_open(fd, path, flags, made);
		errno = saved;
	}
	fault_unlock();
	return fd;
}

static mode_t
mode_of(int flags, va_list args)
{
	return flags & (O_CREAT | __O_TMPFILE) ? va_arg(args, mode_t) : 0;
}

int
open(const char *name, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = mode_of(flags, args);
	va_end(args);
	return open_any(AT_FDCWD, name, flags, mode);
}

int
openat(int dirfd, const char *name, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = mode_of(flags, args);
	va_end(args);
	return open_any(dirfd, name, flags, mode);
}

/* What open() becomes with _FORTIFY_SOURCE. */
int __open_2(const char *name, int flags);
int __openat_2(int dirfd, const char *name, int flags);

int
__open_2(const char *name, int flags)
{
	return open_any(AT_FDCWD, name, flags, 0);
}

int
__openat_2(int dirfd, const char *name, int flags)
{
	return open_any(dirfd, name, flags, 0);
}

int open64(const char *name, int flags, ...) ALIAS(open);
int openat64(int dirfd, const char *name, int flags, ...) ALIAS(openat);
int __open64_2(const char *name, int flags) ALIAS(__open_2);
int __openat64_2(int dirfd, const char *name, int flags) ALIAS(__openat_2);

/* The next name that nobody has, of those that end in a number. */
int
mkostemp(char *template, int flags)
{
	char *end = template + strlen(template) - 6;
	int fd = -1;

	for (unsigned n = 0; n < 1000000; n++) {
		char number[7];

		(void)snprintf(number, sizeof(number), "%06u", n % 1000000);
		memcpy(end, number, 6);
		fd = open_any(AT_FDCWD, template,
		    flags | O_RDWR | O_CREAT | O_EXCL, 0600);
		if (fd >= 0 || errno != EEXIST)
			break;
	}
	return fd;
}

int mkostemp64(char *template, int flags) ALIAS(mkostemp);

int
close(int fd)
{
	fault_set_fd(fd, FD_OTHER);
	return (int)syscall(SYS_close, fd);
}

/* --- writing ---------------------------------------------------------------
 */

static ssize_t
raw_write(int fd, const struct iovec *iov, int niov, off_t at)
{
	return at < 0 ? syscall(SYS_writev, fd, iov, niov)
		      : syscall(SYS_pwritev, fd, iov, niov, at, 0);
}

/* A write that fails may have left some of its bytes. */
static ssize_t
write_half(int fd, const struct iovec *iov, off_t at, struct logged *l)
{
	struct iovec half = {iov->iov_base, iov->iov_len / 2};
	ssize_t n = half.iov_len > 0 ? raw_write(fd, &half, 1, at) : 0;

	l->len = n > 0 ? (size_t)n : 0;
	if (n > 0)
		fault_log(l);
	return n;
}

/* at < 0: where the descriptor stands. */
static ssize_t
write_any(int fd, const struct iovec *iov, int niov, off_t at)
{
	struct logged l = {.op = OP_WRITE, .iov = iov, .niov = niov};
	struct verdict v;
	ssize_t n;

	if (!(fault_fd(fd) & FD_FILE))
		return raw_write(fd, iov, niov, at);
	fault_lock();
	v = fault_judge();
	l.ino = ino_of(fd);
	l.flags = fault_fd(fd) & FD_DSYNC ? 1 : 0;
	l.offset = (uint64_t)(at < 0 ? lseek(fd, 0, SEEK_CUR) : at);
	if (v.error) {
		(void)write_half(fd, iov, at, &l);
		fault_unlock();
		errno = v.error;
		return -1;
	}
	n = raw_write(fd, iov, niov, at);
	l.len = n > 0 ? (size_t)n : 0;
	if (n > 0)
		fault_log(&l);
	fault_unlock();
	return n;
}

ssize_t
write(int fd, const void *ptr, size_t len)
{
	struct iovec iov = {(void *)(uintptr_t)ptr, len};

	if (!(fault_fd(fd) & FD_FILE))
		return syscall(SYS_write, fd, ptr, len);
	return write_any(fd, &iov, 1, -1);
}

ssize_t
pwrite(int fd, const void *ptr, size_t len, off_t at)
{
	struct iovec iov = {(void *)(uintptr_t)ptr, len};

	return write_any(fd, &iov, 1, at);
}

ssize_t
writev(int fd, const struct iovec *iov, int niov)
{
	return write_any(fd, iov, niov, -1);
}

ssize_t
pwritev(int fd, const struct iovec *iov, int niov, off_t at)
{
	return write_any(fd, iov, niov, at);
}

ssize_t pwrite64(int fd, const void *ptr, size_t len, off_t at) ALIAS(pwrite);
ssize_t pwritev64(int fd, const struct iovec *iov, int niov, off_t at)
    ALIAS(pwritev);

int
ftruncate(int fd, off_t size)
{
	struct verdict v;
	int r;

	if (!(fault_fd(fd) & FD_FILE))
		return (int)syscall(SYS_ftruncate, fd, size);
	fault_lock();
	v = fault_judge();
	errno = v.error;
	r = v.error ? -1 : (int)syscall(SYS_ftruncate, fd, size);
	if (r == 0)
		fault_log(&(struct logged){
		    .op = OP_CUT, .ino = ino_of(fd), .offset = (uint64_t)size});
	fault_unlock();
	return r;
}

int ftruncate64(int fd, off_t size) ALIAS(ftruncate);

/* Used to make a file longer only. */
int
fallocate(int fd, int mode, off_t at, off_t len)
{
	struct verdict v;
	struct stat st;
	int r;

	if (!(fault_fd(fd) & FD_FILE))
		return (int)syscall(SYS_fallocate, fd, mode, at, len);
	fault_lock();
	v = fault_judge();
	errno = v.error;
	r = v.error ? -1 : (int)syscall(SYS_fallocate, fd, mode, at, len);
	if (r == 0 && fstat(fd, &st) == 0)
		fault_log(&(struct logged){.op = OP_CUT,
		    .ino = st.st_ino,
		    .offset = (uint64_t)st.st_size});
	fault_unlock();
	return r;
}

int fallocate64(int fd, int mode, off_t at, off_t len) ALIAS(fallocate);

/* --- making durable --------------------------------------------------------
 */

static int
sync_any(int fd, long call)
{
	char buf[PATH_MAX], link[64];
	struct logged l = {.op = OP_SYNC};
	struct verdict v;
	int r;

	if (!fault_knows(fd))
		return (int)syscall(call, fd);
	fault_lock();
	v = fault_judge();
	errno = v.error;
	r = v.error ? -1 : (int)syscall(call, fd);
	if (fault_fd(fd) == FD_DIR) {
		ssize_t n;
		char name[PATH_MAX];

		(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		n = readlink(link, name, sizeof(name) - 1);
		name[n > 0 ? n : 0] = '\0';
		l.path = fault_path(AT_FDCWD, name, buf);
		l.flags = 1;
	}
	l.ino = ino_of(fd);
	if (r == 0)
		fault_log(&l);
	fault_unlock();
	if (v.error)
		errno = v.error;
	return r;
}

int
fsync(int fd)
{
	return sync_any(fd, SYS_fsync);
}

int
fdatasync(int fd)
{
	return sync_any(fd, SYS_fdatasync);
}

/* --- names -----------------------------------------------------------------
 */

/* A call about one or two names: counts, does, logs. */
struct naming {
	enum op op;
	long call;
	int dirfd, dirfd2;
	const char *name, *name2;
	long arg; /* mode or flags, the last argument */
};

static int
raw_name(const struct naming *n)
{
	if (n->op == OP_RENAME)
		return (int)syscall(SYS_renameat2, n->dirfd, n->name, n->dirfd2,
		    n->name2, n->arg);
	if (n->op == OP_LINK)
		return (int)syscall(
		    SYS_linkat, n->dirfd, n->name, n->dirfd2, n->name2, n->arg);
	return (int)syscall(n->call, n->dirfd, n->name, n->arg);
}

static int
name_any(const struct naming *n)
{
	char buf[PATH_MAX], buf2[PATH_MAX];
	const char *path = fault_path(n->dirfd, n->name, buf);
	const char *path2 =
	    n->name2 ? fault_path(n->dirfd2, n->name2, buf2) : NULL;
	struct verdict v;
	int r;

	/* Out of the store and into it there is no way to be recorded. */
	if (!path || (n->name2 && !path2))
		return raw_name(n);
	fault_lock();
	v = fault_judge();
	errno = v.error;
	r = v.error ? -1 : raw_name(n);
	if (r == 0)
		fault_log(&(struct logged){
		    .op = n->op, .path = path, .path2 = path2});
	fault_unlock();
	return r;
}

int
renameat2(
    int dirfd, const char *name, int dirfd2, const char *name2, unsigned flags)
{
	return name_any(&(struct naming){
	    OP_RENAME, 0, dirfd, dirfd2, name, name2, (long)flags});
}

int
renameat(int dirfd, const char *name, int dirfd2, const char *name2)
{
	return renameat2(dirfd, name, dirfd2, name2, 0);
}

int
rename(const char *name, const char *name2)
{
	return renameat2(AT_FDCWD, name, AT_FDCWD, name2, 0);
}

int
linkat(int dirfd, const char *name, int dirfd2, const char *name2, int flags)
{
	return name_any(
	    &(struct naming){OP_LINK, 0, dirfd, dirfd2, name, name2, flags});
}

int
link(const char *name, const char *name2)
{
	return linkat(AT_FDCWD, name, AT_FDCWD, name2, 0);
}

int
unlinkat(int dirfd, const char *name, int flags)
{
	return name_any(
	    &(struct naming){flags & AT_REMOVEDIR ? OP_RMDIR : OP_UNLINK,
		SYS_unlinkat, dirfd, 0, name, NULL, flags});
}

int
unlink(const char *name)
{
	return unlinkat(AT_FDCWD, name, 0);
}

int
rmdir(const char *name)
{
	return unlinkat(AT_FDCWD, name, AT_REMOVEDIR);
}

int
mkdirat(int dirfd, const char *name, mode_t mode)
{
	return name_any(&(struct naming){
	    OP_MKDIR, SYS_mkdirat, dirfd, 0, name, NULL, (long)mode});
}

int
mkdir(const char *name, mode_t mode)
{
	return mkdirat(AT_FDCWD, name, mode);
}
