#ifndef MIRROR_VERIFY_H
#define MIRROR_VERIFY_H

/*
 * Signatures of Release files, checked through gpgme against given keyrings
 * alone, in a private GnuPG home that is made and removed here.
 *
 * Accepted is what has at least one good signature by a key of the keyrings
 * and no bad one; signatures by keys that are not in them, and such with SHA-1
 * or older digests, don't count.  A verifier serves one thread at a time; the
 * first verifier_new() of a process must not run beside another.
 */

#include "base/buf.h"
#include "base/error.h"
#include "base/strs.h"

#define KEYRING_MAX (16 * 1024 * 1024) /* bytes of a keyring file */

struct verifier;

/*
 * Reads the keyrings (binary or armoured key files).  -ENOENT, -EACCES: a file
 * can't be read; -EBADMSG: it has no keys; -EIO: gpg failed.
 */
int verifier_new(const struct strs *keyrings, struct verifier **ret,
    struct error *err) MUST_CHECK;
void verifier_free(struct verifier *v);
/* The SHA-256 of each keyring file as it was read, as hexadecimal. */
const struct strs *verifier_hashes(const struct verifier *v);
static inline void
verifier_cleanup(struct verifier **v)
{
	verifier_free(*v);
}

/*
 * Checks an InRelease file and adds the signed text to plain; nothing else
 * of the file may be used.  The text has LF line ends and no blanks before
 * them.  -EBADMSG: not one clearsigned message, or text
 * stands outside it; -ENOKEY, -EKEYREJECTED, -EKEYEXPIRED, -EKEYREVOKED: see
 * base/error.h.  Fingerprints of the good signatures' primary keys are added
 * to signers.  name is for messages (the URL).
 */
int verify_inline(struct verifier *v, struct span bytes, const char *name,
    struct buf *plain, struct strs *signers, struct error *err) MUST_CHECK;
/* Checks a detached signature (Release.gpg, armoured or binary). */
int verify_detached(struct verifier *v, struct span bytes, struct span sig,
    const char *name, struct strs *signers, struct error *err) MUST_CHECK;

/* The text of a clearsigned message without any check of the signature, for
 * --allow-unsigned.  -EBADMSG. */
int verify_strip(struct span bytes, const char *name, struct buf *plain,
    struct error *err) MUST_CHECK;

#endif
