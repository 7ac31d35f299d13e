#ifndef MIRROR_UPDATE_H
#define MIRROR_UPDATE_H

/*
 * The update run of a mirror: Release, its signature, the wanted indexes, the
 * flip of the head.  See design: coming in.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/progress.h"
#include "store/mirror.h"
#include "store/store.h"

struct update_opts {
	bool force; /* look at everything anew, accept a Date that went back */
	bool ignore_valid_until;
	int64_t now; /* seconds since 1970 */
	struct progress *progress;
	const atomic_bool *cancel;
	long connect_ms, stall_ms; /* 0: defaults */
	unsigned tries;		   /* 0: default */
	unsigned fetches;     /* at once, where there are many; 0: default */
	uint64_t bytes_per_s; /* 0: no limit */
	/* Told of what is no failure, a line each; or NULL. */
	void (*warn)(void *arg, const char *text);
	void *warn_arg;
};

struct update_result {
	bool changed;			 /* the head moved */
	uint64_t packages, new_packages; /* counts, over all lists */
	uint64_t bytes;			 /* downloaded */
	unsigned indexes, indexes_kept;	 /* fetched; already in the store */
};

/*
 * Brings the mirror up to date.  The files of Release and the pool files that
 * the mirror is to have are present before its head moves.  On failure the old
 * state stays and err says which mirror, what failed and why: -ENOENT no such
 * mirror (err says that alone), or the suite is not there; signature errors as
 * mirror/verify.h; -ESTALE; -EBADMSG size or hash of an index, or a malformed
 * one; -EINVAL a component or architecture that Release does not have (err
 * names those that it has).
 */
int update_mirror(struct store *s, const char *name,
    const struct update_opts *opts, struct update_result *ret,
    struct error *err) MUST_CHECK;

#endif
