#include "fs/tree.h"

#include <assert.h>
#include <errno.h>
#include <time.h>

#include "base/buf.h"
#include "base/path.h"
#include "fs/archive.h"
#include "fs/inode.h"
#include "fs/tree_call.h"

/* The mtime of a keyring lies in four years from here, as its hash says. */
#define KEYRING_TIME  INT64_C(1577836800)
#define KEYRING_TIMES ((UINT64_C(1) << 27) - 1)

static void
version_put_locked(struct top_version *v)
{
	if (!v || --v->users > 0)
		return;
	top_free(v->top);
	free(v);
}

static void
version_put(struct tree *t, struct top_version *v)
{
	(void)pthread_mutex_lock(&t->lock);
	version_put_locked(v);
	(void)pthread_mutex_unlock(&t->lock);
}

/* Takes a newly read top as the current version, unless it says the same. */
static int
version_set(struct tree *t, struct top *top)
{
	struct top *old = t->current ? t->current->top : NULL;
	struct top_version *v;

	if (old && top_eq(old, top)) {
		top_free(top);
		return 0;
	}
	/* The mtime tells one listing from the next, within a second too. */
	if (old && top->changed <= old->changed)
		top->changed = old->changed + 1;
	v = calloc(1, sizeof(*v));
	if (!v) {
		top_free(top);
		return -ENOMEM;
	}
	v->top = top;
	v->users = 1;
	version_put_locked(t->current);
	t->current = v;
	return 0;
}

static int
version_refresh(struct tree *t)
{
	/* Asked before the transaction begins: what that one sees is at least
	 * as new, so a commit between the two only costs another reading. */
	uint64_t commit = store_last_commit(t->store);
	CLEANUP(txn_cleanup) struct txn *txn = NULL;
	struct top *top;
	int r;

	if (t->current && commit == t->commit)
		return 0;
	r = txn_read(t->store, &txn, NULL);
	if (r == 0)
		r = top_read(txn, time(NULL), &top);
	if (r == 0)
		r = version_set(t, top);
	if (r == 0)
		t->commit = commit;
	return r;
}

/* Lends the top as it is now. */
static int
version_get(struct tree *t, struct top_version **ret)
{
	int r;

	(void)pthread_mutex_lock(&t->lock);
	r = version_refresh(t);
	if (r >= 0) {
		*ret = t->current;
		t->current->users++;
	}
	(void)pthread_mutex_unlock(&t->lock);
	return r;
}

void
tree_call_end(struct tree_call *c)
{
	txn_end(c->t);
	if (c->version)
		version_put(c->tree, c->version);
}

int
tree_call_begin(struct tree *tree, bool top, struct tree_call *ret)
{
	int r;

	*ret = (struct tree_call){.tree = tree};
	/* Before the transaction, for reading the top may take one and a thread
	 * has one at a time; and what the top names is there in a later one. */
	r = top ? version_get(tree, &ret->version) : 0;
	if (r == 0)
		r = txn_read(tree->store, &ret->t, NULL);
	if (r < 0)
		tree_call_end(ret);
	return r;
}

const struct top *
tree_call_top(const struct tree_call *c)
{
	assert(c->version);
	return c->version->top;
}

int
tree_new(struct store *s, struct tree **ret, struct error *err)
{
	struct tree *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return error_sys(err, -ENOMEM, "cannot read the store");
	t->store = s;
	/* Does not fail with default attributes on Linux. */
	(void)pthread_mutex_init(&t->lock, NULL);
	r = tree_cache_new(TREE_CACHE_BYTES, &t->cache);
	if (r == 0)
		r = version_get(t, &t->polled);
	if (r < 0) {
		tree_free(t);
		return error_sys(err, r, "%s: cannot read", store_dir(s));
	}
	*ret = t;
	return 0;
}

void
tree_free(struct tree *t)
{
	if (!t)
		return;
	version_put_locked(t->polled);
	version_put_locked(t->current);
	tree_cache_free(t->cache);
	(void)pthread_mutex_destroy(&t->lock);
	free(t);
}

struct store *
tree_store(const struct tree *t)
{
	return t->store;
}

bool
tree_is_top(uint64_t ino)
{
	return ino_is_top(ino);
}

static int
content_node(struct tree_call *c, struct content content, struct node *ret)
{
	struct content_info info;
	int r = content_info(c->t, content, &info);

	if (r < 0)
		return r == -ENOENT ? -ESTALE : r;
	/* A content may have many names; tools look for them where a file says
	 * that it has more than one. */
	*ret = (struct node){
	    .ino = ino_of_content(content),
	    .stable = true,
	    .content = content,
	    .size = info.size,
	    .mtime = info.mtime,
	    .nlink = 2,
	};
	return 0;
}

static const struct buf *
keyring_bytes(const struct top *top, uint64_t ino)
{
	if (ino == top->keyring_ino)
		return &top->keyring;
	if (ino == top->keyring_armored_ino)
		return &top->keyring_armored;
	return NULL;
}

static int
keyring_node(struct tree_call *c, uint64_t ino, struct node *ret)
{
	const struct buf *bytes = keyring_bytes(tree_call_top(c), ino);

	if (!bytes)
		return -ESTALE;
	/* Nobody stores a time with keys; one made of the content differs
	 * wherever the content does. */
	*ret = (struct node){
	    .ino = ino,
	    .size = bytes->len,
	    .mtime = KEYRING_TIME + (int64_t)(ino & KEYRING_TIMES),
	    .nlink = 1,
	};
	return 0;
}

static int
top_node(struct tree_call *c, uint64_t ino, struct node *ret)
{
	const struct top *top = tree_call_top(c);

	if (!top_has_dir(top, ino))
		return -ESTALE;
	*ret = (struct node){
	    .ino = ino,
	    .is_dir = true,
	    .mtime = top->changed,
	    .nlink = 1,
	};
	return 0;
}

static struct node
cached_dir_node(const struct cached *cached, struct ino_dir d)
{
	return (struct node){
	    .ino = ino_of_dir(d.root, d.part, d.index),
	    .is_dir = true,
	    .stable = true,
	    .mtime = cached->mtime,
	    .nlink = 2 + catalog_subdirs(cached->catalog, d.index),
	};
}

/*
 * The directories that top names mean.  They get by without a catalog, so that
 * listing a thousand snapshots builds none; the price is that they don't know
 * how many directories they have, which one link says.
 */
static bool
is_entrance(struct ino_dir d)
{
	return d.index == 0 || (d.part == ARCHIVE_POOL && d.index == 1);
}

static int
dir_node(struct tree_call *c, uint64_t ino, struct node *ret)
{
	struct ino_dir d = ino_dir(ino);
	const struct cached *cached;
	int r;

	if (is_entrance(d)) {
		*ret = (struct node){.ino = ino, .is_dir = true, .nlink = 1};
		return tree_root_mtime(c->t, d.root, &ret->mtime);
	}
	r = tree_cache_get(c->tree->cache, c->t, d.root, d.part, &cached);
	if (r < 0)
		return r;
	if (d.index < catalog_dirs(cached->catalog))
		*ret = cached_dir_node(cached, d);
	else
		r = -ESTALE;
	tree_cache_put(c->tree->cache, cached);
	return r;
}

int
tree_any_node(struct tree_call *c, uint64_t ino, struct node *ret)
{
	switch (ino_kind(ino)) {
	case INO_TOP:
	case INO_PREFIX:
		return top_node(c, ino, ret);
	case INO_DIR:
		return dir_node(c, ino, ret);
	case INO_KEYRING:
		return keyring_node(c, ino, ret);
	case CONTENT_LIST:
	case CONTENT_FORM:
	case CONTENT_TEXT:
	case CONTENT_BLOB:
	case CONTENT_STANZA:
		return content_node(c, ino_content(ino), ret);
	default:
		return -ESTALE;
	}
}

int
tree_node(struct tree *t, uint64_t ino, struct node *ret)
{
	struct tree_call c;
	bool top = ino_is_top(ino) || ino_kind(ino) == INO_KEYRING;
	int r = tree_call_begin(t, top, &c);

	if (r < 0)
		return r;
	r = tree_any_node(&c, ino, ret);
	tree_call_end(&c);
	return r;
}

int
tree_entry_node(struct tree_call *c, const struct tree_place *place,
    const struct catalog_entry *e, bool plus, struct node *ret)
{
	struct content content;
	int r;

	if (e->is_dir) {
		struct ino_dir d = place->dir;

		d.index = e->dir;
		*ret = cached_dir_node(place->cached, d);
		return 0;
	}
	if (place->cached->links) {
		*ret = (struct node){.ino = e->ref, .is_dir = true};
		return plus ? tree_any_node(c, e->ref, ret) : 0;
	}
	r = archive_resolve(c->t, e->ref, &content);
	if (r == 0 && plus)
		return content_node(c, content, ret);
	*ret = (struct node){.ino = r < 0 ? 0 : ino_of_content(content)};
	return r;
}

bool
tree_has_packages(struct ino_dir d)
{
	return d.part == ARCHIVE_ALL && d.index == 0;
}

int
tree_packages_node(
    struct tree_call *c, struct ino_dir d, bool plus, struct node *ret)
{
	uint64_t ino = ino_of_dir(d.root, ARCHIVE_PACKAGES, 0);

	*ret = (struct node){.ino = ino, .is_dir = true};
	return plus ? tree_any_node(c, ino, ret) : 0;
}

static int
lookup_cached(struct tree_call *c, const struct tree_place *place,
    struct span name, struct node *ret)
{
	const struct catalog *catalog = place->cached->catalog;
	struct ino_dir d = place->dir;
	struct catalog_entry e;
	int r;

	if (d.index >= catalog_dirs(catalog))
		return -ESTALE;
	if (catalog_lookup(catalog, d.index, name, &e))
		r = tree_entry_node(c, place, &e, true, ret);
	else if (tree_has_packages(d) && span_eq(name, SPAN("packages")))
		r = tree_packages_node(c, d, true, ret);
	else
		return -ENOENT;
	/* The name is there: not finding what it means is no absence. */
	if (r == -ENOENT)
		return -EIO;
	ret->stable = true;
	return r;
}

static int
lookup_dir(
    struct tree_call *c, uint64_t parent, struct span name, struct node *ret)
{
	struct ino_dir d = ino_dir(parent);
	struct tree_place place = {NULL, d};

	int r =
	    tree_cache_get(c->tree->cache, c->t, d.root, d.part, &place.cached);

	if (r < 0)
		return r;
	r = lookup_cached(c, &place, name, ret);
	tree_cache_put(c->tree->cache, place.cached);
	return r;
}

static int
lookup_top(
    struct tree_call *c, uint64_t parent, struct span name, struct node *ret)
{
	const struct top *top = tree_call_top(c);
	const struct top_name *found;
	int r;

	if (!top_has_dir(top, parent))
		return -ESTALE;
	found = top_find(top, parent, name);
	if (!found)
		return -ENOENT;
	r = tree_any_node(c, found->ino, ret);
	ret->stable = false;
	return r == -ENOENT ? -EIO : r;
}

int
tree_lookup(struct tree *t, uint64_t parent, struct span name, struct node *ret,
    bool *ret_stable)
{
	struct tree_call c;
	int r;

	if (ino_is_file(parent))
		return -ENOTDIR;
	/* No catalog has such names; the kernel asks for the first two only
	 * where a mount says that it can be exported. */
	if (name.len == 0 || name.len > PATH_MAX_PART) {
		*ret_stable = true;
		return -ENOENT;
	}
	r = tree_call_begin(t, ino_is_top(parent), &c);
	if (r < 0)
		return r;
	*ret_stable = ino_kind(parent) == INO_DIR;
	if (ino_is_top(parent))
		r = lookup_top(&c, parent, name, ret);
	else if (ino_kind(parent) == INO_DIR)
		r = lookup_dir(&c, parent, name, ret);
	else
		r = -ESTALE;
	tree_call_end(&c);
	return r;
}

int
tree_keyring(struct tree *t, uint64_t ino, struct buf *out)
{
	struct top_version *v;
	const struct buf *bytes;
	int r = version_get(t, &v);

	if (r < 0)
		return r;
	bytes = keyring_bytes(v->top, ino);
	r = bytes ? buf_add_span(out, buf_span(bytes)) : -ESTALE;
	version_put(t, v);
	return r;
}

int
tree_poll(struct tree *t, tree_changed_fn *fn, void *arg)
{
	struct top_version *v;
	int r;

	tree_cache_drop_idle(t->cache, TREE_IDLE_S);
	r = version_get(t, &v);
	if (r < 0)
		return r;
	if (v != t->polled)
		top_compare(t->polled->top, v->top, fn, arg);
	version_put(t, t->polled);
	t->polled = v;
	return 0;
}

int
tree_names(struct tree *t, tree_changed_fn *fn, void *arg)
{
	static const struct top nothing;
	struct top_version *v;
	int r = version_get(t, &v);

	if (r < 0)
		return r;
	top_compare(&nothing, v->top, fn, arg);
	version_put(t, v);
	return 0;
}
