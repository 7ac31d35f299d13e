#include "store/publication.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "store/dropped.h"
#include "store/head.h"
#include "store/record.h"
#include "store/root.h"

/*
 * T_PUBLICATIONS, by prefix, NUL and distribution; version 2: kind, sources,
 * components, verbatim, skip_signing, keys, passphrase file, architectures,
 * compress, the six fields of Release that may be given (nil where they were
 * not), not_automatic, but_automatic_upgrades, valid_for, times of creation
 * and of the last update, root, state, numbers of the states it was made of,
 * and, since version 2, the address of snapshots or nil.
 */
#define PUBLICATION_VERSION 2
#define PUBLICATION_ITEMS   24
#define SNAPSHOTS_URL	    23

const char *const source_kind_name[4] = {NULL, "snapshot", "mirror", "repo"};

void
publication_release(struct publication *p)
{
	free(p->prefix);
	free(p->distribution);
	strs_release(&p->sources);
	strs_release(&p->components);
	strs_release(&p->keys);
	free(p->passphrase_file);
	strs_release(&p->architectures);
	strs_release(&p->compress);
	free(p->origin);
	free(p->label);
	free(p->suite);
	free(p->codename);
	free(p->description);
	free(p->version);
	free(p->snapshots_url);
	free(p->made_of);
	*p = (struct publication){0};
}

static int
make_key(const char *prefix, const char *distribution, struct buf *key)
{
	int r = buf_add(key, prefix, strlen(prefix) + 1);

	return r < 0 ? r : buf_add_str(key, distribution);
}

static int
load_key(struct span key, struct publication *p)
{
	struct span prefix;

	if (!memchr(key.ptr, '\0', key.len))
		return -EIO;
	(void)span_cut(&key, '\0', &prefix);
	p->prefix = span_dup(prefix);
	p->distribution = span_dup(key);
	return p->prefix && p->distribution ? 0 : -ENOMEM;
}

static void
load_release_fields(const struct record_view *v, struct publication *p)
{
	p->origin = record_dup(v, 9);
	p->label = record_dup(v, 10);
	p->suite = record_dup(v, 11);
	p->codename = record_dup(v, 12);
	p->description = record_dup(v, 13);
	p->version = record_dup(v, 14);
	p->not_automatic = record_bool(v, 15);
	p->but_automatic_upgrades = record_bool(v, 16);
	p->valid_for = record_i64(v, 17);
}

static int
load_made_of(const struct record_view *v, struct publication *p)
{
	struct record_view a = head_array(v, 22);

	if (a.n == 0)
		return 0;
	p->made_of = calloc(a.n, sizeof(*p->made_of));
	if (!p->made_of)
		return -ENOMEM;
	p->nmade_of = a.n;
	for (size_t i = 0; i < a.n; i++)
		p->made_of[i] = record_u64(&a, i);
	return 0;
}

static int
load_items(const struct record_view *v, struct publication *p)
{
	uint64_t kind = record_u64(v, 0);

	if (kind < SOURCE_SNAPSHOT || kind > SOURCE_REPO)
		return -EIO;
	p->kind = (enum source_kind)kind;
	record_strs(v, 1, &p->sources);
	record_strs(v, 2, &p->components);
	p->verbatim = record_bool(v, 3);
	p->skip_signing = record_bool(v, 4);
	record_strs(v, 5, &p->keys);
	p->passphrase_file = record_dup(v, 6);
	record_strs(v, 7, &p->architectures);
	record_strs(v, 8, &p->compress);
	load_release_fields(v, p);
	p->created = record_i64(v, 18);
	p->updated = record_i64(v, 19);
	p->root = record_u64(v, 20);
	p->state = record_u64(v, 21);
	if (v->n > SNAPSHOTS_URL)
		p->snapshots_url = record_dup(v, SNAPSHOTS_URL);
	return load_made_of(v, p);
}

static int
decode(struct span key, struct span bytes, struct publication *ret)
{
	CLEANUP(record_release) struct record rec = {0};
	CLEANUP(publication_release) struct publication p = {0};
	struct record_view v;
	int r = head_parse(bytes, PUBLICATION_VERSION, &rec, &v);

	if (r < 0)
		return r;
	r = load_key(key, &p);
	if (r < 0)
		return r;
	r = load_items(&v, &p);
	if (r < 0)
		return r;
	r = head_check(&rec);
	if (r < 0)
		return r;
	*ret = p;
	p = (struct publication){0};
	return 0;
}

int
publication_load(struct txn *t, const char *prefix, const char *distribution,
    struct publication *ret)
{
	CLEANUP(buf_release) struct buf key = {0};
	struct span bytes;
	int r = make_key(prefix, distribution, &key);

	if (r < 0)
		return r;
	r = txn_get(t, T_PUBLICATIONS, key.ptr, key.len, &bytes);
	return r < 0 ? r : decode(buf_span(&key), bytes, ret);
}

static void
put_items(struct record_writer *w, const struct publication *p)
{
	record_begin(w, PUBLICATION_VERSION, PUBLICATION_ITEMS);
	record_put_u64(w, p->kind);
	record_put_strs(w, &p->sources);
	record_put_strs(w, &p->components);
	record_put_bool(w, p->verbatim);
	record_put_bool(w, p->skip_signing);
	record_put_strs(w, &p->keys);
	record_put_cstr(w, p->passphrase_file);
	record_put_strs(w, &p->architectures);
	record_put_strs(w, &p->compress);
	record_put_cstr(w, p->origin);
	record_put_cstr(w, p->label);
	record_put_cstr(w, p->suite);
	record_put_cstr(w, p->codename);
	record_put_cstr(w, p->description);
	record_put_cstr(w, p->version);
	record_put_bool(w, p->not_automatic);
	record_put_bool(w, p->but_automatic_upgrades);
	record_put_i64(w, p->valid_for);
	record_put_i64(w, p->created);
	record_put_i64(w, p->updated);
	record_put_u64(w, p->root);
	record_put_u64(w, p->state);
	head_put_numbers(w, p->made_of, p->nmade_of);
	record_put_cstr(w, p->snapshots_url);
}

struct each {
	publication_each_fn *fn;
	void *arg;
	const char *prefix; /* only these, or NULL */
};

static int
each(struct span key, struct span value, void *arg)
{
	CLEANUP(publication_release) struct publication p = {0};
	const struct each *e = arg;
	int r = decode(key, value, &p);

	if (r < 0)
		return r;
	if (e->prefix && strcmp(p.prefix, e->prefix) != 0)
		return 1; /* the keys of one prefix stand together */
	return e->fn(&p, e->arg);
}

int
publication_each(struct txn *t, publication_each_fn *fn, void *arg)
{
	struct each e = {.fn = fn, .arg = arg};

	return txn_each(t, T_PUBLICATIONS, (struct span){0}, each, &e);
}

struct each_of {
	publication_each_fn *fn;
	void *arg;
	enum source_kind kind;
	struct span source;
};

static int
each_of(const struct publication *p, void *arg)
{
	const struct each_of *e = arg;

	if (p->kind != e->kind || !strs_has(&p->sources, e->source))
		return 0;
	return e->fn(p, e->arg);
}

int
publication_each_of(struct txn *t, enum source_kind kind, const char *source,
    publication_each_fn *fn, void *arg)
{
	struct each_of e = {fn, arg, kind, span_of(source)};

	return publication_each(t, each_of, &e);
}

static int
add_dist(const struct publication *p, void *arg)
{
	struct root *root = arg;
	struct root_dist *dists =
	    reallocarray(root->dists, root->ndists + 1, sizeof(*dists));

	if (!dists)
		return -ENOMEM;
	root->dists = dists;
	dists[root->ndists].distribution = strdup(p->distribution);
	dists[root->ndists].root = p->root;
	if (!dists[root->ndists].distribution)
		return -ENOMEM;
	root->ndists++;
	return 0;
}

/* T_PREFIXES is keyed by the prefix and a NUL: LMDB has no empty keys. */
static struct span
prefix_key(const char *prefix)
{
	return (struct span){prefix, strlen(prefix) + 1};
}

/* Notes that the prefix shows another root from now on; the roots of its
 * archives are reached from there. */
static int
drop_prefix_root(struct txn *t, struct span key)
{
	struct span value;
	int r = txn_get(t, T_PREFIXES, key.ptr, key.len, &value);

	/* Which one a damaged entry meant, nobody knows. */
	if (r < 0)
		return r == -ENOENT || r == -EIO ? 0 : r;
	if (value.len != sizeof(struct key64))
		return 0;
	return dropped_put(t, key64_value(value.ptr));
}

int
publication_renew_prefix(struct txn *t, const char *prefix)
{
	CLEANUP(root_release)
	struct root root = {.kind = ROOT_PREFIX, .prefix = strdup(prefix)};
	struct each e = {add_dist, &root, prefix};
	struct span from = prefix_key(prefix);
	struct key64 number;
	int r;

	if (!root.prefix)
		return -ENOMEM;
	r = txn_each(t, T_PUBLICATIONS, from, each, &e);
	if (r >= 0)
		r = drop_prefix_root(t, from);
	if (r < 0)
		return r;
	if (root.ndists == 0) {
		r = txn_del(t, T_PREFIXES, from.ptr, from.len);
		return r == -ENOENT ? 0 : r;
	}
	r = root_put(t, &root);
	if (r < 0)
		return r;
	number = key64(root.number);
	return txn_put(t, T_PREFIXES, from.ptr, from.len,
	    (struct span){(const char *)number.byte, sizeof(number.byte)});
}

int
publication_put(struct txn *t, const struct publication *p)
{
	CLEANUP(record_writer_release) struct record_writer w;
	CLEANUP(buf_release) struct buf key = {0};
	int r;

	record_writer_init(&w);
	r = make_key(p->prefix, p->distribution, &key);
	if (r < 0)
		return r;
	put_items(&w, p);
	r = head_put(t, T_PUBLICATIONS, buf_span(&key), &w);
	return r < 0 ? r : publication_renew_prefix(t, p->prefix);
}

int
publication_delete(struct txn *t, const char *prefix, const char *distribution)
{
	CLEANUP(buf_release) struct buf key = {0};
	int r = make_key(prefix, distribution, &key);

	if (r < 0)
		return r;
	r = txn_del(t, T_PUBLICATIONS, key.ptr, key.len);
	return r < 0 ? r : publication_renew_prefix(t, prefix);
}

int
prefix_root(struct txn *t, const char *prefix, uint64_t *ret)
{
	struct span key = prefix_key(prefix);
	struct span value;
	int r;

	if (prefix_check(span_of(prefix)))
		return -ENOENT; /* nothing can stand there */
	r = txn_get(t, T_PREFIXES, key.ptr, key.len, &value);
	if (r < 0)
		return r;
	if (value.len != sizeof(struct key64))
		return -EIO;
	*ret = key64_value(value.ptr);
	return 0;
}

struct prefix_walk {
	prefix_each_fn *fn;
	void *arg;
};

static int
each_prefix(struct span key, struct span value, void *arg)
{
	const struct prefix_walk *w = arg;

	if (key.len == 0 || key.ptr[key.len - 1] != '\0' ||
	    value.len != sizeof(struct key64))
		return -EIO;
	return w->fn(key.ptr, key64_value(value.ptr), w->arg);
}

int
prefix_each(struct txn *t, prefix_each_fn *fn, void *arg)
{
	struct prefix_walk w = {fn, arg};

	return txn_each(t, T_PREFIXES, (struct span){0}, each_prefix, &w);
}
