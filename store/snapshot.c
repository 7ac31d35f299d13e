#include "store/snapshot.h"

#include <errno.h>
#include <string.h>

#include "store/dropped.h"
#include "store/head.h"
#include "store/record.h"
#include "store/root.h"

/*
 * T_SNAPSHOTS, by name; version 1: time of creation, description, mirror (or
 * nil), root, state, and the sources, which old records lack.  A source is an
 * array of kind, name, state.
 */
#define SNAPSHOT_VERSION 1
#define SNAPSHOT_ITEMS	 6
#define SOURCE_ITEMS	 3

void
snapshot_release(struct snapshot *s)
{
	free(s->name);
	free(s->description);
	free(s->mirror);
	for (size_t i = 0; i < s->nsources; i++)
		free(s->sources[i].name);
	free(s->sources);
	*s = (struct snapshot){0};
}

int
snapshot_add_source(
    struct snapshot *s, enum source_kind kind, const char *name, uint64_t state)
{
	struct snapshot_source *v;
	char *copy;

	if (s->nsources >= SNAPSHOT_MAX_SOURCES)
		return -E2BIG;
	v = reallocarray(s->sources, s->nsources + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	s->sources = v;
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	v[s->nsources++] = (struct snapshot_source){kind, copy, state};
	return 0;
}

static int
decode_sources(const struct record_view *v, struct snapshot *s)
{
	struct record_view sources = head_array(v, SNAPSHOT_ITEMS - 1);

	for (size_t i = 0; i < sources.n; i++) {
		struct record_view one = record_array_at(&sources, i);
		uint64_t kind = record_u64(&one, 0);
		CLEANUP_FREE char *name = record_dup(&one, 1);
		int r;

		if (!name || kind < SOURCE_SNAPSHOT || kind > SOURCE_REPO)
			return head_damage(&one);
		r = snapshot_add_source(
		    s, (enum source_kind)kind, name, record_u64(&one, 2));
		if (r < 0)
			return r == -E2BIG ? -EIO : r;
	}
	return 0;
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
	r = v.n >= SNAPSHOT_ITEMS ? decode_sources(&v, &s) : 0;
	if (r < 0)
		return r;
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

static void
put_sources(struct record_writer *w, const struct snapshot *s)
{
	record_array(w, s->nsources);
	for (size_t i = 0; i < s->nsources; i++) {
		const struct snapshot_source *source = &s->sources[i];

		record_array(w, SOURCE_ITEMS);
		record_put_u64(w, source->kind);
		record_put_cstr(w, source->name);
		record_put_u64(w, source->state);
	}
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
	put_sources(&w, s);
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

/* The names of the snapshots that have a source, collected before any is
 * changed. */
struct made_of {
	const struct snapshot_source *source;
	struct strs names;
};

static bool
is_source(const struct snapshot_source *a, const struct snapshot_source *was)
{
	return a->kind == was->kind && strcmp(a->name, was->name) == 0 &&
	       (was->state == 0 || a->state == was->state);
}

static int
add_name(const struct snapshot *s, void *arg)
{
	struct made_of *m = arg;

	for (size_t i = 0; i < s->nsources; i++)
		if (is_source(&s->sources[i], m->source))
			return strs_add(&m->names, span_of(s->name));
	return 0;
}

static int
rename_sources(
    struct snapshot *s, const struct snapshot_source *was, const char *to)
{
	for (size_t i = 0; i < s->nsources; i++) {
		struct snapshot_source *source = &s->sources[i];
		char *copy;

		if (!is_source(source, was))
			continue;
		copy = strdup(to);
		if (!copy)
			return -ENOMEM;
		free(source->name);
		source->name = copy;
	}
	return 0;
}

int
snapshot_sources_rename(
    struct txn *t, const struct snapshot_source *was, const char *to)
{
	struct made_of m = {.source = was};
	int r = snapshot_each(t, add_name, &m);

	for (size_t i = 0; r >= 0 && i < m.names.n; i++) {
		CLEANUP(snapshot_release) struct snapshot s = {0};

		r = snapshot_load(t, m.names.v[i], &s);
		if (r == 0)
			r = rename_sources(&s, was, to);
		if (r == 0)
			r = snapshot_put(t, &s);
	}
	strs_release(&m.names);
	return r;
}
