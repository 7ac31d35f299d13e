#include "store/ingest.h"

#include <errno.h>

#include "base/deb822.h"
#include "scratch_store.h"
#include "store/blob.h"
#include "store/content.h"
#include "store/heavy.h"
#include "store/list.h"

/* A Packages or Sources index in memory. */
static void
add_binary(struct buf *b, unsigned i, const char *version)
{
	char file[64], hex[DIGEST_HEX_SIZE];
	struct digest d;

	(void)snprintf(file, sizeof(file), "pool/p%u_%s.deb", i, version);
	digest_of(file, strlen(file), &d);
	buf_addf(
	    b, "Package: p%u\nVersion: %s\nArchitecture: amd64\n", i, version);
	buf_addf(b, "Depends: p%u (>= 1), p%u\nDescription: number %u\n",
	    i * 7 % 1000, i * i % 1000, i);
	/* Something that does not compress to nothing. */
	for (unsigned j = 0; j < 60; j++)
		buf_addf(b, " %x", (i * 2654435761u) >> (j % 17) ^ j * 77);
	buf_addf(b, "\nFilename: %s\nSize: %u\nSHA256: %s\n\n", file, i,
	    digest_hex(&d, hex));
}

static void
binary_index(struct buf *b, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		add_binary(b, i, "1.0");
	assert_false(b->failed);
}

struct run_of_ingest {
	enum package_kind kind;
	struct ingest_result result;
	struct error err;
};

/* Cuts an index into stanzas and takes them in. */
static int
try_ingest(struct scratch *s, struct span text, struct run_of_ingest *run)
{
	CLEANUP(ingest_cleanup) struct ingest *in = NULL;
	struct span stanza, before = text;
	size_t line = 1;
	int r;

	r = ingest_new(s->store, run->kind, &in, &run->err);
	while (r == 0 && deb822_stanza(&text, &stanza)) {
		for (; before.ptr < stanza.ptr; before.ptr++)
			line += *before.ptr == '\n';
		r = ingest_stanza(in, stanza, line, &run->err);
	}
	return r == 0 ? ingest_end(in, &run->result, &run->err) : r;
}

static struct ingest_result
ingest(struct scratch *s, struct span text, enum package_kind kind)
{
	struct run_of_ingest run = {.kind = kind};
	int r = try_ingest(s, text, &run);

	if (r != 0)
		fail_msg("%d: %s", r, run.err.text);
	return run.result;
}

static void
render(struct scratch *s, uint64_t number, struct buf *out)
{
	CLEANUP(run_packages_release) struct run_packages packages = {0};
	CLEANUP(heavy_cleanup) struct heavy *h = NULL;
	CLEANUP(list_release) struct list l = {0};
	struct txn *t = scratch_read(s);

	assert_int_equal(heavy_new(s->store, &h), 0);
	assert_int_equal(list_load(t, number, &l), 0);
	for (size_t i = 0; i < l.nruns; i++) {
		assert_int_equal(run_load(t, l.runs[i].run, &packages), 0);
		for (size_t j = 0; j < packages.n; j++) {
			assert_int_equal(
			    heavy_stanza(h, t, packages.v[j], out), 0);
			assert_int_equal(buf_add_char(out, '\n'), 0);
		}
	}
	txn_end(t);
}

static void
assert_renders(struct scratch *s, uint64_t list, struct span text)
{
	CLEANUP(buf_release) struct buf got = {0};

	render(s, list, &got);
	assert_int_equal(got.len, text.len);
	if (text.len > 0)
		assert_memory_equal(got.ptr, text.ptr, text.len);
}

static uint64_t
count(struct scratch *s, enum table table)
{
	struct txn *t = scratch_read(s);
	uint64_t n = 0;

	assert_int_equal(txn_count(t, table, &n), 0);
	txn_end(t);
	return n;
}

static void
test_ingest_renders_what_came(void **state)
{
	/* Nothing; one; a batch without a dictionary; several with one. */
	static const unsigned cases[] = {0, 1, 500, 20000};
	struct scratch *s = *state;
	uint64_t known = 0;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(buf_release) struct buf text = {0};
		struct ingest_result got;
		struct digest d;

		binary_index(&text, cases[i]);
		got = ingest(s, buf_span(&text), PACKAGE_BINARY);
		digest_of(text.ptr ? text.ptr : "", text.len, &d);
		assert_true(digest_eq(&got.rendered, &d));
		assert_int_equal(got.list, i + 1);
		assert_int_equal(got.packages, cases[i]);
		assert_int_equal(got.new_packages, cases[i] - known);
		known = cases[i];
		assert_renders(s, got.list, buf_span(&text));
	}
	assert_int_equal(count(s, T_LIGHT), known);
	assert_int_equal(count(s, T_HEAVY), known);
	assert_int_equal(count(s, T_PACKAGE_IDS), known);
	assert_int_equal(count(s, T_BLOBS), known);
	assert_int_equal(count(s, T_DICTS), 1);
}

static void
test_ingest_again_writes_nothing(void **state)
{
	CLEANUP(buf_release) struct buf text = {0};
	struct ingest_result first, second;
	struct scratch *s = *state;
	uint64_t commit;

	binary_index(&text, 300);
	first = ingest(s, buf_span(&text), PACKAGE_BINARY);
	commit = store_last_commit(s->store);
	second = ingest(s, buf_span(&text), PACKAGE_BINARY);
	assert_int_equal(second.list, first.list);
	assert_int_equal(second.packages, 300);
	assert_int_equal(second.new_packages, 0);
	assert_int_equal(store_last_commit(s->store), commit);
}

static void
test_ingest_new_among_known(void **state)
{
	CLEANUP(buf_release) struct buf old = {0};
	CLEANUP(buf_release) struct buf new = {0};
	struct ingest_result got;
	struct scratch *s = *state;

	binary_index(&old, 600);
	(void)ingest(s, buf_span(&old), PACKAGE_BINARY);
	for (unsigned i = 0; i < 600; i++)
		add_binary(&new, i, i % 100 == 50 ? "2.0" : "1.0");
	got = ingest(s, buf_span(&new), PACKAGE_BINARY);
	assert_int_equal(got.packages, 600);
	assert_int_equal(got.new_packages, 6);
	assert_renders(s, got.list, buf_span(&new));
	assert_int_equal(count(s, T_LIGHT), 606);
}

static void
test_ingest_sources(void **state)
{
	CLEANUP(package_release) struct package p = {0};
	CLEANUP(buf_release) struct buf text = {0};
	char hex[DIGEST_HEX_SIZE];
	struct ingest_result got;
	struct scratch *s = *state;
	struct digest d;
	struct txn *t;

	for (unsigned i = 0; i < 200; i++) {
		buf_addf(
		    &text, "Package: s%u\nVersion: 1\nDirectory: pool/s\n", i);
		buf_add_str(&text, "Checksums-Sha256:\n");
		for (unsigned j = 0; j < 3; j++) {
			/* The last file is the same in all. */
			unsigned file = j == 2 ? 9999 : i * 10 + j;

			digest_of(&file, sizeof(file), &d);
			buf_addf(&text, " %s %u file%u\n", digest_hex(&d, hex),
			    file, file);
		}
		buf_add_char(&text, '\n');
	}
	got = ingest(s, buf_span(&text), PACKAGE_SOURCE);
	assert_int_equal(got.new_packages, 200);
	assert_renders(s, got.list, buf_span(&text));
	assert_int_equal(count(s, T_BLOBS), 401);
	t = scratch_read(s);
	assert_int_equal(package_light(t, 200, &p), 0);
	assert_int_equal(p.light.nfiles, 3);
	assert_true(span_eq(p.light.files[1].path, SPAN("pool/s/file1991")));
	txn_end(t);
}

/* The same stanza in two batches and twice in one is one package. */
static void
test_ingest_repeated_stanza(void **state)
{
	CLEANUP(buf_release) struct buf text = {0};
	struct ingest_result got;
	struct scratch *s = *state;

	add_binary(&text, 1, "1.0");
	add_binary(&text, 1, "1.0");
	add_binary(&text, 2, "1.0");
	add_binary(&text, 1, "1.0");
	got = ingest(s, buf_span(&text), PACKAGE_BINARY);
	assert_int_equal(got.packages, 4);
	assert_int_equal(got.new_packages, 2);
	assert_renders(s, got.list, buf_span(&text));
}

#define FILES                                                                  \
	"Filename: pool/a\nSize: 1\n"                                          \
	"SHA256: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"                             \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"

static void
test_ingest_stanza_refuses(void **state)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
	    {"Package: a\nVersion: 1\nArchitecture: all\n" FILES
	     "\nPackage: a\nVersion: 1\nArchitecture: all\nTag: x\n" FILES,
		"line 8: package \"a\" stands here and at line 1, with the "
		"same version and other content"},
	    {"Package: a\nVersion: 1\nArchitecture: all\n" FILES
	     "\nPackage: b\nArchitecture: all\n",
		"line 8: package \"b\" has no Version"},
	    {"Package: a\nVersion: 1\nArchitecture: all\n"
	     "Filename: ../../etc/passwd\nSize: 1\nSHA256: x\n",
		"line 4: Filename has a part '..': \"../../etc/passwd\""},
	    {"<html>\n", "line 1: no colon"},
	};
	struct scratch *s = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct run_of_ingest run = {.kind = PACKAGE_BINARY};

		assert_int_equal(
		    try_ingest(s, span_of(cases[i].text), &run), -EBADMSG);
		assert_string_equal(run.err.text, cases[i].expected);
	}
	assert_int_equal(count(s, T_LISTS), 0);
}

static void
test_ingest_stanza_accepts(void **state)
{
	static const char *const cases[] = {
	    /* the same name in other versions and architectures */
	    "Package: a\nVersion: 1\nArchitecture: all\n" FILES
	    "\nPackage: a\nVersion: 2\nArchitecture: all\n" FILES
	    "\nPackage: a\nVersion: 2\nArchitecture: i386\n" FILES,
	    /* again, but not in a row */
	    "Package: a\nVersion: 1\nArchitecture: all\n" FILES
	    "\nPackage: b\nVersion: 1\nArchitecture: all\n" FILES
	    "\nPackage: a\nVersion: 1\nArchitecture: all\nTag: x\n" FILES,
	};
	struct scratch *s = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(
		    ingest(s, span_of(cases[i]), PACKAGE_BINARY).packages, 3);
}

static void
test_ingest_stanza_too_large(void **state)
{
	CLEANUP(buf_release) struct buf text = {0};
	struct scratch *s = *state;
	struct run_of_ingest run = {.kind = PACKAGE_BINARY};

	buf_addf(&text, "Package: a\nTag: %0*d\n", STANZA_MAX, 1);
	assert_int_equal(try_ingest(s, buf_span(&text), &run), -EBADMSG);
	assert_non_null(strstr(run.err.text, "line 1: the stanza is larger"));
}

/* What was stored before an ingest was given up is found by the next. */
static void
test_ingest_given_up(void **state)
{
	CLEANUP(buf_release) struct buf text = {0};
	CLEANUP(buf_release) struct buf broken = {0};
	struct run_of_ingest run = {.kind = PACKAGE_BINARY};
	struct scratch *s = *state;
	struct ingest_result got;
	uint64_t kept;

	binary_index(&text, 20000);
	buf_add_span(&broken, buf_span(&text));
	buf_add_str(&broken, "broken\n\n");
	assert_int_equal(try_ingest(s, buf_span(&broken), &run), -EBADMSG);
	kept = count(s, T_LIGHT);
	assert_true(kept > 0 && kept < 20000);
	assert_int_equal(count(s, T_LISTS), 0);
	got = ingest(s, buf_span(&text), PACKAGE_BINARY);
	assert_int_equal(got.packages, 20000);
	assert_int_equal(got.new_packages, 20000 - kept);
	assert_renders(s, got.list, buf_span(&text));
	assert_int_equal(count(s, T_LIGHT), 20000);
}

/* The map has to grow several times in the middle of it. */
static void
test_ingest_grows_map(void **state)
{
	CLEANUP(buf_release) struct buf text = {0};
	struct scratch *s = *state;
	struct ingest_result got;
	struct error err = {""};

	store_close(s->store);
	assert_int_equal(
	    nftw(s->store_dir, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS),
	    0);
	assert_int_equal(
	    store_open(s->store_dir, STORE_CREATE, 1 << 20, &s->store, &err),
	    0);
	binary_index(&text, 10000);
	got = ingest(s, buf_span(&text), PACKAGE_BINARY);
	assert_int_equal(got.new_packages, 10000);
	assert_renders(s, got.list, buf_span(&text));
	assert_int_equal(count(s, T_LIGHT), 10000);
	assert_int_equal(count(s, T_BLOBS), 10000);
}

/* Two at once see the same stanzas as new; they are stored once. */
static void
test_ingest_beside_another(void **state)
{
	CLEANUP(ingest_cleanup) struct ingest *a = NULL;
	CLEANUP(ingest_cleanup) struct ingest *b = NULL;
	CLEANUP(buf_release) struct buf text = {0};
	struct ingest_result first, second;
	struct scratch *s = *state;
	struct error err = {""};
	struct span rest, stanza;

	binary_index(&text, 100);
	rest = buf_span(&text);
	assert_int_equal(ingest_new(s->store, PACKAGE_BINARY, &a, &err), 0);
	assert_int_equal(ingest_new(s->store, PACKAGE_BINARY, &b, &err), 0);
	while (deb822_stanza(&rest, &stanza)) {
		assert_int_equal(ingest_stanza(a, stanza, 1, &err), 0);
		assert_int_equal(ingest_stanza(b, stanza, 1, &err), 0);
	}
	assert_int_equal(ingest_end(a, &first, &err), 0);
	assert_int_equal(ingest_end(b, &second, &err), 0);
	assert_int_equal(first.new_packages, 100);
	assert_int_equal(second.new_packages, 0);
	assert_int_equal(second.list, first.list);
	assert_int_equal(count(s, T_LIGHT), 100);
	assert_renders(s, first.list, buf_span(&text));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(test_ingest_renders_what_came),
	    scratch_test(test_ingest_again_writes_nothing),
	    scratch_test(test_ingest_new_among_known),
	    scratch_test(test_ingest_sources),
	    scratch_test(test_ingest_repeated_stanza),
	    scratch_test(test_ingest_stanza_refuses),
	    scratch_test(test_ingest_stanza_accepts),
	    scratch_test(test_ingest_stanza_too_large),
	    scratch_test(test_ingest_given_up),
	    scratch_test(test_ingest_grows_map),
	    scratch_test(test_ingest_beside_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
