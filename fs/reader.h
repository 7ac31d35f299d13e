#ifndef FS_READER_H
#define FS_READER_H

/*
 * Reads the bytes of a content at any offset.  An open reader holds at most a
 * run's worth of memory (a rendered run or its pieces) and never a
 * transaction; it may be used by several threads, which take turns.
 */

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/span.h"
#include "store/content.h"
#include "store/store.h"

struct reader;

/* -ENOENT: no such content; -EREMOTE: a blob that is not present; -EIO. */
int reader_open(
    struct store *s, struct content c, struct reader **ret) MUST_CHECK;
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
uint64_t reader_size(const struct reader *r);
/* Is it a present blob whose file was another one once, with damaged bytes? */
bool reader_was_damaged(const struct reader *r);
/* For a present blob, the descriptor to pread(2) from; else -1. */
int reader_fd(const struct reader *r);

#endif
