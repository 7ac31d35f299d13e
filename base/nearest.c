#include "base/nearest.h"

#include <stdio.h>

#include "base/cleanup.h"

#define CHANGES_MAX 3

static unsigned
smaller(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* The changes that make b of a, where two neighbours that have changed places
 * are one (optimal string alignment).  Neither is empty or longer than
 * NEAREST_MAX_WORD. */
static unsigned
distance(struct span a, struct span b)
{
	unsigned rows[3][NEAREST_MAX_WORD + 1];
	unsigned *before = rows[0], *above = rows[1], *row = rows[2], *free;

	for (unsigned j = 0; j <= b.len; j++)
		above[j] = before[j] = j;
	for (unsigned i = 1; i <= a.len; i++) {
		row[0] = i;
		for (unsigned j = 1; j <= b.len; j++) {
			unsigned wrong = a.ptr[i - 1] != b.ptr[j - 1];

			row[j] = smaller(above[j - 1] + wrong,
			    smaller(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] &&
			    a.ptr[i - 2] == b.ptr[j - 1])
				row[j] = smaller(row[j], before[j - 2] + 1);
		}
		free = before;
		before = above;
		above = row;
		row = free;
	}
	return above[b.len];
}

void
nearest_try(struct nearest *n, struct span name)
{
	unsigned d;

	if (name.len == 0 || name.len > NEAREST_MAX_WORD || n->word.len == 0 ||
	    n->word.len > NEAREST_MAX_WORD)
		return;
	d = distance(n->word, name);
	if (d > CHANGES_MAX || d > n->word.len / 3 ||
	    (n->n > 0 && d > n->distance))
		return;
	if (n->n == 0 || d < n->distance) {
		n->distance = d;
		n->n = 0;
	}
	if (n->n < NEAREST_MAX)
		(void)snprintf(n->names[n->n], sizeof(n->names[0]), "%.*s",
		    SPAN_ARG(name));
	if (n->n <= NEAREST_MAX)
		n->n++;
}

const char *
nearest_question(
    const struct nearest *n, const char *prefix, char out[NEAREST_SIZE])
{
	size_t at = 0;

	out[0] = '\0';
	if (!nearest_found(n))
		return out;
	at += (size_t)snprintf(
	    out, NEAREST_SIZE, "; is it %s%s", prefix, n->names[0]);
	for (size_t i = 1; i < n->n; i++)
		at += (size_t)snprintf(out + at, NEAREST_SIZE - at, "%s%s%s",
		    i + 1 < n->n ? ", " : ", or ", prefix, n->names[i]);
	(void)snprintf(out + at, NEAREST_SIZE - at, "?");
	return out;
}
