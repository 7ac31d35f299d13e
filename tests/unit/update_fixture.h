#ifndef TESTS_UPDATE_FIXTURE_H
#define TESTS_UPDATE_FIXTURE_H

/* A small unsigned archive and a mirror of it.  Include scratch_store.h
 * first. */

#include <errno.h>

#include "base/cleanup.h"
#include "base/date.h"
#include "mirror/update.h"
#include "scratch_archive.h"
#include "store/blob.h"
#include "store/content.h"
#include "store/state.h"

#define DIR "dists/sid/"

/* An archive in hand: what its Release is going to list. */
struct archive {
	struct scratch *s;
	struct buf files;
};

static inline void
put_release(
    struct archive *a, const char *name, int64_t date, const char *fields)
{
	struct buf b = {0};
	char text[DATE_SIZE];

	assert_int_equal(buf_addf(&b, "Suite: sid\nDate: %s\n%sSHA256:\n%s",
			     date_format(date, text), fields,
			     a->files.ptr ? a->files.ptr : ""),
	    0);
	archive_write(a->s, name, buf_span(&b));
	buf_release(&b);
}

/* Packages of main and contrib; main has two packages. */
static inline void
put_archive(struct archive *a, const char *version, int64_t date)
{
	struct buf main = {0}, contrib = {0};

	buf_clear(&a->files);
	add_stanza(&main, "apple", "1");
	add_stanza(&main, "banana", version);
	add_stanza(&contrib, "cherry", "3");
	archive_index(
	    a->s, &a->files, DIR, "main/binary-amd64/Packages", main.ptr);
	archive_index(
	    a->s, &a->files, DIR, "contrib/binary-amd64/Packages", contrib.ptr);
	release_add(&a->files, "main/i18n/Translation-en", SPAN("hello\n"));
	put_release(a, DIR "Release", date,
	    "Architectures: amd64\nComponents: main contrib\n");
	buf_release(&main);
	buf_release(&contrib);
}

/* As put_archive(), with one index of the given text. */
static inline void
put_odd_archive(struct archive *a, const char *index, int64_t date)
{
	buf_clear(&a->files);
	archive_index(
	    a->s, &a->files, DIR, "main/binary-amd64/Packages", index);
	put_release(
	    a, DIR "Release", date, "Architectures: amd64\nComponents: main\n");
}

static inline int
update_with(struct archive *a, const char *name, const struct update_opts *opts,
    struct update_result *ret, struct error *err)
{
	struct update_opts o = *opts;

	o.tries = 1;
	if (o.now == 0)
		o.now = ARCHIVE_DATE + 3600;
	return update_mirror(a->s->store, name, &o, ret, err);
}

static inline struct update_result
update_ok(struct archive *a, const char *name)
{
	struct update_opts opts = {0};
	struct update_result result;
	struct error err = {""};
	int r = update_with(a, name, &opts, &result, &err);

	if (r < 0)
		fail_msg("%d %s", r, err.text);
	return result;
}

/* The error's text has each of the parts, which are separated by '|'. */
static inline void
update_fails(struct archive *a, const char *name,
    const struct update_opts *opts, int expected, const char *parts)
{
	struct update_result result;
	struct error err = {""};
	struct span rest = span_of(parts), part;
	int r = update_with(a, name, opts, &result, &err);

	if (r != expected)
		fail_msg("%d instead of %d: %s", r, expected, err.text);
	while (span_cut(&rest, '|', &part)) {
		CLEANUP_FREE char *text = span_dup(part);

		if (!strstr(err.text, text))
			fail_msg("'%s' lacks '%s'", err.text, text);
	}
}

static inline struct mirror
mirror_now(struct archive *a, const char *name)
{
	struct txn *t = scratch_read(a->s);
	struct mirror m;

	assert_int_equal(mirror_load(t, name, &m), 0);
	txn_end(t);
	return m;
}

static inline struct state
state_now(struct archive *a, const char *name)
{
	CLEANUP(mirror_release) struct mirror m = mirror_now(a, name);
	struct txn *t = scratch_read(a->s);
	struct state s;

	assert_int_equal(state_load(t, m.state, &s), 0);
	txn_end(t);
	return s;
}

struct place {
	int n;
	char path[4][256];
	uint64_t origin[4];
};

static inline int
see_place(uint64_t origin, struct span path, void *arg)
{
	struct place *p = arg;

	assert_true(p->n < 4);
	(void)snprintf(p->path[p->n], 256, "%.*s", SPAN_ARG(path));
	p->origin[p->n++] = origin;
	return 0;
}

/* Where the file with that content can be had. */
static inline struct place
places_of(struct archive *a, struct span bytes)
{
	CLEANUP(blob_release) struct blob b = {0};
	struct place p = {0};
	struct content c;
	struct digest d;

	digest_of(bytes.ptr, bytes.len, &d);
	struct txn *t = scratch_read(a->s);
	assert_int_equal(content_find(t, &d, &c), 0);
	assert_int_equal(c.kind, CONTENT_BLOB);
	assert_int_equal(blob_load(t, c.number, &b), 0);
	assert_int_equal(b.size, bytes.len);
	assert_int_equal(blob_each_place(t, &b, see_place, &p), 0);
	txn_end(t);
	return p;
}

#endif
