#ifndef ALGEBRA_DIFF_NUMBERS_H
#define ALGEBRA_DIFF_NUMBERS_H

/*
 * The first half of a comparison: the numbers of packages that only one of two
 * sets of lists has.  Private to algebra/diff*.c.
 */

#include <stddef.h>
#include <stdint.h>

#include "store/state.h"

/* The lists of one component and kind; borrowed. */
struct diff_lists {
	const struct state_list **v;
	size_t n;
};

/* A package that only one side has. */
struct diff_number {
	uint64_t package;
	/* How many lists of the side have it where the other side's list for
	 * the same architecture does not, and the first of these. */
	uint32_t lists;
	uint32_t first;
};

struct diff_numbers {
	struct diff_number *v;
	size_t n, cap;
};

/*
 * Fills in what only a and only b has, by number.  A package may be in a list
 * of the other side all the same, of another architecture: where lists is less
 * than the side's lists, who wants to know asks diff_lists_have().
 */
int diff_numbers(struct txn *t, const struct diff_lists *a,
    const struct diff_lists *b, struct diff_numbers *only_a,
    struct diff_numbers *only_b) MUST_CHECK;
void diff_numbers_release(struct diff_numbers *d);

#endif
