#ifndef FS_READ_POOL_H
#define FS_READ_POOL_H

/*
 * What the readers of a mount share: decompressors, which are large and
 * needed only while something is being rendered, and the limits of what is
 * rendered before it is asked for.  All calls may come from any thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "base/error.h"
#include "store/heavy.h"
#include "store/list.h"
#include "store/store.h"

#define READ_POOL_IDLE	  2 /* decompressors that are kept, 0.3 MB each */
#define READ_POOL_HELPERS 2 /* threads that read ahead at a time */
#define READ_POOL_BYTES	  (8 * 1024 * 1024) /* of runs of all readers */

struct read_pool;

/* The store has to outlive it. */
int read_pool_new(struct store *s, struct read_pool **ret) MUST_CHECK;
/* Nothing is taken any more. */
void read_pool_free(struct read_pool *p);
struct store *read_pool_store(const struct read_pool *p);

struct renderer {
	struct heavy *heavy;
	struct run_packages packages; /* reused memory */
	SLIST_ENTRY(renderer) link;   /* the pool's */
};
int read_pool_take(struct read_pool *p, struct renderer **ret) MUST_CHECK;
void read_pool_put(struct read_pool *p, struct renderer *r);

/* May a thread read ahead?  True: it does until it says that it has ended. */
bool read_pool_begin_ahead(struct read_pool *p);
void read_pool_end_ahead(struct read_pool *p);

/* Is there room for another run?  Not where READ_POOL_BYTES are kept. */
bool read_pool_has_room(struct read_pool *p);
/* So many bytes are kept from now on, and so many no longer. */
void read_pool_count(struct read_pool *p, size_t more, size_t less);

#endif
