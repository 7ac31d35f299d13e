#ifndef STORE_INDEX_H
#define STORE_INDEX_H

/*
 * Splits the bytes of a plain Packages or Sources, as they come, into stanzas.
 * Keeps one stanza at a time, of at most STANZA_MAX bytes, and the SHA-256 of
 * everything that went through.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/span.h"

struct index_reader;
/* stanza has its final newline (one is added where the index lacks it) and no
 * blank line; line is that of its first line, from 1. */
typedef int index_stanza_fn(
    void *arg, struct span stanza, size_t line, struct error *err);

int index_reader_new(
    index_stanza_fn *fn, void *arg, struct index_reader **ret) MUST_CHECK;
void index_reader_free(struct index_reader *r);
static inline void
index_reader_cleanup(struct index_reader **r)
{
	index_reader_free(*r);
}
/* -EBADMSG: a NUL byte, a stanza beyond the limit (err names the line); fn's
 * errors. */
int index_reader_add(struct index_reader *r, const void *ptr, size_t len,
    struct error *err) MUST_CHECK;
/* The last stanza, and the digest and length of what came. */
int index_reader_end(struct index_reader *r, struct digest *ret,
    uint64_t *ret_len, struct error *err) MUST_CHECK;

#endif
