#ifndef STORE_HEAD_H
#define STORE_HEAD_H

/*
 * What the tables of small records (origins, states, roots, mirrors,
 * snapshots, publications) have in common: reading one record into a view and
 * writing one.  Used inside store/ only.
 */

#include <stdint.h>

#include "store/record.h"
#include "store/txn.h"

#define HEAD_MAX_ITEMS 65536 /* of an array inside a record */

/* -EIO: damaged; -EPROTO: written by a newer program. */
int head_parse(struct span bytes, uint64_t max_version, struct record *r,
    struct record_view *ret) MUST_CHECK;
/* 0, or -EIO where an item of the record was not what it should be; -ENOMEM. */
int head_check(const struct record *r) MUST_CHECK;
/* For an item that makes no sense, or is missing: -EIO, or -ENOMEM where that
 * is why. */
int head_damage(const struct record_view *v) MUST_CHECK;
/* The array at index i; *bad is set where it has more than HEAD_MAX_ITEMS. */
struct record_view head_array(const struct record_view *v, size_t i);
/* An array of numbers. */
void head_put_numbers(struct record_writer *w, const uint64_t *v, size_t n);
int head_put64(struct txn *t, enum table table, uint64_t key,
    struct record_writer *w) MUST_CHECK;
int head_put(struct txn *t, enum table table, struct span key,
    struct record_writer *w) MUST_CHECK;

#endif
