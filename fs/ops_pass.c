#include <errno.h>
#include <stdint.h>

#include "fs/ops_internal.h"
#include "fs/reader.h"
#include "fs/worker_line.h"

/*
 * The kernel reads large blobs by itself (passthrough): five times as fast when
 * they are first read and twice as fast later, for a seventh of the processor
 * time, and they are in memory once, not twice.  Asking the keeper takes as
 * long as reading some 100 KB, and files that are opened often are small.
 */
#define PASS_MIN (1024 * 1024)

/* The answer to OPEN, as Linux 6.9 has it. */
struct open_out {
	uint64_t handle;
	uint32_t flags;
	int32_t id;
};
#define OPEN_NOFLUSH	 (1u << 5)
#define OPEN_PASSTHROUGH (1u << 7)

void
ops_pass_through(struct ops *ops, int line)
{
	ops->pass_line = line;
}

static bool
is_large(const struct reader *reader)
{
	return reader_fd(reader) >= 0 && reader_size(reader) >= PASS_MIN;
}

/* backing_open()'s result. */
static int
ask(struct ops *ops, const struct worker_message *question, int fd)
{
	struct worker_message answer = {.result = -EOPNOTSUPP};
	int none = -1, r;

	(void)pthread_mutex_lock(&ops->pass_lock);
	r = worker_line_send(ops->pass_line, question, fd);
	if (r == 0)
		r = worker_line_receive(ops->pass_line, &answer, &none);
	(void)pthread_mutex_unlock(&ops->pass_lock);
	if (r != 1)
		return -EOPNOTSUPP;
	cleanup_fd(&none);
	return answer.result;
}

int
ops_pass_open(struct ops *ops, const struct opening *o, uint64_t handle)
{
	struct worker_message question = {
	    .word = WORKER_OPEN, .ino = o->ino, .handle = handle};
	int r;

	if (ops->pass_line < 0 || !is_large(o->reader))
		return 0;
	r = ask(ops, &question, reader_fd(o->reader));
	if (r != -EOPNOTSUPP)
		return r;
	/* Nor will any other be. */
	ops->pass_line = -1;
	return 0;
}

void
ops_pass_close(struct ops *ops, uint64_t handle)
{
	const struct reader *reader = open_files_find(ops->files, handle);
	const struct worker_message m = {
	    .word = WORKER_CLOSE, .handle = handle};

	/* One of a process before us may be any. */
	if (ops->pass_line >= 0 && (!reader || is_large(reader)))
		(void)!worker_line_send(ops->pass_line, &m, -1);
}

int
ops_pass_reply(fuse_req_t req, uint64_t handle, int id)
{
	const struct open_out out = {
	    handle, OPEN_NOFLUSH | OPEN_PASSTHROUGH, id};

	return fuse_reply_buf(req, (const char *)&out, sizeof(out));
}
