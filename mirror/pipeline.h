#ifndef MIRROR_PIPELINE_H
#define MIRROR_PIPELINE_H

/*
 * From the compressed bytes of an index to a list: the caller's thread
 * decompresses, a thread of the pipeline's own cuts stanzas and stores them.
 * Nothing refers to the list before pipeline_store(); what was announced is
 * checked between pipeline_end() and that.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/hash.h"
#include "store/form.h"
#include "store/ingest.h"

struct pipeline;

struct pipeline_opts {
	enum package_kind kind;
	enum codec codec;
	uint64_t limit; /* bytes of the plain index, at most */
};

int pipeline_new(struct store *s, const struct pipeline_opts *opts,
    struct pipeline **ret, struct error *err) MUST_CHECK;
/* Gives up, where it was not stored. */
void pipeline_free(struct pipeline *p);
static inline void
pipeline_cleanup(struct pipeline **p)
{
	pipeline_free(*p);
}
/* The errors of store/decompress.h, store/index.h and store/ingest.h; their
 * text comes with pipeline_end(). */
int pipeline_add(struct pipeline *p, const void *ptr, size_t len) MUST_CHECK;
/* Waits for the other thread.  The digest and length of the plain index. */
int pipeline_end(struct pipeline *p, struct digest *ret, uint64_t *ret_len,
    struct error *err) MUST_CHECK;
/* Did pipeline_end() fail for what the plain index says, not for how it is
 * compressed? */
bool pipeline_malformed(const struct pipeline *p);
int pipeline_store(struct pipeline *p, struct ingest_result *ret,
    struct error *err) MUST_CHECK;

#endif
