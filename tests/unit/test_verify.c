#include "mirror/verify.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/file.h"

#define FILE_MAX (1024 * 1024)

/* Throw-away keys: a and b good (b signs with a subkey), old expired in 2020,
 * gone revoked, out in no keyring. */
static const char make_keys[] =
    "set -e; mkdir -m 700 \"$GNUPGHOME\" tmp\n"
    "gpg() { command gpg --batch -q --no-tty --yes \"$@\" 2>>gpg.log; }\n"
    "key() { n=$1; shift; gpg --passphrase '' \"$@\" \\\n"
    "    --quick-gen-key \"$n <$n@example.org>\" rsa2048 sign never; }\n"
    "fpr() { command gpg --with-colons -k $1@example.org | \\\n"
    "    sed -n '/^fpr/{s/^fpr:*//;s/:$//;p;q}'; }\n"
    "key a --faked-system-time 20190101T000000!; key gone; key out\n"
    "gpg --passphrase '' --quick-gen-key 'b <b@example.org>' ed25519 cert \\\n"
    "    never\n"
    "gpg --passphrase '' --quick-add-key $(fpr b) ed25519 sign never\n"
    "gpg --passphrase '' --faked-system-time 20200101T000000! \\\n"
    "    --quick-gen-key 'old <old@example.org>' ed25519 sign 30d\n"
    "for k in a b gone out old; do fpr $k >$k.fpr; done\n"
    "printf 'Origin: x\\nSuite: y\\n\\n- dash  \\n' >text\n"
    "sign() { gpg --passphrase '' \"$@\" text; }\n"
    "sign -u a@ --clearsign -o a.in\n"
    "sign -u b@ --clearsign -o b.in\n"
    "sign -u a@ -u b@ --clearsign -o ab.in\n"
    "sign -u a@ -u out@ --clearsign -o aout.in\n"
    "sign -u out@ --clearsign -o out.in\n"
    "sign -u gone@ --clearsign -o gone.in\n"
    "sign -u gone@ -u a@ --clearsign -o gonea.in\n"
    "sign --faked-system-time 20200110T000000! -u old@ --clearsign \\\n"
    "    -o old.in\n"
    "sign --faked-system-time 20200110T000000! -u a@ -u old@ --clearsign \\\n"
    "    -o olda.in\n"
    "sign --default-sig-expire 1d --faked-system-time 20200110T000000! \\\n"
    "    -u a@ --clearsign -o late.in\n"
    "sign -u a@ --digest-algo SHA1 --clearsign -o weak.in\n"
    "sign -u a@ -b -o a.gpg; sign -u a@ -ab -o a.asc\n"
    "sign -u a@ -u out@ -ab -o aout.asc; sign -u out@ -b -o out.gpg\n"
    "sign -u a@ -s -o whole.gpg\n"
    "sign -u a@ -as -o - | sed 's/PGP MESSAGE/PGP SIGNATURE/' >whole.asc\n"
    ": >empty\n"
    "sed 's/Suite: y/Suite: z/' a.in >bad.in\n"
    "sed 's/Suite: y/Suite: z/' out.in >badout.in\n"
    "cat b.in >two.in; cat a.in >>two.in\n"
    "{ echo 'Suite: evil'; cat a.in; } >before.in\n"
    "{ cat a.in; echo 'Suite: evil'; } >after.in\n"
    "{ echo; cat a.in; echo; echo ' '; } >blank.in\n"
    "sed 's/^Hash:/NotDashEscaped:/' a.in >header.in\n"
    "sed 's/^Suite/-Suite/' a.in >dash.in\n"
    "sed '$d' a.in >cut.in\n"
    "sed '/BEGIN PGP SIGNATURE/,$d' a.in >nosig.in\n"
    "sed '/^[A-Za-z0-9+\\/=]\\{40,\\}$/d' a.in >hollow.in\n"
    "sed 's/$/\\r/' a.in >crlf.in\n"
    "gpg --export b@ >b.kbr; gpg --export -a b@ a@ >ab.asc.key\n"
    "gpg --export old@ a@ >olda.key; gpg --export old@ >old.key\n"
    "gpg --export a@ >a.key; gpg --export -a a@ >two.key\n"
    "gpg --export -a b@ >>two.key\n"
    "gpg --passphrase '' --export-secret-keys a@ >secret.key\n"
    "sed 's/^:-/-/' \"$GNUPGHOME\"/openpgp-revocs.d/$(cat gone.fpr).rev | \\\n"
    "    gpg --import\n"
    "gpg --export gone@ >gone.key; gpg --export gone@ a@ >gonea.key\n"
    "echo 'not a key' >junk.key\n"
    "gpgconf --kill all\n";

static char dir[] = "/tmp/test_verify-XXXXXX";

static int
group_setup(void **state)
{
	char home[64];
	char tmp[64];
	int r;

	(void)state;
	if (system("command -v gpg >/dev/null") != 0) {
		print_message("gpg is not there\n");
		exit(77);
	}
	if (!mkdtemp(dir) || chdir(dir) < 0)
		return -1;
	(void)snprintf(home, sizeof(home), "%s/home", dir);
	(void)snprintf(tmp, sizeof(tmp), "%s/tmp", dir);
	if (setenv("GNUPGHOME", home, 1) < 0 || setenv("TMPDIR", tmp, 1) < 0)
		return -1;
	r = system(make_keys);
	if (r != 0)
		(void)system("cat gpg.log");
	return r;
}

static int
group_teardown(void **state)
{
	char command[128];

	(void)state;
	if (chdir("/") < 0)
		return -1;
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

static void
slurp(const char *name, struct buf *b)
{
	assert_int_equal(file_read(AT_FDCWD, name, FILE_MAX, b, NULL), 0);
}

/* A verifier of the keyrings named, with blanks between. */
static int
make(const char *names, struct verifier **ret, struct error *err)
{
	CLEANUP(strs_release) struct strs keyrings = {0};

	assert_int_equal(strs_add_split(&keyrings, span_of(names), 0), 0);
	return verifier_new(&keyrings, ret, err);
}

static unsigned
left_behind(void)
{
	unsigned n = 0;
	DIR *d = opendir("tmp");

	assert_non_null(d);
	for (struct dirent *e = readdir(d); e; e = readdir(d))
		n += e->d_name[0] != '.';
	(void)closedir(d);
	return n;
}

struct inline_case {
	const char *keyrings, *file;
	int expected;
	const char *signers; /* names of .fpr files */
};

static void
assert_signers(const struct strs *signers, const char *names)
{
	CLEANUP(strs_release) struct strs expected = {0};

	assert_int_equal(strs_add_split(&expected, span_of(names), 0), 0);
	assert_int_equal(signers->n, expected.n);
	for (size_t i = 0; i < expected.n; i++) {
		char name[32];
		CLEANUP(buf_release) struct buf fpr = {0};

		(void)snprintf(name, sizeof(name), "%s.fpr", expected.v[i]);
		slurp(name, &fpr);
		assert_true(strs_has(signers, span_trim(buf_span(&fpr))));
	}
}

static void
check_inline(const struct inline_case *c)
{
	static const char text[] = "Origin: x\nSuite: y\n\n- dash\n";
	CLEANUP(verifier_cleanup) struct verifier *v = NULL;
	struct error err = {""};
	CLEANUP(buf_release) struct buf bytes = {0};
	CLEANUP(buf_release) struct buf plain = {0};
	CLEANUP(strs_release) struct strs signers = {0};
	int r;

	assert_int_equal(make(c->keyrings, &v, &err), 0);
	slurp(c->file, &bytes);
	r = verify_inline(v, buf_span(&bytes), c->file, &plain, &signers, &err);
	if (r != c->expected)
		print_error(
		    "%s with %s: %d, %s\n", c->file, c->keyrings, r, err.text);
	assert_int_equal(r, c->expected);
	if (r < 0) {
		assert_int_equal(plain.len, 0);
		assert_int_equal(signers.n, 0);
		assert_true(strncmp(err.text, c->file, strlen(c->file)) == 0);
		return;
	}
	assert_string_equal(plain.ptr, text);
	assert_signers(&signers, c->signers);
}

static void
check_all(const struct inline_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check_inline(&cases[i]);
}

static void
test_verify_inline_accepts(void **state)
{
	static const struct inline_case cases[] = {
	    {"a.key", "a.in", 0, "a"},
	    {"ab.asc.key", "a.in", 0, "a"},
	    {"two.key", "a.in", 0, "a"},
	    {"b.kbr a.key", "a.in", 0, "a"},
	    {"a.key a.key", "a.in", 0, "a"},
	    {"secret.key", "a.in", 0, "a"},
	    {"b.kbr", "b.in", 0, "b"},
	    {"a.key b.kbr", "ab.in", 0, "a b"},
	    {"a.key", "ab.in", 0, "a"},
	    {"a.key", "aout.in", 0, "a"},
	    {"olda.key", "olda.in", 0, "a"},
	    {"gonea.key", "gonea.in", 0, "a"},
	    {"a.key", "blank.in", 0, "a"},
	    {"a.key", "crlf.in", 0, "a"},
	};

	(void)state;
	check_all(cases, ARRAY_LEN(cases));
}

static void
test_verify_inline_refuses_signatures(void **state)
{
	static const struct inline_case cases[] = {
	    {"a.key", "out.in", -ENOKEY, NULL},
	    {"a.key", "b.in", -ENOKEY, NULL},
	    {"a.key", "badout.in", -ENOKEY, NULL},
	    {"a.key", "bad.in", -EKEYREJECTED, NULL},
	    {"olda.key", "old.in", -EKEYEXPIRED, NULL},
	    {"old.key", "olda.in", -EKEYEXPIRED, NULL},
	    {"a.key", "late.in", -EKEYEXPIRED, NULL},
	    {"gonea.key", "gone.in", -EKEYREVOKED, NULL},
	    {"gone.key", "gonea.in", -EKEYREVOKED, NULL},
	    {"a.key", "weak.in", -EKEYREJECTED, NULL},
	};

	(void)state;
	check_all(cases, ARRAY_LEN(cases));
}

static void
test_verify_inline_refuses_forms(void **state)
{
	static const struct inline_case cases[] = {
	    {"ab.asc.key", "two.in", -EBADMSG, NULL},
	    {"a.key", "before.in", -EBADMSG, NULL},
	    {"a.key", "after.in", -EBADMSG, NULL},
	    {"a.key", "header.in", -EBADMSG, NULL},
	    {"a.key", "dash.in", -EBADMSG, NULL},
	    {"a.key", "cut.in", -EBADMSG, NULL},
	    {"a.key", "nosig.in", -EBADMSG, NULL},
	    {"a.key", "hollow.in", -EBADMSG, NULL},
	    {"a.key", "text", -EBADMSG, NULL},
	    {"a.key", "empty", -EBADMSG, NULL},
	    {"a.key", "whole.gpg", -EBADMSG, NULL},
	};

	(void)state;
	check_all(cases, ARRAY_LEN(cases));
}

static void
test_verify_inline_can_be_repeated(void **state)
{
	CLEANUP(verifier_cleanup) struct verifier *v = NULL;
	CLEANUP(buf_release) struct buf good = {0};
	CLEANUP(buf_release) struct buf bad = {0};
	CLEANUP(buf_release) struct buf plain = {0};
	CLEANUP(strs_release) struct strs signers = {0};

	(void)state;
	slurp("a.in", &good);
	slurp("bad.in", &bad);
	assert_int_equal(make("a.key", &v, NULL), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(verify_inline(v, buf_span(&bad), "x", &plain,
				     &signers, NULL),
		    -EKEYREJECTED);
		assert_int_equal(plain.len, 0);
		assert_int_equal(verify_inline(v, buf_span(&good), "x", &plain,
				     &signers, NULL),
		    0);
		assert_int_equal(signers.n, 1);
		buf_clear(&plain);
		strs_release(&signers);
	}
}

static void
test_verify_inline_names_the_keys(void **state)
{
	CLEANUP(verifier_cleanup) struct verifier *v = NULL;
	CLEANUP(buf_release) struct buf bytes = {0};
	CLEANUP(buf_release) struct buf plain = {0};
	CLEANUP(buf_release) struct buf fpr = {0};
	CLEANUP(strs_release) struct strs signers = {0};
	struct error err = {""};
	struct span id;
	char tail[17] = "";

	(void)state;
	slurp("out.in", &bytes);
	slurp("out.fpr", &fpr);
	assert_int_equal(make("a.key", &v, NULL), 0);
	assert_int_equal(verify_inline(v, buf_span(&bytes),
			     "http://x/InRelease", &plain, &signers, &err),
	    -ENOKEY);
	/* gpg may know no more than the last 16 digits. */
	id = span_trim(buf_span(&fpr));
	memcpy(tail, id.ptr + id.len - 16, 16);
	assert_non_null(strstr(err.text, tail));
	assert_non_null(strstr(err.text, "is not in the keyring"));
}

struct detached_case {
	const char *keyring, *text, *sig;
	int expected;
};

static void
test_verify_detached_cases(void **state)
{
	static const struct detached_case cases[] = {
	    {"a.key", "text", "a.gpg", 0},
	    {"a.key", "text", "a.asc", 0},
	    {"a.key", "text", "aout.asc", 0},
	    {"a.key", "text", "out.gpg", -ENOKEY},
	    {"a.key", "junk.key", "a.gpg", -EKEYREJECTED},
	    {"a.key", "empty", "a.asc", -EKEYREJECTED},
	    {"a.key", "text", "text", -EBADMSG},
	    {"a.key", "text", "empty", -EBADMSG},
	    /* Messages that bring a text of their own. */
	    {"a.key", "junk.key", "whole.gpg", -EBADMSG},
	    {"a.key", "junk.key", "whole.asc", -EBADMSG},
	    {"a.key", "junk.key", "a.in", -EBADMSG},
	    {"a.key", "text", "whole.gpg", -EBADMSG},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct detached_case *c = &cases[i];
		CLEANUP(verifier_cleanup) struct verifier *v = NULL;
		CLEANUP(buf_release) struct buf text = {0};
		CLEANUP(buf_release) struct buf sig = {0};
		CLEANUP(strs_release) struct strs signers = {0};
		struct error err = {""};
		int r;

		slurp(c->text, &text);
		slurp(c->sig, &sig);
		assert_int_equal(make(c->keyring, &v, NULL), 0);
		r = verify_detached(
		    v, buf_span(&text), buf_span(&sig), "x", &signers, &err);
		if (r != c->expected)
			print_error(
			    "%s by %s: %d, %s\n", c->text, c->sig, r, err.text);
		assert_int_equal(r, c->expected);
		assert_signers(&signers, r == 0 ? "a" : "");
	}
}

static void
test_verifier_new_errors(void **state)
{
	static const struct {
		const char *keyrings;
		int expected;
	} cases[] = {
	    {"absent.key", -ENOENT},
	    {"a.key absent.key", -ENOENT},
	    {"junk.key", -EBADMSG},
	    {"empty", -EBADMSG},
	    {"a.in", -EBADMSG},
	    {".", -EIO},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct verifier *v = NULL;
		struct error err = {""};
		int r = make(cases[i].keyrings, &v, &err);

		if (r != cases[i].expected)
			print_error(
			    "%s: %d, %s\n", cases[i].keyrings, r, err.text);
		assert_int_equal(r, cases[i].expected);
		assert_null(v);
		assert_true(err.text[0] != '\0');
		assert_int_equal(left_behind(), 0);
	}
}

static void
test_verifier_new_without_keyrings_trusts_nobody(void **state)
{
	static const struct inline_case none = {"", "a.in", -ENOKEY, NULL};

	(void)state;
	check_inline(&none);
}

static void
test_verifier_new_needs_a_place(void **state)
{
	struct verifier *v = NULL;
	struct error err = {""};
	char tmp[64];

	(void)state;
	(void)snprintf(tmp, sizeof(tmp), "%s", getenv("TMPDIR"));
	assert_int_equal(setenv("TMPDIR", "/nonexistent", 1), 0);
	assert_int_equal(make("a.key", &v, &err), -EIO);
	assert_non_null(strstr(err.text, "/nonexistent"));
	assert_int_equal(setenv("TMPDIR", tmp, 1), 0);
}

static void
test_verifier_free_removes_home(void **state)
{
	struct verifier *v = NULL;

	(void)state;
	/* Secret keys must not start an agent there. */
	assert_int_equal(make("secret.key a.key", &v, NULL), 0);
	assert_int_equal(left_behind(), 1);
	assert_int_not_equal(system("ls tmp/*/S.gpg-agent >/dev/null 2>&1"), 0);
	assert_int_equal(system("test $(stat -c %a tmp/*) = 700"), 0);
	verifier_free(v);
	assert_int_equal(left_behind(), 0);
	verifier_free(NULL);
}

static void
test_verify_strip_cases(void **state)
{
	static const char text[] = "Origin: x\nSuite: y\n\n- dash\n";
	static const struct {
		const char *file;
		int expected;
	} cases[] = {
	    {"a.in", 0},
	    {"out.in", 0},
	    {"crlf.in", 0},
	    {"hollow.in", 0},
	    {"two.in", -EBADMSG},
	    {"before.in", -EBADMSG},
	    {"after.in", -EBADMSG},
	    {"nosig.in", -EBADMSG},
	    {"text", -EBADMSG},
	    {"empty", -EBADMSG},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(buf_release) struct buf bytes = {0};
		CLEANUP(buf_release) struct buf plain = {0};
		struct error err = {""};
		int r;

		slurp(cases[i].file, &bytes);
		r = verify_strip(buf_span(&bytes), cases[i].file, &plain, &err);
		assert_int_equal(r, cases[i].expected);
		if (r == 0)
			assert_string_equal(plain.ptr, text);
		else
			assert_int_equal(plain.len, 0);
	}
}

static void
test_verify_strip_unescapes(void **state)
{
	const struct span in =
	    SPAN("-----BEGIN PGP SIGNED MESSAGE-----\n\n"
		 "- - a\n- \n- -----BEGIN PGP SIGNATURE-----\nb \t\n"
		 "-----BEGIN PGP SIGNATURE-----\n"
		 "-----END PGP SIGNATURE-----\n");
	CLEANUP(buf_release) struct buf plain = {0};

	(void)state;
	assert_int_equal(verify_strip(in, "x", &plain, NULL), 0);
	assert_string_equal(
	    plain.ptr, "- a\n\n-----BEGIN PGP SIGNATURE-----\nb\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_verify_inline_accepts),
	    cmocka_unit_test(test_verify_inline_refuses_signatures),
	    cmocka_unit_test(test_verify_inline_refuses_forms),
	    cmocka_unit_test(test_verify_inline_can_be_repeated),
	    cmocka_unit_test(test_verify_inline_names_the_keys),
	    cmocka_unit_test(test_verify_detached_cases),
	    cmocka_unit_test(test_verifier_new_errors),
	    cmocka_unit_test(test_verifier_new_without_keyrings_trusts_nobody),
	    cmocka_unit_test(test_verifier_new_needs_a_place),
	    cmocka_unit_test(test_verifier_free_removes_home),
	    cmocka_unit_test(test_verify_strip_cases),
	    cmocka_unit_test(test_verify_strip_unescapes),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
