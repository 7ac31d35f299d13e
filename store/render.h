#ifndef STORE_RENDER_H
#define STORE_RENDER_H

/* Renders indexes from lists, a run at a time: each stanza and an empty line.
 */

#include "base/buf.h"
#include "store/heavy.h"
#include "store/list.h"

/* Adds the rendering of a run that has been loaded.  On failure *ret_package,
 * which may be NULL, is the package whose stanza can't be had: -ENOENT it is
 * missing; otherwise as heavy_stanza(). */
int render_packages(struct heavy *h, struct txn *t,
    const struct run_packages *run, struct buf *out,
    uint64_t *ret_package) MUST_CHECK;

/* Loads a run and adds its rendering.  scratch is reused memory.  -EIO:
 * damaged. */
int render_run(struct heavy *h, struct txn *t, uint64_t run,
    struct run_packages *scratch, struct buf *out) MUST_CHECK;

#endif
