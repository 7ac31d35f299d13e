/*
 * A blob remembers a few of the packages that have it, which lead to the places
 * where it can be fetched.  Where all of those go but another that has it
 * stays, it must learn of that one, or nobody would know any more whence to
 * fetch it.
 */

#include <errno.h>

#include "store/blob.h"
#include "store/cleanup_run.h"
#include "store/package.h"
#include "store/walk.h"

/* In a transaction; one package more has room. */
#define ADDITIONS 256

struct addition {
	uint64_t blob;
	struct blob_source source;
};

struct sources {
	struct cleanup *c;
	struct bits lost; /* blobs whose packages all go */
	bool any;
	struct package package; /* scratch */
	struct addition v[ADDITIONS + PACKAGE_MAX_FILES];
	size_t n;
};

static bool
is_lost(const struct cleanup *c, const struct blob *b)
{
	for (size_t i = 0; i < b->nsources; i++) {
		const struct blob_source *s = &b->sources[i];

		if (s->package == 0 ||
		    reach_has(&c->reach, REACH_PACKAGE, s->package))
			return false;
	}
	return b->nsources > 0;
}

static int
visit_blob(struct txn *t, struct span key, struct span value, void *arg)
{
	CLEANUP(blob_release) struct blob b = {0};
	struct sources *s = arg;
	uint64_t number;
	int r;

	(void)value;
	if (key.len != sizeof(struct key64))
		return 0;
	number = key64_value(key.ptr);
	if (!reach_has(&s->c->reach, REACH_BLOB, number))
		return 0;
	r = blob_load(t, number, &b);
	if (r < 0 || !is_lost(s->c, &b))
		return r;
	s->any = true;
	r = bits_set(&s->lost, number);
	return r < 0 ? r : 0;
}

static int
visit_package(struct txn *t, struct span key, struct span value, void *arg)
{
	struct sources *s = arg;
	const struct light *l = &s->package.light;
	uint64_t number =
	    key.len == sizeof(struct key64) ? key64_value(key.ptr) : 0;
	int r;

	(void)value;
	if (!reach_has(&s->c->reach, REACH_PACKAGE, number))
		return 0;
	r = package_light(t, number, &s->package);
	for (uint32_t i = 0; i < l->nfiles && r >= 0; i++) {
		const struct package_file *f = &l->files[i];
		struct content c;

		r = content_find_file(t, &f->sha256, f->size, &c);
		if (r < 0 || c.kind != CONTENT_BLOB ||
		    !bits_has(&s->lost, c.number)) {
			r = r == -ENOENT ? 0 : r;
			continue;
		}
		s->v[s->n++] =
		    (struct addition){c.number, {.package = number, .file = i}};
	}
	return r < 0 ? r : s->n >= ADDITIONS;
}

static int
add(struct txn *t, void *arg, struct error *err)
{
	const struct sources *s = arg;
	int r = 0;

	for (size_t i = 0; i < s->n && r >= 0; i++)
		r = blob_add_sources(t, s->v[i].blob, &s->v[i].source, 1);
	return r < 0 ? error_sys(err, r, "cannot change a blob") : 0;
}

static int
add_all(struct sources *s)
{
	struct cleanup *c = s->c;
	struct walk packages = {.store = c->store,
	    .table = T_LIGHT,
	    .fn = visit_package,
	    .arg = s,
	    .cancel = c->opts->cancel};
	int r, more;

	do {
		s->n = 0;
		r = more = walk_on(&packages, c->err);
		if (r >= 0 && s->n > 0)
			r = store_write(c->store, add, s, c->err);
	} while (r >= 0 && more);
	return r;
}

int
cleanup_sources(struct cleanup *c)
{
	struct sources *s = calloc(1, sizeof(*s));
	struct walk blobs = {.store = c->store,
	    .table = T_BLOBS,
	    .fn = visit_blob,
	    .cancel = c->opts->cancel};
	int r;

	if (!s)
		return error_sys(c->err, -ENOMEM, "cannot clean up");
	s->c = c;
	blobs.arg = s;
	r = walk_on(&blobs, c->err);
	if (r >= 0 && s->any && !c->opts->dry_run)
		r = add_all(s);
	bits_release(&s->lost);
	package_release(&s->package);
	free(s);
	return r;
}
