/*
 * Files: what a blob is can be told by those that have it.  A damaged blob's
 * record goes, with what leads to it, and the file is entered anew, under
 * another number.
 */

#include <errno.h>
#include <stdlib.h>

#include "store/blob.h"
#include "store/content.h"
#include "store/listing.h"
#include "store/mend_run.h"
#include "store/release_files.h"

#define FILES 1024 /* in a transaction, and those of one more package */

/* Has the blob a record, and leads the hash in it here? */
static int
is_right(struct mend *m, uint64_t number)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	CLEANUP(blob_release) struct blob b = {0};
	struct content c;
	int r = txn_read(m->store, &t, m->err);

	if (r < 0)
		return r;
	r = blob_load(t, number, &b);
	if (r >= 0)
		r = content_find_file(t, &b.sha256, b.size, &c);
	/* A hash that leads nowhere is led here. */
	if (r == -ENOENT && b.number != 0)
		return 1;
	if (r < 0)
		return is_damage(r) ? 0 : r;
	return c.kind != CONTENT_BLOB || c.number == number;
}

static int
remove_blobs(struct mend *m)
{
	int r = 0;

	for (uint64_t n = mend_next(m, T_BLOBS, 1); n != UINT64_MAX && r >= 0;
	     n = mend_next(m, T_BLOBS, n + 1)) {
		r = is_right(m, n);
		if (r != 0)
			continue;
		r = mend_remove64(m, T_BLOBS, n);
	}
	return r < 0 ? r : mend_flush(m);
}

/* --- what leads to blobs -------------------------------------------------- */

static struct span
digest_span(const struct digest *d)
{
	return (struct span){(const char *)d->byte, sizeof(d->byte)};
}

/* An entry that leads to a blob that went, or to one of another hash; or that
 * is damaged, which what it led to makes anew. */
static int
check_leading(struct mend *m, struct txn *t, struct span key, struct span value)
{
	struct content_info info;
	struct content c;
	int r;

	if (value.len == 0)
		return key.len < DIGEST_SIZE ? 0
					     : mend_remove(m, T_CONTENTS, key);
	if (value.len != 1 + sizeof(struct key64) ||
	    value.ptr[0] != CONTENT_BLOB)
		return 0;
	c = (struct content){CONTENT_BLOB, key64_value(value.ptr + 1)};
	r = content_info(t, c, &info);
	if (r == 0 && key.len >= DIGEST_SIZE &&
	    span_eq(
		digest_span(&info.sha256), (struct span){key.ptr, DIGEST_SIZE}))
		return 0;
	return r < 0 && !is_damage(r) ? r : mend_remove(m, T_CONTENTS, key);
}

/* --- files of packages ------------------------------------------------------
 */

/* Files that are not known, of packages; each owns its digest. */
struct unknown {
	struct blob_new v[FILES + PACKAGE_MAX_FILES];
	struct digest digests[FILES + PACKAGE_MAX_FILES];
	size_t n;
};

static int
find_unknown(struct mend *m, struct txn *t, uint64_t number, struct unknown *u)
{
	const struct light *l = &m->package.light;
	int r = package_light(t, number, &m->package);

	for (uint32_t i = 0; r == 0 && i < l->nfiles; i++) {
		const struct package_file *f = &l->files[i];
		struct content c;

		r = content_find_file(t, &f->sha256, f->size, &c);
		if (r == -ENOENT) {
			u->digests[u->n] = f->sha256;
			u->v[u->n] = (struct blob_new){
			    &u->digests[u->n], f->size, number, i};
			u->n++;
			r = 0;
		}
	}
	return is_damage(r) ? 0 : r;
}

static int
put_unknown(struct txn *t, void *arg, struct error *err)
{
	struct unknown *u = arg;

	return blob_put_new(t, u->v, u->n, err);
}

static int
put_package_files(struct mend *m, struct unknown *u)
{
	const struct bits *packages = &m->reach.bits[REACH_PACKAGE];
	uint64_t n = bits_next(packages, 1);
	int r = 0;

	while (n != UINT64_MAX && r >= 0) {
		CLEANUP(txn_cleanup) struct txn *t = NULL;

		r = mend_stopped(m);
		if (r >= 0)
			r = txn_read(m->store, &t, m->err);
		u->n = 0;
		for (unsigned i = 0;
		     i < 4096 && r >= 0 && u->n < FILES && n != UINT64_MAX;
		     i++, n = bits_next(packages, n + 1))
			r = find_unknown(m, t, n, u);
		txn_end(TAKE(t));
		if (r >= 0 && u->n > 0)
			r = store_write(m->store, put_unknown, u, m->err);
	}
	return r;
}

/* --- files of states
 * ---------------------------------------------------------- */

static int
put_state_files(struct txn *t, void *arg, struct error *err)
{
	CLEANUP(state_release) struct state s = {0};
	CLEANUP(listing_release) struct listing l = {0};
	CLEANUP_FREE char *dir = NULL;
	const uint64_t *number = arg;
	struct release_place place = {0};
	int r = state_load(t, *number, &s);

	if (r == 0 && s.origin == 0)
		return 0;
	if (r == 0)
		r = listing_load(t, s.listing, &l);
	if (r < 0)
		return is_damage(r) ? 0 : r;
	dir = state_dir(&s);
	if (!dir)
		return -ENOMEM;
	place.origin = s.origin;
	place.dir = dir;
	r = release_files_put(t, &place, &l.release, err);
	return is_damage(r) ? 0 : r;
}

/* Does something that is listed there lead nowhere? */
static int
has_unknown(struct mend *m, uint64_t number)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	CLEANUP(state_release) struct state s = {0};
	CLEANUP(listing_release) struct listing l = {0};
	struct content c;
	int r = txn_read(m->store, &t, m->err);

	if (r < 0)
		return r;
	r = state_load(t, number, &s);
	if (r == 0)
		r = listing_load(t, s.listing, &l);
	if (r < 0)
		return is_damage(r) ? 0 : r;
	for (size_t i = 0; r == 0 && i < l.release.nfiles; i++) {
		const struct release_file *f = &l.release.files[i];

		r = content_find_file(t, &f->sha256, f->size, &c);
	}
	if (r == -ENOENT)
		return 1;
	return is_damage(r) ? 0 : r;
}

static int
put_release_files(struct mend *m)
{
	const struct bits *states = &m->reach.bits[REACH_STATE];
	int r = 0;

	for (uint64_t n = bits_next(states, 1); n != UINT64_MAX && r >= 0;
	     n = bits_next(states, n + 1)) {
		r = mend_stopped(m);
		if (r >= 0)
			r = has_unknown(m, n);
		if (r > 0)
			r = store_write(m->store, put_state_files, &n, m->err);
	}
	return r;
}

int
mend_files(struct mend *m)
{
	struct unknown *u = malloc(sizeof(*u));
	int r = u ? remove_blobs(m) : -ENOMEM;

	if (r >= 0)
		r = mend_each(m, T_CONTENTS, check_leading);
	if (r >= 0)
		r = mend_mark(m);
	if (r >= 0)
		r = put_package_files(m, u);
	free(u);
	return r < 0 ? r : put_release_files(m);
}
