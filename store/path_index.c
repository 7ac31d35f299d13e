#include "store/path_index.h"

#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/path.h"
#include "store/package.h"

#define HEAD_SIZE  2
#define ENTRY_SIZE 6
#define BATCH	   32 /* blocks stored in one transaction */

uint32_t
path_hash(struct span path)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

	for (size_t i = 0; i < path.len; i++) {
		h ^= (unsigned char)path.ptr[i];
		h *= UINT64_C(0x100000001b3);
	}
	return (uint32_t)(h ^ h >> 32);
}

static void
add_number(struct buf *b, uint32_t n, unsigned bytes)
{
	while (bytes-- > 0)
		(void)buf_add_char(b, (char)(n >> 8 * bytes));
}

static uint32_t
number_at(struct span s, size_t at, unsigned bytes)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < bytes; i++)
		n = n << 8 | (unsigned char)s.ptr[at + i];
	return n;
}

/* A block being made. */
struct path_maker {
	struct package package;
	uint32_t *dirs; /* hashes, with repetitions */
	size_t ndirs, dirs_cap;
	struct batch {
		struct {
			uint64_t number;
			struct buf bytes;
		} v[BATCH];
		size_t n;
		uint64_t last; /* package that all blocks reach to, or 0 */
	} batch;
};

void
path_maker_free(struct path_maker *m)
{
	if (!m)
		return;
	package_release(&m->package);
	free(m->dirs);
	for (size_t i = 0; i < BATCH; i++)
		buf_release(&m->batch.v[i].bytes);
	free(m);
}

int
path_maker_new(struct path_maker **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

static int
add_dir(struct path_maker *m, struct span dir)
{
	uint32_t hash = path_hash(dir);

	/* Files of one source come together. */
	if (m->ndirs > 0 && m->dirs[m->ndirs - 1] == hash)
		return 0;
	if (m->ndirs == m->dirs_cap) {
		size_t cap = m->dirs_cap ? 2 * m->dirs_cap : 4 * PATH_BLOCK;
		uint32_t *v = reallocarray(m->dirs, cap, sizeof(*v));

		if (!v)
			return -ENOMEM;
		m->dirs = v;
		m->dirs_cap = cap;
	}
	m->dirs[m->ndirs++] = hash;
	return 0;
}

static int
add_package(struct path_maker *m, uint32_t place, struct buf *out)
{
	const struct light *l = &m->package.light;
	int r = 0;

	for (size_t i = 0; i < l->nfiles && r == 0; i++) {
		struct span path = path_strip_dot(l->files[i].path);
		struct span dir = path_dir(path);

		add_number(out, path_hash(path), 4);
		add_number(out, place, 2);
		for (; dir.len > 0 && r == 0; dir = path_dir(dir))
			r = add_dir(m, dir);
	}
	return r;
}

static int
hash_cmp(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static int
make_block(
    struct path_maker *m, struct txn *t, uint64_t block, uint32_t packages)
{
	struct buf *out = &m->batch.v[m->batch.n].bytes;
	int r = 0;

	buf_clear(out);
	m->ndirs = 0;
	add_number(out, packages, HEAD_SIZE);
	for (uint32_t i = 0; i < packages && r == 0; i++) {
		r = package_light(t, block * PATH_BLOCK + i, &m->package);
		if (r == 0)
			r = add_package(m, i, out);
		else if (r == -ENOENT)
			r = 0; /* it has gone, or it is number 0 */
	}
	if (r < 0)
		return r;
	if (m->ndirs > 1)
		qsort(m->dirs, m->ndirs, sizeof(*m->dirs), hash_cmp);
	for (size_t i = 0; i < m->ndirs; i++) {
		if (i > 0 && m->dirs[i] == m->dirs[i - 1])
			continue;
		add_number(out, m->dirs[i], 4);
		add_number(out, PATH_BLOCK, 2);
	}
	m->batch.v[m->batch.n++].number = block;
	return out->failed ? -ENOMEM : 0;
}

/* How many packages of a block have been looked at. */
static int
looked_at(struct txn *t, uint64_t block, uint32_t *ret)
{
	struct span value;
	int r = txn_get64(t, T_PATHS, block, &value);

	*ret = 0;
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (value.len >= HEAD_SIZE)
		*ret = number_at(value, 0, HEAD_SIZE);
	return 0;
}

static int
note_key(struct span key, struct span value, void *arg)
{
	uint64_t *number = arg;

	(void)value;
	if (key.len != sizeof(struct key64))
		return 0;
	*number = key64_value(key.ptr);
	return 1;
}

/* The first block from one on that has a package; beyond all: none has.  After
 * long there are many without, and nobody needs those. */
static int
next_block(struct txn *t, uint64_t block, uint64_t *ret)
{
	struct key64 from = key64(block * PATH_BLOCK);
	uint64_t number = UINT64_MAX;
	int r = txn_each(t, T_LIGHT,
	    (struct span){(const char *)from.byte, sizeof(from.byte)}, note_key,
	    &number);

	*ret = number / PATH_BLOCK;
	return r < 0 ? r : 0;
}

/* Makes blocks, from *at on, until the batch is full; 1: there may be more. */
static int
make_blocks(struct path_maker *m, struct txn *t, uint64_t *at)
{
	uint64_t last;
	int r = txn_last(t, C_PACKAGE, &last);

	m->batch.last = 0;
	while (r >= 0 && *at <= last / PATH_BLOCK) {
		uint64_t want = last + 1 - *at * PATH_BLOCK, next = *at;
		uint32_t have = 0;

		if (m->batch.n == BATCH)
			return 1;
		if (want > PATH_BLOCK)
			want = PATH_BLOCK;
		r = looked_at(t, *at, &have);
		if (r == 0 && have == 0)
			r = next_block(t, *at, &next);
		if (next > *at) {
			*at = next;
			continue;
		}
		if (r == 0 && have != want)
			r = make_block(m, t, *at, (uint32_t)want);
		++*at;
	}
	m->batch.last = last;
	return r < 0 ? r : 0;
}

/* Does the store say that it has all blocks up to the batch's last package? */
static int
is_noted(struct txn *t, const struct batch *b)
{
	uint64_t noted;
	int r = txn_last(t, C_PATH, &noted);

	return r < 0 ? r : noted >= b->last;
}

static int
note_last(struct txn *t, const struct batch *b)
{
	uint64_t noted, first;
	int r = txn_last(t, C_PATH, &noted);

	if (r < 0 || noted >= b->last)
		return r;
	return txn_take(t, C_PATH, b->last - noted, &first);
}

static int
store_blocks(struct txn *t, void *arg, struct error *err)
{
	const struct batch *b = arg;
	int r = 0;

	for (size_t i = 0; i < b->n && r == 0; i++)
		r = txn_put64(
		    t, T_PATHS, b->v[i].number, buf_span(&b->v[i].bytes));
	if (r == 0)
		r = note_last(t, b);
	return r < 0 ? error_sys(err, r, "cannot store paths") : 0;
}

int
path_index_update(struct store *s, struct error *err)
{
	CLEANUP(path_maker_cleanup) struct path_maker *m = NULL;
	uint64_t at = 0;
	int r = path_maker_new(&m), more, noted = 0;

	if (r < 0)
		return error_sys(err, r, "cannot look at paths");
	do {
		struct txn *t;

		m->batch.n = 0;
		r = txn_read(s, &t, err);
		if (r < 0)
			return r;
		r = more = make_blocks(m, t, &at);
		if (r >= 0)
			r = noted = is_noted(t, &m->batch);
		if (m->batch.n == BATCH)
			txn_trim(t);
		txn_end(t);
		if (r < 0)
			return error_sys(err, r, "cannot look at paths");
		if (m->batch.n > 0 || !noted)
			r = store_write(s, store_blocks, &m->batch, err);
	} while (r >= 0 && more);
	return r < 0 ? r : 0;
}

bool
path_index_is_block(struct span value)
{
	uint32_t packages;

	if (value.len < HEAD_SIZE || (value.len - HEAD_SIZE) % ENTRY_SIZE != 0)
		return false;
	packages = number_at(value, 0, HEAD_SIZE);
	for (size_t at = HEAD_SIZE; at < value.len; at += ENTRY_SIZE) {
		uint32_t place = number_at(value, at + 4, 2);

		if (place >= packages && place != PATH_BLOCK)
			return false;
	}
	return packages <= PATH_BLOCK;
}

/*
 * Entries stand in the order of the packages, then those of directories.  What
 * is made of the packages that there are is part of what was made of them and
 * others that have gone since.
 */
static int
is_made_of(struct path_maker *m, struct txn *t, uint64_t first,
    struct span value, struct span made)
{
	size_t i = HEAD_SIZE, j = HEAD_SIZE;

	for (; i < value.len; i += ENTRY_SIZE) {
		uint64_t place = number_at(value, i + 4, 2);
		int r;

		if (j < made.len &&
		    memcmp(value.ptr + i, made.ptr + j, ENTRY_SIZE) == 0) {
			j += ENTRY_SIZE;
			continue;
		}
		if (place == PATH_BLOCK)
			continue;
		r = package_light(t, first + place, &m->package);
		if (r != -ENOENT)
			return r < 0 ? r : 0;
	}
	return j == made.len;
}

int
path_maker_check(
    struct path_maker *m, struct txn *t, uint64_t block, struct span value)
{
	int r;

	if (!path_index_is_block(value))
		return 0;
	m->batch.n = 0;
	r = make_block(m, t, block, number_at(value, 0, HEAD_SIZE));
	if (r < 0)
		return r;
	return is_made_of(
	    m, t, block * PATH_BLOCK, value, buf_span(&m->batch.v[0].bytes));
}

struct each {
	path_index_fn *fn;
	void *arg;
};

static int
each_block(struct span key, struct span value, void *arg)
{
	const struct each *e = arg;
	uint64_t first;
	int r = 0;

	if (key.len != sizeof(struct key64) || value.len < HEAD_SIZE ||
	    (value.len - HEAD_SIZE) % ENTRY_SIZE != 0)
		return -EIO;
	first = key64_value(key.ptr) * PATH_BLOCK;
	for (size_t at = HEAD_SIZE; at < value.len && r == 0;
	     at += ENTRY_SIZE) {
		uint32_t place = number_at(value, at + 4, 2);

		r = e->fn(number_at(value, at, 4),
		    place < PATH_BLOCK ? first + place : 0, e->arg);
	}
	return r;
}

int
path_index_each(struct txn *t, path_index_fn *fn, void *arg)
{
	struct each e = {fn, arg};

	return txn_each(t, T_PATHS, (struct span){0}, each_block, &e);
}
