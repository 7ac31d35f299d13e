#ifndef ALGEBRA_MERGE_TABLE_H
#define ALGEBRA_MERGE_TABLE_H

/*
 * Which packages of an index win: a hash table of 32 bytes a package.  Keys are
 * SHA-256s cut to 16 bytes, for names are foreign and must not be made to
 * collide.  A zeroed struct is empty.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/span.h"

struct merge_key {
	unsigned char byte[16];
};

struct merge_entry {
	struct merge_key key;
	uint64_t package; /* number; 0: a free place */
	uint32_t part;	  /* where it stands */
};

struct merge_table {
	struct merge_entry *v;
	size_t n, cap; /* cap is a power of two */
};

/* version may be empty: any. */
struct merge_key merge_key_of(
    struct span name, struct span architecture, struct span version);
/* The entry of a key; a new one has package 0, which the caller fills in.
 * NULL when out of memory. */
struct merge_entry *merge_table_at(
    struct merge_table *t, const struct merge_key *key);
/* NULL: it has none. */
struct merge_entry *merge_table_find(
    const struct merge_table *t, const struct merge_key *key);
void merge_table_release(struct merge_table *t);

#endif
