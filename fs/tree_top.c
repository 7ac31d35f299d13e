#include "fs/tree_top.h"

#include <errno.h>

#include "fs/archive.h"
#include "fs/armor.h"
#include "fs/inode.h"
#include "store/mirror.h"
#include "store/publication.h"
#include "store/snapshot.h"

void
top_free(struct top *top)
{
	if (!top)
		return;
	for (size_t i = 0; i < top->n; i++)
		free(top->names[i].name);
	free(top->names);
	buf_release(&top->keyring);
	buf_release(&top->keyring_armored);
	free(top);
}

static int
add(struct top *top, uint64_t dir, struct span name, uint64_t ino)
{
	char *copy;

	if (top->n == top->cap) {
		size_t cap = top->cap ? top->cap * 2 : 64;
		struct top_name *p = reallocarray(top->names, cap, sizeof(*p));

		if (!p)
			return -ENOMEM;
		top->names = p;
		top->cap = cap;
	}
	copy = span_dup(name);
	if (!copy)
		return -ENOMEM;
	top->names[top->n++] = (struct top_name){dir, ino, copy};
	return 0;
}

static int
add_snapshot(const struct snapshot *s, void *arg)
{
	return add(arg, INO_SNAPSHOTS, span_of(s->name),
	    ino_of_dir(s->root, ARCHIVE_ALL, 0));
}

static int
add_mirror(const struct mirror *m, void *arg)
{
	if (m->root == 0)
		return 0;
	return add(arg, INO_MIRRORS, span_of(m->name),
	    ino_of_dir(m->root, ARCHIVE_ALL, 0));
}

/* Adds the prefix's directory, the ones above it, and what is in it. */
static int
add_prefix(const char *prefix, uint64_t root, void *arg)
{
	struct span all = span_of(prefix), rest = all, part;
	uint64_t dir = INO_ROOT;
	int r = 0;

	while (r == 0 && span_cut(&rest, '/', &part)) {
		struct span path = {
		    all.ptr, (size_t)(part.ptr + part.len - all.ptr)};
		uint64_t sub = ino_of_prefix(path);

		r = add(arg, dir, part, sub);
		dir = sub;
	}
	/* The pool's directory is the first that its catalog has. */
	if (r == 0)
		r = add(arg, dir, SPAN("dists"),
		    ino_of_dir(root, ARCHIVE_DISTS, 0));
	if (r == 0)
		r = add(
		    arg, dir, SPAN("pool"), ino_of_dir(root, ARCHIVE_POOL, 1));
	return r;
}

static int
add_key(const char *fingerprint, struct span binary, void *arg)
{
	struct top *top = arg;

	(void)fingerprint;
	return buf_add_span(&top->keyring, binary);
}

static uint64_t
keyring_ino(const struct buf *b)
{
	struct digest d;

	digest_of(b->ptr, b->len, &d);
	return ino_of_digest(INO_KEYRING, &d);
}

static int
add_keyrings(struct top *top, struct txn *t)
{
	int r = key_each(t, add_key, top);

	if (r < 0 || top->keyring.len == 0)
		return r;
	r = armor_public_keys(buf_span(&top->keyring), &top->keyring_armored);
	if (r < 0)
		return r;
	top->keyring_ino = keyring_ino(&top->keyring);
	top->keyring_armored_ino = keyring_ino(&top->keyring_armored);
	r = add(top, INO_ROOT, SPAN("keyring.gpg"), top->keyring_ino);
	if (r < 0)
		return r;
	return add(
	    top, INO_ROOT, SPAN("keyring.asc"), top->keyring_armored_ino);
}

static int
compare_key(const struct top_name *x, uint64_t dir, struct span name)
{
	if (x->dir != dir)
		return x->dir < dir ? -1 : 1;
	return span_cmp(span_of(x->name), name);
}

static int
compare_names(const void *a, const void *b)
{
	const struct top_name *x = a, *y = b;

	return compare_key(x, y->dir, span_of(y->name));
}

/* Prefixes that share their first parts have added these several times. */
static void
drop_repeated(struct top *top)
{
	size_t n = 0;

	for (size_t i = 0; i < top->n; i++)
		if (n > 0 &&
		    compare_names(&top->names[n - 1], &top->names[i]) == 0)
			free(top->names[i].name);
		else
			top->names[n++] = top->names[i];
	top->n = n;
}

static int
read_all(struct top *top, struct txn *t)
{
	int r = add(top, INO_ROOT, SPAN("snapshots"), INO_SNAPSHOTS);

	if (r == 0)
		r = add(top, INO_ROOT, SPAN("mirrors"), INO_MIRRORS);
	if (r == 0)
		r = snapshot_each(t, add_snapshot, top);
	if (r == 0)
		r = mirror_each(t, add_mirror, top);
	if (r == 0)
		r = prefix_each(t, add_prefix, top);
	return r < 0 ? r : add_keyrings(top, t);
}

int
top_read(struct txn *t, int64_t now, struct top **ret)
{
	CLEANUP(top_cleanup) struct top *top = calloc(1, sizeof(*top));
	int r;

	if (!top)
		return -ENOMEM;
	top->changed = now;
	r = read_all(top, t);
	if (r < 0)
		return r;
	qsort(top->names, top->n, sizeof(*top->names), compare_names);
	drop_repeated(top);
	*ret = TAKE(top);
	return 0;
}

bool
top_eq(const struct top *a, const struct top *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (a->names[i].ino != b->names[i].ino ||
		    compare_names(&a->names[i], &b->names[i]) != 0)
			return false;
	return true;
}

/* The first name that is not before (dir, name). */
static size_t
lower_bound(const struct top *top, uint64_t dir, struct span name)
{
	size_t low = 0, high = top->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (compare_key(&top->names[mid], dir, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

bool
top_has_dir(const struct top *top, uint64_t dir)
{
	if (ino_kind(dir) == INO_TOP)
		return dir >= INO_ROOT && dir <= INO_MIRRORS;
	/* A prefix's directory is never empty. */
	return top_at(top, dir, 0) != NULL;
}

const struct top_name *
top_find(const struct top *top, uint64_t dir, struct span name)
{
	size_t i = lower_bound(top, dir, name);

	if (i < top->n && compare_key(&top->names[i], dir, name) == 0)
		return &top->names[i];
	return NULL;
}

const struct top_name *
top_at(const struct top *top, uint64_t dir, uint64_t i)
{
	size_t first = lower_bound(top, dir, SPAN(""));

	if (i >= top->n - first || top->names[first + i].dir != dir)
		return NULL;
	return &top->names[first + i];
}

uint64_t
top_parent(const struct top *top, uint64_t dir)
{
	if (ino_kind(dir) == INO_PREFIX)
		for (size_t i = 0; i < top->n; i++)
			if (top->names[i].ino == dir)
				return top->names[i].dir;
	return INO_ROOT;
}

void
top_compare(
    const struct top *a, const struct top *b, top_changed_fn *fn, void *arg)
{
	size_t i = 0, j = 0;

	while (i < a->n || j < b->n) {
		int order;
		const struct top_name *which;

		if (i == a->n)
			order = 1;
		else if (j == b->n)
			order = -1;
		else
			order = compare_names(&a->names[i], &b->names[j]);
		which = order > 0 ? &b->names[j] : &a->names[i];
		if (order != 0 || which->ino != b->names[j].ino)
			fn(arg, which->dir, span_of(which->name));
		i += order <= 0;
		j += order >= 0;
	}
}
