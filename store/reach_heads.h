#ifndef STORE_REACH_HEADS_H
#define STORE_REACH_HEADS_H

/* Where reach.c begins: private to it and reach_heads.c. */

#include "store/reach.h"

struct marking;

/* Marks what the heads name. */
int reach_heads(struct marking *m, struct txn *t, int64_t dropped_since,
    uint64_t *ret_dropped) MUST_CHECK;

/* Marks one number; 0 is none.  True where it was not marked yet; failures are
 * m's to keep. */
bool reach_put(struct marking *m, enum reach_kind kind, uint64_t number);
void reach_head_fault(struct marking *m, const char *what, const char *text);

#endif
