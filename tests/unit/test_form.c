#include <errno.h>

#include "store/content.h"
#include "store/form.h"
#include "tests/unit/scratch_store.h"

static void
test_codec_of_path(void **state)
{
	static const struct {
		const char *path;
		enum codec want;
		const char *stem;
	} cases[] = {
	    {"Packages", CODEC_PLAIN, "Packages"},
	    {"Packages.gz", CODEC_GZ, "Packages"},
	    {"main/binary-amd64/Packages.xz", CODEC_XZ,
		"main/binary-amd64/Packages"},
	    {"a.b/Packages.zst", CODEC_ZST, "a.b/Packages"},
	    {"Sources.bz2", CODEC_BZ2, "Sources"},
	    {"Sources.lz4", CODEC_PLAIN, "Sources.lz4"},
	    {"dir.gz/Packages", CODEC_PLAIN, "dir.gz/Packages"},
	    {"dir/.gz", CODEC_PLAIN, "dir/.gz"},
	    {".gz", CODEC_PLAIN, ".gz"},
	    {"Packages.", CODEC_PLAIN, "Packages."},
	    {"Packages.gz.xz", CODEC_XZ, "Packages.gz"},
	    {"gz", CODEC_PLAIN, "gz"},
	    {"", CODEC_PLAIN, ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct span stem;

		assert_int_equal(codec_of_path(span_of(cases[i].path), &stem),
		    cases[i].want);
		assert_true(span_eq(stem, span_of(cases[i].stem)));
	}
}

static void
test_codec_parse(void **state)
{
	static const char *const bad[] = {"GZ", "gzip", "lzma", ".gz", "g"};
	enum codec got;

	(void)state;
	for (enum codec c = CODEC_PLAIN; c <= CODEC_BZ2; c++) {
		assert_int_equal(
		    codec_parse(span_of(codec_suffix(c)), &got), 0);
		assert_int_equal(got, c);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(codec_parse(span_of(bad[i]), &got), -EINVAL);
}

static int
put(struct txn *t, void *arg, struct error *err)
{
	(void)err;
	return form_put(t, arg);
}

static void
test_form_round_trip(void **state)
{
	enum { MOST = 3 };
	static const struct {
		struct form f;
		uint64_t run[MOST], offset[MOST + 1];
	} cases[] = {
	    {{.list = 1, .codec = CODEC_GZ, .size = 60, .npieces = 3},
		{7, 5, UINT64_C(1) << 40}, {0, 10, 30, 60}},
	    /* Bytes before the first piece, and behind the last. */
	    {{.list = 1, .codec = CODEC_XZ, .size = 100, .npieces = 2}, {1, 2},
		{12, 40, 90}},
	    {{.list = UINT64_MAX, .codec = CODEC_ZST, .size = 9}, {0}, {9}},
	    {{.list = 3, .codec = CODEC_ZST, .size = UINT64_MAX, .npieces = 1},
		{UINT64_MAX}, {0, UINT64_MAX}},
	};
	struct scratch *s = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct form f = cases[i].f, got;
		uint64_t run[MOST], offset[MOST + 1], number;
		struct txn *t;

		memcpy(run, cases[i].run, sizeof(run));
		memcpy(offset, cases[i].offset, sizeof(offset));
		f.run = run;
		f.offset = offset;
		digest_of(&i, sizeof(i), &f.sha256);
		scratch_write(s, put, &f);
		assert_int_equal(f.number, i + 1);
		t = scratch_read(s);
		assert_int_equal(form_find(t, f.list, f.codec, &number), 0);
		assert_int_equal(number, f.number);
		assert_int_equal(form_load(t, number, &got), 0);
		assert_int_equal(got.number, number);
		assert_true(got.list == f.list && got.size == f.size);
		assert_int_equal(got.codec, f.codec);
		assert_true(got.mtime == f.mtime && f.mtime > 0);
		assert_true(digest_eq(&got.sha256, &f.sha256));
		assert_int_equal(got.npieces, f.npieces);
		assert_memory_equal(
		    got.offset, offset, (f.npieces + 1) * sizeof(*offset));
		if (f.npieces > 0)
			assert_memory_equal(
			    got.run, run, f.npieces * sizeof(*run));
		form_release(&got);
		form_release(&got);
		txn_end(t);
	}
}

static struct form
form_of(uint64_t list, uint64_t size, unsigned seed)
{
	static uint64_t run[1] = {1};
	static uint64_t offset[2] = {0, 1};
	struct form f = {.list = list,
	    .codec = CODEC_GZ,
	    .size = size,
	    .npieces = 1,
	    .run = run,
	    .offset = offset};

	digest_of(&seed, sizeof(seed), &f.sha256);
	return f;
}

static void
test_form_head_and_tail(void **state)
{
	struct scratch *s = *state;
	struct form f = form_of(1, 50, 0), got;
	struct txn *t;

	assert_int_equal(buf_add_str(&f.head, "head"), 0);
	assert_int_equal(buf_add(&f.tail, "ta\0il", 5), 0);
	scratch_write(s, put, &f);
	t = scratch_read(s);
	assert_int_equal(form_load(t, f.number, &got), 0);
	assert_true(span_eq(buf_span(&got.head), SPAN("head")));
	assert_true(span_eq(buf_span(&got.tail), SPAN("ta\0il")));
	txn_end(t);
	buf_release(&f.head);
	buf_release(&f.tail);
	form_release(&got);
}

static void
test_form_is_content(void **state)
{
	struct scratch *s = *state;
	struct form f = form_of(1, 50, 0);
	struct content c = {0};
	struct content_info info;
	struct txn *t;

	scratch_write(s, put, &f);
	t = scratch_read(s);
	assert_int_equal(content_find(t, &f.sha256, &c), 0);
	assert_int_equal(c.kind, CONTENT_FORM);
	assert_int_equal(c.number, f.number);
	assert_int_equal(content_info(t, c, &info), 0);
	assert_int_equal(info.size, 50);
	assert_int_equal(info.mtime, f.mtime);
	assert_true(digest_eq(&info.sha256, &f.sha256));
	txn_end(t);
}

static void
test_form_put_again(void **state)
{
	struct scratch *s = *state;
	struct form a = form_of(1, 50, 0), b = form_of(1, 50, 0);
	struct form c = form_of(1, 51, 1);
	uint64_t number;
	struct txn *t;

	scratch_write(s, put, &a);
	scratch_write(s, put, &b);
	assert_int_equal(a.number, b.number);
	assert_int_equal(a.mtime, b.mtime);
	/* Compressed in another way: the newer one is found. */
	scratch_write(s, put, &c);
	assert_int_not_equal(a.number, c.number);
	assert_true(c.mtime > a.mtime);
	t = scratch_read(s);
	assert_int_equal(form_find(t, 1, CODEC_GZ, &number), 0);
	assert_int_equal(number, c.number);
	txn_end(t);
}

static void
test_form_unknown(void **state)
{
	struct txn *t = scratch_read(*state);
	struct form f;
	uint64_t n;

	assert_int_equal(form_find(t, 1, CODEC_GZ, &n), -ENOENT);
	assert_int_equal(form_load(t, 1, &f), -ENOENT);
	txn_end(t);
}

struct raw {
	struct span bytes;
	enum table table;
};

static int
put_raw(struct txn *t, void *arg, struct error *err)
{
	struct raw *raw = arg;

	(void)err;
	return txn_put64(t, raw->table, 1, raw->bytes);
}

/* Records that lie: 1, list, codec, size, mtime, SHA-256, count, pieces. */
#define HEAD(codec, size)                                                      \
	"\x98\x01\x01" codec size "\x05\xc4\x20"                               \
	"0123456789abcdef0123456789abcdef"
#define RAW(literal)                                                           \
	{                                                                      \
		literal, sizeof(literal) - 1                                   \
	}

static void
test_form_damaged(void **state)
{
	static const struct {
		struct span bytes;
		int want;
	} cases[] = {
	    {RAW(HEAD("\x01", "\x09") "\x01\xc4\x03\x00\x02\x09"), 0},
	    {RAW(HEAD("\x01", "\x09") "\x00\xc4\x01\x00"), 0},
	    /* No such codec. */
	    {RAW(HEAD("\x05", "\x09") "\x01\xc4\x03\x00\x02\x09"), -EIO},
	    /* Pieces longer than the whole; beginning behind it. */
	    {RAW(HEAD("\x01", "\x09") "\x01\xc4\x03\x00\x02\x0a"), -EIO},
	    {RAW(HEAD("\x01", "\x09") "\x01\xc4\x03\x0a\x02\x00"), -EIO},
	    /* More pieces than bytes, bytes than pieces. */
	    {RAW(HEAD("\x01", "\x09") "\x02\xc4\x03\x00\x02\x09"), -EIO},
	    {RAW(HEAD("\x01", "\x09") "\xce\xff\xff\xff\xff\xc4\x01\x00"),
		-EIO},
	    {RAW(HEAD("\x01", "\x09") "\x01\xc4\x04\x00\x02\x09\x00"), -EIO},
	    {RAW(HEAD("\x01", "\x09") "\x00\xc4\x00"), -EIO},
	    {RAW("\x91\x01"), -EIO},
	    {RAW("\x91\x03"), -EPROTO},
	    {RAW(""), -EIO},
	};
	struct scratch *s = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct raw raw = {cases[i].bytes, T_FORMS};
		struct form f = {0};
		struct txn *t;
		int r;

		scratch_write(s, put_raw, &raw);
		t = scratch_read(s);
		r = form_load(t, 1, &f);
		if (r != cases[i].want)
			fail_msg("case %zu: %d", i, r);
		form_release(&f);
		txn_end(t);
	}
}

static int
put_pieces(struct txn *t, void *arg, struct error *err)
{
	(void)arg, (void)err;
	assert_int_equal(piece_put(t, 1, CODEC_GZ, SPAN("one gz")), 0);
	assert_int_equal(piece_put(t, 1, CODEC_XZ, SPAN("one xz")), 0);
	assert_int_equal(piece_put(t, 256, CODEC_GZ, SPAN("many gz")), 0);
	return 0;
}

static void
test_piece(void **state)
{
	static const struct {
		uint64_t run;
		enum codec codec;
		const char *want;
	} cases[] = {
	    {1, CODEC_GZ, "one gz"},
	    {1, CODEC_XZ, "one xz"},
	    {1, CODEC_ZST, NULL},
	    {256, CODEC_GZ, "many gz"},
	    {2, CODEC_GZ, NULL},
	};
	struct txn *t;

	scratch_write(*state, put_pieces, NULL);
	t = scratch_read(*state);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct span got;
		int r = piece_get(t, cases[i].run, cases[i].codec, &got);

		assert_int_equal(r, cases[i].want ? 0 : -ENOENT);
		if (r == 0)
			assert_true(span_eq(got, span_of(cases[i].want)));
	}
	txn_end(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_codec_of_path),
	    cmocka_unit_test(test_codec_parse),
	    scratch_test(test_form_round_trip),
	    scratch_test(test_form_head_and_tail),
	    scratch_test(test_form_is_content),
	    scratch_test(test_form_put_again),
	    scratch_test(test_form_unknown),
	    scratch_test(test_form_damaged),
	    scratch_test(test_piece),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
