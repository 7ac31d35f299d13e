#ifndef FS_INODE_H
#define FS_INODE_H

/*
 * Inode numbers: what they are made of.  The top four bits are a kind.
 *
 *   0	    1 is /, 2 /snapshots, 3 /mirrors
 *   1..5   a file: its content's kind; 60 bits of the content's number
 *   6	    a keyring: 60 bits of its SHA-256
 *   8	    a directory: 28 bits of a root's number, 2 of the part of the
 *	    archive (enum archive_part), 30 of the index in its catalog
 *   9	    the directory of a prefix: 60 bits of the hash of its path
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/span.h"
#include "store/content.h"

#define INO_ROOT      UINT64_C(1)
#define INO_SNAPSHOTS UINT64_C(2)
#define INO_MIRRORS   UINT64_C(3)

#define INO_KIND_BIT 60
#define INO_LOW	     ((UINT64_C(1) << INO_KIND_BIT) - 1)

enum ino_kind {
	INO_TOP = 0,
	INO_KEYRING = 6,
	INO_DIR = 8,
	INO_PREFIX = 9,
};

#define INO_MAX_ROOT ((UINT64_C(1) << 28) - 1)

struct ino_dir {
	uint64_t root;
	unsigned part;
	uint32_t index;
};

static inline unsigned
ino_kind(uint64_t ino)
{
	return (unsigned)(ino >> INO_KIND_BIT);
}

static inline bool
ino_is_file(uint64_t ino)
{
	return ino_kind(ino) >= CONTENT_LIST && ino_kind(ino) <= INO_KEYRING;
}

/* Directories whose entries change. */
static inline bool
ino_is_top(uint64_t ino)
{
	return ino_kind(ino) == INO_TOP || ino_kind(ino) == INO_PREFIX;
}

static inline uint64_t
ino_of_content(struct content c)
{
	return (uint64_t)c.kind << INO_KIND_BIT | (c.number & INO_LOW);
}

static inline struct content
ino_content(uint64_t ino)
{
	return (struct content){
	    (enum content_kind)ino_kind(ino), ino & INO_LOW};
}

static inline uint64_t
ino_of_dir(uint64_t root, unsigned part, uint32_t index)
{
	return (uint64_t)INO_DIR << INO_KIND_BIT | (root & INO_MAX_ROOT) << 32 |
	       (uint64_t)(part & 3) << 30 | (index & 0x3fffffff);
}

static inline struct ino_dir
ino_dir(uint64_t ino)
{
	return (struct ino_dir){
	    .root = ino >> 32 & INO_MAX_ROOT,
	    .part = (unsigned)(ino >> 30 & 3),
	    .index = (uint32_t)(ino & 0x3fffffff),
	};
}

static inline uint64_t
ino_of_digest(enum ino_kind kind, const struct digest *d)
{
	uint64_t low = 0;

	for (int i = 0; i < 8; i++)
		low = low << 8 | d->byte[i];
	return (uint64_t)kind << INO_KIND_BIT | (low & INO_LOW);
}

/* The directory of a prefix; "" is the mount's root. */
static inline uint64_t
ino_of_prefix(struct span prefix)
{
	struct digest d;

	if (prefix.len == 0)
		return INO_ROOT;
	digest_of(prefix.ptr, prefix.len, &d);
	return ino_of_digest(INO_PREFIX, &d);
}

#endif
