#include "store/listing.h"

#include <errno.h>

#include "store/text.h"

int
listing_load(struct txn *t, uint64_t number, struct listing *ret)
{
	int r = number != 0 ? text_get(t, number, &ret->text) : -ENOENT;

	if (r == 0)
		r = release_parse(buf_span(&ret->text), &ret->release, NULL);
	/* It was one when it was put there. */
	return r == -EBADMSG || r == -E2BIG ? -EIO : r;
}

void
listing_release(struct listing *l)
{
	release_free(&l->release);
	buf_release(&l->text);
}
