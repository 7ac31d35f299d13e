/* The files that a state's Release lists, for mirror/pool.h. */

#include <errno.h>

#include "mirror/pool_walk.h"
#include "store/blob.h"
#include "store/content.h"
#include "store/gone.h"
#include "store/listing.h"

/* Can it be made of another file that can be had?  1, 0, or an error. */
static int
has_sister(struct walk *w, const struct blob *b)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < b->nsisters; i++) {
		CLEANUP(blob_release) struct blob packed = {0};

		r = blob_load(w->txn, b->sisters[i].blob, &packed);
		if (r == 0)
			r = gone_servable(w->txn, &packed);
	}
	return r;
}

/* Bytes that the store can make by itself need no fetching, nor do those that
 * unpacking another file yields; what nobody offers can't be fetched. */
static int
walk_one(struct walk *w, const struct release_file *f)
{
	CLEANUP(blob_release) struct blob b = {0};
	struct walk_blob wanted = {.size = f->size, .sha256 = &f->sha256};
	struct content c;
	int r = content_find_file(w->txn, &f->sha256, f->size, &c);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (c.kind != CONTENT_BLOB)
		return 0;
	r = blob_load(w->txn, c.number, &b);
	if (r < 0)
		return r;
	r = has_sister(w, &b);
	if (r != 0)
		return r < 0 ? r : 0;
	if (b.nsources == 0) {
		r = gone_servable(w->txn, &b);
		if (r <= 0)
			return r;
	}
	wanted.number = c.number;
	return walk_blob(w, &wanted, &w->count.listed);
}

int
walk_listed(struct walk *w, const struct state *state)
{
	CLEANUP(listing_release) struct listing l = {0};
	int r;

	if (state->listing == 0)
		return 0;
	r = listing_load(w->txn, state->listing, &l);
	for (size_t i = 0; r == 0 && i < l.release.nfiles; i++)
		r = walk_one(w, &l.release.files[i]);
	return r;
}
