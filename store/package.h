#ifndef STORE_PACKAGE_H
#define STORE_PACKAGE_H

/*
 * Packages.  A package is one stanza, byte for byte; its number stands for
 * it.  The light record has what listings, algebra and the pool need; the
 * heavy one is the stanza itself, compressed, and is read only to render an
 * index or to show the package.
 */

#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/span.h"
#include "store/record.h"
#include "store/txn.h"

enum package_kind {
	PACKAGE_BINARY = 0,
	PACKAGE_SOURCE = 1,
	PACKAGE_UDEB = 2,
};

/* Dependency fields, in the order in which the light record has them. */
enum relation {
	REL_PRE_DEPENDS,
	REL_DEPENDS,
	REL_RECOMMENDS,
	REL_SUGGESTS,
	REL_ENHANCES,
	REL_BREAKS,
	REL_CONFLICTS,
	REL_REPLACES,
	REL_PROVIDES,
	REL_BUILD_DEPENDS,
	REL_BUILD_DEPENDS_INDEP,
	REL_BUILD_DEPENDS_ARCH,
	REL_BUILD_CONFLICTS,
	REL_BUILD_CONFLICTS_INDEP,
	REL_BUILD_CONFLICTS_ARCH,
	REL_COUNT
};
extern const char *const relation_field[REL_COUNT]; /* "Pre-Depends", ... */

/* Of a source package; Debian has one of 292 (node-lodash). */
#define PACKAGE_MAX_FILES 4096
#define PACKAGE_MAX_SIZE  (UINT64_C(1) << 40) /* bytes of one file */

struct package_file {
	struct span path; /* relative to the archive's root */
	uint64_t size;	  /* bytes */
	struct digest sha256;
};

/*
 * The light record, decoded or about to be encoded; spans are lent by the
 * stanza or the record.  architecture is "source" for a source package.  A
 * zeroed struct is empty; filling one again reuses its memory.
 */
struct light {
	enum package_kind kind;
	struct span name, version, architecture;
	struct span source, source_version; /* empty: same as the package's */
	struct span multi_arch;
	bool essential;
	struct span relations[REL_COUNT];
	struct package_file *files; /* owned by the light, nfiles of them */
	size_t nfiles, files_cap;
	struct buf paths; /* what the files' paths point to, if put together */
	/* Where the file is found at its origin, when that is not
	 * files[0].path: the stanza's Filename was rewritten (flat archives).
	 * For a source package, the original Directory. */
	struct span origin_path;
	uint64_t stanza_len; /* bytes, without the blank line after it */
};

void light_release(struct light *l);
/* Says the light record what the stanza does?  Only what it must not be wrong
 * about is compared: another version of the program may read more from a
 * stanza.  scratch is filled. */
bool light_agrees(const struct light *l, struct span stanza,
    struct light *scratch) MUST_CHECK;

/*
 * Reads a stanza of a Packages (PACKAGE_BINARY, PACKAGE_UDEB) or Sources
 * index.  -EBADMSG with a text that names field and line (counted from
 * first_line): no Package, Version or Architecture, a malformed line, a
 * Filename or Directory that path_check() refuses, a bad Size or SHA256, a
 * file without SHA256.  A field of two values keeps the first.  After a failure
 * the light can only be released or filled again.
 */
int light_from_stanza(struct span stanza, enum package_kind kind,
    size_t first_line, struct light *ret, struct error *err) MUST_CHECK;
/* Lends the record until w is used again. */
int light_encode(const struct light *l, struct record_writer *w,
    struct span *ret) MUST_CHECK;
/* r is zeroed or was used before; the light's spans point into bytes.
 * -EBADMSG; -EPROTO. */
int light_decode(
    struct span bytes, struct record *r, struct light *ret) MUST_CHECK;
/* The same of kind, name, version and architecture alone, or of files: in half
 * the time, for those who go through all packages.  The rest is empty. */
int light_decode_name(
    struct span bytes, struct record *r, struct light *ret) MUST_CHECK;
int light_decode_files(
    struct span bytes, struct record *r, struct light *ret) MUST_CHECK;

/*
 * A decoded light record with what it is decoded from; spans are valid until
 * the transaction ends or the next package_light() into it.  A zeroed struct
 * is empty; the memory is reused from one call to the next.
 */
struct package {
	uint64_t number;
	struct light light;
	struct record record;
};
/* -ENOENT: no such package; -EIO: its record is damaged. */
int package_light(struct txn *t, uint64_t number, struct package *p) MUST_CHECK;
/* What light_decode_name() and light_decode_files() fill in. */
int package_name(struct txn *t, uint64_t number, struct package *p) MUST_CHECK;
int package_files(struct txn *t, uint64_t number, struct package *p) MUST_CHECK;
typedef int package_read_fn(struct txn *t, uint64_t number, struct package *p);
void package_release(struct package *p);

/* -ENOENT: a stanza of these bytes is not in the store. */
int package_find(
    struct txn *t, const struct digest *stanza, uint64_t *ret) MUST_CHECK;

/*
 * What is needed to store one new stanza, made without the write lock.
 * heavy is the compressed stanza; see store/heavy.h.
 */
struct package_new {
	struct digest digest;		  /* of the stanza's bytes */
	struct span light;		  /* encoded */
	struct span heavy;		  /* encoded */
	const struct package_file *files; /* what the light says */
	size_t nfiles;
};
/* Stores it (and the blobs of its files), or finds it there; in either case
 * *ret is its number. */
int package_put(
    struct txn *t, const struct package_new *p, uint64_t *ret) MUST_CHECK;
/*
 * As package_put() for n at once, which costs less: numbers[i] is that of
 * p[i], given in the order in which they stand.  Returns how many were new.
 */
int package_put_all(struct txn *t, const struct package_new *p, size_t n,
    uint64_t *numbers, struct error *err) MUST_CHECK;

/* The value of a field of the stanza, where the light record has it as it
 * stands there (empty: it has none).  False: only the stanza can tell. */
bool light_field(const struct light *l, struct span name, struct span *ret);
/* name_version_architecture, as listings write it. */
int package_add_name(const struct light *l, struct buf *b);

#endif
