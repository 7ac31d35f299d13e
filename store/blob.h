#ifndef STORE_BLOB_H
#define STORE_BLOB_H

/*
 * Blobs: files of known size and SHA-256, pool files and upstream's indexes.
 * The database knows every blob and where it comes from; the file itself is
 * present when it stands, whole and verified, as blobs/sha256/ab/<hash>.
 * That it stands there is the only mark of presence.
 *
 * Writing: bytes go to tmp/<hash>, which one process at a time holds by
 * flock(2); blob_writer_end() checks size and hash, flushes and renames.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/span.h"
#include "store/form.h"
#include "store/txn.h"

/* One place that names the blob. */
struct blob_source {
	uint64_t package; /* number; 0: origin and path say it */
	uint32_t file;	  /* index in the package's files */
	uint64_t origin;
	struct span path; /* relative to the origin's URL */
};

/* A compressed file that this one can be made of. */
struct blob_sister {
	enum codec codec;
	uint64_t blob; /* number */
};
#define BLOB_MAX_SISTERS 4 /* one for each codec */

struct blob {
	uint64_t number;
	uint64_t size; /* bytes */
	int64_t mtime;
	struct digest sha256;
	struct blob_source *sources; /* nsources; paths are owned */
	size_t nsources;
	struct blob_sister sisters[BLOB_MAX_SISTERS];
	size_t nsisters;
};

int blob_load(struct txn *t, uint64_t number, struct blob *ret) MUST_CHECK;
void blob_release(struct blob *b);
/* Beyond it the oldest is forgotten, first of those that lead nowhere. */
#define BLOB_MAX_SOURCES 16

/* Finds or makes the blob's record; *ret is its number.  -EEXIST: known as
 * another kind of content, so that nothing has to be fetched (see
 * content_find_file()). */
int blob_put(struct txn *t, const struct digest *sha256, uint64_t size,
    uint64_t *ret) MUST_CHECK;
/* Adds n sources, unless they are known; of more than BLOB_MAX_SOURCES the
 * last ones. */
int blob_add_sources(struct txn *t, uint64_t number,
    const struct blob_source *sources, size_t n) MUST_CHECK;

/* Notes what the blob can be made of, in place of what is known of that codec.
 */
int blob_add_sister(struct txn *t, uint64_t number,
    const struct blob_sister *sister) MUST_CHECK;

/*
 * As blob_put() and blob_add_sources() for files of packages that have just
 * been stored, many at once. Where the content is known as another kind there
 * is nothing to do.  The array is sorted in place.
 */
struct blob_new {
	const struct digest *sha256;
	uint64_t size;
	uint64_t package; /* number */
	uint32_t file;	  /* index in the package's files */
};
int blob_put_new(
    struct txn *t, struct blob_new *v, size_t n, struct error *err) MUST_CHECK;

/*
 * Where a blob can be fetched: for each source, every origin at which its
 * package was sighted.  fn's first result other than 0 ends the walk and is
 * returned.  path is valid during the call.
 */
typedef int blob_place_fn(uint64_t origin, struct span path, void *arg);
int blob_each_place(
    struct txn *t, const struct blob *b, blob_place_fn *fn, void *arg);

/* Marks packages as seen at an origin. */
int sighting_put(struct txn *t, uint64_t origin, const uint64_t *packages,
    size_t n) MUST_CHECK;
struct list;
/* The same for all packages of a list (store/list.h). */
int sighting_put_list(
    struct txn *t, uint64_t origin, const struct list *list) MUST_CHECK;
int sighting_has_list(struct txn *t, uint64_t origin, uint64_t list) MUST_CHECK;
/* Are all of them marked?  1, 0, or a negative errno. */
int sighting_has(struct txn *t, uint64_t origin, const uint64_t *packages,
    size_t n) MUST_CHECK;

/* Is the file here?  1, 0, or a negative errno: could not look. */
int blob_present(struct store *s, const struct digest *sha256);
/* Opens a present blob; -ENOENT: remote.  A file of another size than the
 * record says is -EIO. */
int blob_open(
    struct store *s, const struct digest *sha256, uint64_t size) MUST_CHECK;

/* Was a file of these bytes ever set aside, as it had others?  What was read
 * of it then may be anywhere. */
bool blob_was_damaged(struct store *s, const struct digest *sha256);

struct blob_writer;
/*
 * Begins or resumes.  *ret_have is the number of bytes that an earlier try
 * left (they have been hashed again).  -EEXIST: the blob is present already;
 * waits while another process writes it.
 */
int blob_writer_new(struct store *s, const struct digest *sha256, uint64_t size,
    struct blob_writer **ret, uint64_t *ret_have, struct error *err) MUST_CHECK;
/* The same for those who may be stopped: -EINTR soon after *cancel became
 * true. */
struct blob_wish {
	struct digest sha256;
	uint64_t size;
	const atomic_bool *cancel; /* or NULL */
};
int blob_writer_open(struct store *s, const struct blob_wish *wish,
    struct blob_writer **ret, uint64_t *ret_have, struct error *err) MUST_CHECK;
/* -EBADMSG where more comes than size announces; -ENOSPC, -EIO. */
int blob_writer_add(struct blob_writer *w, const void *ptr, size_t len,
    struct error *err) MUST_CHECK;
/* Drops what is there and begins at the first byte. */
int blob_writer_restart(struct blob_writer *w) MUST_CHECK;
/* Opens what has been written, which nothing has proven yet, for reading.  Not
 * while blob_writer_end() runs, or after it. */
int blob_writer_reopen(const struct blob_writer *w) MUST_CHECK;
/* Verifies, flushes, renames.  -EBADMSG: size or hash differ (the file is
 * dropped). */
int blob_writer_end(struct blob_writer *w, struct error *err) MUST_CHECK;
/* Gives up; what is there stays for another try. */
void blob_writer_free(struct blob_writer *w);
static inline void
blob_writer_cleanup(struct blob_writer **w)
{
	blob_writer_free(*w);
}

#endif
