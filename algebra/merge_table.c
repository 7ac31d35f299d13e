#include "algebra/merge_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

#define FIRST_CAP 1024

void
merge_table_release(struct merge_table *t)
{
	free(t->v);
	*t = (struct merge_table){0};
}

struct merge_key
merge_key_of(struct span name, struct span architecture, struct span version)
{
	/* No name has a NUL; what is longer than all this is hashed first. */
	char text[512];
	const struct span parts[] = {name, architecture, version};
	struct merge_key key;
	struct digest d;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		const char *ptr = parts[i].ptr;
		size_t len = parts[i].len;

		if (len > sizeof(text) / ARRAY_LEN(parts) - 1) {
			digest_of(ptr, len, &d);
			ptr = (const char *)d.byte;
			len = sizeof(d.byte);
		}
		if (len > 0)
			memcpy(text + n, ptr, len);
		n += len;
		text[n++] = '\0';
	}
	digest_of(text, n, &d);
	memcpy(key.byte, d.byte, sizeof(key.byte));
	return key;
}

static size_t
first_place(const struct merge_table *t, const struct merge_key *key)
{
	uint64_t hash;

	memcpy(&hash, key->byte, sizeof(hash));
	return (size_t)hash & (t->cap - 1);
}

/* The entry, or the free place where it belongs. */
static struct merge_entry *
place_of(const struct merge_table *t, const struct merge_key *key)
{
	size_t i = first_place(t, key);

	while (t->v[i].package != 0 &&
	       memcmp(t->v[i].key.byte, key->byte, sizeof(key->byte)) != 0)
		i = (i + 1) & (t->cap - 1);
	return &t->v[i];
}

static int
grow(struct merge_table *t)
{
	struct merge_table bigger = {
	    .n = t->n, .cap = t->cap ? 2 * t->cap : FIRST_CAP};

	bigger.v = calloc(bigger.cap, sizeof(*bigger.v));
	if (!bigger.v)
		return -1;
	for (size_t i = 0; i < t->cap; i++)
		if (t->v[i].package != 0)
			*place_of(&bigger, &t->v[i].key) = t->v[i];
	free(t->v);
	*t = bigger;
	return 0;
}

struct merge_entry *
merge_table_at(struct merge_table *t, const struct merge_key *key)
{
	struct merge_entry *e;

	/* At most two thirds full, so that there is always a free place. */
	if (3 * (t->n + 1) > 2 * t->cap && grow(t) < 0)
		return NULL;
	e = place_of(t, key);
	if (e->package == 0) {
		e->key = *key;
		t->n++;
	}
	return e;
}

struct merge_entry *
merge_table_find(const struct merge_table *t, const struct merge_key *key)
{
	struct merge_entry *e;

	if (t->cap == 0)
		return NULL;
	e = place_of(t, key);
	return e->package != 0 ? e : NULL;
}
