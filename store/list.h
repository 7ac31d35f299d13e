#ifndef STORE_LIST_H
#define STORE_LIST_H

/*
 * Lists and runs.  A list is what one Packages or Sources index says, in its
 * order.  It is cut into runs at boundaries that the packages' digests choose,
 * so that one changed package changes one run, and equal runs are stored
 * once.  A list renders as its stanzas, each followed by one empty line; its
 * SHA-256 is that of the rendered bytes, and so it is found in T_CONTENTS by
 * the hash that a Release gives for the plain index.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "store/package.h"
#include "store/txn.h"

#define RUN_MAX_PACKAGES 256	       /* what is written now has 96 at most */
#define RUN_MAX_BYTES	 (1024 * 1024) /* rendered; one stanza may pass it */

struct list_run {
	uint64_t run;	   /* number */
	uint64_t offset;   /* of its first byte in the rendered list */
	uint32_t packages; /* count */
};

struct list {
	uint64_t number;
	enum package_kind kind;
	struct digest sha256;
	int64_t mtime;
	uint64_t packages; /* count */
	uint64_t bytes;	   /* rendered */
	size_t nruns;
	struct list_run *runs;
};

/* -ENOENT; -EIO where the record is damaged. */
int list_load(struct txn *t, uint64_t number, struct list *ret) MUST_CHECK;
void list_release(struct list *l);
/* The same without the runs: what stat(2) needs, cheaply. */
int list_info(struct txn *t, uint64_t number, uint64_t *size, int64_t *mtime,
    struct digest *sha256) MUST_CHECK;
/* The index in runs of the one that has this byte (offset < bytes). */
size_t list_run_at(const struct list *l, uint64_t offset);
/* Rendered bytes of the run at index i. */
uint64_t list_run_bytes(const struct list *l, size_t i);

/*
 * The packages of a run, in order.  ret begins zeroed; what it had is
 * replaced, its memory is used again.
 */
struct run_packages {
	uint64_t *v;
	size_t n;
	size_t cap;
};
int run_load(struct txn *t, uint64_t run, struct run_packages *ret) MUST_CHECK;
void run_packages_release(struct run_packages *r);

/* Calls fn for each package of a list in order, with its light record;
 * fn's first result other than 0 ends the walk and is returned.  -EIO: a
 * record is damaged or missing. */
typedef int list_each_fn(const struct package *p, void *arg);
int list_each(struct txn *t, const struct list *l, list_each_fn *fn, void *arg);

/*
 * Building: packages are added in order; runs are stored as they close.
 * `digest` is the package's stanza digest and len its length in bytes.
 */
struct list_writer;
int list_writer_new(
    enum package_kind kind, struct list_writer **ret) MUST_CHECK;
void list_writer_free(struct list_writer *w);
static inline void
list_writer_cleanup(struct list_writer **w)
{
	list_writer_free(*w);
}
int list_writer_add(struct list_writer *w, uint64_t package,
    const struct digest *digest, uint64_t len) MUST_CHECK;
/*
 * Stores the runs that have closed since the last call.  May run again in a
 * new transaction after a failure; call list_writer_stored() once the
 * transaction has been committed.
 */
int list_writer_store(struct list_writer *w, struct txn *t) MUST_CHECK;
void list_writer_stored(struct list_writer *w);
/* The number of packages that wait to be stored: what memory is held for. */
size_t list_writer_waiting(const struct list_writer *w);
/* Closes the last run and stores the list, under the SHA-256 of its rendered
 * bytes, or finds it there; *ret is its number. */
int list_writer_end(struct list_writer *w, struct txn *t,
    const struct digest *rendered, uint64_t *ret) MUST_CHECK;
/* The same for a list that has this number, and a damaged record. */
int list_writer_restore(struct list_writer *w, struct txn *t,
    const struct digest *rendered, uint64_t number) MUST_CHECK;

#endif
