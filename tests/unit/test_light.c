#include "store/package.h"

#include <errno.h>

#include "scratch_store.h"

#define HASH_A                                                                 \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"                                     \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HASH_B                                                                 \
	"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"                                     \
	"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define BINARY "Package: a\nVersion: 1\nArchitecture: all\n"
#define FILE_A "Filename: pool/a.deb\nSize: 7\nSHA256: " HASH_A "\n"
#define SOURCE "Package: a\nVersion: 1\nDirectory: pool/a\n"

static void
assert_span(struct span s, const char *expected)
{
	if (!span_eq(s, span_of(expected)))
		fail_msg("'%.*s' instead of '%s'", SPAN_ARG(s), expected);
}

static void
assert_digest(const struct digest *d, const char *expected)
{
	char hex[DIGEST_HEX_SIZE];

	assert_string_equal(digest_hex(d, hex), expected);
}

static void
parse(const char *text, enum package_kind kind, struct light *l)
{
	struct error err = {""};
	int r = light_from_stanza(span_of(text), kind, 1, l, &err);

	if (r != 0)
		fail_msg("%d: %s", r, err.text);
}

static void
assert_full_binary(const struct light *l, size_t stanza_len)
{
	assert_int_equal(l->kind, PACKAGE_BINARY);
	assert_span(l->name, "libc6");
	assert_span(l->version, "2:2.36-9+b1");
	assert_span(l->architecture, "amd64");
	assert_span(l->source, "glibc");
	assert_span(l->source_version, "2:2.36-9");
	assert_span(l->multi_arch, "same");
	assert_true(l->essential);
	assert_span(l->relations[REL_PRE_DEPENDS], "");
	assert_span(l->relations[REL_DEPENDS], "libgcc-s1,\n libcrypt1");
	assert_span(l->relations[REL_PROVIDES], "libc (= 1)");
	assert_int_equal(l->nfiles, 1);
	assert_span(l->files[0].path, "pool/main/g/libc6.deb");
	assert_int_equal(l->files[0].size, 2700000000);
	assert_digest(&l->files[0].sha256, HASH_A);
	assert_span(l->origin_path, "");
	assert_int_equal(l->stanza_len, stanza_len);
}

static const char full_binary[] = "Package: libc6\n"
				  "Source: glibc (2:2.36-9)\n"
				  "version: 2:2.36-9+b1\n"
				  "Architecture: amd64\n"
				  "Essential: yes\n"
				  "Multi-Arch: same\n"
				  "Depends: libgcc-s1,\n libcrypt1\n"
				  "Provides: libc (= 1)\n"
				  "Depends: the second does not count\n"
				  "Description: x\n"
				  " Filename: ../../etc/passwd\n"
				  "Filename: pool/main/g/libc6.deb\n"
				  "Size: 2700000000\n"
				  "SHA256: " HASH_A "\n";

static void
test_light_from_stanza_binary(void **state)
{
	CLEANUP(light_release) struct light l = {0};

	(void)state;
	parse(full_binary, PACKAGE_BINARY, &l);
	assert_full_binary(&l, strlen(full_binary));
}

static void
test_light_from_stanza_source_field(void **state)
{
	static const struct {
		const char *field, *source, *version;
	} cases[] = {
	    {"", "", ""},
	    {"Source: a\n", "", ""},
	    {"Source: a (1)\n", "", ""},
	    {"Source: a (2)\n", "", "2"},
	    {"Source: b\n", "b", ""},
	    {"Source: b (1)\n", "b", ""},
	    {"Source: b (1:2-3)\n", "b", "1:2-3"},
	    {"Source: b ( 2 )\n", "b", "2"},
	    {"Source: b(2)\n", "b(2)", ""},
	    {"Source: b (2\n", "b", ""},
	};
	CLEANUP(light_release) struct light l = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[512];

		(void)snprintf(text, sizeof(text), "%s%s%s", BINARY,
		    cases[i].field, FILE_A);
		parse(text, PACKAGE_BINARY, &l);
		assert_span(l.source, cases[i].source);
		assert_span(l.source_version, cases[i].version);
	}
}

static void
test_light_from_stanza_flat_archive(void **state)
{
	static const struct {
		const char *filename, *path;
	} cases[] = {
	    {"./a.deb", "a.deb"},
	    {"././x/a.deb", "x/a.deb"},
	    {"a.deb", "a.deb"},
	};
	CLEANUP(light_release) struct light l = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[512];

		(void)snprintf(text, sizeof(text),
		    "%sFilename: %s\nSize: 0\nSHA256: %s\n", BINARY,
		    cases[i].filename, HASH_A);
		parse(text, PACKAGE_BINARY, &l);
		assert_span(l.files[0].path, cases[i].path);
	}
}

static const char full_source[] =
    "Package: hello\n"
    "Binary: hello\n"
    "Version: 2.10-3\n"
    "Architecture: any all\n"
    "Build-Depends: debhelper-compat (= 13)\n"
    "Build-Conflicts-Indep: x\n"
    "Files:\n"
    " d41d8cd98f00b204e9800998ecf8427e 5 hello_2.10-3.dsc\n"
    " d41d8cd98f00b204e9800998ecf8427e 9 hello_2.10.orig.tar.gz\n"
    "Checksums-Sha256:\n"
    " " HASH_A " 5 hello_2.10-3.dsc\n"
    " " HASH_B " 9 hello_2.10.orig.tar.gz\n"
    "Directory: pool/main/h/hello\n";

static void
assert_full_source(const struct light *l)
{
	assert_int_equal(l->kind, PACKAGE_SOURCE);
	assert_span(l->name, "hello");
	assert_span(l->version, "2.10-3");
	assert_span(l->architecture, "source");
	assert_span(l->relations[REL_BUILD_DEPENDS], "debhelper-compat (= 13)");
	assert_span(l->relations[REL_BUILD_CONFLICTS_INDEP], "x");
	assert_int_equal(l->nfiles, 2);
	assert_span(l->files[0].path, "pool/main/h/hello/hello_2.10-3.dsc");
	assert_int_equal(l->files[0].size, 5);
	assert_digest(&l->files[0].sha256, HASH_A);
	assert_span(
	    l->files[1].path, "pool/main/h/hello/hello_2.10.orig.tar.gz");
	assert_int_equal(l->files[1].size, 9);
	assert_digest(&l->files[1].sha256, HASH_B);
}

static void
test_light_from_stanza_source(void **state)
{
	CLEANUP(light_release) struct light l = {0};

	(void)state;
	parse(full_source, PACKAGE_SOURCE, &l);
	assert_full_source(&l);
}

static void
test_light_from_stanza_source_directory(void **state)
{
	static const struct {
		const char *directory, *path;
	} cases[] = {
	    {"", "a.dsc"},
	    {"Directory: .\n", "a.dsc"},
	    {"Directory: ./\n", "a.dsc"},
	    {"Directory: ./x\n", "x/a.dsc"},
	    {"Directory: x/y/\n", "x/y/a.dsc"},
	};
	CLEANUP(light_release) struct light l = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[512];

		(void)snprintf(text, sizeof(text),
		    "Package: a\nVersion: 1\n%sChecksums-Sha256:\n %s 1 "
		    "a.dsc\n",
		    cases[i].directory, HASH_A);
		parse(text, PACKAGE_SOURCE, &l);
		assert_int_equal(l.nfiles, 1);
		assert_span(l.files[0].path, cases[i].path);
	}
}

struct refusal {
	enum package_kind kind;
	const char *text, *expected;
};

/* The stanza begins at line 10 of its index. */
static void
assert_refused(const struct refusal *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		CLEANUP(light_release) struct light l = {0};
		struct error err = {""};

		assert_int_equal(light_from_stanza(span_of(cases[i].text),
				     cases[i].kind, 10, &l, &err),
		    -EBADMSG);
		assert_string_equal(err.text, cases[i].expected);
	}
}

static void
test_light_from_stanza_refuses_binaries(void **state)
{
	static const struct refusal cases[] = {
	    {PACKAGE_BINARY, "Version: 1\nArchitecture: all\n" FILE_A,
		"line 10: package \"\" has no Package"},
	    {PACKAGE_BINARY, "Package: a\nArchitecture: all\n" FILE_A,
		"line 10: package \"a\" has no Version"},
	    {PACKAGE_BINARY, "Package: a\nVersion:\nArchitecture: all\n" FILE_A,
		"line 10: package \"a\" has no Version"},
	    {PACKAGE_UDEB, "Package: a\nVersion: 1\n" FILE_A,
		"line 10: package \"a\" has no Architecture"},
	    {PACKAGE_BINARY, BINARY "Status: install ok installed\n",
		"line 10: package \"a\" has no Filename"},
	    {PACKAGE_BINARY, BINARY "Filename: a\nSHA256: " HASH_A "\n",
		"line 10: package \"a\" has no Size"},
	    {PACKAGE_BINARY, BINARY "Filename: a\nSize: 1\n",
		"line 10: package \"a\" has no SHA256"},
	    {PACKAGE_BINARY,
		BINARY "Filename: ../../etc/passwd\nSize: 1\nSHA256: " HASH_A
		       "\n",
		"line 13: Filename has a part '..': \"../../etc/passwd\""},
	    {PACKAGE_BINARY,
		BINARY "Filename: /a\nSize: 1\nSHA256: " HASH_A "\n",
		"line 13: Filename is absolute: \"/a\""},
	    {PACKAGE_BINARY,
		BINARY "Filename: ./\nSize: 1\nSHA256: " HASH_A "\n",
		"line 13: Filename is empty: \"./\""},
	    {PACKAGE_BINARY,
		BINARY "Filename: a\nSize: -1\nSHA256: " HASH_A "\n",
		"line 14: Size is no size: \"-1\""},
	    {PACKAGE_BINARY,
		BINARY "Filename: a\nSize: 99999999999999\nSHA256: " HASH_A
		       "\n",
		"line 14: Size is too large a size: \"99999999999999\""},
	    {PACKAGE_BINARY,
		BINARY "Filename: a\nSize: 1\nSHA256: d41d8cd98f00\n",
		"line 15: SHA256 is no SHA-256: \"d41d8cd98f00\""},
	    {PACKAGE_BINARY, "Package: a b\nVersion: 1\nArchitecture: all\n",
		"line 10: Package has a blank or control character: \"a b\""},
	    {PACKAGE_BINARY, "Package: a\nVersion: 1/2\nArchitecture: all\n",
		"line 11: Version has a slash: \"1/2\""},
	    {PACKAGE_BINARY, BINARY "no field\n", "line 13: no colon"},
	};

	(void)state;
	assert_refused(cases, ARRAY_LEN(cases));
}

static void
test_light_from_stanza_refuses_sources(void **state)
{
	static const struct refusal cases[] = {
	    {PACKAGE_SOURCE, SOURCE,
		"line 10: package \"a\" has no Checksums-Sha256"},
	    {PACKAGE_SOURCE, SOURCE "Checksums-Sha256:\n",
		"line 10: package \"a\" has no Checksums-Sha256"},
	    {PACKAGE_SOURCE,
		SOURCE "Checksums-Sha256:\n " HASH_A " 1 a\n " HASH_A " 2\n",
		"line 15: Checksums-Sha256 has a line other than hash, size "
		"and name: \"" HASH_A " 2\""},
	    {PACKAGE_SOURCE,
		SOURCE "Checksums-Sha256:\n " HASH_A " 1 a\n beef 2 b\n",
		"line 15: Checksums-Sha256 has what is no SHA-256: \"beef\""},
	    {PACKAGE_SOURCE, SOURCE "Checksums-Sha256:\n " HASH_A " x a\n",
		"line 14: Checksums-Sha256 is no size: \"x\""},
	    {PACKAGE_SOURCE, SOURCE "Checksums-Sha256:\n " HASH_A " 1 ../a\n",
		"line 14: Checksums-Sha256 has a slash: \"../a\""},
	    {PACKAGE_SOURCE, SOURCE "Checksums-Sha256:\n " HASH_A " 1 ..\n",
		"line 14: Checksums-Sha256 has a part '..': \"..\""},
	    {PACKAGE_SOURCE,
		"Package: a\nVersion: 1\nDirectory: ../x\n"
		"Checksums-Sha256:\n " HASH_A " 1 a\n",
		"line 12: Directory has a part '..': \"../x\""},
	    {PACKAGE_SOURCE,
		SOURCE "Files:\n x 1 a\n x 2 b\nChecksums-Sha256:\n " HASH_A
		       " 1 a\n",
		"line 14: Files names more files than Checksums-Sha256: "
		"\"x 1 a\""},
	};

	(void)state;
	assert_refused(cases, ARRAY_LEN(cases));
}

static void
test_light_from_stanza_limits(void **state)
{
	CLEANUP(light_release) struct light l = {0};
	CLEANUP(buf_release) struct buf text = {0};
	struct error err = {""};

	(void)state;
	buf_addf(&text, "Package: %0250d\n", 1);
	buf_add_str(&text, "Version: 1\nArchitecture: all\n" FILE_A);
	assert_int_equal(
	    light_from_stanza(buf_span(&text), PACKAGE_BINARY, 1, &l, &err),
	    -EBADMSG);
	assert_non_null(strstr(err.text, "line 1: Package is too long"));

	buf_clear(&text);
	buf_add_str(&text, SOURCE "Checksums-Sha256:\n");
	for (unsigned i = 0; i < PACKAGE_MAX_FILES; i++)
		buf_addf(&text, " %s 1 file%u\n", HASH_A, i);
	assert_int_equal(
	    light_from_stanza(buf_span(&text), PACKAGE_SOURCE, 1, &l, &err), 0);
	assert_int_equal(l.nfiles, PACKAGE_MAX_FILES);
	assert_span(l.files[4095].path, "pool/a/file4095");
	buf_add_str(&text, " " HASH_A " 1 more\n");
	assert_int_equal(
	    light_from_stanza(buf_span(&text), PACKAGE_SOURCE, 1, &l, &err),
	    -EBADMSG);
	assert_non_null(strstr(err.text, "names too many files"));
}

static void
test_light_encode_decode(void **state)
{
	CLEANUP(record_writer_release) struct record_writer w;
	CLEANUP(record_release) struct record record = {0};
	CLEANUP(light_release) struct light in = {0};
	CLEANUP(light_release) struct light out = {0};
	struct span bytes;

	(void)state;
	record_writer_init(&w);
	/* Into the same struct in turn: nothing of the other may stay. */
	for (int i = 0; i < 3; i++) {
		parse(full_binary, PACKAGE_BINARY, &in);
		assert_int_equal(light_encode(&in, &w, &bytes), 0);
		assert_int_equal(light_decode(bytes, &record, &out), 0);
		assert_full_binary(&out, strlen(full_binary));

		parse(full_source, PACKAGE_SOURCE, &in);
		in.origin_path = SPAN("old/dir");
		assert_int_equal(light_encode(&in, &w, &bytes), 0);
		assert_int_equal(light_decode(bytes, &record, &out), 0);
		assert_full_source(&out);
		assert_span(out.source, "");
		assert_span(out.origin_path, "old/dir");
		assert_false(out.essential);
	}
}

/* Into the same struct in turn, too. */
static void
test_light_decode_parts(void **state)
{
	CLEANUP(record_writer_release) struct record_writer w;
	CLEANUP(record_release) struct record record = {0};
	CLEANUP(light_release) struct light in = {0};
	CLEANUP(light_release) struct light out = {0};
	struct span bytes;

	(void)state;
	record_writer_init(&w);
	parse(full_source, PACKAGE_SOURCE, &in);
	assert_int_equal(light_encode(&in, &w, &bytes), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(light_decode_files(bytes, &record, &out), 0);
		assert_int_equal(out.nfiles, in.nfiles);
		for (size_t f = 0; f < in.nfiles; f++) {
			assert_true(
			    span_eq(out.files[f].path, in.files[f].path));
			assert_true(out.files[f].size == in.files[f].size);
			assert_true(digest_eq(
			    &out.files[f].sha256, &in.files[f].sha256));
		}
		assert_span(out.name, "");
		assert_int_equal(light_decode_name(bytes, &record, &out), 0);
		assert_int_equal(out.kind, PACKAGE_SOURCE);
		assert_true(span_eq(out.name, in.name));
		assert_true(span_eq(out.version, in.version));
		assert_true(span_eq(out.architecture, in.architecture));
		assert_int_equal(out.nfiles, 0);
	}
	record_begin(&w, 1, 4);
	record_put_u64(&w, PACKAGE_UDEB + 1);
	for (int i = 0; i < 3; i++)
		record_put_str(&w, SPAN("x"));
	assert_int_equal(record_end(&w, &bytes), 0);
	assert_int_equal(light_decode_name(bytes, &record, &out), -EBADMSG);
	assert_int_equal(light_decode_files(bytes, &record, &out), -EBADMSG);
}

static void
test_light_encode_files_of_two_directories(void **state)
{
	struct package_file files[2] = {
	    {.path = SPAN("x/a"), .size = 1}, {.path = SPAN("y/b"), .size = 2}};
	struct light in = {.kind = PACKAGE_SOURCE, .files = files, .nfiles = 2};
	CLEANUP(record_writer_release) struct record_writer w;
	CLEANUP(record_release) struct record record = {0};
	CLEANUP(light_release) struct light out = {0};
	struct span bytes;

	(void)state;
	record_writer_init(&w);
	assert_int_equal(light_encode(&in, &w, &bytes), 0);
	assert_int_equal(light_decode(bytes, &record, &out), 0);
	assert_int_equal(out.nfiles, 2);
	assert_span(out.files[0].path, "x/a");
	assert_span(out.files[1].path, "y/b");
}

static void
test_light_decode_damaged(void **state)
{
	CLEANUP(record_writer_release) struct record_writer w;
	CLEANUP(record_release) struct record record = {0};
	CLEANUP(light_release) struct light in = {0};
	CLEANUP(light_release) struct light out = {0};
	struct span bytes;

	(void)state;
	record_writer_init(&w);
	parse(full_source, PACKAGE_SOURCE, &in);
	assert_int_equal(light_encode(&in, &w, &bytes), 0);
	for (size_t len = 0; len < bytes.len; len++)
		assert_int_equal(
		    light_decode((struct span){bytes.ptr, len}, &record, &out),
		    -EBADMSG);

	record_begin(&w, 1, 1);
	record_put_u64(&w, PACKAGE_BINARY);
	assert_int_equal(record_end(&w, &bytes), 0);
	assert_int_equal(light_decode(bytes, &record, &out), -EBADMSG);

	record_begin(&w, 2, 1);
	record_put_u64(&w, PACKAGE_BINARY);
	assert_int_equal(record_end(&w, &bytes), 0);
	assert_int_equal(light_decode(bytes, &record, &out), -EPROTO);
}

static void
test_package_add_name(void **state)
{
	struct light l = {.name = SPAN("a"),
	    .version = SPAN("1:2-3"),
	    .architecture = SPAN("amd64")};
	CLEANUP(buf_release) struct buf b = {0};

	(void)state;
	assert_int_equal(package_add_name(&l, &b), 0);
	assert_string_equal(b.ptr, "a_1:2-3_amd64");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_light_from_stanza_binary),
	    cmocka_unit_test(test_light_from_stanza_source_field),
	    cmocka_unit_test(test_light_from_stanza_flat_archive),
	    cmocka_unit_test(test_light_from_stanza_source),
	    cmocka_unit_test(test_light_from_stanza_source_directory),
	    cmocka_unit_test(test_light_from_stanza_refuses_binaries),
	    cmocka_unit_test(test_light_from_stanza_refuses_sources),
	    cmocka_unit_test(test_light_from_stanza_limits),
	    cmocka_unit_test(test_light_encode_decode),
	    cmocka_unit_test(test_light_decode_parts),
	    cmocka_unit_test(test_light_encode_files_of_two_directories),
	    cmocka_unit_test(test_light_decode_damaged),
	    cmocka_unit_test(test_package_add_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
