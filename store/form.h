#ifndef STORE_FORM_H
#define STORE_FORM_H

/*
 * Forms: compressed renderings of a list, put together from one piece per
 * run.  A form knows its size and SHA-256; its bytes are the pieces one after
 * another (gzip members, zstd frames), or a head, the pieces and a tail (the
 * blocks of one xz stream).  Pieces are shared by all forms that have the run.
 */

#include <stdint.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/span.h"
#include "store/txn.h"

enum codec {
	CODEC_PLAIN = 0,
	CODEC_GZ = 1,
	CODEC_XZ = 2,
	CODEC_ZST = 3,
	CODEC_BZ2 = 4, /* read only */
};

struct form {
	uint64_t number;
	uint64_t list;
	enum codec codec;
	uint64_t size; /* bytes */
	int64_t mtime;
	struct digest sha256;
	size_t npieces;
	uint64_t *run;	       /* npieces run numbers */
	uint64_t *offset;      /* npieces + 1: where each piece begins */
	struct buf head, tail; /* what stands around the pieces, or nothing */
};

/* Looks for the form of a list.  -ENOENT. */
int form_find(
    struct txn *t, uint64_t list, enum codec codec, uint64_t *ret) MUST_CHECK;
int form_load(struct txn *t, uint64_t number, struct form *ret) MUST_CHECK;
void form_release(struct form *f);
/* The same without the pieces: what stat(2) needs, cheaply. */
int form_info(struct txn *t, uint64_t number, uint64_t *size, int64_t *mtime,
    struct digest *sha256) MUST_CHECK;
/* Stores a form made elsewhere, or finds it (number, mtime are filled in). */
int form_put(struct txn *t, struct form *f) MUST_CHECK;

/* -ENOENT where the run has not been compressed that way. */
int piece_get(
    struct txn *t, uint64_t run, enum codec codec, struct span *ret) MUST_CHECK;
int piece_put(struct txn *t, uint64_t run, enum codec codec,
    struct span bytes) MUST_CHECK;

/* "gz", "xz", ...; "" for CODEC_PLAIN.  And back: -EINVAL. */
const char *codec_suffix(enum codec codec);
int codec_parse(struct span suffix, enum codec *ret);
/* The codec that a file's name ends in, CODEC_PLAIN without one; *stem is the
 * name without it. */
enum codec codec_of_path(struct span path, struct span *stem);

#endif
