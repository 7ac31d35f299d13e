#include "mirror/unpack.h"

#include <errno.h>
#include <stdlib.h>

#include "base/file.h"
#include "store/decompress.h"

#define READ_BLOCK (256 * 1024)

struct sink {
	struct blob_writer *writer;
	int r; /* why it took no more */
	struct error err;
};

static int
write_out(void *arg, const void *ptr, size_t len)
{
	struct sink *s = arg;

	s->r = blob_writer_add(s->writer, ptr, len, &s->err);
	return s->r;
}

static int
feed(const struct unpack *u, int fd, struct decompress *d, struct error *err)
{
	CLEANUP_FREE char *block = malloc(READ_BLOCK);
	ssize_t n;
	off_t at = 0;

	if (!block)
		return error_sys(err, -ENOMEM, "cannot unpack a file");
	do {
		int r;

		if (u->cancel && atomic_load(u->cancel))
			return error_set(err, -EINTR, "stopped");
		n = file_pread_all(fd, block, READ_BLOCK, at);
		if (n < 0)
			return error_sys(err, (int)n, "cannot read a file");
		at += n;
		r = decompress_add(d, block, (size_t)n, err);
		if (r < 0)
			return r;
	} while (n == READ_BLOCK);
	return decompress_end(d, err);
}

int
unpack_into(const struct unpack *u, struct blob_writer *w, struct error *err)
{
	CLEANUP(decompress_cleanup) struct decompress *d = NULL;
	CLEANUP_FD int fd = blob_open(u->store, &u->sha256, u->size);
	struct sink sink = {.writer = w};
	int r;

	if (fd < 0)
		return error_sys(err, fd, "cannot open a compressed file");
	r = decompress_new(u->codec, u->limit, write_out, &sink, &d);
	if (r < 0)
		return error_sys(err, r, "cannot unpack a file");
	r = feed(u, fd, d, err);
	if (r < 0 && sink.r < 0)
		return error_set(err, r, "%s", sink.err.text);
	return r;
}
