/* Which signatures an update takes; skipped where there is no gpg. */

#include "mirror/update.h"

#include "scratch_store.h"

#include "update_fixture.h"

/* Keys a and b in one home; their public parts are a.gpg and b.gpg. */
static const char make_keys[] =
    "set -e; mkdir -m 700 gnupg; export GNUPGHOME=$PWD/gnupg\n"
    "for k in a b; do\n"
    "  gpg --batch -q --passphrase '' --quick-gen-key $k@example.org \\\n"
    "    ed25519 sign never 2>>gpg.log\n"
    "  gpg --batch -q --export $k@example.org >$k.gpg\n"
    "done\n";

static void
run_in(const struct scratch *s, const char *script)
{
	struct buf b = {0};

	assert_int_equal(buf_addf(&b, "cd %s; %s", s->dir, script), 0);
	if (system(b.ptr) != 0)
		fail_msg("failed: %s", script);
	buf_release(&b);
}

/* In the suite's directory: sign_in KEY, sign_gpg KEY. */
static const char functions[] =
    "export GNUPGHOME=$PWD/gnupg; cd archive/dists/sid; set -e\n"
    "sign() { gpg --batch -q --yes --passphrase '' -u $1@example.org $2 \\\n"
    "    -o $3 Release 2>>/dev/null; }\n"
    "sign_in() { sign $1 --clearsign InRelease; }\n"
    "sign_gpg() { sign $1 '-b -a' Release.gpg; }\n";

struct signed_case {
	const char *script;
	bool allow_unsigned;
	int expected;
	/* What the state has: InRelease, Release, Release.gpg, unsigned; or
	 * a part of the error. */
	const char *has;
};

static const struct signed_case cases[] = {
    {"sign_in a; rm Release", false, 0, "I---"},
    {"sign_in a", false, 0, "I---"},
    {"sign_in a; sign_gpg a", false, 0, "IRG-"},
    {"sign_in a; sign_gpg b", false, 0, "I---"},
    {"sign_in a; echo 'X: y' >>Release; sign_gpg a", false, 0, "I---"},
    {"sign_gpg a", false, 0, "-RG-"},
    {"sign_in b", false, -ENOKEY, "InRelease"},
    {"sign_gpg b", false, -ENOKEY, "Release.gpg"},
    {"true", false, -ENOKEY, "--allow-unsigned"},
    {"sign_in a; sed -i 's/main/maim/' InRelease", false, -EKEYREJECTED,
	"InRelease"},
    {"sign_gpg a; sed -i 's/main/maim/' Release", false, -EKEYREJECTED,
	"Release"},
    {"sign_in a; echo 'evil: yes' >>InRelease", false, -EBADMSG, "InRelease"},
    {"sign_in a; sign_gpg a", true, 0, "IRG-"},
    {"sign_in b; rm Release", true, 0, "I--u"},
    {"sign_gpg b", true, 0, "-RGu"},
    {"true", true, 0, "-R-u"},
    {"sign_in a; sed -i 's/main/maim/' InRelease", true, -EKEYREJECTED,
	"InRelease"},
};

static int
use_keyring(struct txn *t, void *arg, struct error *err)
{
	CLEANUP(mirror_release) struct mirror m = {0};
	const struct archive_mirror *a = arg;
	char path[512];
	int r = mirror_load(t, a->m.name, &m);

	(void)err;
	(void)snprintf(path, sizeof(path), "%s/a.gpg", a->s->dir);
	m.allow_unsigned = a->m.allow_unsigned;
	if (r == 0)
		r = strs_add(&m.keyrings, span_of(path));
	return r < 0 ? r : mirror_put(t, &m);
}

static void
run_case(struct scratch *s, const struct signed_case *c, char *name)
{
	struct archive a = {.s = s};
	struct archive_mirror m = {
	    .s = s, .m = {.name = name, .allow_unsigned = c->allow_unsigned}};
	struct update_opts opts = {0};
	struct buf script = {0};

	put_archive(&a, "1", ARCHIVE_DATE);
	assert_int_equal(buf_addf(&script,
			     "rm -f archive/dists/sid/InRelease "
			     "archive/dists/sid/Release.gpg\n%s%s",
			     functions, c->script),
	    0);
	run_in(s, script.ptr);
	archive_mirror(s, name, "sid", "");
	scratch_write(s, use_keyring, &m);
	if (c->expected < 0) {
		update_fails(&a, name, &opts, c->expected, c->has);
	} else {
		(void)update_ok(&a, name);
		CLEANUP(state_release) struct state st = state_now(&a, name);
		char has[5] = {st.in_release ? 'I' : '-',
		    st.release ? 'R' : '-', st.release_gpg ? 'G' : '-',
		    st.trusted_unsigned ? 'u' : '-', '\0'};

		assert_string_equal(has, c->has);
		assert_int_equal(st.signers.n, st.trusted_unsigned ? 0 : 1);
		assert_int_equal(st.keyrings.n, 1);
		assert_int_equal(st.keyring_hashes.n, 1);
	}
	buf_release(&script);
	buf_release(&a.files);
}

static void
test_update_signatures(void **state)
{
	struct scratch *s = *state;

	if (system("command -v gpg >/dev/null") != 0)
		skip();
	run_in(s, make_keys);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "m%zu", i);
		print_message("%s\n", cases[i].script);
		run_case(s, &cases[i], name);
	}
	run_in(s, "GNUPGHOME=$PWD/gnupg gpgconf --kill all");
}

static void
test_update_no_such_keyring(void **state)
{
	struct scratch *s = *state;
	struct archive a = {.s = s};
	struct archive_mirror m = {.s = s, .m = {.name = (char[]){"m"}}};
	struct update_opts opts = {0};

	put_archive(&a, "1", ARCHIVE_DATE);
	archive_mirror(s, "m", "sid", "");
	scratch_write(s, use_keyring, &m);
	archive_write(s, "dists/sid/Release.gpg", SPAN("x"));
	update_fails(&a, "m", &opts, -ENOENT, "a.gpg");
	buf_release(&a.files);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(test_update_signatures),
	    scratch_test(test_update_no_such_keyring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
