#include "fs/archive.h"

#include <errno.h>

#include "base/buf.h"
#include "base/path.h"
#include "fs/archive_pool.h"
#include "store/blob.h"
#include "store/gone.h"
#include "store/listing.h"

struct build {
	struct txn *t;
	struct catalog *c;
	struct pool_walk *walk;
	struct buf path;  /* scratch */
	const char *only; /* pool files must begin so; NULL: all */
	struct span component;
};

/* Adds a file, unless its path can't stand: the tree is best without it
 * then. */
static int
add_checked(struct build *b, struct span path, uint64_t ref)
{
	int r = catalog_add(b->c, path, ref);

	return r == -ENOTDIR || r == -EISDIR || r == -EINVAL ? 0 : r;
}

static int
add_file(struct build *b, struct span path, uint64_t ref)
{
	return path_check(path) ? 0 : add_checked(b, path, ref);
}

/* Paths of packages were checked when their stanzas were taken in. */
static int
add_pool_file(const struct package *p, void *arg)
{
	struct build *b = arg;
	const struct light *l = &p->light;
	int r = 0;

	for (size_t i = 0; r == 0 && i < l->nfiles; i++) {
		struct span path = path_strip_dot(l->files[i].path);

		if (b->only && !span_starts(path, span_of(b->only)))
			continue;
		r = add_checked(
		    b, path, archive_ref_file(p->number, (unsigned)i));
	}
	return r;
}

static int
add_stanza(const struct package *p, void *arg)
{
	struct build *b = arg;
	struct content c = {CONTENT_STANZA, p->number};
	int r;

	buf_clear(&b->path);
	(void)buf_add_span(&b->path, b->component);
	(void)buf_add_char(&b->path, '/');
	r = package_add_name(&p->light, &b->path);
	if (r < 0 || b->path.failed)
		return r < 0 ? r : -ENOMEM;
	return add_file(b, buf_span(&b->path), archive_ref_content(c));
}

static int
blob_servable(struct txn *t, uint64_t number)
{
	CLEANUP(blob_release) struct blob blob = {0};
	int r = blob_load(t, number, &blob);

	return r < 0 ? r : gone_servable(t, &blob);
}

/* What serves a listed file: 1 with *ret filled, 0 where nothing does. */
static int
find_listed(struct txn *t, const struct release_file *f, struct content *ret)
{
	int r = content_find_file(t, &f->sha256, f->size, ret);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	return ret->kind == CONTENT_BLOB ? blob_servable(t, ret->number) : 1;
}

/* Puts the directory of names by hash beside a listed file into b->path. */
static int
by_hash_dir(struct build *b, const char *dir, const struct release_file *f)
{
	struct span sub = path_dir(f->path);

	buf_clear(&b->path);
	return buf_addf(&b->path, "%s%.*s%sby-hash/SHA256", dir, SPAN_ARG(sub),
	    sub.len > 0 ? "/" : "");
}

/*
 * What can be served grows: a mirror is given another architecture, and the
 * Release that an old snapshot has lists that too.  Indexes of directories must
 * not depend on it, for they are in inode numbers that the kernel knows.
 */
static int
reserve_dirs(struct build *b, const char *dir, const struct release_file *f)
{
	int r = by_hash_dir(b, dir, f);

	if (r < 0 || path_check(buf_span(&b->path)))
		return r;
	r = catalog_reserve_dir(b->c, buf_span(&b->path));
	return r == -ENOTDIR ? 0 : r;
}

/* Adds the name under by-hash/ that stands beside a listed file. */
static int
add_by_hash(struct build *b, const char *dir, const struct release_file *f,
    uint64_t ref)
{
	char hex[DIGEST_HEX_SIZE];
	int r = by_hash_dir(b, dir, f);

	if (r < 0)
		return r;
	(void)buf_addf(&b->path, "/%s", digest_hex(&f->sha256, hex));
	if (b->path.failed)
		return -ENOMEM;
	return add_file(b, buf_span(&b->path), ref);
}

static int
add_listed(struct build *b, const char *dir, const struct release_file *f,
    bool by_name)
{
	struct content c = {0};
	int r = reserve_dirs(b, dir, f);
	uint64_t ref;

	if (r == 0)
		r = find_listed(b->t, f, &c);
	if (r <= 0)
		return r;
	ref = archive_ref_content(c);
	if (by_name) {
		buf_clear(&b->path);
		(void)buf_addf(&b->path, "%s%.*s", dir, SPAN_ARG(f->path));
		if (b->path.failed)
			return -ENOMEM;
		r = add_file(b, buf_span(&b->path), ref);
	}
	return r < 0 ? r : add_by_hash(b, dir, f, ref);
}

/* Adds what the state's Release lists; by_name: not only by hash. */
static int
add_listing(
    struct build *b, const char *dir, const struct state *s, bool by_name)
{
	CLEANUP(listing_release) struct listing l = {0};
	int r;

	if (s->listing == 0)
		return 0;
	r = listing_load(b->t, s->listing, &l);
	for (size_t i = 0; r == 0 && i < l.release.nfiles; i++)
		r = add_listed(b, dir, &l.release.files[i], by_name);
	return r;
}

static int
add_text(struct build *b, const char *dir, const char *name, uint64_t text)
{
	struct content c = {CONTENT_TEXT, text};

	if (text == 0)
		return 0;
	buf_clear(&b->path);
	(void)buf_addf(&b->path, "%s%s", dir, name);
	if (b->path.failed)
		return -ENOMEM;
	return add_file(b, buf_span(&b->path), archive_ref_content(c));
}

/* The directory comes first, so that its index depends on its path alone. */
static int
add_suite_dir(struct build *b, const char *dir)
{
	struct span path = span_of(dir);
	uint32_t index;

	if (path.len > 0)
		path.len--;
	return catalog_add_dir(b->c, path, &index);
}

static int
build_dists(struct build *b, const struct root *root, const struct state *s)
{
	CLEANUP_FREE char *dir = state_dir(s);
	int r;

	if (!dir)
		return -ENOMEM;
	r = add_suite_dir(b, dir);
	if (r == 0)
		r = add_text(b, dir, "InRelease", s->in_release);
	if (r == 0)
		r = add_text(b, dir, "Release", s->release);
	if (r == 0)
		r = add_text(b, dir, "Release.gpg", s->release_gpg);
	if (r == 0)
		r = add_listing(b, dir, s, true);
	for (size_t i = 0; r == 0 && i < ROOT_OLDER; i++) {
		CLEANUP(state_release) struct state older = {0};

		if (root->older[i] == 0)
			continue;
		r = state_load(b->t, root->older[i], &older);
		if (r == 0)
			r = add_listing(b, dir, &older, false);
	}
	return r;
}

static int
build_pool_of(struct build *b, uint64_t number)
{
	CLEANUP(state_release) struct state s = {0};
	int r;

	if (number == 0)
		return 0;
	r = state_load(b->t, number, &s);
	return r < 0 ? r : pool_walk_state(b->walk, &s, add_pool_file, b);
}

/* Files that clients of the last generations may still ask for. */
static int
build_older_pool(struct build *b, const struct root *root)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ROOT_OLDER; i++)
		r = build_pool_of(b, root->older[i]);
	return r;
}

static int
build_all(struct build *b, const struct root *root)
{
	CLEANUP(state_release) struct state s = {0};

	int r = state_load(b->t, root->state, &s);

	if (r == 0)
		r = build_dists(b, root, &s);
	if (r == 0)
		r = pool_walk_state(b->walk, &s, add_pool_file, b);
	return r < 0 ? r : build_older_pool(b, root);
}

static int
build_dists_only(struct build *b, const struct root *root)
{
	CLEANUP(state_release) struct state s = {0};

	int r = state_load(b->t, root->state, &s);

	return r < 0 ? r : build_dists(b, root, &s);
}

/* The pool of a prefix: what is served now has precedence. */
static int
build_prefix_pool(struct build *b, const struct root *prefix)
{
	uint32_t index;
	int r;

	b->only = "pool/";
	r = catalog_add_dir(b->c, SPAN("pool"), &index);
	for (int older = 0; older < 2; older++)
		for (size_t i = 0; r == 0 && i < prefix->ndists; i++) {
			CLEANUP(root_release) struct root root = {0};

			r = root_load(b->t, prefix->dists[i].root, &root);
			if (r == 0 && older)
				r = build_older_pool(b, &root);
			else if (r == 0)
				r = build_pool_of(b, root.state);
		}
	return r;
}

static int
build_packages(struct build *b, const struct root *root)
{
	CLEANUP(state_release) struct state s = {0};

	int r = state_load(b->t, root->state, &s);

	for (size_t i = 0; r == 0 && i < s.nlists; i++) {
		const char *component = s.lists[i].component;

		/* A flat archive has no components. */
		b->component = span_of(component);
		if (b->component.len == 0)
			b->component = SPAN("main");
		r = pool_walk_list(
		    b->walk, s.lists[i].list, false, add_stanza, b);
	}
	return r;
}

static int
build_part(struct build *b, const struct root *root, enum archive_part part)
{
	enum root_kind want = part == ARCHIVE_POOL ? ROOT_PREFIX : ROOT_ARCHIVE;

	if (root->kind != want)
		return -EINVAL;
	switch (part) {
	case ARCHIVE_ALL:
		return build_all(b, root);
	case ARCHIVE_DISTS:
		return build_dists_only(b, root);
	case ARCHIVE_POOL:
		return build_prefix_pool(b, root);
	case ARCHIVE_PACKAGES:
		return build_packages(b, root);
	}
	return -EINVAL;
}

int
archive_build(struct txn *t, const struct root *root, enum archive_part part,
    struct catalog **ret)
{
	CLEANUP(catalog_cleanup) struct catalog *c = NULL;
	CLEANUP(pool_walk_cleanup) struct pool_walk *walk = NULL;
	struct build b = {.t = t};
	int r = catalog_new(&c);

	if (r == 0)
		r = pool_walk_new(t,
		    part == ARCHIVE_PACKAGES ? package_name : package_files,
		    &walk);
	if (r < 0)
		return r;
	b.c = c;
	b.walk = walk;
	r = build_part(&b, root, part);
	buf_release(&b.path);
	/* No judge: whoever came first stays, and nobody is told. */
	if (r == 0)
		r = catalog_end(c, NULL);
	if (r < 0)
		return r;
	*ret = TAKE(c);
	return 0;
}
