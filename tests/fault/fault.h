#ifndef TESTS_FAULT_FAULT_H
#define TESTS_FAULT_FAULT_H

/*
 * A library for LD_PRELOAD that lets the files of a store fail, kills the
 * program between two operations on them, or records these for a replay of
 * what a power failure could leave.
 *
 * It acts in processes named suitefs alone; children such as gpg go on as
 * usual.  What it does is in the environment:
 *
 *   FAULT_STORE=DIR       the store; nothing outside of it is touched
 *   FAULT_LOG=FILE        records every operation (see struct entry)
 *   FAULT_COUNT=FILE      at the end, the number of operations that could
 *                         fail, and that of allocations
 *   FAULT_AT=N:HOW        the Nth operation, from 1: an errno's number lets it
 *                         fail (a write leaves half of its bytes), "kill" ends
 *                         the process before it
 *   FAULT_FROM=N:HOW      the same for the Nth and all that follow
 *   FAULT_MALLOC=N        the Nth allocation of the program or of a library
 *                         that has no other caller fails
 *   FAULT_TRAP=1          for a debugger: SIGTRAP where an allocation fails
 *   FAULT_CONTROL=FILE    a struct control, which is looked at in place of
 *                         FAULT_AT, FAULT_FROM and FAULT_MALLOC: for processes
 *                         that stay, and all of them together
 *
 * Operations are whatever changes a file or a directory or makes that durable:
 * opening to create, write, ftruncate, fallocate, fsync, rename, link, unlink,
 * mkdir, rmdir.  LMDB writes the same way (it has no writable map of its data;
 * lock.mdb is left out, as it means nothing after a crash).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

/* Written by the test at any time, in the machine's byte order. */
struct control {
	uint64_t operations, allocations; /* counted */
	uint64_t at, from, malloc_at;	  /* as above; 0: never */
	int64_t how;			  /* an errno's number */
};

enum op {
	OP_OPEN = 'o',	 /* path, ino; flags: 1 made, 2 cut to nothing */
	OP_WRITE = 'w',	 /* ino, offset, data; flags: 1 durable at its end */
	OP_CUT = 't',	 /* ino, offset: the new size */
	OP_SYNC = 's',	 /* ino, or path of a directory; */
	OP_RENAME = 'r', /* path, path2 */
	OP_LINK = 'l',	 /* path, path2 */
	OP_UNLINK = 'u', /* path */
	OP_MKDIR = 'm',	 /* path */
	OP_RMDIR = 'd',	 /* path */
};

/* In the log, in the machine's byte order; then path, path2 and data follow.
 * Paths are relative to the store. */
struct entry {
	uint32_t op, flags;
	uint32_t path_len, path2_len;
	uint64_t ino, offset, data_len;
};

/* What is to become of an operation. */
struct verdict {
	int error; /* 0: let it be */
};

/* Whether the file that fd has open is one to act on. */
bool fault_knows(int fd);
/* Counts an operation; kills the process where that is wanted. */
struct verdict fault_judge(void);
/* Between the two nobody else works on the store, so that the log has what
 * happened in its order. */
void fault_lock(void);
void fault_unlock(void);

/* The path relative to the store, or NULL: it is outside.  out has PATH_MAX
 * bytes. */
const char *fault_path(int dirfd, const char *name, char *out);

struct logged {
	enum op op;
	uint32_t flags;
	const char *path, *path2;
	uint64_t ino, offset;
	const struct iovec *iov;
	int niov;
	size_t len; /* bytes of iov */
};
void fault_log(const struct logged *l);

/* Of a descriptor: what it was opened as. */
enum fd_kind {
	FD_OTHER = 0,
	FD_FILE = 1,
	FD_DIR = 2,
	FD_DSYNC = 4, /* with FD_FILE */
};
void fault_set_fd(int fd, unsigned char kind);
unsigned char fault_fd(int fd);

/* Does this allocation fail?  caller: where it returns to. */
bool fault_malloc(const void *caller);

#endif
