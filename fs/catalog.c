#include "fs/catalog_data.h"

#include <assert.h>
#include <stdlib.h>

void
catalog_free(struct catalog *c)
{
	if (!c)
		return;
	catalog_draft_free(c->draft);
	free(c->names);
	free(c->entries);
	free(c->dirs);
	free(c);
}

size_t
catalog_bytes(const struct catalog *c)
{
	return sizeof(*c) + c->names_cap +
	       c->entries_cap * sizeof(*c->entries) +
	       c->dirs_cap * sizeof(*c->dirs);
}

uint32_t
catalog_dirs(const struct catalog *c)
{
	return c->ndirs;
}

uint32_t
catalog_parent(const struct catalog *c, uint32_t dir)
{
	return dir < c->ndirs ? c->dirs[dir].parent : 0;
}

uint32_t
catalog_subdirs(const struct catalog *c, uint32_t dir)
{
	return dir < c->ndirs ? c->dirs[dir].subdirs : 0;
}

uint32_t
catalog_find_dir(const struct catalog *c, struct span path)
{
	struct span part;
	uint32_t dir = 0;

	while (span_cut(&path, '/', &part)) {
		struct catalog_entry e;

		if (!catalog_lookup(c, dir, part, &e) || !e.is_dir)
			return CATALOG_NONE;
		dir = e.dir;
	}
	return dir;
}

static void
fill(const struct catalog *c, uint32_t entry, struct catalog_entry *ret)
{
	const struct catalog_item *e = &c->entries[entry];

	*ret = (struct catalog_entry){
	    .name = catalog_name(c, e->name),
	    .is_dir = e->dir != CATALOG_NONE,
	    .dir = e->dir,
	    .ref = e->ref,
	};
}

bool
catalog_lookup(const struct catalog *c, uint32_t dir, struct span name,
    struct catalog_entry *ret)
{
	uint32_t low, high;

	assert(!c->draft);
	if (dir >= c->ndirs)
		return false;
	low = c->dirs[dir].first;
	high = catalog_dir_end(c, dir);
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		int order =
		    span_cmp(catalog_name(c, c->entries[mid].name), name);

		if (order == 0) {
			fill(c, mid, ret);
			return true;
		}
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}

bool
catalog_at(const struct catalog *c, uint32_t dir, uint64_t i,
    struct catalog_entry *ret)
{
	assert(!c->draft);
	if (dir >= c->ndirs ||
	    i >= catalog_dir_end(c, dir) - c->dirs[dir].first)
		return false;
	fill(c, c->dirs[dir].first + (uint32_t)i, ret);
	return true;
}
