#ifndef FS_PUBLISH_SEEN_H
#define FS_PUBLISH_SEEN_H

/*
 * Which packages a list that is put together has by now: a hash table by name,
 * version and architecture, 24 bytes a package.  It keeps hashes, not names, so
 * its answers are candidates, which the caller compares.
 */

#include <stdbool.h>

#include "store/package.h"

struct publish_seen_entry {
	uint64_t hash;
	uint64_t package; /* number; 0: a free place */
	size_t source;	  /* index */
};

struct publish_seen {
	struct publish_seen_entry *v;
	size_t n, cap; /* cap is a power of two */
};

struct publish_seen_walk {
	const struct publish_seen *table;
	uint64_t hash;
	size_t at;
};

void publish_seen_release(struct publish_seen *s);
/* Walks the entries that may have this name, version and architecture. */
struct publish_seen_walk publish_seen_begin(
    const struct publish_seen *s, const struct light *l);
/* NULL at the end. */
const struct publish_seen_entry *publish_seen_next(struct publish_seen_walk *w);
/* Adds an entry with the hash that was walked. */
int publish_seen_add(struct publish_seen *s, const struct publish_seen_walk *w,
    const struct publish_seen_entry *e) MUST_CHECK;

/* Are name, version and architecture the same? */
bool publish_seen_same(const struct light *a, const struct light *b);
/* Do they have the same files, wherever they stand? */
bool publish_same_files(const struct light *a, const struct light *b);

#endif
