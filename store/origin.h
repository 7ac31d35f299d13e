#ifndef STORE_ORIGIN_H
#define STORE_ORIGIN_H

/*
 * Origins: where files come from.  Each mirror has one of its own, which
 * outlives it for as long as a snapshot may need its files.  Editing a mirror's
 * URL edits its origin: the archive has moved, and old snapshots follow.
 */

#include <stdint.h>

#include "base/hash.h"
#include "base/strs.h"
#include "store/txn.h"

/* What stands for a file's SHA-256 in a fallback that names files by it. */
#define ORIGIN_HASH	     "@HASH@"
#define ORIGIN_MAX_FALLBACKS 16

struct origin {
	uint64_t number;
	char *url; /* of the archive's root, ends in '/' */
	char *ca;  /* PEM file of certificate authorities, or NULL: system's */
	char *cert, *key; /* PEM files of a client certificate, or NULL */
	/* Where else files can be had, in order: archive roots, which end in
	 * '/', or URLs with ORIGIN_HASH in them. */
	struct strs fallbacks;
};

int origin_load(struct txn *t, uint64_t number, struct origin *ret) MUST_CHECK;
void origin_release(struct origin *o);
/* Stores; a number of 0 takes a new one and fills it in. */
int origin_put(struct txn *t, struct origin *o) MUST_CHECK;
/* The URL of a file, percent-encoded; for the caller to free. */
char *origin_url(const struct origin *o, struct span path);
/* The same at the fallback of that index. */
char *origin_fallback(const struct origin *o, size_t index, struct span path,
    const struct digest *sha256);

#endif
