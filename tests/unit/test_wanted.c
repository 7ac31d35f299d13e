#include "mirror/wanted.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"

#define HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

struct want_case {
	const char *suite;
	const char *fields;	   /* of Release */
	const char *files;	   /* "path size" words */
	const char *components;	   /* asked for */
	const char *architectures; /* asked for */
	bool sources, udebs;
	int status;
	/* "path=form,form ..." of what is wanted, or a part of the error. */
	const char *expected;
};

#define DEBIAN_FIELDS                                                          \
	"Architectures: all amd64 arm64\n"                                     \
	"Components: main contrib\n"                                           \
	"No-Support-for-Architecture-all: Packages\n"
#define DEBIAN_FILES                                                           \
	"main/binary-amd64/Packages 900 main/binary-amd64/Packages.xz 100 "    \
	"main/binary-amd64/Packages.gz 200 main/binary-arm64/Packages.gz 150 " \
	"main/binary-arm64/Packages.bz2 140 main/binary-all/Packages.xz 10 "   \
	"contrib/binary-amd64/Packages.xz 32 contrib/source/Sources.gz 5 "     \
	"main/source/Sources.xz 70 main/source/Sources 700 "                   \
	"main/debian-installer/binary-amd64/Packages.gz 20 "                   \
	"main/i18n/Translation-en.xz 9 main/binary-amd64/Release 8 "           \
	"main/binary-amd64/Packages.lzma 3"

static const struct want_case cases[] = {
    {"bookworm", DEBIAN_FIELDS, DEBIAN_FILES, "", "", false, false, 0,
	"main/binary-amd64/Packages=xz,gz, "
	"main/binary-arm64/Packages=bz2,gz "
	"contrib/binary-amd64/Packages=xz "},
    {"bookworm", DEBIAN_FIELDS, DEBIAN_FILES, "main", "amd64", true, true, 0,
	"main/binary-amd64/Packages=xz,gz, "
	"main/debian-installer/binary-amd64/Packages=gz "
	"main/source/Sources=xz, "},
    {"bookworm", DEBIAN_FIELDS, DEBIAN_FILES, "contrib main", "arm64", false,
	false, 0, "main/binary-arm64/Packages=bz2,gz "},
    {"bookworm", DEBIAN_FIELDS, DEBIAN_FILES, "main", "all", false, false, 0,
	"main/binary-all/Packages=xz "},
    {"bookworm", DEBIAN_FIELDS, DEBIAN_FILES, "universe", "", false, false,
	-EINVAL, "Release has no component 'universe', only: main contrib"},
    {"bookworm", DEBIAN_FIELDS, DEBIAN_FILES, "", "s390x", false, false,
	-EINVAL, "no architecture 's390x', only: all amd64 arm64"},
    {"bookworm", DEBIAN_FIELDS, DEBIAN_FILES, "contrib", "arm64", false, false,
	-EINVAL, "no Packages for architecture 'arm64'"},
    {"bookworm", DEBIAN_FIELDS, DEBIAN_FILES, "", "source", false, false,
	-EINVAL, "--source"},
    {"bookworm", DEBIAN_FIELDS, "main/binary-amd64/Packages 1", "", "", true,
	false, -EINVAL, "Release lists no Sources"},
    {"bookworm", DEBIAN_FIELDS, "main/binary-amd64/Packages 1", "", "", false,
	true, -EINVAL, "debian-installer"},
    {"bookworm", DEBIAN_FIELDS, "main/i18n/Translation-en 1", "", "", false,
	false, -EINVAL, "none of the wanted"},
    /* Architecture all in lists of its own. */
    {"x", "Architectures: amd64 all\nComponents: main\n",
	"main/binary-amd64/Packages.gz 5 main/binary-all/Packages.gz 4", "main",
	"amd64", false, false, 0,
	"main/binary-amd64/Packages=gz main/binary-all/Packages=gz "},
    /* Components with a prefix. */
    {"bookworm-security",
	"Architectures: amd64\nComponents: updates/main updates/contrib\n",
	"main/binary-amd64/Packages.xz 5 contrib/binary-amd64/Packages.xz 6",
	"", "", false, false, 0,
	"main/binary-amd64/Packages=xz contrib/binary-amd64/Packages=xz "},
    {"stable/updates",
	"Architectures: amd64\nComponents: updates/main updates/contrib\n",
	"main/binary-amd64/Packages.xz 5 contrib/binary-amd64/Packages.xz 6",
	"updates/main", "", false, false, 0, "main/binary-amd64/Packages=xz "},
    {"stable/updates",
	"Architectures: amd64\nComponents: updates/main updates/contrib\n",
	"main/binary-amd64/Packages.xz 5 contrib/binary-amd64/Packages.xz 6",
	"contrib", "", false, false, 0, "contrib/binary-amd64/Packages=xz "},
    {"stable/updates", "Architectures: amd64\nComponents: main\n",
	"main/binary-amd64/Packages.xz 5", "updates/main", "", false, false, 0,
	"main/binary-amd64/Packages=xz "},
    {"x", "Architectures: amd64\nComponents: updates/main\n",
	"updates/main/binary-amd64/Packages 5", "main", "", false, false, 0,
	"updates/main/binary-amd64/Packages= "},
    /* Neither is named. */
    {"x", "", "main/binary-amd64/Packages 5", "main", "amd64", false, false, 0,
	"main/binary-amd64/Packages= "},
    {"x", "", "main/binary-amd64/Packages 5", "", "amd64", false, false,
	-EINVAL, "names no components"},
    {"x", "", "main/binary-amd64/Packages 5", "main", "", false, false, -EINVAL,
	"names no architectures"},
    /* Flat archives. */
    {"./", "", "./Packages 9 ./Packages.gz 3 ./Sources.gz 2", "", "", false,
	false, 0, "Packages=gz, "},
    {"dir/", "", "Packages.gz 3 Sources.gz 2", "", "", true, false, 0,
	"Packages=gz Sources=gz "},
    {"./", "", "Sources.gz 2", "", "", true, false, 0, "Sources=gz "},
    {"./", "", "Packages.gz 2", "", "", true, false, -EINVAL, "no Sources"},
    {"./", "", "InRelease.old 2", "", "", false, false, -EINVAL, "no Packages"},
    {"./", "", "Packages 9", "main", "", false, false, -EINVAL,
	"has no components"},
};

static char *
make_release(const struct want_case *c)
{
	struct buf b = {0};
	struct span files = span_of(c->files), path, size;

	assert_int_equal(buf_addf(&b,
			     "Date: Sat, 17 May 2025 09:51:27 UTC\n%s"
			     "SHA256:\n",
			     c->fields),
	    0);
	while (span_word(&files, &path)) {
		assert_true(span_word(&files, &size));
		assert_int_equal(buf_addf(&b, " " HASH " %.*s %.*s\n",
				     SPAN_ARG(size), SPAN_ARG(path)),
		    0);
	}
	return buf_take(&b);
}

static char *
show(const struct wanted_list *w)
{
	struct buf b = {0};

	assert_int_equal(buf_add_str(&b, ""), 0);
	for (size_t i = 0; i < w->n; i++) {
		assert_int_equal(buf_addf(&b, "%s=", w->v[i].path), 0);
		for (size_t k = 0; k < w->v[i].nforms; k++)
			assert_int_equal(
			    buf_addf(&b, "%s%s", k ? "," : "",
				codec_suffix(w->v[i].forms[k].codec)),
			    0);
		assert_int_equal(buf_add_char(&b, ' '), 0);
	}
	return buf_take(&b);
}

static void
run_case(const struct want_case *c)
{
	CLEANUP_FREE char *text = make_release(c);
	CLEANUP(release_free) struct release rel = {0};
	CLEANUP(wanted_release) struct wanted_list w = {0};
	CLEANUP_FREE char *suite = strdup(c->suite);
	struct mirror m = {
	    .suite = suite, .sources = c->sources, .udebs = c->udebs};
	struct error err = {""};

	assert_int_equal(
	    strs_add_split(&m.components, span_of(c->components), 0), 0);
	assert_int_equal(
	    strs_add_split(&m.architectures, span_of(c->architectures), 0), 0);
	assert_int_equal(release_parse(span_of(text), &rel, &err), 0);
	assert_int_equal(wanted_find(&m, &rel, &w, &err), c->status);
	if (c->status < 0) {
		if (!strstr(err.text, c->expected))
			fail_msg("'%s' lacks '%s'", err.text, c->expected);
	} else {
		CLEANUP_FREE char *got = show(&w);

		assert_string_equal(got, c->expected);
	}
	strs_release(&m.components);
	strs_release(&m.architectures);
}

static void
test_wanted_find_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		run_case(&cases[i]);
}

static void
test_wanted_find_names(void **state)
{
	static const struct want_case c = {"s/updates",
	    "Architectures: amd64\nComponents: updates/main\n",
	    "main/binary-amd64/Packages.gz 5 main/source/Sources 6", "", "",
	    true, false, 0, ""};
	CLEANUP_FREE char *text = make_release(&c);
	CLEANUP(release_free) struct release rel = {0};
	CLEANUP(wanted_release) struct wanted_list w = {0};
	struct mirror m = {.suite = (char[]){"s/updates"}, .sources = true};
	struct error err;

	(void)state;
	assert_int_equal(release_parse(span_of(text), &rel, &err), 0);
	assert_int_equal(wanted_find(&m, &rel, &w, &err), 0);
	assert_int_equal(w.n, 2);
	assert_string_equal(w.v[0].component, "main");
	assert_string_equal(w.v[0].architecture, "amd64");
	assert_int_equal(w.v[0].kind, PACKAGE_BINARY);
	assert_null(w.v[0].plain);
	assert_string_equal(w.v[1].component, "main");
	assert_string_equal(w.v[1].architecture, "source");
	assert_int_equal(w.v[1].kind, PACKAGE_SOURCE);
	assert_non_null(w.v[1].plain);
	assert_int_equal(w.v[1].plain->size, 6);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_wanted_find_cases),
	    cmocka_unit_test(test_wanted_find_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
