#ifndef STORE_RUN_JOIN_H
#define STORE_RUN_JOIN_H

/*
 * Joined runs: several runs in a row that are compressed as one piece.  One is
 * a run like others, with all their packages, but stands in no list, and is
 * found by the numbers of the runs that it joins, which its record has too.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "store/txn.h"

/* Finds or stores the run that joins n others of so many rendered bytes.
 * -EINVAL: none, or more than RUN_MAX_PACKAGES packages. */
struct run_join {
	const uint64_t *runs;
	size_t n;
	uint64_t bytes;
};
int run_join(struct txn *t, const struct run_join *j, uint64_t *ret) MUST_CHECK;
/* What it is found by: the SHA-256 of a byte 255 and the numbers in 8 bytes
 * each, the high byte first. */
int run_join_id(const uint64_t *runs, size_t n, struct digest *ret) MUST_CHECK;

#endif
