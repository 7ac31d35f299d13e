#ifndef STORE_INGEST_H
#define STORE_INGEST_H

/*
 * From a stream of stanzas to a list in the store.
 *
 * Stanzas are collected into batches that are parsed, hashed and compressed
 * without a transaction and then stored in a short one; memory is a batch,
 * whatever the length of the index.  Nothing refers to the list until the
 * caller makes something do so; an ingest that is given up leaves packages
 * that the next one finds again.  Until then the caller shares the hold (see
 * store/hold.h), from before ingest_new().
 *
 * One thread at a time.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/span.h"
#include "store/package.h"
#include "store/store.h"

#define INGEST_BATCH_BYTES (4 * 1024 * 1024) /* of stanzas, about */

struct ingest;

struct ingest_result {
	uint64_t list; /* number */
	struct digest rendered;
	uint64_t packages;     /* count */
	uint64_t new_packages; /* of these: not in the store before */
};

int ingest_new(struct store *s, enum package_kind kind, struct ingest **ret,
    struct error *err) MUST_CHECK;
void ingest_free(struct ingest *in);
static inline void
ingest_cleanup(struct ingest **in)
{
	ingest_free(*in);
}
/*
 * Adds the next stanza: its bytes with the final newline and without a blank
 * line.  line is where it begins in the index.  -EBADMSG as
 * light_from_stanza(), and for a package that stands twice with the same
 * name, version and architecture in a row; store errors.
 */
int ingest_stanza(struct ingest *in, struct span stanza, size_t line,
    struct error *err) MUST_CHECK;
int ingest_end(
    struct ingest *in, struct ingest_result *ret, struct error *err) MUST_CHECK;

#endif
