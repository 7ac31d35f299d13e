#ifndef STORE_CONTENT_H
#define STORE_CONTENT_H

/*
 * Everything that the tree can serve as a file is a content: bytes of known
 * size and SHA-256, with a kind that says how they are made and a number
 * within the kind.  (kind, number) is also the file's inode number, so that
 * one content is one inode wherever it stands, for ever.
 *
 * T_CONTENTS maps the SHA-256 of a content's bytes to it; where the same
 * bytes can be had in two ways (rendered from a list, or a blob), the map
 * names the one that needs no download.  Stanzas are not in the map.
 */

#include <stdint.h>

#include "base/hash.h"
#include "store/txn.h"

enum content_kind {
	CONTENT_LIST = 1,   /* a plain Packages or Sources, rendered */
	CONTENT_FORM = 2,   /* a compressed one, from cached pieces */
	CONTENT_TEXT = 3,   /* a small file kept in the database */
	CONTENT_BLOB = 4,   /* a file of the blob store */
	CONTENT_STANZA = 5, /* one package's stanza; number = package */
};

struct content {
	enum content_kind kind;
	uint64_t number;
};

/* -ENOENT: no content of that hash is known. */
int content_find(
    struct txn *t, const struct digest *sha256, struct content *ret) MUST_CHECK;
/* Enters or replaces. */
int content_put(
    struct txn *t, const struct digest *sha256, struct content c) MUST_CHECK;
/*
 * The same for a file whose size has been announced along with its hash.  An
 * index can lie about sizes, and one that is being read may turn out to be
 * forged; then one hash is announced with several sizes, of which at most one
 * can ever be had.  Such files are kept apart, so that no lie stands in the
 * way of the truth.
 */
int content_find_file(struct txn *t, const struct digest *sha256, uint64_t size,
    struct content *ret) MUST_CHECK;
int content_put_file(struct txn *t, const struct digest *sha256, uint64_t size,
    struct content c) MUST_CHECK;

/* What stat(2) needs.  -ENOENT: there is no such content (any more). */
struct content_info {
	uint64_t size; /* bytes */
	int64_t mtime;
	struct digest sha256; /* zero for a stanza */
};
int content_info(
    struct txn *t, struct content c, struct content_info *ret) MUST_CHECK;

#endif
