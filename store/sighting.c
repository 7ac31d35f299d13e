#include <errno.h>

#include "base/path.h"
#include "store/blob.h"
#include "store/list.h"
#include "store/package.h"

/*
 * Sightings: T_SIGHTINGS has, for an origin and a block of packages, one bit
 * for each package; its key is the origin and the block, 8 bytes each,
 * big-endian.
 */
#define BLOCK_BYTES    1024
#define BLOCK_PACKAGES (UINT64_C(8) * BLOCK_BYTES)

struct sighting_key {
	struct key64 origin, block;
};

struct block {
	struct sighting_key key;
	unsigned char bits[BLOCK_BYTES];
	bool changed;
};

static int
block_load(struct txn *t, uint64_t origin, uint64_t number, struct block *b)
{
	struct span value;
	int r;

	b->key = (struct sighting_key){key64(origin), key64(number)};
	b->changed = false;
	r = txn_get(t, T_SIGHTINGS, &b->key, sizeof(b->key), &value);
	if (r == -ENOENT) {
		memset(b->bits, 0, sizeof(b->bits));
		return 0;
	}
	if (r < 0)
		return r;
	if (value.len != sizeof(b->bits))
		return -EIO;
	memcpy(b->bits, value.ptr, sizeof(b->bits));
	return 0;
}

static int
block_store(struct txn *t, const struct block *b)
{
	if (!b->changed)
		return 0;
	return txn_put(t, T_SIGHTINGS, &b->key, sizeof(b->key),
	    (struct span){(const char *)b->bits, sizeof(b->bits)});
}

static bool
block_has(const struct block *b, uint64_t package)
{
	uint64_t i = package % BLOCK_PACKAGES;

	return b->bits[i / 8] >> (i % 8) & 1;
}

static void
block_mark(struct block *b, uint64_t package)
{
	uint64_t i = package % BLOCK_PACKAGES;

	if (block_has(b, package))
		return;
	b->bits[i / 8] |= (unsigned char)(1 << (i % 8));
	b->changed = true;
}

static int
by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* A sorted copy, so that each block is visited once; for the caller to free. */
static uint64_t *
sorted(const uint64_t *packages, size_t n)
{
	uint64_t *copy = calloc(n + 1, sizeof(*copy));

	if (!copy)
		return NULL;
	if (n > 0)
		memcpy(copy, packages, n * sizeof(*copy));
	qsort(copy, n, sizeof(*copy), by_number);
	return copy;
}

static bool
next_block(const uint64_t *v, size_t i)
{
	return i == 0 || v[i] / BLOCK_PACKAGES != v[i - 1] / BLOCK_PACKAGES;
}

int
sighting_put(struct txn *t, uint64_t origin, const uint64_t *packages, size_t n)
{
	CLEANUP_FREE uint64_t *v = sorted(packages, n);
	struct block b = {.changed = false};
	int r = 0;

	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (next_block(v, i)) {
			r = block_store(t, &b);
			if (r == 0)
				r = block_load(
				    t, origin, v[i] / BLOCK_PACKAGES, &b);
			if (r < 0)
				return r;
		}
		block_mark(&b, v[i]);
	}
	return block_store(t, &b);
}

int
sighting_put_list(struct txn *t, uint64_t origin, const struct list *list)
{
	CLEANUP(run_packages_release) struct run_packages run = {0};
	int r = 0;

	for (size_t i = 0; r == 0 && i < list->nruns; i++) {
		r = run_load(t, list->runs[i].run, &run);
		if (r == 0)
			r = sighting_put(t, origin, run.v, run.n);
	}
	return r == -ENOENT ? -EIO : r;
}

int
sighting_has(struct txn *t, uint64_t origin, const uint64_t *packages, size_t n)
{
	CLEANUP_FREE uint64_t *v = sorted(packages, n);
	struct block b = {.changed = false};
	int r;

	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (next_block(v, i)) {
			r = block_load(t, origin, v[i] / BLOCK_PACKAGES, &b);
			if (r < 0)
				return r;
		}
		if (!block_has(&b, v[i]))
			return 0;
	}
	return 1;
}

int
sighting_has_list(struct txn *t, uint64_t origin, uint64_t number)
{
	CLEANUP(run_packages_release) struct run_packages run = {0};
	CLEANUP(list_release) struct list list = {0};
	int r = list_load(t, number, &list), has = 1;

	for (size_t i = 0; r == 0 && has > 0 && i < list.nruns; i++) {
		r = run_load(t, list.runs[i].run, &run);
		if (r == 0)
			has = sighting_has(t, origin, run.v, run.n);
	}
	return r < 0 ? r : has;
}

/* What is known while the places of one source are gone through. */
struct place_walk {
	struct txn *t;
	uint64_t package;
	struct span path;
	blob_place_fn *fn;
	void *arg;
	int result; /* fn's, once it was other than 0 */
};

static int
visit_origin(struct span key, struct span value, void *arg)
{
	struct place_walk *w = arg;
	uint64_t origin;
	int r;

	(void)value;
	if (key.len != sizeof(struct key64))
		return -EIO;
	origin = key64_value(key.ptr);
	r = sighting_has(w->t, origin, &w->package, 1);
	if (r <= 0)
		return r;
	w->result = w->fn(origin, w->path, w->arg);
	return w->result != 0;
}

/* Where the file lay at its origin; buf is for putting it together. */
static int
file_path(
    const struct light *l, uint32_t file, struct buf *buf, struct span *ret)
{
	if (file >= l->nfiles)
		return -EIO;
	*ret = l->files[file].path;
	if (l->origin_path.len == 0)
		return 0;
	*ret = l->origin_path;
	if (l->kind != PACKAGE_SOURCE)
		return 0;
	buf_clear(buf);
	if (buf_add_span(buf, l->origin_path) < 0 ||
	    buf_add_char(buf, '/') < 0 ||
	    buf_add_span(buf, path_base(l->files[file].path)) < 0)
		return -ENOMEM;
	*ret = buf_span(buf);
	return 0;
}

static int
each_origin(struct place_walk *w, const struct blob_source *source)
{
	CLEANUP(package_release) struct package p = {0};
	CLEANUP(buf_release) struct buf path = {0};
	int r;

	r = package_light(w->t, source->package, &p);
	/* A package that was collected as garbage: other sources may do. */
	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = file_path(&p.light, source->file, &path, &w->path);
	if (r < 0)
		return r;
	w->package = source->package;
	r = txn_each(w->t, T_ORIGINS, (struct span){0}, visit_origin, w);
	return r < 0 ? r : w->result;
}

int
blob_each_place(
    struct txn *t, const struct blob *b, blob_place_fn *fn, void *arg)
{
	struct place_walk w = {.t = t, .fn = fn, .arg = arg};
	int r = 0;

	for (size_t i = 0; i < b->nsources && r == 0; i++) {
		const struct blob_source *source = &b->sources[i];

		if (source->package == 0)
			r = fn(source->origin, source->path, arg);
		else
			r = each_origin(&w, source);
	}
	return r;
}
