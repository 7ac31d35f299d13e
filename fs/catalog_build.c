#include "fs/catalog_data.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#define MAX_ENTRIES (UINT32_MAX / 4)
#define SLOTS_FIRST 1024
#define SLOTS_GROW  4			/* 8 bytes each, only while building */
#define MAX_DIRS    (UINT32_C(1) << 30) /* what an inode number has room for */

void
catalog_draft_free(struct catalog_draft *d)
{
	if (!d)
		return;
	free(d->parents);
	free(d->slots);
	free(d->shown);
	free(d->twices);
	free(d);
}

/* Makes room for one more item of an array. */
static int
grow(void **v, uint32_t *cap, uint32_t n, size_t size)
{
	uint32_t more;
	void *p;

	if (n < *cap)
		return 0;
	more = *cap ? *cap * 2 : 64;
	p = reallocarray(*v, more, size);
	if (!p)
		return -ENOMEM;
	*v = p;
	*cap = more;
	return 0;
}

static uint32_t
name_hash(const struct catalog_draft *d, uint32_t parent, struct span name)
{
	uint64_t h = d->seed ^ (parent + UINT64_C(1)) * 0x9e3779b97f4a7c15;

	for (size_t i = 0; i < name.len; i += 8) {
		uint64_t word = 0;
		size_t left = name.len - i;

		memcpy(&word, name.ptr + i, left < 8 ? left : 8);
		h = (h ^ word) * 0xbf58476d1ce4e5b9;
		h ^= h >> 29;
	}
	return (uint32_t)(h ^ h >> 32);
}

/* The slot that has the entry, or the free one where it belongs. */
static struct catalog_slot *
draft_slot(
    const struct catalog *c, uint32_t parent, struct span name, uint32_t hash)
{
	const struct catalog_draft *d = c->draft;
	size_t i = hash & (d->nslots - 1);

	for (; d->slots[i].entry != 0; i = (i + 1) & (d->nslots - 1)) {
		uint32_t e = d->slots[i].entry - 1;

		if (d->slots[i].hash == hash && d->parents[e] == parent &&
		    span_eq(catalog_name(c, c->entries[e].name), name))
			break;
	}
	return &d->slots[i];
}

/* The entry of that name, or CATALOG_NONE. */
static uint32_t
draft_find(
    const struct catalog *c, uint32_t parent, struct span name, uint32_t hash)
{
	uint32_t found = 0;

	if (c->draft->nslots > 0)
		found = draft_slot(c, parent, name, hash)->entry;
	return found > 0 ? found - 1 : CATALOG_NONE;
}

static void
draft_put(struct catalog_draft *d, struct catalog_slot slot)
{
	size_t i = slot.hash & (d->nslots - 1);

	while (d->slots[i].entry != 0)
		i = (i + 1) & (d->nslots - 1);
	d->slots[i] = slot;
}

static int
draft_grow_slots(struct catalog *c)
{
	struct catalog_draft *d = c->draft;
	struct catalog_slot *old = d->slots;
	size_t n = d->nslots;

	if ((size_t)c->nentries * 4 < n * 3)
		return 0;
	d->slots = calloc(n ? n * SLOTS_GROW : SLOTS_FIRST, sizeof(*d->slots));
	if (!d->slots) {
		d->slots = old;
		return -ENOMEM;
	}
	d->nslots = n ? n * SLOTS_GROW : SLOTS_FIRST;
	for (size_t i = 0; i < n; i++)
		if (old[i].entry != 0)
			draft_put(d, old[i]);
	free(old);
	return 0;
}

static int
add_name(struct catalog *c, struct span name, uint32_t *ret)
{
	size_t need = c->names_len + 1 + name.len;

	if (need > UINT32_MAX)
		return -E2BIG;
	if (need > c->names_cap) {
		size_t cap = c->names_cap ? c->names_cap * 2 : 4096;
		char *p = realloc(c->names, cap);

		if (!p)
			return -ENOMEM;
		c->names = p;
		c->names_cap = cap;
	}
	*ret = (uint32_t)c->names_len;
	c->names[c->names_len] = (char)(unsigned char)name.len;
	memcpy(c->names + c->names_len + 1, name.ptr, name.len);
	c->names_len = need;
	return 0;
}

/* Room for an entry in both of the arrays that grow alike. */
static int
grow_entries(struct catalog *c)
{
	uint32_t cap = c->entries_cap;
	int r;

	if (c->nentries >= MAX_ENTRIES)
		return -E2BIG;
	r = grow((void **)&c->draft->parents, &cap, c->nentries,
	    sizeof(*c->draft->parents));
	if (r < 0)
		return r;
	return grow((void **)&c->entries, &c->entries_cap, c->nentries,
	    sizeof(*c->entries));
}

/* Adds an entry that is not there yet; hash is that of its name in parent. */
static int
add_entry(struct catalog *c, uint32_t parent, uint32_t hash,
    const struct catalog_item *item)
{
	int r = grow_entries(c);

	if (r == 0)
		r = draft_grow_slots(c);
	if (r < 0)
		return r;
	c->entries[c->nentries] = *item;
	c->draft->parents[c->nentries] = parent;
	draft_put(c->draft, (struct catalog_slot){hash, ++c->nentries});
	return 0;
}

static bool
name_is_good(struct span name)
{
	return name.len > 0 && name.len <= PATH_MAX_PART &&
	       !span_eq(name, SPAN(".")) && !span_eq(name, SPAN(".."));
}

/* Adds a directory that nobody is shown yet. */
static int
add_dir(struct catalog *c, uint32_t parent)
{
	struct catalog_draft *d = c->draft;
	int r;

	if (c->ndirs >= MAX_DIRS)
		return -E2BIG;
	r = grow((void **)&c->dirs, &c->dirs_cap, c->ndirs, sizeof(*c->dirs));
	if (r == 0)
		r = grow((void **)&d->shown, &d->shown_cap, c->ndirs,
		    sizeof(*d->shown));
	if (r < 0)
		return r;
	c->dirs[c->ndirs] = (struct catalog_dir){.parent = parent};
	d->shown[c->ndirs] = false;
	return 0;
}

/* Finds or makes a subdirectory. */
static int
sub_dir(struct catalog *c, uint32_t parent, struct span name, uint32_t *ret)
{
	struct catalog_item item = {.dir = c->ndirs};
	uint32_t hash, found;
	int r;

	if (!name_is_good(name))
		return -EINVAL;
	hash = name_hash(c->draft, parent, name);
	found = draft_find(c, parent, name, hash);
	if (found != CATALOG_NONE) {
		uint32_t dir = c->entries[found].dir;

		if (dir == CATALOG_NONE)
			return -ENOTDIR;
		*ret = dir;
		return 0;
	}
	r = add_dir(c, parent);
	if (r == 0)
		r = add_name(c, name, &item.name);
	if (r == 0)
		r = add_entry(c, parent, hash, &item);
	if (r < 0)
		return r;
	c->dirs[c->ndirs].first = c->nentries - 1;
	*ret = c->ndirs++;
	return 0;
}

/* Finds or makes a directory and those above it. */
static int
dir_at(struct catalog *c, struct span path, uint32_t *ret)
{
	struct catalog_draft *d = c->draft;
	struct span part, rest = path;
	uint32_t dir = 0;

	assert(d);
	if (path.len > sizeof(d->last) || span_ends(path, SPAN("/")))
		return -EINVAL;
	if (span_eq((struct span){d->last, d->last_len}, path)) {
		*ret = d->last_dir;
		return 0;
	}
	while (span_cut(&rest, '/', &part)) {
		int r = sub_dir(c, dir, part, &dir);

		if (r < 0)
			return r;
	}
	if (path.len > 0)
		memcpy(d->last, path.ptr, path.len);
	d->last_len = path.len;
	d->last_dir = dir;
	*ret = dir;
	return 0;
}

int
catalog_reserve_dir(struct catalog *c, struct span path)
{
	uint32_t dir;

	return dir_at(c, path, &dir);
}

int
catalog_add_dir(struct catalog *c, struct span path, uint32_t *ret)
{
	int r = dir_at(c, path, ret);

	if (r < 0)
		return r;
	for (uint32_t d = *ret; !c->draft->shown[d]; d = c->dirs[d].parent)
		c->draft->shown[d] = true;
	return 0;
}

static int
add_twice(struct catalog_draft *d, uint32_t entry, uint64_t ref)
{
	if (d->ntwices == d->twices_cap) {
		size_t cap = d->twices_cap ? d->twices_cap * 2 : 64;
		struct catalog_twice *p =
		    reallocarray(d->twices, cap, sizeof(*p));

		if (!p)
			return -ENOMEM;
		d->twices = p;
		d->twices_cap = cap;
	}
	d->twices[d->ntwices++] = (struct catalog_twice){ref, entry};
	return 0;
}

int
catalog_add(struct catalog *c, struct span path, uint64_t ref)
{
	struct span name = path_base(path);
	struct catalog_item item = {.dir = CATALOG_NONE, .ref = ref};
	const struct catalog_item *e;
	uint32_t dir, hash, found;
	int r;

	assert(c->draft);
	if (!name_is_good(name))
		return -EINVAL;
	r = catalog_add_dir(c, path_dir(path), &dir);
	if (r < 0)
		return r;
	hash = name_hash(c->draft, dir, name);
	found = draft_find(c, dir, name, hash);
	if (found == CATALOG_NONE) {
		r = add_name(c, name, &item.name);
		return r < 0 ? r : add_entry(c, dir, hash, &item);
	}
	e = &c->entries[found];
	if (e->dir != CATALOG_NONE)
		return -EISDIR;
	return e->ref == ref ? 0 : add_twice(c->draft, found, ref);
}

int
catalog_new(struct catalog **ret)
{
	CLEANUP(catalog_cleanup) struct catalog *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->draft = calloc(1, sizeof(*c->draft));
	if (!c->draft)
		return -ENOMEM;
	/* Without randomness the seed stays 0: slower under attack, no more. */
	(void)!getrandom(
	    &c->draft->seed, sizeof(c->draft->seed), GRND_NONBLOCK);
	r = add_dir(c, 0);
	if (r < 0)
		return r;
	c->draft->shown[c->ndirs++] = true;
	*ret = TAKE(c);
	return 0;
}

/* The path of an entry, written from the end of out; for clashes only. */
static struct span
entry_path(const struct catalog *c, uint32_t entry, char *out, size_t size)
{
	size_t at = size;

	for (;;) {
		struct span name = catalog_name(c, c->entries[entry].name);
		uint32_t parent = c->draft->parents[entry];

		if (name.len + 1 > at)
			break;
		at -= name.len;
		memcpy(out + at, name.ptr, name.len);
		if (parent == 0)
			break;
		out[--at] = '/';
		entry = c->dirs[parent].first;
	}
	return (struct span){out + at, size - at};
}

static int
judge_twice(const struct catalog *c, const struct catalog_judge *judge,
    const struct catalog_twice *twice)
{
	uint64_t first = c->entries[twice->entry].ref;
	int r = judge->same ? judge->same(judge->arg, first, twice->ref) : 0;
	char path[2 * PATH_MAX_LEN];

	if (r != 0 || !judge->clash)
		return r < 0 ? r : 0;
	r = judge->clash(judge->arg,
	    entry_path(c, twice->entry, path, sizeof(path)), first, twice->ref);
	return r < 0 ? r : 0;
}

static int
compare_entries(const void *a, const void *b, void *arg)
{
	const struct catalog_item *x = a, *y = b;

	return span_cmp(catalog_name(arg, x->name), catalog_name(arg, y->name));
}

static void
sort_dir(struct catalog *c, struct catalog_item *entries, uint32_t n)
{
	uint32_t i = 1;

	/* Packages come sorted, mostly. */
	while (i < n && compare_entries(&entries[i - 1], &entries[i], c) < 0)
		i++;
	if (i < n)
		qsort_r(entries, n, sizeof(*entries), compare_entries, c);
}

/* Is it a directory that was reserved and never added? */
static bool
is_hidden(const struct catalog *c, uint32_t entry)
{
	uint32_t dir = c->entries[entry].dir;

	return dir != CATALOG_NONE && !c->draft->shown[dir];
}

/* Counts the entries of each directory into next[directory + 1]. */
static void
count_entries(struct catalog *c, uint32_t *next)
{
	for (uint32_t e = 0; e < c->nentries; e++) {
		uint32_t parent = c->draft->parents[e];

		if (is_hidden(c, e))
			continue;
		next[parent + 1]++;
		c->dirs[parent].subdirs += c->entries[e].dir != CATALOG_NONE;
	}
}

/* Groups the entries by directory and sorts each group by name. */
static int
arrange(struct catalog *c)
{
	const uint32_t *parents = c->draft->parents;
	struct catalog_item *sorted =
	    calloc(c->nentries ? c->nentries : 1, sizeof(*sorted));
	CLEANUP_FREE uint32_t *next = calloc(c->ndirs + 1, sizeof(*next));

	if (!sorted || !next) {
		free(sorted);
		return -ENOMEM;
	}
	count_entries(c, next);
	for (uint32_t d = 0; d < c->ndirs; d++) {
		next[d + 1] += next[d];
		c->dirs[d].first = next[d];
	}
	for (uint32_t e = 0; e < c->nentries; e++)
		if (!is_hidden(c, e))
			sorted[next[parents[e]]++] = c->entries[e];
	free(c->entries);
	c->entries = sorted;
	c->entries_cap = c->nentries;
	c->nentries = next[c->ndirs];
	for (uint32_t d = 0; d < c->ndirs; d++)
		sort_dir(c, sorted + c->dirs[d].first,
		    catalog_dir_end(c, d) - c->dirs[d].first);
	return 0;
}

/* Gives back what doubling left over; failing to is no failure. */
static void
shrink(struct catalog *c)
{
	char *names = realloc(c->names, c->names_len ? c->names_len : 1);
	struct catalog_dir *dirs;

	if (names) {
		c->names = names;
		c->names_cap = c->names_len;
	}
	dirs = reallocarray(c->dirs, c->ndirs, sizeof(*dirs));
	if (dirs) {
		c->dirs = dirs;
		c->dirs_cap = c->ndirs;
	}
}

int
catalog_end(struct catalog *c, const struct catalog_judge *judge)
{
	int r;

	assert(c->draft);
	for (size_t i = 0; judge && i < c->draft->ntwices; i++) {
		r = judge_twice(c, judge, &c->draft->twices[i]);
		if (r < 0)
			return r;
	}
	r = arrange(c);
	if (r < 0)
		return r;
	catalog_draft_free(c->draft);
	c->draft = NULL;
	shrink(c);
	return 0;
}
