#ifndef STORE_RUN_ID_H
#define STORE_RUN_ID_H

/* What a run is found by, computed from what it has: for checking and
 * mending. */

#include "store/heavy.h"
#include "store/list.h"

/* The ID that the run has in a list of a kind (see list_writer.c), or, of one
 * that joins others, whatever the kind (store/run_join.h).  -ENOENT and damage
 * as they come. */
int run_id(struct heavy *h, struct txn *t, uint64_t run, enum package_kind kind,
    struct digest *ret) MUST_CHECK;

#endif
