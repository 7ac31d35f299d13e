#include "store/snapshot.h"

#include <errno.h>

#include "store/dropped.h"
#include "store/head.h"
#include "store/record.h"
#include "store/root.h"

/*
 * T_SNAPSHOTS, by name; version 1: time of creation, description, mirror (or
 * nil), root, state.
 */
#define SNAPSHOT_VERSION 1
#define SNAPSHOT_ITEMS	 5

void
snapshot_release(struct snapshot *s)
{
	free(s->name);
	free(s->description);
	free(s->mirror);
	*s = (struct snapshot){0};
}

static int
decode(struct span name, struct span bytes, struct snapshot *ret)
{
	CLEANUP(record_release) struct record rec = {0};
	CLEANUP(snapshot_release) struct snapshot s = {0};
	struct record_view v;
	int r = head_parse(bytes, SNAPSHOT_VERSION, &rec, &v);

	if (r < 0)
		return r;
	s.name = span_dup(name);
	s.created = record_i64(&v, 0);
	s.description = record_dup(&v, 1);
	s.mirror = record_dup(&v, 2);
	s.root = record_u64(&v, 3);
	s.state = record_u64(&v, 4);
	if (!s.name)
		return -ENOMEM;
	r = head_check(&rec);
	if (r < 0)
		return r;
	*ret = s;
	s = (struct snapshot){0};
	return 0;
}

int
snapshot_load(struct txn *t, const char *name, struct snapshot *ret)
{
	struct span key = span_of(name);
	struct span bytes;
	int r = txn_get(t, T_SNAPSHOTS, key.ptr, key.len, &bytes);

	return r < 0 ? r : decode(key, bytes, ret);
}

int
snapshot_put(struct txn *t, struct snapshot *s)
{
	CLEANUP(record_writer_release) struct record_writer w;
	uint64_t root = s->root;
	int r;

	record_writer_init(&w);
	if (root == 0) {
		r = root_new(t, s->state, 0, &root);
		if (r < 0)
			return r;
	}
	record_begin(&w, SNAPSHOT_VERSION, SNAPSHOT_ITEMS);
	record_put_i64(&w, s->created);
	record_put_cstr(&w, s->description);
	record_put_cstr(&w, s->mirror);
	record_put_u64(&w, root);
	record_put_u64(&w, s->state);
	r = head_put(t, T_SNAPSHOTS, span_of(s->name), &w);
	if (r < 0)
		return r;
	s->root = root;
	return 0;
}

int
snapshot_delete(struct txn *t, const char *name)
{
	CLEANUP(snapshot_release) struct snapshot s = {0};
	struct span key = span_of(name);
	int r = snapshot_load(t, name, &s);

	/* One that can't be read has no root to speak of. */
	if (r == 0)
		r = dropped_put(t, s.root);
	if (r < 0 && r != -EIO)
		return r;
	return txn_del(t, T_SNAPSHOTS, key.ptr, key.len);
}

struct each {
	snapshot_each_fn *fn;
	void *arg;
};

static int
each(struct span key, struct span value, void *arg)
{
	CLEANUP(snapshot_release) struct snapshot s = {0};
	const struct each *e = arg;
	int r = decode(key, value, &s);

	return r < 0 ? r : e->fn(&s, e->arg);
}

int
snapshot_each(struct txn *t, snapshot_each_fn *fn, void *arg)
{
	struct each e = {fn, arg};

	return txn_each(t, T_SNAPSHOTS, (struct span){0}, each, &e);
}
