#include "store/blob.h"

#include <errno.h>

#include "scratch_store.h"
#include "store/content.h"
#include "store/package.h"

/* One call in a transaction, whatever it is. */
struct call {
	struct digest sha256;
	uint64_t size;
	uint64_t number;
	struct blob_source source;
	uint64_t origin;
	const uint64_t *packages;
	size_t n;
};

static int
call_put(struct txn *t, void *arg, struct error *err)
{
	struct call *c = arg;

	(void)err;
	return blob_put(t, &c->sha256, c->size, &c->number);
}

static int
call_add_source(struct txn *t, void *arg, struct error *err)
{
	struct call *c = arg;

	(void)err;
	return blob_add_sources(t, c->number, &c->source, 1);
}

static int
call_sight(struct txn *t, void *arg, struct error *err)
{
	struct call *c = arg;

	(void)err;
	return sighting_put(t, c->origin, c->packages, c->n);
}

static int
call_note_list(struct txn *t, void *arg, struct error *err)
{
	struct call *c = arg;

	(void)err;
	return content_put(t, &c->sha256, (struct content){CONTENT_LIST, 7});
}

static struct call
blob_of(const char *text)
{
	struct call c = {.size = strlen(text)};

	digest_of(text, strlen(text), &c.sha256);
	return c;
}

static int
call_add_sisters(struct txn *t, void *arg, struct error *err)
{
	static const struct blob_sister sisters[] = {
	    {CODEC_GZ, 5}, {CODEC_XZ, 6}, {CODEC_GZ, 7}, {CODEC_XZ, 6}};
	struct call *c = arg;
	int r = 0;

	(void)err;
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(sisters); i++)
		r = blob_add_sister(t, c->number, &sisters[i]);
	return r;
}

/* The newest of a codec counts. */
static void
test_blob_add_sister_replaces(void **state)
{
	struct call a = blob_of("a");
	CLEANUP(blob_release) struct blob blob = {0};
	struct scratch *s = *state;

	scratch_write(s, call_put, &a);
	scratch_write(s, call_add_sisters, &a);
	struct txn *t = scratch_read(s);
	assert_int_equal(blob_load(t, a.number, &blob), 0);
	txn_end(t);
	assert_int_equal(blob.nsisters, 2);
	assert_int_equal(blob.sisters[0].codec, CODEC_GZ);
	assert_int_equal(blob.sisters[0].blob, 7);
	assert_int_equal(blob.sisters[1].codec, CODEC_XZ);
	assert_int_equal(blob.sisters[1].blob, 6);
}

static int
put_record(struct txn *t, void *arg, struct error *err)
{
	(void)err;
	return txn_put64(t, T_BLOBS, 3, *(struct span *)arg);
}

/* [version, digest, size 1, mtime 2, [], [], sisters] */
#define OLD_BLOB(n, version)                                                   \
	n version "\xc4\x20"                                                   \
		  "0123456789abcdef0123456789abcdef\x01\x02\x90\x90"

static void
test_blob_load_records(void **state)
{
	static const struct {
		const char *bytes; /* none of them has a NUL */
		int expected;
	} cases[] = {
	    {OLD_BLOB("\x96", "\x01"), 0},
	    {OLD_BLOB("\x97", "\x02") "\x92\x01\x05", 0},
	    {OLD_BLOB("\x97", "\x02") "\x92\x07\x05", -EIO},
	    {OLD_BLOB("\x97", "\x02") "\x9a\x01\x05\x01\x05"
				      "\x01\x05\x01\x05\x01\x05",
		-EIO},
	    {OLD_BLOB("\x96", "\x03"), -EPROTO},
	};
	struct scratch *s = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct span bytes = span_of(cases[i].bytes);
		struct blob blob = {0};

		scratch_write(s, put_record, &bytes);
		struct txn *t = scratch_read(s);
		assert_int_equal(blob_load(t, 3, &blob), cases[i].expected);
		txn_end(t);
		if (cases[i].expected == 0)
			assert_int_equal(blob.size, 1);
		blob_release(&blob);
	}
}

static void
test_blob_put_finds_known(void **state)
{
	struct call a = blob_of("a"), b = blob_of("bb"), again = blob_of("a");
	CLEANUP(blob_release) struct blob blob = {0};
	struct scratch *s = *state;
	struct txn *t;

	scratch_write(s, call_put, &a);
	scratch_write(s, call_put, &b);
	scratch_write(s, call_put, &again);
	assert_int_equal(a.number, 1);
	assert_int_equal(b.number, 2);
	assert_int_equal(again.number, 1);

	t = scratch_read(s);
	assert_int_equal(blob_load(t, 2, &blob), 0);
	assert_int_equal(blob.number, 2);
	assert_int_equal(blob.size, 2);
	assert_true(digest_eq(&blob.sha256, &b.sha256));
	assert_int_equal(blob.nsources, 0);
	assert_int_equal(blob_load(t, 3, &blob), -ENOENT);
	txn_end(t);
}

/* One hash, announced with two sizes: neither is in the other's way. */
static void
test_blob_put_size_differs(void **state)
{
	struct call a = blob_of("a"), lie = blob_of("a");
	struct scratch *s = *state;
	struct content c;
	struct txn *t;

	lie.size = 2;
	scratch_write(s, call_put, &lie);
	scratch_write(s, call_put, &a);
	assert_int_not_equal(a.number, lie.number);
	scratch_write(s, call_put, &lie);
	assert_int_equal(lie.number, 1);
	t = scratch_read(s);
	assert_int_equal(content_find_file(t, &a.sha256, 1, &c), 0);
	assert_int_equal(c.number, a.number);
	assert_int_equal(content_find_file(t, &a.sha256, 2, &c), 0);
	assert_int_equal(c.number, lie.number);
	assert_int_equal(content_find_file(t, &a.sha256, 3, &c), -ENOENT);
	txn_end(t);
}

static void
test_blob_put_refuses(void **state)
{
	struct call list = blob_of("list");
	struct scratch *s = *state;
	struct error err;

	scratch_write(s, call_note_list, &list);
	assert_int_equal(store_write(s->store, call_put, &list, &err), -EEXIST);
}

static int
damage_blob(struct txn *t, void *arg, struct error *err)
{
	(void)arg, (void)err;
	return txn_put64(t, T_BLOBS, 1, SPAN("\x92\x01\x07"));
}

static void
test_blob_load_damaged(void **state)
{
	CLEANUP(blob_release) struct blob blob = {0};
	struct scratch *s = *state;
	struct txn *t;

	scratch_write(s, damage_blob, NULL);
	t = scratch_read(s);
	assert_int_equal(blob_load(t, 1, &blob), -EIO);
	txn_end(t);
}

static void
test_blob_add_source_once(void **state)
{
	const struct blob_source sources[] = {
	    {.package = 5, .file = 1},
	    {.origin = 3, .path = SPAN("dists/x/Packages.xz")},
	    {.package = 5, .file = 1},
	    {.package = 5, .file = 2},
	    {.origin = 3, .path = SPAN("dists/x/Packages.xz")},
	    {.origin = 4, .path = SPAN("dists/x/Packages.xz")},
	};
	CLEANUP(blob_release) struct blob blob = {0};
	struct scratch *s = *state;
	struct call c = blob_of("a");
	struct txn *t;

	scratch_write(s, call_put, &c);
	for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
		c.source = sources[i];
		scratch_write(s, call_add_source, &c);
	}
	t = scratch_read(s);
	assert_int_equal(blob_load(t, c.number, &blob), 0);
	assert_int_equal(blob.nsources, 4);
	assert_int_equal(blob.sources[0].package, 5);
	assert_int_equal(blob.sources[0].file, 1);
	assert_int_equal(blob.sources[1].file, 2);
	assert_int_equal(blob.sources[2].origin, 3);
	assert_true(span_eq(blob.sources[2].path, SPAN("dists/x/Packages.xz")));
	assert_int_equal(blob.sources[3].origin, 4);
	txn_end(t);
}

static int
call_many_sources(struct txn *t, void *arg, struct error *err)
{
	struct call *c = arg;
	int r = 0;

	(void)err;
	for (uint64_t i = 1; i <= BLOB_MAX_SOURCES + 10 && r == 0; i++) {
		struct blob_source source = {.package = i};

		r = blob_add_sources(t, c->number, &source, 1);
	}
	return r;
}

static void
test_blob_add_source_forgets_oldest(void **state)
{
	CLEANUP(blob_release) struct blob blob = {0};
	struct scratch *s = *state;
	struct call c = blob_of("a");
	struct txn *t;

	scratch_write(s, call_put, &c);
	scratch_write(s, call_many_sources, &c);
	t = scratch_read(s);
	assert_int_equal(blob_load(t, c.number, &blob), 0);
	assert_int_equal(blob.nsources, BLOB_MAX_SOURCES);
	assert_int_equal(blob.sources[0].package, 11);
	txn_end(t);
}

static void
test_sighting_has(void **state)
{
	/* Blocks are of 8192 packages. */
	static const uint64_t seen[] = {8192, 1, 8191, 100000, 2, 8193, 1};
	static const uint64_t more[] = {3, 100001};
	static const struct {
		uint64_t origin, package;
		int expected;
	} cases[] = {
	    {1, 1, 1},
	    {1, 2, 1},
	    {1, 3, 1},
	    {1, 4, 0},
	    {1, 8190, 0},
	    {1, 8191, 1},
	    {1, 8192, 1},
	    {1, 8193, 1},
	    {1, 8194, 0},
	    {1, 100000, 1},
	    {1, 100001, 1},
	    {1, UINT64_MAX, 0},
	    {2, 1, 0},
	};
	struct scratch *s = *state;
	struct call c = {.origin = 1, .packages = seen, .n = ARRAY_LEN(seen)};
	struct txn *t;

	scratch_write(s, call_sight, &c);
	c.packages = more;
	c.n = ARRAY_LEN(more);
	scratch_write(s, call_sight, &c);
	t = scratch_read(s);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(
		    sighting_has(t, cases[i].origin, &cases[i].package, 1),
		    cases[i].expected);
	assert_int_equal(sighting_has(t, 1, seen, ARRAY_LEN(seen)), 1);
	assert_int_equal(sighting_has(t, 9, NULL, 0), 1);
	txn_end(t);
}

/* Two packages and the three origins that the places are looked for at. */
static int
fill_places(struct txn *t, void *arg, struct error *err)
{
	struct package_file files[2] = {
	    {.path = SPAN("pool/a/a.dsc")}, {.path = SPAN("pool/a/a.tar")}};
	struct light l = {.kind = PACKAGE_SOURCE, .files = files, .nfiles = 2};
	CLEANUP(record_writer_release) struct record_writer w;
	struct span bytes;
	int r;

	(void)arg, (void)err;
	record_writer_init(&w);
	r = light_encode(&l, &w, &bytes);
	if (r == 0)
		r = txn_put64(t, T_LIGHT, 1, bytes);
	l.origin_path = SPAN("flat");
	if (r == 0)
		r = light_encode(&l, &w, &bytes);
	if (r == 0)
		r = txn_put64(t, T_LIGHT, 2, bytes);
	l.kind = PACKAGE_BINARY;
	l.origin_path = SPAN("x.deb");
	if (r == 0)
		r = light_encode(&l, &w, &bytes);
	if (r == 0)
		r = txn_put64(t, T_LIGHT, 3, bytes);
	for (uint64_t origin = 1; origin <= 3 && r == 0; origin++)
		r = txn_put64(t, T_ORIGINS, origin, SPAN("origin"));
	return r;
}

static int
note_place(uint64_t origin, struct span path, void *arg)
{
	struct buf *b = arg;

	return buf_addf(b, "%d:%.*s\n", (int)origin, SPAN_ARG(path));
}

static int
stop_at_two(uint64_t origin, struct span path, void *arg)
{
	(void)path;
	++*(int *)arg;
	return origin == 2 ? -ENODATA : 0;
}

static void
test_blob_each_place(void **state)
{
	static const uint64_t at_one[] = {1, 2}, at_two[] = {2},
			      at_nine[] = {1};
	struct blob_source sources[] = {
	    {.package = 1, .file = 1},
	    {.package = 2, .file = 0},
	    {.package = 99, .file = 0},
	    {.package = 3, .file = 0},
	    {.origin = 7, .path = SPAN("dists/x/Contents.gz")},
	};
	struct blob b = {.sources = sources, .nsources = ARRAY_LEN(sources)};
	CLEANUP(buf_release) struct buf got = {0};
	struct scratch *s = *state;
	struct call c = {.origin = 1, .packages = at_one, .n = 2};
	struct txn *t;
	int calls = 0;

	scratch_write(s, fill_places, NULL);
	scratch_write(s, call_sight, &c);
	c = (struct call){.origin = 2, .packages = at_two, .n = 1};
	scratch_write(s, call_sight, &c);
	/* An origin that is gone. */
	c = (struct call){.origin = 9, .packages = at_nine, .n = 1};
	scratch_write(s, call_sight, &c);

	t = scratch_read(s);
	assert_int_equal(blob_each_place(t, &b, note_place, &got), 0);
	assert_string_equal(got.ptr, "1:pool/a/a.tar\n"
				     "1:flat/a.dsc\n"
				     "2:flat/a.dsc\n"
				     "7:dists/x/Contents.gz\n");
	assert_int_equal(blob_each_place(t, &b, stop_at_two, &calls), -ENODATA);
	assert_int_equal(calls, 3);
	/* A file that the package does not have. */
	sources[0].file = 2;
	assert_int_equal(blob_each_place(t, &b, note_place, &got), -EIO);
	txn_end(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(test_blob_add_sister_replaces),
	    scratch_test(test_blob_load_records),
	    scratch_test(test_blob_put_finds_known),
	    scratch_test(test_blob_put_size_differs),
	    scratch_test(test_blob_put_refuses),
	    scratch_test(test_blob_load_damaged),
	    scratch_test(test_blob_add_source_once),
	    scratch_test(test_blob_add_source_forgets_oldest),
	    scratch_test(test_sighting_has),
	    scratch_test(test_blob_each_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
