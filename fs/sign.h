#ifndef FS_SIGN_H
#define FS_SIGN_H

/*
 * Signatures through gpgme with the user's own GnuPG home and agent.  Never
 * called by the mount.
 */

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/strs.h"

struct signer;

/*
 * Looks up the secret keys (fingerprints, key IDs or addresses; empty: the
 * default key).  passphrase_file: its first line unlocks the keys; NULL: the
 * agent asks.  -ENOKEY: no such secret key (err names it); -EKEYEXPIRED,
 * -EKEYREVOKED; -EIO.
 */
int signer_new(const struct strs *keys, const char *passphrase_file,
    struct signer **ret, struct error *err) MUST_CHECK;
void signer_free(struct signer *s);
static inline void
signer_cleanup(struct signer **s)
{
	signer_free(*s);
}
/* Clear-signed (InRelease) and detached, armoured (Release.gpg).
 * -EKEYREJECTED: a wrong passphrase, or the agent refused. */
int sign_inline(struct signer *s, struct span text, struct buf *out,
    struct error *err) MUST_CHECK;
int sign_detached(struct signer *s, struct span text, struct buf *out,
    struct error *err) MUST_CHECK;

/* False until gpg has chosen the default key: it does by signing. */
bool signer_knows_keys(const struct signer *s);
typedef int signer_key_fn(
    void *arg, const char *fingerprint, struct span public_key);
/* The public part of each key, in binary. */
int signer_each_key(struct signer *s, signer_key_fn *fn, void *arg,
    struct error *err) MUST_CHECK;

#endif
