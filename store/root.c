#include "store/root.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/head.h"
#include "store/record.h"

/*
 * T_ROOTS, version 1: kind, state, older states (newest first), prefix (nil
 * in an archive), distributions: arrays of name and root number.
 */
#define ROOT_VERSION 1
#define ROOT_ITEMS   5

void
root_release(struct root *r)
{
	free(r->prefix);
	for (size_t i = 0; i < r->ndists; i++)
		free(r->dists[i].distribution);
	free(r->dists);
	*r = (struct root){0};
}

static int
load_dists(const struct record_view *v, struct root *root)
{
	struct record_view dists = head_array(v, 4);

	if (dists.n == 0)
		return 0;
	root->dists = calloc(dists.n, sizeof(*root->dists));
	if (!root->dists)
		return -ENOMEM;
	for (size_t i = 0; i < dists.n; i++) {
		struct record_view d = record_array_at(&dists, i);

		root->ndists = i + 1;
		root->dists[i].distribution = record_dup(&d, 0);
		root->dists[i].root = record_u64(&d, 1);
		if (!root->dists[i].distribution)
			return head_damage(&d);
	}
	return 0;
}

static int
load_items(const struct record_view *v, struct root *root)
{
	uint64_t kind = record_u64(v, 0);
	struct record_view older = head_array(v, 2);

	if (kind != ROOT_ARCHIVE && kind != ROOT_PREFIX)
		return -EIO;
	root->kind = (enum root_kind)kind;
	root->state = record_u64(v, 1);
	for (size_t i = 0; i < older.n && i < ROOT_OLDER; i++)
		root->older[i] = record_u64(&older, i);
	root->prefix = record_dup(v, 3);
	if (kind == ROOT_PREFIX && !root->prefix)
		return head_damage(v);
	return load_dists(v, root);
}

int
root_load(struct txn *t, uint64_t number, struct root *ret)
{
	CLEANUP(record_release) struct record rec = {0};
	CLEANUP(root_release) struct root root = {.number = number};
	struct record_view v;
	struct span bytes;
	int r = txn_get64(t, T_ROOTS, number, &bytes);

	if (r < 0)
		return r;
	r = head_parse(bytes, ROOT_VERSION, &rec, &v);
	if (r < 0)
		return r;
	r = load_items(&v, &root);
	if (r < 0)
		return r;
	r = head_check(&rec);
	if (r < 0)
		return r;
	*ret = root;
	root = (struct root){0};
	return 0;
}

static void
put_items(struct record_writer *w, const struct root *root)
{
	size_t nolder = 0;

	while (nolder < ROOT_OLDER && root->older[nolder])
		nolder++;
	record_begin(w, ROOT_VERSION, ROOT_ITEMS);
	record_put_u64(w, root->kind);
	record_put_u64(w, root->state);
	head_put_numbers(w, root->older, nolder);
	record_put_cstr(w, root->prefix);
	record_array(w, root->ndists);
	for (size_t i = 0; i < root->ndists; i++) {
		record_array(w, 2);
		record_put_cstr(w, root->dists[i].distribution);
		record_put_u64(w, root->dists[i].root);
	}
}

int
root_restore(struct txn *t, const struct root *root)
{
	CLEANUP(record_writer_release) struct record_writer w;

	record_writer_init(&w);
	put_items(&w, root);
	return head_put64(t, T_ROOTS, root->number, &w);
}

int
root_put(struct txn *t, struct root *root)
{
	struct root stored = *root;
	int r;

	if (root->ndists > HEAD_MAX_ITEMS)
		return -E2BIG;
	r = txn_take(t, C_ROOT, 1, &stored.number);
	if (r == 0)
		r = root_restore(t, &stored);
	if (r == 0)
		root->number = stored.number;
	return r;
}

/* The older generations of a root that takes the place of another. */
static int
take_older(struct txn *t, uint64_t replaces, struct root *root)
{
	CLEANUP(root_release) struct root old = {0};
	int r = root_load(t, replaces, &old);
	size_t n = 0;

	if (r < 0)
		return r == -ENOENT ? -EIO : r;
	if (old.state != 0 && old.state != root->state)
		root->older[n++] = old.state;
	for (size_t i = 0; i < ROOT_OLDER && n < ROOT_OLDER; i++) {
		/* Going back to an older state makes that one current. */
		if (old.older[i] != 0 && old.older[i] != root->state)
			root->older[n++] = old.older[i];
	}
	return 0;
}

int
root_new(struct txn *t, uint64_t state, uint64_t replaces, uint64_t *ret)
{
	struct root root = {.kind = ROOT_ARCHIVE, .state = state};
	int r;

	if (replaces != 0) {
		r = take_older(t, replaces, &root);
		if (r < 0)
			return r;
	}
	r = root_put(t, &root);
	if (r < 0)
		return r;
	*ret = root.number;
	return 0;
}
