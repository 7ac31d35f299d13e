#ifndef FS_PIECES_H
#define FS_PIECES_H

/*
 * Which pieces a compressed list is made of: one for each run, or, for xz, for
 * a few runs that are joined (store/run_join.h).  gzip and zstd gain little
 * where pieces are larger, and a change then costs more.  xz is asked for to be
 * small: bookworm main takes 10.5 MB in pieces of about
 * 180 packages, and more than 11 MB in pieces of one run.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "store/form.h"
#include "store/list.h"
#include "store/store.h"

struct pieces {
	uint64_t *run, *bytes; /* the run of each, and its rendered bytes */
	size_t n;
};

/* Fills in *p for a list that has runs, and stores joined runs that are new.
 * Release it in any case. */
int pieces_plan(struct store *s, const struct list *l, enum codec codec,
    struct pieces *p, struct error *err) MUST_CHECK;
void pieces_release(struct pieces *p);

#endif
