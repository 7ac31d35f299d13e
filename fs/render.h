#ifndef FS_RENDER_H
#define FS_RENDER_H

/* Renders indexes from lists, a run at a time. */

#include "base/buf.h"
#include "store/heavy.h"
#include "store/list.h"

/* Adds the rendering of a run: each stanza and an empty line.  scratch is
 * reused memory.  -EIO: damaged. */
int render_run(struct heavy *h, struct txn *t, uint64_t run,
    struct run_packages *scratch, struct buf *out) MUST_CHECK;

#endif
