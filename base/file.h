#ifndef BASE_FILE_H
#define BASE_FILE_H

/* Small whole-file operations; names are relative to a directory's fd. */

#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

/*
 * Adds a whole file to b.  -E2BIG where it has more than limit bytes; other
 * errors are the system's.  dirfd may be AT_FDCWD.
 */
int file_read(int dirfd, const char *name, size_t limit, struct buf *b,
    struct error *err);
/* Writes all of it, across short writes and EINTR. */
int file_write_all(int fd, const void *ptr, size_t len);
/* As pread(2), across short reads; the number of bytes, short only at the
 * end of the file, or a negative errno. */
ssize_t file_pread_all(int fd, void *ptr, size_t len, off_t offset);
/* Makes name and what stands above it, as mkdir -p; what it made is still there
 * after a power failure. */
int dir_make(const char *name, mode_t mode, struct error *err);
/* Flushes a directory's entries to disk. */
int dir_sync(int dirfd, const char *name);

#endif
