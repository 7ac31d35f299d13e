#include "store/render.h"

#include <errno.h>

int
render_packages(struct heavy *h, struct txn *t, const struct run_packages *run,
    struct buf *out, uint64_t *ret_package)
{
	for (size_t i = 0; i < run->n; i++) {
		int r = heavy_stanza(h, t, run->v[i], out);

		if (r == 0)
			r = buf_add_char(out, '\n');
		if (r < 0) {
			if (ret_package)
				*ret_package = run->v[i];
			return r;
		}
	}
	return 0;
}

int
render_run(struct heavy *h, struct txn *t, uint64_t run,
    struct run_packages *scratch, struct buf *out)
{
	int r = run_load(t, run, scratch);

	if (r == 0)
		r = render_packages(h, t, scratch, out, NULL);
	/* What a run names is there, or something is damaged. */
	return r == -ENOENT ? -EIO : r;
}
