#ifndef STORE_CHECK_H
#define STORE_CHECK_H

/*
 * Checks a store: every record's shape, everything that a record names, the
 * length and hash of every stanza, list, compressed form and text against what
 * the store says of them, and on request the bytes of every present blob.
 *
 * It shares the hold (store/hold.h), so that nothing is taken away meanwhile;
 * other programs go on.  A damaged record is a finding like any other.
 *
 * To repair, it has the hold alone; what it finds is told at the end, when it
 * is known what could be mended (store/mend.h).
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/progress.h"
#include "store/mend.h"
#include "store/store.h"

struct check_finding {
	const char *what; /* "list 12", "blob ab/abcd..."; one line */
	const char *text; /* what is wrong with it */
	bool repaired;
	bool mended; /* repaired, and nothing more is to be done */
	/* No damage of its own, but who lacks something by what was told:
	 * what is "snapshot one". */
	bool consequence;
	/* A blob whose file was set aside and can be fetched again; or 0. */
	uint64_t blob;
	uint64_t size; /* its bytes */
};
typedef void check_found_fn(void *arg, const struct check_finding *f);

struct check_opts {
	bool blobs;
	/* Mends records, and moves damaged files of blobs to DIR/damaged, so
	 * that they are remote again.  Needs blobs. */
	bool repair;
	const struct mend_help *help; /* for that; or NULL */
	check_found_fn *found;
	void *arg;
	struct progress *progress;
	const atomic_bool *cancel; /* or NULL */
};

struct check_result {
	uint64_t findings, repaired;
	uint64_t records;
	uint64_t files, bytes; /* of blobs */
};

/* 0, whatever was found; errors are of those that kept it from looking. */
int check_store(struct store *s, const struct check_opts *opts,
    struct check_result *ret, struct error *err) MUST_CHECK;

#endif
