#ifndef FS_CATALOG_DATA_H
#define FS_CATALOG_DATA_H

/* What a catalog is made of: for catalog.c and catalog_build.c alone. */

#include "base/path.h"
#include "fs/catalog.h"

struct catalog_item {
	uint32_t name; /* offset in names: a byte of length, then the name */
	uint32_t dir;  /* index; CATALOG_NONE for a file */
	uint64_t ref;
};

struct catalog_dir {
	uint32_t parent;
	/* The first of its entries; while building, its own entry. */
	uint32_t first;
	uint32_t subdirs;
};

/* A path that was added again with another reference. */
struct catalog_twice {
	uint64_t ref;
	uint32_t entry;
};

/* The hash spares looking at entries that are not meant. */
struct catalog_slot {
	uint32_t hash;
	uint32_t entry; /* and 1; 0: free */
};

/* What only building needs. */
struct catalog_draft {
	uint32_t *parents;	    /* of the entries */
	struct catalog_slot *slots; /* by hash of (parent, name) */
	size_t nslots;		    /* a power of two */
	/* Names are foreign: the seed keeps them from being made to collide. */
	uint64_t seed;
	bool *shown; /* of the directories: not only reserved */
	uint32_t shown_cap;
	struct catalog_twice *twices;
	size_t ntwices, twices_cap;
	char last[PATH_MAX_LEN]; /* the directory that was added to last */
	size_t last_len;
	uint32_t last_dir;
};

struct catalog {
	char *names;
	size_t names_len, names_cap;
	struct catalog_item *entries; /* by directory, then by name */
	uint32_t nentries, entries_cap;
	struct catalog_dir *dirs;
	uint32_t ndirs, dirs_cap;
	struct catalog_draft *draft; /* NULL once built */
};

void catalog_draft_free(struct catalog_draft *d);

static inline struct span
catalog_name(const struct catalog *c, uint32_t offset)
{
	return (struct span){
	    c->names + offset + 1, (unsigned char)c->names[offset]};
}

/* The entry behind the last one of a directory. */
static inline uint32_t
catalog_dir_end(const struct catalog *c, uint32_t dir)
{
	return dir + 1 < c->ndirs ? c->dirs[dir + 1].first : c->nentries;
}

#endif
