#include "fs/tree_cache.h"

#include <errno.h>
#include <pthread.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "fs/archive.h"
#include "fs/inode.h"

#define KEEP_ALWAYS 2

struct slot {
	struct cached cached; /* first: what is lent */
	uint64_t root;
	unsigned part;
	unsigned users;
	bool building;
	int64_t used_s; /* when it was put back last */
	size_t bytes;
	TAILQ_ENTRY(slot) link;
};

struct tree_cache {
	pthread_mutex_t lock;
	pthread_cond_t built;
	TAILQ_HEAD(slots, slot) slots; /* used last first */
	size_t bytes, limit;
};

int
tree_cache_new(size_t limit, struct tree_cache **ret)
{
	struct tree_cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return -ENOMEM;
	/* Neither fails with default attributes on Linux. */
	(void)pthread_mutex_init(&cache->lock, NULL);
	(void)pthread_cond_init(&cache->built, NULL);
	TAILQ_INIT(&cache->slots);
	cache->limit = limit;
	*ret = cache;
	return 0;
}

static void
slot_free(struct tree_cache *cache, struct slot *slot)
{
	TAILQ_REMOVE(&cache->slots, slot, link);
	cache->bytes -= slot->bytes;
	catalog_free(slot->cached.catalog);
	free(slot);
}

void
tree_cache_free(struct tree_cache *cache)
{
	struct slot *slot;

	if (!cache)
		return;
	while ((slot = TAILQ_FIRST(&cache->slots)) != NULL)
		slot_free(cache, slot);
	(void)pthread_cond_destroy(&cache->built);
	(void)pthread_mutex_destroy(&cache->lock);
	free(cache);
}

/* -ENOENT below a root that is there means damage. */
static int
missing_is_damage(int r)
{
	return r == -ENOENT ? -EIO : r;
}

static int
archive_state(struct txn *t, uint64_t root, struct state *ret)
{
	CLEANUP(root_release) struct root archive = {0};

	int r = root_load(t, root, &archive);

	if (r == 0)
		r = state_load(t, archive.state, ret);
	return missing_is_damage(r);
}

static int
mtime_of(struct txn *t, const struct root *root, int64_t *ret)
{
	int64_t newest = 0;

	if (root->kind == ROOT_ARCHIVE) {
		CLEANUP(state_release) struct state s = {0};
		int r = state_load(t, root->state, &s);

		if (r < 0)
			return missing_is_damage(r);
		newest = s.taken;
	}
	for (size_t i = 0; i < root->ndists; i++) {
		CLEANUP(state_release) struct state s = {0};
		int r = archive_state(t, root->dists[i].root, &s);

		if (r < 0)
			return r;
		if (s.taken > newest)
			newest = s.taken;
	}
	*ret = newest;
	return 0;
}

int
tree_root_mtime(struct txn *t, uint64_t number, int64_t *ret)
{
	CLEANUP(root_release) struct root root = {0};

	int r = root_load(t, number, &root);

	if (r < 0)
		return r == -ENOENT ? -ESTALE : r;
	return mtime_of(t, &root, ret);
}

/* The inode number of an archive's suite directory: archive_build() adds the
 * parts of its path before anything else. */
static int
suite_ino(struct txn *t, uint64_t root, uint64_t *ret)
{
	CLEANUP(state_release) struct state s = {0};
	CLEANUP_FREE char *dir = NULL;
	uint32_t index = 0;
	int r = archive_state(t, root, &s);

	if (r < 0)
		return r;
	dir = state_dir(&s);
	if (!dir)
		return -ENOMEM;
	for (const char *p = dir; *p; p++)
		index += *p == '/';
	*ret = ino_of_dir(root, ARCHIVE_DISTS, index);
	return 0;
}

/* The directory dists/ of a prefix. */
static int
build_links(struct txn *t, const struct root *prefix, struct catalog **ret)
{
	CLEANUP(catalog_cleanup) struct catalog *c = NULL;

	int r = catalog_new(&c);

	for (size_t i = 0; r == 0 && i < prefix->ndists; i++) {
		const struct root_dist *dist = &prefix->dists[i];
		uint64_t ino;

		r = suite_ino(t, dist->root, &ino);
		if (r == 0)
			r = catalog_add(c, span_of(dist->distribution), ino);
		/* One below another can't be shown: the first stays. */
		if (r == -ENOTDIR || r == -EISDIR)
			r = 0;
	}
	if (r == 0)
		r = catalog_end(c, NULL);
	if (r < 0)
		return r;
	*ret = TAKE(c);
	return 0;
}

static int
build(struct txn *t, struct slot *slot)
{
	CLEANUP(root_release) struct root root = {0};
	struct cached *c = &slot->cached;
	int r = root_load(t, slot->root, &root);

	if (r < 0)
		return r == -ENOENT ? -ESTALE : r;
	c->links = root.kind == ROOT_PREFIX && slot->part == ARCHIVE_DISTS;
	if (c->links)
		r = build_links(t, &root, &c->catalog);
	else
		r = archive_build(
		    t, &root, (enum archive_part)slot->part, &c->catalog);
	/* A number that nobody was given. */
	if (r == -EINVAL)
		return -ESTALE;
	if (r == 0)
		r = mtime_of(t, &root, &c->mtime);
	return missing_is_damage(r);
}

static struct slot *
find(struct tree_cache *cache, uint64_t root, unsigned part)
{
	struct slot *slot;

	TAILQ_FOREACH (slot, &cache->slots, link)
		if (slot->root == root && slot->part == part)
			return slot;
	return NULL;
}

static void
evict(struct tree_cache *cache)
{
	struct slot *slot, *before;
	size_t n = 0;

	if (cache->bytes <= cache->limit)
		return;
	TAILQ_FOREACH (slot, &cache->slots, link)
		n++;
	for (slot = TAILQ_LAST(&cache->slots, slots);
	     slot && n > KEEP_ALWAYS && cache->bytes > cache->limit;
	     slot = before, n--) {
		before = TAILQ_PREV(slot, slots, link);
		if (slot->users == 0)
			slot_free(cache, slot);
	}
}

/* Adds the slot, builds without the lock, and lets the others know. */
static int
get_new(struct tree_cache *cache, struct txn *t, struct slot *slot)
{
	int r;

	slot->building = true;
	slot->users = 1;
	TAILQ_INSERT_HEAD(&cache->slots, slot, link);
	(void)pthread_mutex_unlock(&cache->lock);
	r = build(t, slot);
	(void)pthread_mutex_lock(&cache->lock);
	slot->building = false;
	(void)pthread_cond_broadcast(&cache->built);
	if (r < 0) {
		slot_free(cache, slot);
		return r;
	}
	slot->bytes = sizeof(*slot) + catalog_bytes(slot->cached.catalog);
	cache->bytes += slot->bytes;
	evict(cache);
	return 0;
}

static int
get_locked(struct tree_cache *cache, struct txn *t, uint64_t root,
    unsigned part, const struct cached **ret)
{
	struct slot *slot;

	/* One that could not be built is gone after the wait. */
	while ((slot = find(cache, root, part)) != NULL && slot->building)
		(void)pthread_cond_wait(&cache->built, &cache->lock);
	if (slot) {
		slot->users++;
		TAILQ_REMOVE(&cache->slots, slot, link);
		TAILQ_INSERT_HEAD(&cache->slots, slot, link);
	} else {
		int r;

		slot = calloc(1, sizeof(*slot));
		if (!slot)
			return -ENOMEM;
		slot->root = root;
		slot->part = part;
		r = get_new(cache, t, slot);
		if (r < 0)
			return r;
	}
	*ret = &slot->cached;
	return 0;
}

int
tree_cache_get(struct tree_cache *cache, struct txn *t, uint64_t root,
    unsigned part, const struct cached **ret)
{
	int r;

	(void)pthread_mutex_lock(&cache->lock);
	r = get_locked(cache, t, root, part, ret);
	(void)pthread_mutex_unlock(&cache->lock);
	return r;
}

void
tree_cache_put(struct tree_cache *cache, const struct cached *cached)
{
	struct slot *slot;

	if (!cached)
		return;
	/* The slot is the cache's to change, the catalog nobody's. */
	slot = (struct slot *)(uintptr_t)cached;
	(void)pthread_mutex_lock(&cache->lock);
	slot->users--;
	slot->used_s = clock_s();
	evict(cache);
	(void)pthread_mutex_unlock(&cache->lock);
}

void
tree_cache_drop_idle(struct tree_cache *cache, int64_t idle_s)
{
	struct slot *slot, *before;
	int64_t now = clock_s();

	(void)pthread_mutex_lock(&cache->lock);
	/* One that is being built has a user. */
	for (slot = TAILQ_LAST(&cache->slots, slots); slot; slot = before) {
		before = TAILQ_PREV(slot, slots, link);
		if (slot->users == 0 && now - slot->used_s >= idle_s)
			slot_free(cache, slot);
	}
	(void)pthread_mutex_unlock(&cache->lock);
}

size_t
tree_cache_bytes(struct tree_cache *cache)
{
	size_t bytes;

	(void)pthread_mutex_lock(&cache->lock);
	bytes = cache->bytes;
	(void)pthread_mutex_unlock(&cache->lock);
	return bytes;
}
