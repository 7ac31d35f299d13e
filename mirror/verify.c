#include "mirror/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/file.h"
#include "base/gnupg.h"
#include "base/hash.h"
#include "mirror/clearsign.h"
#include "mirror/gnupg_home.h"

#define BYTES_MAX (64 * 1024 * 1024) /* of what is verified */
#define SIGS_MAX  64		     /* signatures of one file */

struct verifier {
	char *home;
	gpgme_ctx_t ctx;
	/* Side by side: every key and subkey of the keyrings, and the primary
	 * key that it belongs to. */
	struct strs keys, primaries;
	struct strs hashes; /* of the keyring files, hexadecimal */
};

/* What the signatures of one file amount to. */
struct verdict {
	unsigned good, bad, expired, revoked, weak;
	struct buf why; /* what is wrong with those that don't count */
};

static void
cleanup_data(gpgme_data_t *d)
{
	if (*d)
		gpgme_data_release(*d);
}

static void
cleanup_key(gpgme_key_t *k)
{
	if (*k)
		gpgme_key_unref(*k);
}

static void
verdict_release(struct verdict *v)
{
	buf_release(&v->why);
}

static int
no_memory(struct error *err)
{
	return error_set(err, -ENOMEM, "out of memory");
}

/* For failures that say nothing about what was to be verified. */
static int
gpg_failed(struct error *err, const char *what, gpgme_error_t e)
{
	char text[128];

	if (gpgme_err_code(e) == GPG_ERR_ENOMEM)
		return no_memory(err);
	(void)gpgme_strerror_r(e, text, sizeof(text));
	return error_set(err, -EIO, "%s: gpg failed: %s", what, text);
}

static int
import(
    struct verifier *v, struct span bytes, const char *name, struct error *err)
{
	CLEANUP(cleanup_data) gpgme_data_t data = NULL;
	gpgme_error_t e = gpgme_data_new_from_mem(
	    &data, bytes.len ? bytes.ptr : "", bytes.len, 0);
	gpgme_import_result_t result;

	if (e)
		return gpg_failed(err, name, e);
	e = gpgme_op_import(v->ctx, data);
	if (gpgme_err_code(e) == GPG_ERR_INV_ENGINE)
		return gpg_failed(err, name, e);
	result = gpgme_op_import_result(v->ctx);
	if (!result)
		return gpg_failed(err, name, e);
	/* Keys that an earlier keyring had too are merely unchanged. */
	if (result->imported + result->unchanged + result->new_sub_keys +
		result->new_signatures + result->new_user_ids +
		result->new_revocations ==
	    0)
		return error_set(
		    err, -EBADMSG, "%s: no public keys in it", name);
	return 0;
}

static int
import_file(struct verifier *v, const char *name, struct error *err)
{
	CLEANUP(buf_release) struct buf bytes = {0};
	char hex[DIGEST_HEX_SIZE];
	struct digest digest;
	int r = file_read(AT_FDCWD, name, KEYRING_MAX, &bytes, err);

	if (r == -ENOENT || r == -EACCES || r == -ENOMEM)
		return r;
	if (r == -E2BIG)
		return error_set(
		    err, -EBADMSG, "%s: too long for a keyring", name);
	if (r < 0)
		return -EIO;
	r = import(v, buf_span(&bytes), name, err);
	if (r < 0)
		return r;
	digest_of(bytes.ptr, bytes.len, &digest);
	r = strs_add(&v->hashes, span_of(digest_hex(&digest, hex)));
	return r < 0 ? no_memory(err) : 0;
}

static int
note_key(struct verifier *v, gpgme_key_t key)
{
	for (gpgme_subkey_t s = key->subkeys; s; s = s->next) {
		int r;

		if (!s->fpr || !key->subkeys->fpr)
			continue;
		r = strs_add(&v->keys, span_of(s->fpr));
		if (r == 0)
			r = strs_add(&v->primaries, span_of(key->subkeys->fpr));
		if (r < 0)
			return r;
	}
	return 0;
}

static int
list_keys(struct verifier *v, struct error *err)
{
	gpgme_error_t e = gpgme_op_keylist_start(v->ctx, NULL, 0);

	if (e)
		return gpg_failed(err, "keyrings", e);
	for (;;) {
		CLEANUP(cleanup_key) gpgme_key_t key = NULL;

		e = gpgme_op_keylist_next(v->ctx, &key);
		if (gpgme_err_code(e) == GPG_ERR_EOF)
			return 0;
		if (e)
			return gpg_failed(err, "keyrings", e);
		if (note_key(v, key) < 0)
			return no_memory(err);
	}
}

static int
open_context(struct verifier *v, struct error *err)
{
	gpgme_error_t e = gnupg_start();

	if (!e)
		e = gpgme_new(&v->ctx);
	if (!e)
		e = gpgme_ctx_set_engine_info(
		    v->ctx, GPGME_PROTOCOL_OpenPGP, NULL, v->home);
	if (e)
		return gpg_failed(err, "signatures can't be checked", e);
	gpgme_set_offline(v->ctx, 1);
	return 0;
}

int
verifier_new(
    const struct strs *keyrings, struct verifier **ret, struct error *err)
{
	CLEANUP(verifier_cleanup) struct verifier *v = calloc(1, sizeof(*v));
	int r;

	if (!v)
		return no_memory(err);
	r = gnupg_home_make(&v->home, err);
	if (r < 0)
		return r;
	r = open_context(v, err);
	for (size_t i = 0; i < keyrings->n && r >= 0; i++)
		r = import_file(v, keyrings->v[i], err);
	if (r >= 0)
		r = list_keys(v, err);
	if (r < 0)
		return r;
	*ret = TAKE(v);
	return 0;
}

void
verifier_free(struct verifier *v)
{
	if (!v)
		return;
	if (v->ctx)
		gpgme_release(v->ctx);
	gnupg_home_remove(v->home);
	free(v->home);
	strs_release(&v->keys);
	strs_release(&v->primaries);
	strs_release(&v->hashes);
	free(v);
}

const struct strs *
verifier_hashes(const struct verifier *v)
{
	return &v->hashes;
}

/* The primary key that a fingerprint of a key or subkey belongs to, or NULL
 * where the keyrings don't have it. */
static const char *
primary_of(const struct verifier *v, const char *fpr)
{
	for (size_t i = 0; fpr && i < v->keys.n; i++) {
		if (strcmp(v->keys.v[i], fpr) == 0)
			return v->primaries.v[i];
	}
	return NULL;
}

/* Digests that apt does not accept either. */
static const char *
weak_digest(gpgme_hash_algo_t algo)
{
	switch (algo) {
	case GPGME_MD_NONE:
	case GPGME_MD_MD5:
	case GPGME_MD_SHA1:
	case GPGME_MD_RMD160:
	case GPGME_MD_MD2:
	case GPGME_MD_TIGER:
	case GPGME_MD_HAVAL:
	case GPGME_MD_MD4:
	case GPGME_MD_CRC32:
	case GPGME_MD_CRC32_RFC1510:
	case GPGME_MD_CRC24_RFC2440: {
		const char *name = gpgme_hash_algo_name(algo);

		return name ? name : "an unknown digest";
	}
	default:
		return NULL;
	}
}

static int
note(struct verdict *vd, const char *fpr, const char *why)
{
	return buf_addf(&vd->why, "%s%s %s", vd->why.len ? ", " : "",
	    fpr ? fpr : "unknown key", why);
}

static int
note_good(const struct verifier *v, gpgme_signature_t sig, struct verdict *vd,
    struct strs *signers)
{
	const char *primary = primary_of(v, sig->fpr);
	const char *weak;

	if (!primary)
		return note(vd, sig->fpr, "is not in the keyring");
	weak = weak_digest(sig->hash_algo);
	if (weak) {
		char why[64];

		vd->weak++;
		(void)snprintf(why, sizeof(why), "signed with %s", weak);
		return note(vd, sig->fpr, why);
	}
	vd->good++;
	if (strs_has(signers, span_of(primary)))
		return 0;
	return strs_add(signers, span_of(primary));
}

/*
 * By status alone: summary and validity stay 0 in a home without trust even
 * for the best signature, and gpg's exit status is 0 for an expired key.
 */
static int
note_signature(const struct verifier *v, gpgme_signature_t sig,
    struct verdict *vd, struct strs *signers)
{
	switch (gpgme_err_code(sig->status)) {
	case GPG_ERR_NO_ERROR:
		return note_good(v, sig, vd, signers);
	case GPG_ERR_NO_PUBKEY:
		return note(vd, sig->fpr, "is not in the keyring");
	case GPG_ERR_KEY_EXPIRED:
		vd->expired++;
		return note(vd, sig->fpr, "has expired");
	case GPG_ERR_SIG_EXPIRED:
		vd->expired++;
		return note(vd, sig->fpr, "made a signature that has expired");
	case GPG_ERR_CERT_REVOKED:
		vd->revoked++;
		return note(vd, sig->fpr, "has been revoked");
	case GPG_ERR_BAD_SIGNATURE:
		vd->bad++;
		return note(vd, sig->fpr, "did not sign this text");
	case GPG_ERR_DIGEST_ALGO:
	case GPG_ERR_UNSUPPORTED_ALGORITHM:
	case GPG_ERR_PUBKEY_ALGO:
		vd->weak++;
		return note(vd, sig->fpr, "signed with a refused algorithm");
	default:
		return note(vd, sig->fpr, "could not be checked");
	}
}

static int
judge(const struct verdict *vd, const char *name, struct error *err)
{
	const char *why = vd->why.len ? vd->why.ptr : "no signature";
	int r;

	if (vd->bad)
		return error_set(
		    err, -EKEYREJECTED, "%s: bad signature: %s", name, why);
	if (vd->good)
		return 0;
	r = vd->expired	  ? -EKEYEXPIRED
	    : vd->revoked ? -EKEYREVOKED
	    : vd->weak	  ? -EKEYREJECTED
			  : -ENOKEY;
	return error_set(err, r, "%s: no good signature: %s", name, why);
}

/* The signatures of the operation that ended with e. */
static int
check_signatures(const struct verifier *v, gpgme_error_t e, const char *name,
    struct strs *signers, struct error *err)
{
	CLEANUP(verdict_release) struct verdict vd = {0};
	gpgme_verify_result_t result = gpgme_op_verify_result(v->ctx);
	size_t n = 0;

	/* Two messages one after another: an error, yet good signatures. */
	switch (gpgme_err_code(e)) {
	case GPG_ERR_NO_ERROR:
		break;
	case GPG_ERR_NO_DATA:
	case GPG_ERR_BAD_DATA:
		return error_set(
		    err, -EBADMSG, "%s: no well-formed signature", name);
	default:
		return gpg_failed(err, name, e);
	}
	for (gpgme_signature_t s = result ? result->signatures : NULL; s;
	     s = s->next) {
		if (++n > SIGS_MAX)
			return error_set(err, -EBADMSG,
			    "%s: more than %d signatures", name, SIGS_MAX);
		if (note_signature(v, s, &vd, signers) < 0)
			return no_memory(err);
	}
	if (n == 0)
		return error_set(err, -EBADMSG, "%s: no signature", name);
	return judge(&vd, name, err);
}

/* As check_signatures(); signers get nothing unless all is well. */
static int
add_signers(const struct verifier *v, gpgme_error_t e, const char *name,
    struct strs *signers, struct error *err)
{
	CLEANUP(strs_release) struct strs good = {0};
	int r = check_signatures(v, e, name, &good, err);

	if (r < 0)
		return r;
	return strs_add_all(signers, &good) < 0 ? no_memory(err) : 0;
}

static int
check_length(struct span bytes, const char *name, struct error *err)
{
	if (bytes.len <= BYTES_MAX)
		return 0;
	return error_set(
	    err, -EBADMSG, "%s: longer than %d bytes", name, BYTES_MAX);
}

static int
data_of(struct span bytes, gpgme_data_t *ret, struct error *err)
{
	gpgme_error_t e = gpgme_data_new_from_mem(
	    ret, bytes.len ? bytes.ptr : "", bytes.len, 0);

	return e ? gpg_failed(err, "memory", e) : 0;
}

static int
take_plain(gpgme_data_t *data, struct buf *plain, struct error *err)
{
	size_t len = 0;
	size_t start = plain->len;
	char *ptr = gpgme_data_release_and_get_mem(TAKE(*data), &len);
	int r = clearsign_trim((struct span){ptr, len}, plain);

	if (r < 0)
		plain->len = start;
	gpgme_free(ptr);
	return r < 0 ? no_memory(err) : 0;
}

int
verify_inline(struct verifier *v, struct span bytes, const char *name,
    struct buf *plain, struct strs *signers, struct error *err)
{
	int r = check_length(bytes, name, err);
	CLEANUP(cleanup_data) gpgme_data_t in = NULL;
	CLEANUP(cleanup_data) gpgme_data_t out = NULL;
	gpgme_error_t e;

	if (r < 0)
		return r;
	r = clearsign_split(bytes, name, NULL, err);
	if (r < 0)
		return r;
	r = data_of(bytes, &in, err);
	if (r < 0)
		return r;
	if (gpgme_data_new(&out))
		return no_memory(err);
	e = gpgme_op_verify(v->ctx, in, NULL, out);
	r = add_signers(v, e, name, signers, err);
	if (r < 0)
		return r;
	return take_plain(&out, plain, err);
}

int
verify_detached(struct verifier *v, struct span bytes, struct span sig,
    const char *name, struct strs *signers, struct error *err)
{
	int r = check_length(bytes, name, err);
	CLEANUP(cleanup_data) gpgme_data_t text = NULL;
	CLEANUP(cleanup_data) gpgme_data_t signature = NULL;
	gpgme_error_t e;

	if (r >= 0)
		r = check_length(sig, name, err);
	if (r < 0)
		return r;
	r = data_of(bytes, &text, err);
	if (r >= 0)
		r = data_of(sig, &signature, err);
	if (r < 0)
		return r;
	e = gpgme_op_verify(v->ctx, signature, text, NULL);
	return add_signers(v, e, name, signers, err);
}

int
verify_strip(
    struct span bytes, const char *name, struct buf *plain, struct error *err)
{
	return clearsign_split(bytes, name, plain, err);
}
