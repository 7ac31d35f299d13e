#include "fs/render.h"

#include <errno.h>

int
render_run(struct heavy *h, struct txn *t, uint64_t run,
    struct run_packages *scratch, struct buf *out)
{
	int r = run_load(t, run, scratch);

	for (size_t i = 0; r == 0 && i < scratch->n; i++) {
		r = heavy_stanza(h, t, scratch->v[i], out);
		if (r == 0)
			r = buf_add_char(out, '\n');
	}
	/* What a run names is there, or something is damaged. */
	return r == -ENOENT ? -EIO : r;
}
