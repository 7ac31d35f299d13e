#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <gpgme.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "fs/sign.h"

/*
 * Each test has a private GnuPG home with throw-away keys; its agent ends with
 * it.
 */

#define GPG "gpg --homedir \"$GNUPGHOME\" --batch -q --pinentry-mode loopback "

struct home {
	char dir[64];
	char passphrase[96], wrong[96]; /* file names */
};

static void
run(const char *command)
{
	assert_int_equal(system(command), 0);
}

static void
write_line(char *name, size_t size, const char *dir, const char *line)
{
	FILE *f;

	assert_true(snprintf(name, size, "%s/%s", dir, line) < (int)size);
	f = fopen(name, "we");
	assert_non_null(f);
	assert_true(fprintf(f, "%s\nanother line\n", line) > 0);
	assert_int_equal(fclose(f), 0);
}

static int
setup(void **state)
{
	struct home *h = calloc(1, sizeof(*h));

	assert_non_null(h);
	(void)strcpy(h->dir, "/tmp/sfsign.XXXXXX");
	assert_non_null(mkdtemp(h->dir));
	assert_int_equal(setenv("GNUPGHOME", h->dir, 1), 0);
	assert_int_equal(unsetenv("GPG_TTY"), 0);
	write_line(h->passphrase, sizeof(h->passphrase), h->dir, "sesame");
	write_line(h->wrong, sizeof(h->wrong), h->dir, "porridge");
	*state = h;
	return 0;
}

static int
teardown(void **state)
{
	struct home *h = *state;

	run("gpgconf --homedir \"$GNUPGHOME\" --kill all");
	run("rm -rf \"$GNUPGHOME\"");
	free(h);
	return 0;
}

static void
make_open_key(const char *user)
{
	char command[256];

	(void)snprintf(command, sizeof(command),
	    GPG "--passphrase '' --quick-generate-key '%s' ed25519 sign 2d",
	    user);
	run(command);
}

static void
make_locked_key(const char *user)
{
	char command[256];

	(void)snprintf(command, sizeof(command),
	    GPG "--passphrase sesame --quick-generate-key '%s' ed25519 "
		"sign 2d",
	    user);
	run(command);
}

static void
make_expired_key(const char *user)
{
	char command[256];

	(void)snprintf(command, sizeof(command),
	    GPG "--faked-system-time 20200101T000000 --passphrase '' "
		"--quick-generate-key '%s' ed25519 sign 2d 2>/dev/null",
	    user);
	run(command);
}

static void
kill_agent(void)
{
	run("gpgconf --homedir \"$GNUPGHOME\" --kill gpg-agent");
}

static int
open_signer(const char *keys, const char *passphrase_file, struct signer **ret,
    struct error *err)
{
	struct strs list = {0};
	int r;

	assert_int_equal(strs_add_split(&list, span_of(keys), ','), 0);
	r = signer_new(&list, passphrase_file, ret, err);
	strs_release(&list);
	return r;
}

/* The number of good signatures by keys of the home; *plain gets the text. */
static int
good_signatures(struct span sig, struct span text, struct buf *plain)
{
	gpgme_ctx_t ctx;
	gpgme_data_t s, t;
	gpgme_verify_result_t result;
	size_t len;
	char *ptr;
	int n = 0;

	assert_int_equal(gpgme_new(&ctx), 0);
	assert_int_equal(gpgme_data_new_from_mem(&s, sig.ptr, sig.len, 0), 0);
	if (plain)
		assert_int_equal(gpgme_data_new(&t), 0);
	else
		assert_int_equal(
		    gpgme_data_new_from_mem(&t, text.ptr, text.len, 0), 0);
	assert_int_equal(
	    gpgme_op_verify(ctx, s, plain ? NULL : t, plain ? t : NULL), 0);
	result = gpgme_op_verify_result(ctx);
	for (gpgme_signature_t g = result->signatures; g; g = g->next) {
		assert_int_equal(gpgme_err_code(g->status), 0);
		assert_true(g->hash_algo == GPGME_MD_SHA256 ||
			    g->hash_algo == GPGME_MD_SHA512);
		n++;
	}
	ptr = gpgme_data_release_and_get_mem(t, &len);
	if (plain)
		assert_int_equal(buf_add(plain, ptr, len), 0);
	gpgme_free(ptr);
	gpgme_data_release(s);
	gpgme_release(ctx);
	return n;
}

static void
assert_signs(struct signer *s, int signatures)
{
	const struct span text = SPAN("Origin: x\n- a dash\n");
	struct buf in = {0}, detached = {0}, plain = {0};
	struct error err;

	assert_int_equal(sign_inline(s, text, &in, &err), 0);
	assert_int_equal(sign_detached(s, text, &detached, &err), 0);
	assert_true(span_starts(
	    buf_span(&in), SPAN("-----BEGIN PGP SIGNED MESSAGE-----\n")));
	assert_true(span_starts(
	    buf_span(&detached), SPAN("-----BEGIN PGP SIGNATURE-----\n")));
	assert_int_equal(
	    good_signatures(buf_span(&in), (struct span){0}, &plain),
	    signatures);
	assert_true(span_eq(buf_span(&plain), text));
	assert_int_equal(
	    good_signatures(buf_span(&detached), text, NULL), signatures);
	buf_release(&in);
	buf_release(&detached);
	buf_release(&plain);
}

static int
collect_key(void *arg, const char *fingerprint, struct span key)
{
	assert_int_equal(strlen(fingerprint), 40);
	/* A public key packet, not armoured. */
	assert_true(key.len > 40 && (key.ptr[0] & 0x80));
	return strs_add(arg, span_of(fingerprint));
}

static size_t
count_keys(struct signer *s)
{
	struct strs keys = {0};
	struct error err;
	size_t n;

	assert_int_equal(signer_each_key(s, collect_key, &keys, &err), 0);
	n = keys.n;
	strs_release(&keys);
	return n;
}

static void
test_signer_new_default_key(void **state)
{
	struct signer *s;
	struct error err;

	(void)state;
	make_open_key("one@example.org");
	assert_int_equal(open_signer("", NULL, &s, &err), 0);
	assert_signs(s, 1);
	assert_int_equal(count_keys(s), 1);
	signer_free(s);
}

/* gpg chooses among several keys; which one is known before anything was
 * signed. */
static void
test_signer_each_key_default_unsigned(void **state)
{
	struct signer *s;
	struct error err;

	(void)state;
	make_open_key("one@example.org");
	make_open_key("two@example.org");
	assert_int_equal(open_signer("", NULL, &s, &err), 0);
	assert_int_equal(count_keys(s), 1);
	assert_signs(s, 1);
	assert_int_equal(count_keys(s), 1);
	signer_free(s);
}

static void
test_signer_new_two_signers(void **state)
{
	struct signer *s;
	struct error err;

	(void)state;
	make_open_key("one@example.org");
	make_open_key("two@example.org");
	assert_int_equal(
	    open_signer("one@example.org,two@example.org,one@example.org", NULL,
		&s, &err),
	    0);
	assert_signs(s, 2);
	assert_int_equal(count_keys(s), 2);
	signer_free(s);
}

static void
test_signer_new_passphrase_file(void **state)
{
	struct home *h = *state;
	struct signer *s;
	struct error err;

	make_locked_key("locked@example.org");
	kill_agent();
	assert_int_equal(
	    open_signer("locked@example.org", h->passphrase, &s, &err), 0);
	assert_signs(s, 1);
	signer_free(s);
}

static void
test_sign_refused(void **state)
{
	struct home *h = *state;
	/* {passphrase file, what the text says} */
	const struct {
		const char *file, *text;
	} cases[] = {
	    {h->wrong, "wrong passphrase"},
	    {NULL, "--passphrase-file"},
	};

	make_locked_key("locked@example.org");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct signer *s;
		struct error err;
		struct buf out = {0};

		kill_agent();
		assert_int_equal(
		    open_signer("locked@example.org", cases[i].file, &s, &err),
		    0);
		assert_int_equal(
		    sign_inline(s, SPAN("x\n"), &out, &err), -EKEYREJECTED);
		assert_non_null(strstr(err.text, cases[i].text));
		assert_int_equal(out.len, 0);
		signer_free(s);
	}
}

static void
test_signer_new_bad_keys(void **state)
{
	static const struct {
		const char *keys;
		int r;
		const char *text;
	} cases[] = {
	    {"nobody@example.org", -ENOKEY, "nobody@example.org"},
	    {"old@example.org", -EKEYEXPIRED, "old@example.org"},
	    {"twin@example.org", -EINVAL, "2 secret keys"},
	    {"one@example.org,nobody@example.org", -ENOKEY, "nobody@"},
	};

	(void)state;
	make_open_key("one@example.org");
	make_open_key("A <twin@example.org>");
	make_open_key("B <twin@example.org>");
	make_expired_key("old@example.org");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct signer *s = NULL;
		struct error err;

		assert_int_equal(
		    open_signer(cases[i].keys, NULL, &s, &err), cases[i].r);
		assert_non_null(strstr(err.text, cases[i].text));
		assert_null(s);
	}
}

static void
test_signer_new_no_usable_key(void **state)
{
	struct signer *s = NULL;
	struct error err;

	(void)state;
	assert_int_equal(open_signer("", NULL, &s, &err), -ENOKEY);
	assert_non_null(strstr(err.text, "--skip-signing"));
	make_expired_key("old@example.org");
	assert_int_equal(open_signer("", NULL, &s, &err), -EKEYEXPIRED);
}

static void
test_signer_new_passphrase_file_missing(void **state)
{
	struct signer *s = NULL;
	struct error err;

	(void)state;
	assert_int_equal(
	    open_signer("", "/nonexistent/file", &s, &err), -ENOENT);
	assert_non_null(strstr(err.text, "/nonexistent/file"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_signer_new_default_key),
	    TEST(test_signer_each_key_default_unsigned),
	    TEST(test_signer_new_two_signers),
	    TEST(test_signer_new_passphrase_file),
	    TEST(test_sign_refused),
	    TEST(test_signer_new_bad_keys),
	    TEST(test_signer_new_no_usable_key),
	    TEST(test_signer_new_passphrase_file_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
