#ifndef STORE_LISTING_H
#define STORE_LISTING_H

/* What a state lists: the Release that its archive had, or that was made for
 * it, kept as a text (store/text.h). */

#include <stdint.h>

#include "base/buf.h"
#include "base/release.h"
#include "store/txn.h"

struct listing {
	struct buf text;
	struct release release; /* its spans point into text */
};

/* Loads the text of this number.  -ENOENT: there is none, which is said of 0
 * too; -EIO: it is damaged, or no Release; -ENOMEM.  *ret is to be released
 * whatever comes back, and has to be empty before. */
int listing_load(
    struct txn *t, uint64_t number, struct listing *ret) MUST_CHECK;
void listing_release(struct listing *l);

#endif
