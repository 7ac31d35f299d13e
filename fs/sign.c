#include "fs/sign.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/gnupg.h"

#define PASSPHRASE_FILE_MAX 65536 /* bytes */
#define PASSPHRASE_MAX	    1023  /* bytes of its first line */
#define SIGNERS_MAX	    16

struct signer {
	gpgme_ctx_t ctx;
	char *passphrase; /* NULL: the agent asks */
	gpgme_key_t *keys;
	size_t nkeys;
	bool by_default; /* gpg chooses the key; known once it has signed */
};

static void
wipe_free(char *secret)
{
	if (!secret)
		return;
	explicit_bzero(secret, strlen(secret));
	free(secret);
}

static void
wipe_buf(struct buf *b)
{
	if (b->ptr)
		explicit_bzero(b->ptr, b->cap);
	buf_release(b);
}

/* The errors that need words of their own. */
static const struct {
	gpg_err_code_t code;
	int r;
	const char *why;
} causes[] = {
    {GPG_ERR_BAD_PASSPHRASE, -EKEYREJECTED, "wrong passphrase"},
    {GPG_ERR_CANCELED, -EKEYREJECTED,
	"the agent was not given a passphrase; see --passphrase-file"},
    {GPG_ERR_FULLY_CANCELED, -EKEYREJECTED,
	"the agent was not given a passphrase; see --passphrase-file"},
    {GPG_ERR_TIMEOUT, -EKEYREJECTED,
	"nobody gave the agent a passphrase in time; see --passphrase-file"},
    {GPG_ERR_ENOTTY, -EKEYREJECTED,
	"the agent has no terminal to ask for the passphrase; "
	"use --passphrase-file or set GPG_TTY"},
    {GPG_ERR_NO_PIN_ENTRY, -EKEYREJECTED,
	"the agent has no pinentry to ask for the passphrase; "
	"use --passphrase-file"},
    {GPG_ERR_PIN_ENTRY, -EKEYREJECTED,
	"the agent can't ask for the passphrase; use --passphrase-file"},
    {GPG_ERR_NO_PASSPHRASE, -EKEYREJECTED,
	"the agent can't ask for the passphrase; use --passphrase-file"},
    {GPG_ERR_KEY_EXPIRED, -EKEYEXPIRED, "the key has expired"},
    {GPG_ERR_CERT_REVOKED, -EKEYREVOKED, "the key has been revoked"},
    {GPG_ERR_NO_SECKEY, -ENOKEY, "there is no secret key"},
    {GPG_ERR_UNUSABLE_SECKEY, -ENOKEY, "the secret key can't sign"},
    {GPG_ERR_NO_AGENT, -EIO, "gpg-agent could not be started"},
};

static int
gpg_failed(gpgme_error_t e, struct error *err, const char *what)
{
	if (gpgme_err_code(e) == GPG_ERR_ENOMEM)
		return error_sys(err, -ENOMEM, "%s", what);
	for (size_t i = 0; i < ARRAY_LEN(causes); i++)
		if (gpgme_err_code(e) == causes[i].code)
			return error_set(
			    err, causes[i].r, "%s: %s", what, causes[i].why);
	return error_set(err, -EIO, "%s: gpg: %s", what, gpgme_strerror(e));
}

/* gpg asks once per signature; that it asks again means that it was wrong. */
static gpgme_error_t
give_passphrase(void *hook, const char *uid_hint, const char *info,
    int prev_was_bad, int fd)
{
	const struct signer *s = hook;
	size_t len = strlen(s->passphrase);

	(void)uid_hint;
	(void)info;
	if (prev_was_bad)
		return gpgme_error(GPG_ERR_BAD_PASSPHRASE);
	if (gpgme_io_writen(fd, s->passphrase, len) < 0 ||
	    gpgme_io_writen(fd, "\n", 1) < 0)
		return gpgme_error_from_errno(errno);
	return 0;
}

static int
read_passphrase(struct signer *s, const char *name, struct error *err)
{
	CLEANUP(wipe_buf) struct buf text = {0};
	struct span rest, line = {0};
	int r;

	/* Growing would leave copies behind that nobody wipes. */
	if (buf_reserve(&text, PASSPHRASE_FILE_MAX + 1) < 0)
		return error_sys(err, -ENOMEM, "%s", name);
	r = file_read(AT_FDCWD, name, PASSPHRASE_FILE_MAX, &text, err);
	if (r < 0)
		return r;
	rest = buf_span(&text);
	(void)span_cut(&rest, '\n', &line);
	if (span_ends(line, SPAN("\r")))
		line.len--;
	if (line.len > PASSPHRASE_MAX)
		return error_set(
		    err, -E2BIG, "%s: the passphrase is too long", name);
	if (line.len > 0 && memchr(line.ptr, '\0', line.len))
		return error_set(
		    err, -EINVAL, "%s: the passphrase has a NUL byte", name);
	s->passphrase = span_dup(line);
	if (!s->passphrase)
		return error_sys(err, -ENOMEM, "%s", name);
	return 0;
}

/* What keeps a key from signing: 0 for nothing. */
static int
key_usable(const struct _gpgme_key *key)
{
	if (key->revoked)
		return -EKEYREVOKED;
	if (key->expired)
		return -EKEYEXPIRED;
	for (gpgme_subkey_t k = key->subkeys; k; k = k->next)
		if (k->can_sign && k->secret && !k->revoked && !k->expired &&
		    !k->disabled && !k->invalid)
			return 0;
	/* Say why there is none, where all that could sign have ended. */
	for (gpgme_subkey_t k = key->subkeys; k; k = k->next)
		if (k->can_sign && k->secret && k->expired)
			return -EKEYEXPIRED;
	return -ENOKEY;
}

static int
refuse(int r, const char *wanted, struct error *err)
{
	switch (r) {
	case -EKEYREVOKED:
		return error_set(err, r, "the key %s has been revoked", wanted);
	case -EKEYEXPIRED:
		return error_set(err, r, "the key %s has expired", wanted);
	default:
		return error_set(err, -ENOKEY,
		    "there is no secret key %s that can sign", wanted);
	}
}

struct search {
	gpgme_key_t found;
	size_t usable; /* count */
	int why;       /* why the last of the others can't be used */
};

static void
search_release(struct search *f)
{
	if (f->found)
		gpgme_key_unref(f->found);
}

/* Looks through the secret keys that match, or all of them. */
static int
search_keys(
    struct signer *s, const char *wanted, struct search *f, struct error *err)
{
	gpgme_error_t e = gpgme_op_keylist_start(s->ctx, wanted, 1);
	gpgme_key_t key;

	f->why = -ENOKEY;
	for (; !e; gpgme_key_unref(key)) {
		int r;

		e = gpgme_op_keylist_next(s->ctx, &key);
		if (e)
			break;
		r = key_usable(key);
		if (r < 0) {
			f->why = r;
			continue;
		}
		if (f->usable++ == 0) {
			gpgme_key_ref(key);
			f->found = key;
		}
	}
	(void)gpgme_op_keylist_end(s->ctx);
	if (gpgme_err_code(e) == GPG_ERR_EOF)
		return 0;
	return gpg_failed(e, err, "cannot list the secret keys");
}

static int
use_key(struct signer *s, gpgme_key_t key, struct error *err)
{
	gpgme_error_t e = gpgme_signers_add(s->ctx, key);

	if (e)
		return gpg_failed(e, err, key->fpr);
	gpgme_key_ref(key);
	s->keys[s->nkeys++] = key;
	return 0;
}

static int
add_key(struct signer *s, const char *wanted, struct error *err)
{
	CLEANUP(search_release) struct search f = {0};
	int r = search_keys(s, wanted, &f, err);

	if (r < 0)
		return r;
	if (!f.found)
		return refuse(f.why, wanted, err);
	if (f.usable > 1)
		return error_set(err, -EINVAL,
		    "%zu secret keys match %s: name one by its fingerprint",
		    f.usable, wanted);
	for (size_t i = 0; i < s->nkeys; i++) {
		const struct _gpgme_key *have = s->keys[i];

		if (have && strcmp(have->fpr, f.found->fpr) == 0)
			return 0;
	}
	return use_key(s, f.found, err);
}

/*
 * Which of several keys is the default is gpg's to know (default-key in its
 * configuration), so it is left to gpg then.
 */
static int
add_default(struct signer *s, struct error *err)
{
	CLEANUP(search_release) struct search f = {0};
	int r = search_keys(s, NULL, &f, err);

	if (r < 0)
		return r;
	s->by_default = f.usable > 1;
	if (f.found && f.usable == 1)
		return use_key(s, f.found, err);
	if (f.usable > 1)
		return 0;
	if (f.why == -EKEYEXPIRED)
		return error_set(err, f.why, "your secret key has expired");
	if (f.why == -EKEYREVOKED)
		return error_set(
		    err, f.why, "your secret key has been revoked");
	return error_set(err, -ENOKEY,
	    "there is no secret key to sign with: make one with "
	    "gpg --quick-generate-key, or use --skip-signing");
}

static int
add_keys(struct signer *s, const struct strs *keys, struct error *err)
{
	if (keys->n > SIGNERS_MAX)
		return error_set(
		    err, -E2BIG, "more than %d signing keys", SIGNERS_MAX);
	s->keys = calloc(keys->n + 1, sizeof(gpgme_key_t));
	if (!s->keys)
		return error_sys(err, -ENOMEM, "cannot prepare signing");
	if (keys->n == 0)
		return add_default(s, err);
	for (size_t i = 0; i < keys->n; i++) {
		int r = add_key(s, keys->v[i], err);

		if (r < 0)
			return r;
	}
	return 0;
}

static int
open_context(struct signer *s, struct error *err)
{
	gpgme_error_t e = gnupg_start();

	if (e)
		return error_set(err, -EIO,
		    "cannot sign: gpg is not installed (%s)",
		    gpgme_strerror(e));
	e = gpgme_new(&s->ctx);
	if (e)
		return gpg_failed(e, err, "cannot prepare signing");
	(void)gpgme_set_protocol(s->ctx, GPGME_PROTOCOL_OpenPGP);
	gpgme_set_textmode(s->ctx, 0);
	gpgme_set_offline(s->ctx, 1);
	return 0;
}

int
signer_new(const struct strs *keys, const char *passphrase_file,
    struct signer **ret, struct error *err)
{
	CLEANUP(signer_cleanup) struct signer *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return error_sys(err, -ENOMEM, "cannot prepare signing");
	r = open_context(s, err);
	if (r < 0)
		return r;
	if (passphrase_file) {
		r = read_passphrase(s, passphrase_file, err);
		if (r < 0)
			return r;
		(void)gpgme_set_pinentry_mode(
		    s->ctx, GPGME_PINENTRY_MODE_LOOPBACK);
		gpgme_set_passphrase_cb(s->ctx, give_passphrase, s);
	}
	r = add_keys(s, keys, err);
	if (r < 0)
		return r;
	*ret = TAKE(s);
	return 0;
}

void
signer_free(struct signer *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->nkeys; i++)
		gpgme_key_unref(s->keys[i]);
	free(s->keys);
	if (s->ctx)
		gpgme_release(s->ctx);
	wipe_free(s->passphrase);
	free(s);
}

static void
data_release(gpgme_data_t *d)
{
	if (*d)
		gpgme_data_release(*d);
}

/* Adds what a data object holds to out and releases it. */
static int
take_data(gpgme_data_t *d, struct buf *out)
{
	size_t len;
	char *ptr = gpgme_data_release_and_get_mem(TAKE(*d), &len);
	int r = ptr ? buf_add(out, ptr, len) : -ENOMEM;

	gpgme_free(ptr);
	return r;
}

/* gpg names the key that it chose; from then on it is one of ours. */
static int
learn_default(struct signer *s, struct error *err)
{
	gpgme_sign_result_t result = gpgme_op_sign_result(s->ctx);
	gpgme_error_t e;

	if (!s->by_default || s->nkeys > 0)
		return 0;
	if (!result || !result->signatures)
		return error_set(err, -EIO, "gpg made no signature");
	e = gpgme_get_key(s->ctx, result->signatures->fpr, &s->keys[0], 0);
	if (e)
		return gpg_failed(e, err, "cannot look up the signing key");
	s->nkeys = 1;
	return 0;
}

static int
sign(struct signer *s, struct span text, gpgme_sig_mode_t mode, struct buf *out,
    struct error *err)
{
	CLEANUP(data_release) gpgme_data_t plain = NULL;
	CLEANUP(data_release) gpgme_data_t sig = NULL;
	gpgme_error_t e;
	int r;

	e = gpgme_data_new_from_mem(&plain, text.ptr, text.len, 0);
	if (!e)
		e = gpgme_data_new(&sig);
	if (!e) {
		gpgme_set_armor(s->ctx, 1);
		e = gpgme_op_sign(s->ctx, plain, sig, mode);
	}
	if (e)
		return gpg_failed(e, err, "cannot sign");
	r = learn_default(s, err);
	if (r < 0)
		return r;
	r = take_data(&sig, out);
	return r < 0 ? error_sys(err, r, "cannot sign") : 0;
}

int
sign_inline(
    struct signer *s, struct span text, struct buf *out, struct error *err)
{
	return sign(s, text, GPGME_SIG_MODE_CLEAR, out, err);
}

int
sign_detached(
    struct signer *s, struct span text, struct buf *out, struct error *err)
{
	return sign(s, text, GPGME_SIG_MODE_DETACH, out, err);
}

static int
export_key(
    struct signer *s, gpgme_key_t key, struct buf *out, struct error *err)
{
	CLEANUP(data_release) gpgme_data_t data = NULL;
	gpgme_error_t e = gpgme_data_new(&data);
	int r;

	if (!e) {
		gpgme_set_armor(s->ctx, 0);
		e = gpgme_op_export(
		    s->ctx, key->fpr, GPGME_EXPORT_MODE_MINIMAL, data);
	}
	if (e)
		return gpg_failed(e, err, "cannot export the public key");
	r = take_data(&data, out);
	if (r < 0)
		return error_sys(err, r, "cannot export the public key");
	if (out->len == 0)
		return error_set(
		    err, -ENOKEY, "there is no public key %s", key->fpr);
	return 0;
}

bool
signer_knows_keys(const struct signer *s)
{
	return !s->by_default || s->nkeys > 0;
}

int
signer_each_key(
    struct signer *s, signer_key_fn *fn, void *arg, struct error *err)
{
	CLEANUP(buf_release) struct buf scratch = {0};
	int r;

	if (!signer_knows_keys(s)) {
		r = sign_detached(s, SPAN("\n"), &scratch, err);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < s->nkeys; i++) {
		buf_clear(&scratch);
		r = export_key(s, s->keys[i], &scratch, err);
		if (r < 0)
			return r;
		r = fn(arg, s->keys[i]->fpr, buf_span(&scratch));
		if (r < 0)
			return r;
	}
	return 0;
}
