/* Files of Release beside Packages and Sources, and whole pools. */

#include "scratch_store.h"

#include "update_fixture.h"

struct settings {
	const char *indexes; /* globs, blanks between */
	bool no_translations, whole_pool;
};

/* A mirror of main that has them. */
static void
make_mirror(struct archive *a, const struct settings *settings)
{
	struct archive_mirror am = {0};

	archive_mirror(a->s, "m", "sid", "main");
	am.m = mirror_now(a, "m");
	struct txn *t = scratch_read(a->s);
	assert_int_equal(origin_load(t, am.m.origin, &am.o), 0);
	txn_end(t);
	assert_int_equal(
	    strs_add_split(&am.m.indexes, span_of(settings->indexes), 0), 0);
	am.m.no_translations = settings->no_translations;
	am.m.whole_pool = settings->whole_pool;
	scratch_write(a->s, archive_mirror_put, &am);
	mirror_release(&am.m);
	origin_release(&am.o);
}

/* Lists a file with its name as its content, and writes it. */
static void
add_file(struct archive *a, const char *path)
{
	char name[256];

	release_add(&a->files, path, span_of(path));
	(void)snprintf(name, sizeof(name), DIR "%.200s", path);
	archive_write(a->s, name, span_of(path));
}

static const char files[][48] = {"contrib/i18n/Translation-en.xz",
    "main/Contents-amd64", "main/Contents-amd64.gz",
    "main/i18n/Translation-de.xz", "main/i18n/Translation-en",
    "main/i18n/Translation-en.bz2", "main/i18n/Translation-en.xz",
    "main/i18n/by/Translation-en"};

static void
put_files(struct archive *a)
{
	put_archive(a, "1", ARCHIVE_DATE);
	buf_clear(&a->files);
	archive_index(a->s, &a->files, DIR, "main/binary-amd64/Packages", "");
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		add_file(a, files[i]);
	put_release(a, DIR "Release", ARCHIVE_DATE,
	    "Architectures: amd64\nComponents: main contrib\n");
}

static bool
is_here(struct archive *a, const char *content)
{
	struct digest d;

	digest_of(content, strlen(content), &d);
	return blob_present(a->s->store, &d) == 1;
}

/* The files that are here are those of `expected`, as numbers in files[]. */
static void
assert_here(struct archive *a, const char *expected, size_t i)
{
	for (size_t j = 0; j < ARRAY_LEN(files); j++) {
		bool wanted = strchr(expected, (int)('0' + j)) != NULL;

		if (is_here(a, files[j]) != wanted)
			fail_msg("case %zu: %s is%s here", i, files[j],
			    wanted ? " not" : "");
	}
}

static void
test_update_takes_files(void **state)
{
	static const struct {
		struct settings settings;
		const char *expected; /* numbers of files[] */
	} cases[] = {
	    {{.indexes = ""}, "6"},
	    {{.indexes = "", .no_translations = true}, ""},
	    {{.indexes = "*/Contents-*"}, "26"},
	    {{.indexes = "*/Contents-*.gz"}, "26"},
	    {{.indexes = "*.bz2 *.gz", .no_translations = true}, "25"},
	    {{.indexes = "*-de */Contents-i386", .no_translations = true}, "3"},
	    {{.indexes = "*/by/* */Contents-amd64"}, "267"},
	    {{.indexes = "*"}, "02367"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct archive a = {0};

		assert_int_equal(scratch_setup((void **)&a.s), 0);
		put_files(&a);
		make_mirror(&a, &cases[i].settings);
		assert_true(update_ok(&a, "m").changed);
		assert_here(&a, cases[i].expected, i);
		buf_release(&a.files);
		assert_int_equal(scratch_teardown((void **)&a.s), 0);
	}
}

static void
count_warning(void *arg, const char *text)
{
	int *n = arg;

	assert_non_null(strstr(text, "main/i18n/Translation-en"));
	(*n)++;
}

/* What is not there in one form is taken in another, and only warned of where
 * there is none; what is there but wrong is an error. */
static void
test_update_files_in_trouble(void **state)
{
	static const struct {
		const char *absent, *wrong; /* of the files, as numbers */
		int expected, warnings;
		const char *here;
	} cases[] = {
	    {"6", "", 0, 0, "5"},
	    {"", "6", 0, 0, "5"},
	    {"56", "", 0, 0, "4"},
	    {"456", "", 0, 1, ""},
	    {"46", "5", -EBADMSG, 0, ""},
	    {"", "456", -EBADMSG, 0, ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct archive a = {0};
		int warnings = 0;
		struct update_opts opts = {
		    .warn = count_warning, .warn_arg = &warnings};
		struct update_result result;
		struct error err = {""};

		assert_int_equal(scratch_setup((void **)&a.s), 0);
		put_files(&a);
		for (size_t j = 0; j < ARRAY_LEN(files); j++) {
			char name[256];

			(void)snprintf(
			    name, sizeof(name), DIR "%.200s", files[j]);
			if (strchr(cases[i].absent, (int)('0' + j)))
				archive_remove(a.s, name);
			if (strchr(cases[i].wrong, (int)('0' + j)))
				archive_write(a.s, name, SPAN("wrong"));
		}
		make_mirror(&a, &(struct settings){.indexes = ""});
		int r = update_with(&a, "m", &opts, &result, &err);
		if (r != cases[i].expected)
			fail_msg("case %zu: %d %s", i, r, err.text);
		assert_int_equal(warnings, cases[i].warnings);
		assert_here(&a, cases[i].here, i);
		CLEANUP(mirror_release) struct mirror m = mirror_now(&a, "m");
		assert_int_equal(m.state != 0, r == 0);
		buf_release(&a.files);
		assert_int_equal(scratch_teardown((void **)&a.s), 0);
	}
}

static void
test_update_whole_pool(void **state)
{
	struct archive a = {.s = *state};
	struct settings settings = {.indexes = "", .whole_pool = true};
	struct update_opts opts = {0};

	put_archive(&a, "1", ARCHIVE_DATE);
	archive_deb(a.s, "apple", "1");
	make_mirror(&a, &settings);
	update_fails(&a, "m", &opts, -EIO, "1 file |pool/banana_1.deb");
	assert_true(is_here(&a, "apple 1\n"));
	CLEANUP(mirror_release) struct mirror m = mirror_now(&a, "m");
	assert_int_equal(m.state, 0);

	archive_deb(a.s, "banana", "1");
	struct update_result got = update_ok(&a, "m");
	assert_true(got.changed);
	assert_true(is_here(&a, "banana 1\n"));

	/* The state stays the old one, and is made whole again. */
	struct digest d;
	char hex[DIGEST_HEX_SIZE], name[DIGEST_HEX_SIZE + 3];
	digest_of("apple 1\n", 8, &d);
	(void)snprintf(name, sizeof(name), "%.2s/%s", digest_hex(&d, hex), hex);
	assert_int_equal(unlinkat(store_blobs_fd(a.s->store), name, 0), 0);
	got = update_ok(&a, "m");
	assert_false(got.changed);
	assert_true(is_here(&a, "apple 1\n"));
	buf_release(&a.files);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_update_takes_files),
	    cmocka_unit_test(test_update_files_in_trouble),
	    scratch_test(test_update_whole_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
