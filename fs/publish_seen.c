#include "fs/publish_seen.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_CAP 1024

void
publish_seen_release(struct publish_seen *s)
{
	free(s->v);
	*s = (struct publish_seen){0};
}

/* FNV-1a, with a byte between the parts that none of them has. */
static uint64_t
add_hash(uint64_t hash, struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		hash =
		    (hash ^ (unsigned char)s.ptr[i]) * UINT64_C(0x100000001b3);
	return hash * UINT64_C(0x100000001b3);
}

static uint64_t
identity_hash(const struct light *l)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	hash = add_hash(hash, l->name);
	hash = add_hash(hash, l->version);
	return add_hash(hash, l->architecture);
}

struct publish_seen_walk
publish_seen_begin(const struct publish_seen *s, const struct light *l)
{
	uint64_t hash = identity_hash(l);

	return (struct publish_seen_walk){s, hash, (size_t)hash};
}

const struct publish_seen_entry *
publish_seen_next(struct publish_seen_walk *w)
{
	const struct publish_seen *s = w->table;

	while (s->cap > 0) {
		const struct publish_seen_entry *e =
		    &s->v[w->at++ & (s->cap - 1)];

		if (e->package == 0)
			return NULL;
		if (e->hash == w->hash)
			return e;
	}
	return NULL;
}

static void
insert(struct publish_seen *s, const struct publish_seen_entry *e)
{
	size_t at = (size_t)e->hash;

	while (s->v[at & (s->cap - 1)].package != 0)
		at++;
	s->v[at & (s->cap - 1)] = *e;
	s->n++;
}

static int
grow(struct publish_seen *s)
{
	struct publish_seen bigger = {.cap = s->cap ? 2 * s->cap : FIRST_CAP};

	bigger.v = calloc(bigger.cap, sizeof(*bigger.v));
	if (!bigger.v)
		return -ENOMEM;
	for (size_t i = 0; i < s->cap; i++)
		if (s->v[i].package != 0)
			insert(&bigger, &s->v[i]);
	free(s->v);
	*s = bigger;
	return 0;
}

int
publish_seen_add(struct publish_seen *s, const struct publish_seen_walk *w,
    const struct publish_seen_entry *e)
{
	struct publish_seen_entry copy = *e;

	/* At most two thirds full, so that there is always a free place. */
	if (3 * (s->n + 1) > 2 * s->cap) {
		int r = grow(s);

		if (r < 0)
			return r;
	}
	copy.hash = w->hash;
	insert(s, &copy);
	return 0;
}

bool
publish_seen_same(const struct light *a, const struct light *b)
{
	return span_eq(a->name, b->name) && span_eq(a->version, b->version) &&
	       span_eq(a->architecture, b->architecture);
}

bool
publish_same_files(const struct light *a, const struct light *b)
{
	if (a->nfiles != b->nfiles)
		return false;
	for (size_t i = 0; i < a->nfiles; i++)
		if (a->files[i].size != b->files[i].size ||
		    !digest_eq(&a->files[i].sha256, &b->files[i].sha256))
			return false;
	return true;
}
