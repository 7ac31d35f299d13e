#ifndef FS_OPEN_FILES_H
#define FS_OPEN_FILES_H

/*
 * The files that the kernel has open, by the handle that it was given for each.
 * A handle is a number that no other process has given out on this machine
 * since it was booted, so that one given out by a process that served the mount
 * before is told apart from ours.  Any thread may call.
 */

#include <stdint.h>

#include "base/cleanup.h"

struct reader;
struct open_files;

int open_files_new(struct open_files **ret) MUST_CHECK;
/* Closes them all. */
void open_files_free(struct open_files *of);

/* Takes the reader; *ret is its handle. */
int open_files_add(
    struct open_files *of, struct reader *reader, uint64_t *ret) MUST_CHECK;
/* The reader of a handle, good until the handle is closed, or NULL. */
struct reader *open_files_find(struct open_files *of, uint64_t handle);
/* Takes a reader for a handle that was given out before our time.  *ret is the
 * one that reads from now on: another thread may have been faster. */
int open_files_adopt(struct open_files *of, uint64_t handle,
    struct reader *reader, struct reader **ret) MUST_CHECK;
/* Closes it; a handle that is not known is none of ours. */
void open_files_close(struct open_files *of, uint64_t handle);

#endif
