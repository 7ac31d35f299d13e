#ifndef FS_WORKER_LINE_H
#define FS_WORKER_LINE_H

/*
 * What the two processes of a mount tell each other (see fs/keeper.h): the
 * worker says how far it is, and gets the connection to the kernel.
 *
 *	worker			keeper
 *	WORKER_PREPARED	  ->	mounts, where it has not
 *			  <-	the descriptor, and INIT where it is known
 *	WORKER_INIT	  ->	keeps INIT (the first worker only)
 *	WORKER_SERVING	  ->	the mount can be used
 *
 * or WORKER_FAILED in place of any of them.
 */

#include "base/error.h"
#include "fs/fuse_io.h"

enum worker_word {
	WORKER_PREPARED,
	WORKER_INIT,
	WORKER_SERVING,
	WORKER_FAILED,
};

struct worker_message {
	enum worker_word word;
	int result;		  /* of WORKER_FAILED */
	struct error err;	  /* likewise */
	struct fuse_io_init init; /* of WORKER_INIT, and of the keeper */
};

/* Sockets that keep messages apart; [0] is the keeper's. */
int worker_line_new(int ret[2]) MUST_CHECK;
int worker_line_send(
    int line, const struct worker_message *m, int fd) MUST_CHECK;
/* 1 with a message, 0: the other end has gone.  *ret_fd may be -1. */
int worker_line_receive(
    int line, struct worker_message *ret, int *ret_fd) MUST_CHECK;

/* What the worker says; a keeper that has gone is no reason to end. */
void worker_line_say(int line, enum worker_word word);
void worker_line_fail(int line, int r, const struct error *err);

#endif
