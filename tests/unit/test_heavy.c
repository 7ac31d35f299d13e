#include "store/heavy.h"

#include <errno.h>

#include "base/deb822.h"
#include "scratch_store.h"

#define SAMPLES 3000

/* Stanzas of some likeness, enough to train on. */
struct samples {
	struct buf text;
	size_t sizes[SAMPLES];
};

static void
make_samples(struct samples *s, const char *word)
{
	for (unsigned i = 0; i < SAMPLES; i++) {
		size_t before = s->text.len;

		buf_addf(&s->text,
		    "Package: %s-%u\nVersion: %u.%u-1\n"
		    "Maintainer: Somebody <somebody@mirror.example.org>\n",
		    word, i * 7919 % 10007, i % 17, i % 5);
		for (unsigned j = 0; j < 40; j++)
			buf_addf(
			    &s->text, " %s%u", word, (i * 31 + j * j) % 997);
		buf_addf(&s->text, "\nSHA256: %064x\n", i * 2654435761u);
		s->sizes[i] = s->text.len - before;
	}
}

static void
samples_release(struct samples *s)
{
	buf_release(&s->text);
}

static struct heavy_samples
all_of(const struct samples *s)
{
	return (struct heavy_samples){buf_span(&s->text), s->sizes, SAMPLES};
}

static void
train(struct heavy *h, enum package_kind kind, const struct samples *s)
{
	struct heavy_samples samples = all_of(s);
	struct error err = {""};
	int r = heavy_train(h, kind, &samples, &err);

	if (r != 0)
		fail_msg("%d: %s", r, err.text);
}

struct record_put {
	uint64_t number;
	struct span bytes;
};

static int
put_heavy(struct txn *t, void *arg, struct error *err)
{
	const struct record_put *put = arg;

	(void)err;
	return txn_put64(t, T_HEAVY, put->number, put->bytes);
}

/* Compresses, stores under a number: the size that it took. */
static size_t
store_stanza(
    struct scratch *s, struct heavy *h, uint64_t number, struct span text)
{
	CLEANUP(buf_release) struct buf b = {0};
	struct record_put put = {.number = number};

	assert_int_equal(heavy_compress(h, text, &b), 0);
	put.bytes = buf_span(&b);
	scratch_write(s, put_heavy, &put);
	return b.len;
}

static void
assert_stanza(
    struct scratch *s, struct heavy *h, uint64_t number, struct span text)
{
	CLEANUP(buf_release) struct buf b = {0};
	struct txn *t = scratch_read(s);

	assert_int_equal(buf_add_str(&b, "before:"), 0);
	assert_int_equal(heavy_stanza(h, t, number, &b), 0);
	txn_end(t);
	assert_int_equal(b.len, 7 + text.len);
	assert_memory_equal(b.ptr, "before:", 7);
	if (text.len > 0)
		assert_memory_equal(b.ptr + 7, text.ptr, text.len);
}

static struct heavy *
new_heavy(struct scratch *s)
{
	struct heavy *h = NULL;

	assert_int_equal(heavy_new(s->store, &h), 0);
	return h;
}

static void
test_heavy_stanza_without_dictionary(void **state)
{
	struct scratch *s = *state;
	CLEANUP(heavy_cleanup) struct heavy *h = new_heavy(s);
	CLEANUP_FREE char *large = malloc(STANZA_MAX);

	assert_non_null(large);
	for (size_t i = 0; i < STANZA_MAX; i++)
		large[i] = (char)('a' + i * i % 23);
	store_stanza(s, h, 1, SPAN("Package: a\n"));
	store_stanza(s, h, 2, SPAN(""));
	store_stanza(s, h, 3, (struct span){large, STANZA_MAX});
	assert_stanza(s, h, 1, SPAN("Package: a\n"));
	assert_stanza(s, h, 2, SPAN(""));
	assert_stanza(s, h, 3, (struct span){large, STANZA_MAX});
}

static void
test_heavy_train_makes_smaller(void **state)
{
	CLEANUP(samples_release) struct samples samples = {.text = {0}};
	struct scratch *s = *state;
	CLEANUP(heavy_cleanup) struct heavy *h = new_heavy(s);
	CLEANUP(heavy_cleanup) struct heavy *fresh = new_heavy(s);
	struct span stanza;
	size_t with, without;

	make_samples(&samples, "word");
	stanza = (struct span){samples.text.ptr, samples.sizes[0]};
	without = store_stanza(s, h, 1, stanza);
	train(h, PACKAGE_BINARY, &samples);
	with = store_stanza(s, h, 2, stanza);
	assert_true(with * 2 < without);
	assert_stanza(s, h, 1, stanza);
	assert_stanza(s, h, 2, stanza);
	assert_stanza(s, fresh, 2, stanza);
	assert_stanza(s, fresh, 1, stanza);
}

static void
test_heavy_train_too_little(void **state)
{
	static const size_t sizes[] = {11};
	struct heavy_samples little = {SPAN("Package: a\n"), sizes, 1};
	struct scratch *s = *state;
	CLEANUP(heavy_cleanup) struct heavy *h = new_heavy(s);
	struct error err;

	assert_int_equal(
	    heavy_train(h, PACKAGE_BINARY, &little, &err), -EAGAIN);
	store_stanza(s, h, 1, SPAN("Package: a\n"));
	assert_stanza(s, h, 1, SPAN("Package: a\n"));
}

static uint64_t
newest(struct scratch *s, struct heavy *h, enum package_kind kind)
{
	struct txn *t = scratch_read(s);
	uint64_t number = 99;

	assert_int_equal(heavy_use_newest(h, t, kind, &number), 0);
	txn_end(t);
	return number;
}

static void
test_heavy_use_newest_by_kind(void **state)
{
	CLEANUP(samples_release) struct samples binary = {.text = {0}};
	CLEANUP(samples_release) struct samples source = {.text = {0}};
	struct scratch *s = *state;
	CLEANUP(heavy_cleanup) struct heavy *h = new_heavy(s);
	struct span stanza;

	make_samples(&binary, "binary");
	make_samples(&source, "source");
	assert_int_equal(newest(s, h, PACKAGE_BINARY), 0);
	train(h, PACKAGE_BINARY, &binary);
	assert_int_equal(newest(s, h, PACKAGE_SOURCE), 0);
	train(h, PACKAGE_SOURCE, &source);
	assert_int_equal(newest(s, h, PACKAGE_BINARY), 1);
	assert_int_equal(newest(s, h, PACKAGE_UDEB), 1);
	assert_int_equal(newest(s, h, PACKAGE_SOURCE), 2);
	stanza = (struct span){source.text.ptr, source.sizes[0]};
	store_stanza(s, h, 1, stanza);
	assert_int_equal(newest(s, h, PACKAGE_BINARY), 1);
	store_stanza(s, h, 2, stanza);
	assert_stanza(s, h, 1, stanza);
	assert_stanza(s, h, 2, stanza);
}

/* What another process has trained meanwhile is used instead. */
static void
test_heavy_train_twice(void **state)
{
	CLEANUP(samples_release) struct samples samples = {.text = {0}};
	struct scratch *s = *state;
	CLEANUP(heavy_cleanup) struct heavy *a = new_heavy(s);
	CLEANUP(heavy_cleanup) struct heavy *b = new_heavy(s);
	struct span stanza;
	uint64_t count;
	struct txn *t;

	make_samples(&samples, "word");
	train(a, PACKAGE_BINARY, &samples);
	train(b, PACKAGE_BINARY, &samples);
	t = scratch_read(s);
	assert_int_equal(txn_count(t, T_DICTS, &count), 0);
	assert_int_equal(count, 1);
	txn_end(t);
	stanza = (struct span){samples.text.ptr, samples.sizes[0]};
	store_stanza(s, b, 1, stanza);
	assert_stanza(s, a, 1, stanza);
}

static void
test_heavy_stanza_damaged(void **state)
{
	/* Frames less their first four bytes. */
	static const struct {
		const char *bytes;
		size_t len;
	} cases[] = {
	    {"", 0},
	    {"\x20", 1},
	    {"garbage", 7},
	    /* 3 announced, 2 there */
	    {"\x20\x03\x11\0\0ab", 7},
	    /* dictionary 7 */
	    {"\x21\x07\x02\x11\0\0ab", 8},
	    /* 1 GiB announced */
	    {"\xa0\0\0\0\x40\x01\0\0", 8},
	    /* the size is not said */
	    {"\0\x58\x11\0\0ab", 7},
	};
	struct scratch *s = *state;
	CLEANUP(heavy_cleanup) struct heavy *h = new_heavy(s);
	struct record_put sound = {1, {"\x20\x02\x11\0\0ab", 7}};

	scratch_write(s, put_heavy, &sound);
	assert_stanza(s, h, 1, SPAN("ab"));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct record_put put = {1, {cases[i].bytes, cases[i].len}};
		CLEANUP(buf_release) struct buf b = {0};
		struct txn *t;

		scratch_write(s, put_heavy, &put);
		t = scratch_read(s);
		assert_int_equal(heavy_stanza(h, t, 1, &b), -EIO);
		assert_int_equal(b.len, 0);
		assert_int_equal(heavy_stanza(h, t, 2, &b), -ENOENT);
		txn_end(t);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(test_heavy_stanza_without_dictionary),
	    scratch_test(test_heavy_train_makes_smaller),
	    scratch_test(test_heavy_train_too_little),
	    scratch_test(test_heavy_use_newest_by_kind),
	    scratch_test(test_heavy_train_twice),
	    scratch_test(test_heavy_stanza_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
