#ifndef STORE_HEAVY_H
#define STORE_HEAVY_H

/*
 * Heavy records: stanzas compressed one by one with zstd and a dictionary
 * that was trained on the archive's own stanzas.  The frame names its
 * dictionary by number.
 *
 * A record is a zstd frame less its first 4 bytes, which are always the same;
 * the frame's dictionary ID is the number of the dictionary, 0 without one.
 * T_DICTS has a byte that says what kind of stanzas the dictionary is for
 * (0 binary, 1 source) and the dictionary.
 *
 * A struct heavy serves one thread.  It keeps up to HEAVY_MAX_DICTS
 * dictionaries, across transactions: numbers are never given out again.
 */

#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/span.h"
#include "store/package.h"
#include "store/txn.h"

#define HEAVY_DICT_SIZE	  (112 * 1024)	/* bytes of a dictionary, at most */
#define HEAVY_MAX_DICTS	  4		/* kept for decompressing */
#define HEAVY_MIN_SAMPLES (1024 * 1024) /* bytes worth training on */

struct heavy;

int heavy_new(struct store *s, struct heavy **ret) MUST_CHECK;
void heavy_free(struct heavy *h);
static inline void
heavy_cleanup(struct heavy **h)
{
	heavy_free(*h);
}

/* Uses the newest dictionary of a kind for compressing, if there is one: its
 * number, else 0. */
int heavy_use_newest(struct heavy *h, struct txn *t, enum package_kind kind,
    uint64_t *ret) MUST_CHECK;
/*
 * Trains a dictionary for a kind on n stanzas that stand one after another in
 * samples (sizes[i] bytes each), stores it and uses it from then on; where
 * another process was faster, uses that one's.  -EAGAIN: too little to train
 * on.  The caller has no transaction open.
 */
struct heavy_samples {
	struct span bytes;
	const size_t *sizes;
	unsigned n;
};
int heavy_train(struct heavy *h, enum package_kind kind,
    const struct heavy_samples *samples, struct error *err) MUST_CHECK;
/* Adds the compressed stanza to out. */
int heavy_compress(
    struct heavy *h, struct span stanza, struct buf *out) MUST_CHECK;
/* The dictionary that a record needs, 0 for none; -EIO: it is damaged. */
int heavy_record_dict(struct span record, uint64_t *ret) MUST_CHECK;
/* Adds the stanza of a package to out.  -ENOENT; -EIO: damaged. */
int heavy_stanza(struct heavy *h, struct txn *t, uint64_t package,
    struct buf *out) MUST_CHECK;

#endif
