#ifndef FS_WORKER_LINE_H
#define FS_WORKER_LINE_H

/*
 * What the two processes of a mount tell each other (see fs/keeper.h): the
 * worker says how far it is, and gets the connection to the kernel; then which
 * large files it opens, so that the kernel can read them by itself.
 *
 *	worker			keeper
 *	WORKER_PREPARED	  ->	mounts, where it has not
 *			  <-	the descriptor, INIT where it is known, and
 *				whether WORKER_OPEN is welcome
 *	WORKER_INIT	  ->	keeps INIT (the first worker only)
 *	WORKER_SERVING	  ->	the mount can be used
 *	WORKER_OPEN	  ->	registers the file, see fs/backing.h
 *			  <-	its number
 *	WORKER_CLOSE	  ->
 *
 * or WORKER_FAILED in place of any of them.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "fs/fuse_io.h"

enum worker_word {
	WORKER_PREPARED,
	WORKER_INIT,
	WORKER_SERVING,
	WORKER_FAILED,
	WORKER_OPEN,
	WORKER_CLOSE,
};

struct worker_message {
	enum worker_word word;
	int result;		  /* of WORKER_FAILED; backing_open()'s */
	struct error err;	  /* of WORKER_FAILED */
	bool passthrough;	  /* of the keeper: WORKER_OPEN is welcome */
	uint64_t ino, handle;	  /* of WORKER_OPEN; of WORKER_CLOSE */
	struct fuse_io_init init; /* of WORKER_INIT, and of the keeper */
};

/* Sockets that keep messages apart; [0] is the keeper's, whom no worker that
 * does not listen holds up for more than a second. */
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
