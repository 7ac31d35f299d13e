#include "store/mirror.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "store/dropped.h"
#include "store/head.h"
#include "store/publication.h"
#include "store/record.h"
#include "store/root.h"

/*
 * T_MIRRORS, by name; version 3: origin, suite, components, architectures,
 * sources, udebs, allow_unsigned, keyrings, time of creation, root, state, time
 * of the last update, ETag (or nil), Last-Modified, digest of the settings
 * and, since version 2, indexes, no_translations, whole_pool and, since
 * version 3, filter (or nil), filter_deps, whole, filtered.
 */
#define MIRROR_VERSION	3
#define MIRROR_ITEMS	22
#define VERSION_2_ITEMS 18
#define VERSION_1_ITEMS 15
#define SETTINGS_ITEMS	8

void
mirror_release(struct mirror *m)
{
	free(m->name);
	free(m->suite);
	strs_release(&m->components);
	strs_release(&m->architectures);
	strs_release(&m->keyrings);
	strs_release(&m->indexes);
	free(m->filter);
	free(m->etag);
	*m = (struct mirror){0};
}

static void
load_items(const struct record_view *v, struct mirror *m)
{
	m->origin = record_u64(v, 0);
	m->suite = record_dup(v, 1);
	record_strs(v, 2, &m->components);
	record_strs(v, 3, &m->architectures);
	m->sources = record_bool(v, 4);
	m->udebs = record_bool(v, 5);
	m->allow_unsigned = record_bool(v, 6);
	record_strs(v, 7, &m->keyrings);
	m->created = record_i64(v, 8);
	m->root = record_u64(v, 9);
	m->state = record_u64(v, 10);
	m->updated = record_i64(v, 11);
	m->etag = record_dup(v, 12);
	m->last_modified = record_i64(v, 13);
	record_digest(v, 14, &m->settings);
	if (v->n <= VERSION_1_ITEMS)
		return;
	record_strs(v, 15, &m->indexes);
	m->no_translations = record_bool(v, 16);
	m->whole_pool = record_bool(v, 17);
	if (v->n <= VERSION_2_ITEMS)
		return;
	m->filter = record_dup(v, 18);
	m->filter_deps = record_bool(v, 19);
	m->whole = record_u64(v, 20);
	record_digest(v, 21, &m->filtered);
}

static int
decode(struct span name, struct span bytes, struct mirror *ret)
{
	CLEANUP(record_release) struct record rec = {0};
	CLEANUP(mirror_release) struct mirror m = {0};
	struct record_view v;
	int r = head_parse(bytes, MIRROR_VERSION, &rec, &v);

	if (r < 0)
		return r;
	m.name = span_dup(name);
	if (!m.name)
		return -ENOMEM;
	load_items(&v, &m);
	r = head_check(&rec);
	if (r < 0)
		return r;
	if (!m.suite)
		return -EIO;
	*ret = m;
	m = (struct mirror){0};
	return 0;
}

int
mirror_load(struct txn *t, const char *name, struct mirror *ret)
{
	struct span key = span_of(name);
	struct span bytes;
	int r = txn_get(t, T_MIRRORS, key.ptr, key.len, &bytes);

	return r < 0 ? r : decode(key, bytes, ret);
}

/* The items that decide what an update does: the first SETTINGS_ITEMS. */
static void
put_settings(struct record_writer *w, const struct mirror *m)
{
	record_put_u64(w, m->origin);
	record_put_cstr(w, m->suite);
	record_put_strs(w, &m->components);
	record_put_strs(w, &m->architectures);
	record_put_bool(w, m->sources);
	record_put_bool(w, m->udebs);
	record_put_bool(w, m->allow_unsigned);
	record_put_strs(w, &m->keyrings);
}

int
mirror_put(struct txn *t, const struct mirror *m)
{
	CLEANUP(record_writer_release) struct record_writer w;

	record_writer_init(&w);
	record_begin(&w, MIRROR_VERSION, MIRROR_ITEMS);
	put_settings(&w, m);
	record_put_i64(&w, m->created);
	record_put_u64(&w, m->root);
	record_put_u64(&w, m->state);
	record_put_i64(&w, m->updated);
	record_put_cstr(&w, m->etag);
	record_put_i64(&w, m->last_modified);
	record_put_digest(&w, &m->settings);
	record_put_strs(&w, &m->indexes);
	record_put_bool(&w, m->no_translations);
	record_put_bool(&w, m->whole_pool);
	record_put_cstr(&w, m->filter);
	record_put_bool(&w, m->filter_deps);
	record_put_u64(&w, m->whole);
	record_put_digest(&w, &m->filtered);
	return head_put(t, T_MIRRORS, span_of(m->name), &w);
}

int
mirror_delete(struct txn *t, const char *name)
{
	CLEANUP(mirror_release) struct mirror m = {0};
	struct span key = span_of(name);
	int r = mirror_load(t, name, &m);

	/* One that can't be read has no root to speak of. */
	if (r == 0)
		r = dropped_put(t, m.root);
	if (r < 0 && r != -EIO)
		return r;
	return txn_del(t, T_MIRRORS, key.ptr, key.len);
}

int
mirror_settings(const struct mirror *m, struct digest *ret)
{
	CLEANUP(record_writer_release) struct record_writer w;
	struct span bytes;
	int r;

	record_writer_init(&w);
	record_begin(&w, MIRROR_VERSION, SETTINGS_ITEMS + 2);
	put_settings(&w, m);
	record_put_strs(&w, &m->indexes);
	record_put_bool(&w, m->no_translations);
	r = record_end(&w, &bytes);
	if (r < 0)
		return r;
	digest_of(bytes.ptr, bytes.len, ret);
	return 0;
}

int
mirror_filter_digest(const struct mirror *m, struct digest *ret)
{
	CLEANUP(buf_release) struct buf b = {0};

	*ret = (struct digest){0};
	if (!m->filter)
		return 0;
	if (buf_addf(&b, "%d %s", m->filter_deps, m->filter) < 0)
		return -ENOMEM;
	digest_of(b.ptr, b.len, ret);
	return 0;
}

struct each {
	mirror_each_fn *fn;
	void *arg;
};

static int
each(struct span key, struct span value, void *arg)
{
	CLEANUP(mirror_release) struct mirror m = {0};
	const struct each *e = arg;
	int r = decode(key, value, &m);

	return r < 0 ? r : e->fn(&m, e->arg);
}

int
mirror_each(struct txn *t, mirror_each_fn *fn, void *arg)
{
	struct each e = {fn, arg};

	return txn_each(t, T_MIRRORS, (struct span){0}, each, &e);
}

/* Where the verbatim publications of a mirror stand: prefix, distribution,
 * prefix, distribution, ...  The walk must not change the table. */
static int
collect_place(const struct publication *p, void *arg)
{
	struct strs *places = arg;
	int r;

	if (!p->verbatim)
		return 0;
	r = strs_add(places, span_of(p->prefix));
	return r < 0 ? r : strs_add(places, span_of(p->distribution));
}

static int
advance_publication(struct txn *t, const struct mirror *m, const char *prefix,
    const char *distribution)
{
	CLEANUP(publication_release) struct publication p = {0};
	int r = publication_load(t, prefix, distribution, &p);

	if (r < 0)
		return r;
	r = root_new(t, m->state, p.root, &p.root);
	if (r < 0)
		return r;
	if (p.nmade_of != 1) {
		free(p.made_of);
		p.nmade_of = 0;
		p.made_of = malloc(sizeof(*p.made_of));
		if (!p.made_of)
			return -ENOMEM;
		p.nmade_of = 1;
	}
	p.made_of[0] = m->state;
	p.state = m->state;
	p.updated = m->updated;
	return publication_put(t, &p);
}

int
mirror_advance(struct txn *t, struct mirror *m, uint64_t state)
{
	CLEANUP(strs_release) struct strs places = {0};
	uint64_t root;
	int r = root_new(t, state, m->root, &root);

	if (r == 0)
		r = dropped_put(t, m->root);
	if (r < 0)
		return r;
	m->root = root;
	m->state = state;
	r = mirror_put(t, m);
	if (r < 0)
		return r;
	r = publication_each_of(
	    t, SOURCE_MIRROR, m->name, collect_place, &places);
	if (r < 0)
		return r;
	for (size_t i = 0; i + 1 < places.n; i += 2) {
		r = advance_publication(t, m, places.v[i], places.v[i + 1]);
		if (r < 0)
			return r;
	}
	return 0;
}
