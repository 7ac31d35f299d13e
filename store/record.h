#ifndef STORE_RECORD_H
#define STORE_RECORD_H

/*
 * Records: msgpack arrays whose first item is the record's version.  Readers
 * ignore items beyond those that they know; a record of a newer version than
 * they know is -EPROTO.
 *
 * Writing reuses one buffer per writer.  Errors stick: check once, at
 * record_end().
 */

#include <msgpack.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "base/span.h"
#include "base/strs.h"

struct record_writer {
	msgpack_sbuffer buf;
	msgpack_packer packer;
	bool failed;
};

void record_writer_init(struct record_writer *w);
void record_writer_release(struct record_writer *w);
/* Forgets what was written and begins a record of n items after the version. */
void record_begin(struct record_writer *w, uint64_t version, size_t n);
void record_array(struct record_writer *w, size_t n);
void record_put_u64(struct record_writer *w, uint64_t v);
void record_put_i64(struct record_writer *w, int64_t v);
void record_put_bool(struct record_writer *w, bool v);
void record_put_str(struct record_writer *w, struct span s);
/* nil where s is NULL. */
void record_put_cstr(struct record_writer *w, const char *s);
void record_put_bin(struct record_writer *w, const void *ptr, size_t len);
void record_put_digest(struct record_writer *w, const struct digest *d);
void record_put_nil(struct record_writer *w);
void record_put_strs(struct record_writer *w, const struct strs *s);
/* Lends the bytes until the next record_begin(); -ENOMEM. */
int record_end(struct record_writer *w, struct span *ret) MUST_CHECK;

/*
 * A decoded record, or an array inside one.  Items are asked by index, 0
 * being the first after the version (in an inner array, simply the first).
 * An item of another type or beyond the end yields nothing (0, empty) and
 * sets *bad, which all views of one record share: 0, -EBADMSG, or -ENOMEM
 * where there was no memory for a copy.
 */
struct record {
	msgpack_unpacked unpacked;
	int bad;
};

struct record_view {
	const msgpack_object *item;
	size_t n;
	int *bad;
};

/* -EBADMSG: not a whole record; -EPROTO: a version above max_version; -ENOMEM.
 * Strings and bytes of the view point into bytes. */
int record_parse(struct record *r, struct span bytes, uint64_t max_version,
    struct record_view *ret) MUST_CHECK;
/* The same of `n` items from `first` on alone, the view's 0 being the first of
 * them; what is behind them is not looked at.  -EBADMSG also where there are
 * not so many. */
struct record_items {
	size_t first, n;
};
int record_parse_some(struct record *r, struct span bytes, uint64_t max_version,
    struct record_items which, struct record_view *ret) MUST_CHECK;
void record_release(struct record *r);
/* Sets *bad to -EBADMSG or -ENOMEM, unless it is set. */
void record_spoil(const struct record_view *v, int r);

uint64_t record_u64(const struct record_view *v, size_t i);
int64_t record_i64(const struct record_view *v, size_t i);
bool record_bool(const struct record_view *v, size_t i);
bool record_is_nil(const struct record_view *v, size_t i);
struct span record_span(const struct record_view *v, size_t i); /* str, bin */
/* A copy, or NULL for nil. */
char *record_dup(const struct record_view *v, size_t i);
void record_digest(const struct record_view *v, size_t i, struct digest *ret);
struct record_view record_array_at(const struct record_view *v, size_t i);
void record_strs(const struct record_view *v, size_t i, struct strs *ret);

#endif
