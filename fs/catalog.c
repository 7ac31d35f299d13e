#include "fs/catalog.h"

#include <assert.h>
#include <errno.h>
#include <sys/random.h>

#include "base/path.h"

#define MAX_ENTRIES (UINT32_MAX / 4)
#define MAX_DIRS    (UINT32_C(1) << 30) /* what an inode number has room for */

struct entry {
	uint32_t name; /* offset in names: a byte of length, then the name */
	uint32_t dir;  /* index; CATALOG_NONE for a file */
	uint64_t ref;
};

struct dir {
	uint32_t parent;
	/* The first of its entries; while building, its own entry. */
	uint32_t first;
	uint32_t subdirs;
};

/* A path that was added again with another reference. */
struct twice {
	uint64_t ref;
	uint32_t entry;
};

/* What only building needs. */
struct draft {
	uint32_t *parents; /* of the entries */
	uint32_t *slots;   /* entry + 1 by hash of (parent, name); 0: free */
	size_t nslots;	   /* a power of two */
	/* Names are foreign: the seed keeps them from being made to collide. */
	uint64_t seed;
	struct twice *twices;
	size_t ntwices, twices_cap;
	char last[PATH_MAX_LEN]; /* the directory that was added to last */
	size_t last_len;
	uint32_t last_dir;
};

struct catalog {
	char *names;
	size_t names_len, names_cap;
	struct entry *entries; /* by directory, then by name */
	uint32_t nentries, entries_cap;
	struct dir *dirs;
	uint32_t ndirs, dirs_cap;
	struct draft *draft; /* NULL once built */
};

static struct span
name_at(const struct catalog *c, uint32_t offset)
{
	return (struct span){
	    c->names + offset + 1, (unsigned char)c->names[offset]};
}

static void
draft_free(struct draft *d)
{
	if (!d)
		return;
	free(d->parents);
	free(d->slots);
	free(d->twices);
	free(d);
}

void
catalog_free(struct catalog *c)
{
	if (!c)
		return;
	draft_free(c->draft);
	free(c->names);
	free(c->entries);
	free(c->dirs);
	free(c);
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

static uint64_t
name_hash(const struct draft *d, uint32_t parent, struct span name)
{
	uint64_t h = d->seed ^ (parent + UINT64_C(1)) * 0x9e3779b97f4a7c15;

	for (size_t i = 0; i < name.len; i += 8) {
		uint64_t word = 0;
		size_t left = name.len - i;

		memcpy(&word, name.ptr + i, left < 8 ? left : 8);
		h = (h ^ word) * 0xbf58476d1ce4e5b9;
		h ^= h >> 29;
	}
	return h ^ h >> 32;
}

/* The slot that has the entry, or the free one where it belongs. */
static uint32_t *
draft_slot(const struct catalog *c, uint32_t parent, struct span name)
{
	const struct draft *d = c->draft;
	size_t i = name_hash(d, parent, name) & (d->nslots - 1);

	while (d->slots[i] != 0) {
		uint32_t e = d->slots[i] - 1;

		if (d->parents[e] == parent &&
		    span_eq(name_at(c, c->entries[e].name), name))
			break;
		i = (i + 1) & (d->nslots - 1);
	}
	return &d->slots[i];
}

static int
draft_grow_slots(struct catalog *c)
{
	struct draft *d = c->draft;
	size_t n;
	uint32_t *slots;

	if ((size_t)c->nentries * 4 < d->nslots * 3)
		return 0;
	n = d->nslots ? d->nslots * 2 : 1024;
	slots = calloc(n, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	free(d->slots);
	d->slots = slots;
	d->nslots = n;
	for (uint32_t e = 0; e < c->nentries; e++) {
		struct span name = name_at(c, c->entries[e].name);

		*draft_slot(c, d->parents[e], name) = e + 1;
	}
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

static int
add_entry(struct catalog *c, uint32_t parent, struct span name, uint32_t dir,
    uint64_t ref)
{
	int r = grow_entries(c);
	uint32_t *slot;
	uint32_t offset;

	if (r == 0)
		r = draft_grow_slots(c);
	if (r < 0)
		return r;
	slot = draft_slot(c, parent, name);
	r = add_name(c, name, &offset);
	if (r < 0)
		return r;
	c->entries[c->nentries] = (struct entry){offset, dir, ref};
	c->draft->parents[c->nentries] = parent;
	*slot = ++c->nentries;
	return 0;
}

static bool
name_is_good(struct span name)
{
	return name.len > 0 && name.len <= PATH_MAX_PART &&
	       !span_eq(name, SPAN(".")) && !span_eq(name, SPAN(".."));
}

/* Finds or makes a subdirectory. */
static int
sub_dir(struct catalog *c, uint32_t parent, struct span name, uint32_t *ret)
{
	uint32_t slot;
	int r;

	if (!name_is_good(name))
		return -EINVAL;
	slot = c->draft->nslots ? *draft_slot(c, parent, name) : 0;
	if (slot != 0) {
		uint32_t dir = c->entries[slot - 1].dir;

		if (dir == CATALOG_NONE)
			return -ENOTDIR;
		*ret = dir;
		return 0;
	}
	if (c->ndirs >= MAX_DIRS)
		return -E2BIG;
	r = grow((void **)&c->dirs, &c->dirs_cap, c->ndirs, sizeof(*c->dirs));
	if (r == 0)
		r = add_entry(c, parent, name, c->ndirs, 0);
	if (r < 0)
		return r;
	c->dirs[c->ndirs] = (struct dir){parent, c->nentries - 1, 0};
	c->dirs[parent].subdirs++;
	*ret = c->ndirs++;
	return 0;
}

int
catalog_add_dir(struct catalog *c, struct span path, uint32_t *ret)
{
	struct draft *d = c->draft;
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

static int
add_twice(struct draft *d, uint32_t entry, uint64_t ref)
{
	if (d->ntwices == d->twices_cap) {
		size_t cap = d->twices_cap ? d->twices_cap * 2 : 64;
		struct twice *p = reallocarray(d->twices, cap, sizeof(*p));

		if (!p)
			return -ENOMEM;
		d->twices = p;
		d->twices_cap = cap;
	}
	d->twices[d->ntwices++] = (struct twice){ref, entry};
	return 0;
}

int
catalog_add(struct catalog *c, struct span path, uint64_t ref)
{
	struct span name = path_base(path);
	uint32_t dir;
	int r;
	uint32_t slot;
	const struct entry *e;

	assert(c->draft);
	if (!name_is_good(name))
		return -EINVAL;
	r = catalog_add_dir(c, path_dir(path), &dir);
	if (r < 0)
		return r;
	slot = c->draft->nslots ? *draft_slot(c, dir, name) : 0;
	if (slot == 0)
		return add_entry(c, dir, name, CATALOG_NONE, ref);
	e = &c->entries[slot - 1];
	if (e->dir != CATALOG_NONE)
		return -EISDIR;
	return e->ref == ref ? 0 : add_twice(c->draft, slot - 1, ref);
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
	r = grow((void **)&c->dirs, &c->dirs_cap, c->ndirs, sizeof(*c->dirs));
	if (r < 0)
		return r;
	c->dirs[c->ndirs++] = (struct dir){0, 0, 0};
	*ret = TAKE(c);
	return 0;
}

/* The path of an entry, written from the end of out; for clashes only. */
static struct span
entry_path(const struct catalog *c, uint32_t entry, char *out, size_t size)
{
	size_t at = size;

	for (;;) {
		struct span name = name_at(c, c->entries[entry].name);
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
    const struct twice *twice)
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
	const struct entry *x = a, *y = b;

	return span_cmp(name_at(arg, x->name), name_at(arg, y->name));
}

static void
sort_dir(struct catalog *c, struct entry *entries, uint32_t n)
{
	uint32_t i = 1;

	/* Packages come sorted, mostly. */
	while (i < n && compare_entries(&entries[i - 1], &entries[i], c) < 0)
		i++;
	if (i < n)
		qsort_r(entries, n, sizeof(*entries), compare_entries, c);
}

static uint32_t
dir_end(const struct catalog *c, uint32_t dir)
{
	return dir + 1 < c->ndirs ? c->dirs[dir + 1].first : c->nentries;
}

/* Groups the entries by directory and sorts each group by name. */
static int
arrange(struct catalog *c)
{
	const uint32_t *parents = c->draft->parents;
	struct entry *sorted =
	    calloc(c->nentries ? c->nentries : 1, sizeof(*sorted));
	CLEANUP_FREE uint32_t *next = calloc(c->ndirs + 1, sizeof(*next));

	if (!sorted || !next) {
		free(sorted);
		return -ENOMEM;
	}
	for (uint32_t e = 0; e < c->nentries; e++)
		next[parents[e] + 1]++;
	for (uint32_t d = 0; d < c->ndirs; d++) {
		next[d + 1] += next[d];
		c->dirs[d].first = next[d];
	}
	for (uint32_t e = 0; e < c->nentries; e++)
		sorted[next[parents[e]]++] = c->entries[e];
	free(c->entries);
	c->entries = sorted;
	c->entries_cap = c->nentries;
	for (uint32_t d = 0; d < c->ndirs; d++)
		sort_dir(c, sorted + c->dirs[d].first,
		    dir_end(c, d) - c->dirs[d].first);
	return 0;
}

/* Gives back what doubling left over; failing to is no failure. */
static void
shrink(struct catalog *c)
{
	char *names = realloc(c->names, c->names_len ? c->names_len : 1);
	struct dir *dirs;

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
	draft_free(c->draft);
	c->draft = NULL;
	shrink(c);
	return 0;
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
	const struct entry *e = &c->entries[entry];

	*ret = (struct catalog_entry){
	    .name = name_at(c, e->name),
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
	high = dir_end(c, dir);
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		int order = span_cmp(name_at(c, c->entries[mid].name), name);

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
	if (dir >= c->ndirs || i >= dir_end(c, dir) - c->dirs[dir].first)
		return false;
	fill(c, c->dirs[dir].first + (uint32_t)i, ret);
	return true;
}
