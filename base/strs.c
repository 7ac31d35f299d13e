#include "base/strs.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

/*
 * The room is not stored, it follows from n: the next power of two that holds
 * n items and the NULL, and at least this.
 */
#define FIRST_ROOM 8

static int
grow(struct strs *s)
{
	size_t room = s->n + 1;
	char **v;

	if (s->v && (room < FIRST_ROOM || (room & (room - 1)) != 0))
		return 0;
	room = s->v ? 2 * room : FIRST_ROOM;
	if (room > SIZE_MAX / sizeof(*v))
		return -ENOMEM;
	v = realloc(s->v, room * sizeof(*v));
	if (!v)
		return -ENOMEM;
	v[s->n] = NULL;
	s->v = v;
	return 0;
}

int
strs_add(struct strs *s, struct span item)
{
	char *copy;

	if (grow(s) < 0)
		return -ENOMEM;
	copy = span_dup(item);
	if (!copy)
		return -ENOMEM;
	s->v[s->n++] = copy;
	s->v[s->n] = NULL;
	return 0;
}

/* Back to n items, so that a call that failed half-way leaves no trace. */
static void
cut_back(struct strs *s, size_t n)
{
	while (s->n > n) {
		free(s->v[--s->n]);
		s->v[s->n] = NULL;
	}
}

int
strs_add_split(struct strs *s, struct span text, char sep)
{
	size_t before = s->n;
	struct span item;

	while (sep ? span_cut(&text, sep, &item) : span_word(&text, &item)) {
		if (item.len == 0)
			continue;
		if (strs_add(s, item) < 0) {
			cut_back(s, before);
			return -ENOMEM;
		}
	}
	return 0;
}

int
strs_add_all(struct strs *s, const struct strs *from)
{
	size_t before = s->n, n = from->n;

	for (size_t i = 0; i < n; i++)
		if (strs_add(s, span_of(from->v[i])) < 0) {
			cut_back(s, before);
			return -ENOMEM;
		}
	return 0;
}

bool
strs_has(const struct strs *s, struct span item)
{
	for (size_t i = 0; i < s->n; i++)
		if (span_eq(span_of(s->v[i]), item))
			return true;
	return false;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void
strs_sort(struct strs *s)
{
	if (s->n > 1)
		qsort(s->v, s->n, sizeof(*s->v), compare);
}

char *
strs_join(const struct strs *s, const char *sep)
{
	struct buf b = {0};

	for (size_t i = 0; i < s->n; i++) {
		if (i > 0)
			(void)buf_add_str(&b, sep);
		(void)buf_add_str(&b, s->v[i]);
	}
	return buf_take(&b); /* NULL if one of them failed */
}

void
strs_release(struct strs *s)
{
	cut_back(s, 0);
	free(s->v);
	*s = (struct strs){0};
}
