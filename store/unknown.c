#include "store/unknown.h"

#include <errno.h>
#include <string.h>

#include "base/path.h"

/* One letter in three may be wrong, and no more than that many. */
#define WRONG_MAX 3

struct nearest {
	struct span wanted;
	size_t distance; /* of the best so far */
	char name[NAME_MAX_LEN + 1];
};

static size_t
min3(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

/*
 * How many letters have to be added, taken away or changed to make one name of
 * the other (Levenshtein's distance); both have NAME_MAX_LEN at most.
 */
static size_t
distance(struct span a, struct span b)
{
	size_t row[NAME_MAX_LEN + 1];

	for (size_t k = 0; k <= b.len; k++)
		row[k] = k;
	for (size_t i = 1; i <= a.len; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t k = 1; k <= b.len; k++) {
			size_t above = row[k];
			bool same = a.ptr[i - 1] == b.ptr[k - 1];

			row[k] =
			    min3(diagonal + !same, above + 1, row[k - 1] + 1);
			diagonal = above;
		}
	}
	return row[b.len];
}

static int
try(struct span key, struct span value, void *arg)
{
	struct nearest *n = arg;
	size_t d;

	(void)value;
	if (key.len > NAME_MAX_LEN)
		return 0;
	d = distance(n->wanted, key);
	if (d < n->distance) {
		n->distance = d;
		memcpy(n->name, key.ptr, key.len);
		n->name[key.len] = '\0';
	}
	return 0;
}

int
unknown_name(struct txn *t, unsigned kinds, const char *name, struct error *err)
{
	struct nearest n = {.wanted = span_of(name)};
	size_t most = n.wanted.len / 3;

	n.distance = (most < WRONG_MAX ? most : WRONG_MAX) + 1;
	/* Where that fails there is no advice. */
	if (n.wanted.len <= NAME_MAX_LEN && (kinds & UNKNOWN_SNAPSHOT))
		(void)txn_each(t, T_SNAPSHOTS, (struct span){0}, try, &n);
	if (n.wanted.len <= NAME_MAX_LEN && (kinds & UNKNOWN_MIRROR))
		(void)txn_each(t, T_MIRRORS, (struct span){0}, try, &n);
	return error_set(err, -ENOENT, "no %s%s%s is named %s%s%s%s",
	    kinds & UNKNOWN_SNAPSHOT ? "snapshot" : "",
	    kinds == (UNKNOWN_SNAPSHOT | UNKNOWN_MIRROR) ? " or " : "",
	    kinds & UNKNOWN_MIRROR ? "mirror" : "", name,
	    *n.name ? "; did you mean " : "", n.name, *n.name ? "?" : "");
}
