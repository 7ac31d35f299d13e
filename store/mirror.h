#ifndef STORE_MIRROR_H
#define STORE_MIRROR_H

/* Mirrors as the store knows them: what is mirrored, and its newest state. */

#include <stdbool.h>
#include <stdint.h>

#include "base/strs.h"
#include "store/txn.h"

struct mirror {
	char *name;
	uint64_t origin;
	char *suite;		   /* as given; flat where it ends in '/' */
	struct strs components;	   /* empty: all that Release has */
	struct strs architectures; /* empty: all that Release has */
	bool sources, udebs;
	bool allow_unsigned;
	struct strs keyrings; /* absolute file names */
	/* Files of Release that come with every update, beside Packages and
	 * Sources: what these globs match, and Translation-en. */
	struct strs indexes;
	bool no_translations; /* not Translation-en */
	bool whole_pool;      /* every update fetches all pool files */
	/* What the mirror shows of the archive: what this query matches (NULL:
	 * all), and what that depends on. */
	char *filter;
	bool filter_deps;
	int64_t created;
	/* The newest verified state; 0s before the first update.  Where it is
	 * a filtered one, it is made of the state `whole`, by the filter with
	 * the digest `filtered`. */
	uint64_t root, state;
	uint64_t whole;
	struct digest filtered;
	int64_t updated;       /* when the state was last confirmed */
	char *etag;	       /* of InRelease (or Release), or NULL */
	int64_t last_modified; /* likewise, 0 unknown */
	/* The settings that the state was made with; an update looks anew
	 * where they differ. */
	struct digest settings;
};

/* -ENOENT: no such mirror. */
int mirror_load(struct txn *t, const char *name, struct mirror *ret) MUST_CHECK;
void mirror_release(struct mirror *m);
int mirror_put(struct txn *t, const struct mirror *m) MUST_CHECK;
int mirror_delete(struct txn *t, const char *name) MUST_CHECK;
/* A digest over what decides which indexes are wanted. */
int mirror_settings(const struct mirror *m, struct digest *ret) MUST_CHECK;
/* One over the filter; all zero without one. */
int mirror_filter_digest(const struct mirror *m, struct digest *ret) MUST_CHECK;

typedef int mirror_each_fn(const struct mirror *m, void *arg);
/* By name. */
int mirror_each(struct txn *t, mirror_each_fn *fn, void *arg);

/*
 * Moves the mirror's head to a new state, in one go with every verbatim
 * publication that follows the mirror.  m's root, state are filled in and m
 * is stored.
 */
int mirror_advance(struct txn *t, struct mirror *m, uint64_t state) MUST_CHECK;

#endif
