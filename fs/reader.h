#ifndef FS_READER_H
#define FS_READER_H

/*
 * Reads the bytes of a content at any offset.  An open reader never holds a
 * transaction; it may be used by several threads.  What memory a list takes is
 * said in fs/list_reader.h; other contents that are not files are small.
 */

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/span.h"
#include "fs/read_pool.h"
#include "store/content.h"

struct reader;

/* The pool has to outlive it.  -ENOENT: no such content; -EREMOTE: a blob that
 * is not present; -EIO. */
int reader_open(
    struct read_pool *p, struct content c, struct reader **ret) MUST_CHECK;
/* Bytes in memory (a keyring); they are copied. */
int reader_open_bytes(struct span bytes, struct reader **ret) MUST_CHECK;
void reader_close(struct reader *r);
static inline void
reader_cleanup(struct reader **r)
{
	reader_close(*r);
}
/* The number of bytes read, short only at the end; -EIO: damaged. */
ssize_t reader_read(struct reader *r, void *ptr, size_t len, uint64_t offset);
/*
 * Should what comes next be rendered, by what was read?  True: the caller has
 * to call reader_ahead(), which does that for about a millisecond, once it has
 * answered; the reader may be closed meanwhile.
 */
bool reader_begin_ahead(struct reader *r);
void reader_ahead(struct reader *r);
uint64_t reader_size(const struct reader *r);
/* Is it a present blob whose file was another one once, with damaged bytes? */
bool reader_was_damaged(const struct reader *r);
/* For a present blob, the descriptor to pread(2) from; else -1. */
int reader_fd(const struct reader *r);

#endif
