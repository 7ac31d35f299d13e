#include <errno.h>

#include "base/buf.h"
#include "store/content.h"
#include "store/text.h"
#include "tests/unit/scratch_store.h"

struct put {
	struct span bytes;
	uint64_t like;
	uint64_t got;
};

static int
put(struct txn *t, void *arg, struct error *err)
{
	struct put *p = arg;

	(void)err;
	return text_put(t, p->bytes, p->like, &p->got);
}

static uint64_t
must_put(struct scratch *s, struct span bytes, uint64_t like)
{
	struct put p = {bytes, like, 0};

	scratch_write(s, put, &p);
	return p.got;
}

static void
assert_text(struct scratch *s, uint64_t number, struct span want)
{
	struct txn *t = scratch_read(s);
	struct buf b = {0};
	struct text_info info;
	struct content_info stat;
	struct content c;
	struct digest sha256;

	assert_int_equal(buf_add_str(&b, "before:"), 0);
	assert_int_equal(text_get(t, number, &b), 0);
	assert_int_equal(b.len, 7 + want.len);
	assert_memory_equal(b.ptr, "before:", 7);
	if (want.len > 0)
		assert_memory_equal(b.ptr + 7, want.ptr, want.len);
	assert_int_equal(b.ptr[b.len], 0);
	digest_of(want.ptr, want.len, &sha256);
	assert_int_equal(text_info(t, number, &info), 0);
	assert_int_equal(info.size, want.len);
	assert_true(digest_eq(&info.sha256, &sha256));
	assert_true(info.mtime > 0);
	assert_int_equal(content_find(t, &sha256, &c), 0);
	assert_int_equal(c.kind, CONTENT_TEXT);
	assert_int_equal(c.number, number);
	assert_int_equal(content_info(t, c, &stat), 0);
	assert_int_equal(stat.size, want.len);
	assert_int_equal(stat.mtime, info.mtime);
	assert_true(digest_eq(&stat.sha256, &sha256));
	buf_release(&b);
	txn_end(t);
}

/* n lines of hex that do not compress well, as a Release has them. */
static struct buf
release_of(unsigned seed, unsigned n)
{
	struct buf b = {0};

	for (unsigned i = 0; i < n; i++) {
		struct digest d;
		unsigned of[2] = {seed, i};
		char hex[DIGEST_HEX_SIZE];

		digest_of(of, sizeof(of), &d);
		assert_int_equal(
		    buf_addf(&b, " %s %u main/%u\n", digest_hex(&d, hex), i, i),
		    0);
	}
	return b;
}

static size_t
stored_size(struct scratch *s, uint64_t number)
{
	struct txn *t = scratch_read(s);
	struct span v;

	assert_int_equal(txn_get64(t, T_TEXTS, number, &v), 0);
	txn_end(t);
	return v.len;
}

static void
test_put_get(void **state)
{
	static const char *const texts[] = {
	    "", "x", "Origin: Debian\n", "Origin: Debian\nLabel: Debian\n"};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		uint64_t n = must_put(*state, span_of(texts[i]), 0);

		assert_int_equal(n, i + 1);
		assert_text(*state, n, span_of(texts[i]));
	}
}

static void
test_put_twice(void **state)
{
	uint64_t a = must_put(*state, SPAN("same"), 0);
	uint64_t b = must_put(*state, SPAN("other"), 0);

	assert_int_not_equal(a, b);
	assert_int_equal(must_put(*state, SPAN("same"), b), a);
	assert_text(*state, a, SPAN("same"));
}

static void
test_put_like(void **state)
{
	/* Two sizes: within and beyond zstd's window at the level. */
	static const unsigned lines[] = {2000, 40000};

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct buf release = release_of((unsigned)i, lines[i]);
		struct buf in = {0};
		uint64_t n, like;

		assert_int_equal(buf_addf(&in,
				     "-----BEGIN PGP SIGNED MESSAGE-----\n\n%s"
				     "-----BEGIN PGP SIGNATURE-----\n",
				     release.ptr),
		    0);
		like = must_put(*state, buf_span(&in), 0);
		n = must_put(*state, buf_span(&release), like);
		assert_text(*state, n, buf_span(&release));
		assert_text(*state, like, buf_span(&in));
		if (stored_size(*state, n) > 1000)
			fail_msg("%zu bytes", stored_size(*state, n));
		buf_release(&release);
		buf_release(&in);
	}
}

/* Each like the one before: chains end, and every text can be had. */
static void
test_put_like_chain(void **state)
{
	struct scratch *s = *state;
	struct buf b = release_of(7, 500);
	uint64_t n[12] = {0}, like = 0;
	unsigned whole = 0;

	for (size_t i = 0; i < ARRAY_LEN(n); i++) {
		struct txn *t;
		struct text_info info;

		b.ptr[1] = (char)('A' + i);
		n[i] = must_put(s, buf_span(&b), like);
		t = scratch_read(s);
		assert_int_equal(text_info(t, n[i], &info), 0);
		assert_true(info.like == like || info.like == 0);
		whole += info.like == 0;
		txn_end(t);
		like = n[i];
	}
	assert_true(whole >= 2 && whole <= 4);
	for (size_t i = 0; i < ARRAY_LEN(n); i++) {
		b.ptr[1] = (char)('A' + i);
		assert_text(s, n[i], buf_span(&b));
	}
	buf_release(&b);
}

static void
test_put_errors(void **state)
{
	struct scratch *s = *state;
	struct put p = {SPAN("x"), 77, 0};
	struct error err;
	char *big = calloc(1, (16 << 20) + 1);

	assert_int_equal(store_write(s->store, put, &p, &err), -ENOENT);
	assert_non_null(big);
	p = (struct put){{big, (16 << 20) + 1}, 0, 0};
	assert_int_equal(store_write(s->store, put, &p, &err), -E2BIG);
	p.bytes.len--;
	assert_int_equal(store_write(s->store, put, &p, &err), 0);
	assert_text(s, p.got, p.bytes);
	free(big);
}

static void
test_get_unknown(void **state)
{
	struct txn *t = scratch_read(*state);
	struct text_info info;
	struct buf b = {0};

	assert_int_equal(text_get(t, 1, &b), -ENOENT);
	assert_int_equal(text_info(t, 1, &info), -ENOENT);
	assert_int_equal(b.len, 0);
	txn_end(t);
}

static int
forget_first(struct txn *t, void *arg, struct error *err)
{
	struct key64 k = key64(1);

	(void)arg, (void)err;
	return txn_del(t, T_TEXTS, k.byte, sizeof(k.byte));
}

/* Turns every byte of the record, one after another. */
struct damage {
	uint64_t number;
	size_t at;
	struct buf was;
};

static int
damage(struct txn *t, void *arg, struct error *err)
{
	struct damage *d = arg;
	int r;

	(void)err;
	d->was.ptr[d->at] ^= 0x55;
	r = txn_put64(t, T_TEXTS, d->number, buf_span(&d->was));
	d->was.ptr[d->at] ^= 0x55;
	return r;
}

static void
test_get_damaged(void **state)
{
	struct scratch *s = *state;
	struct span text = SPAN("Origin: Debian\nLabel: Debian\n");
	struct damage d = {.number = must_put(s, text, 0)};
	struct txn *t = scratch_read(s);
	struct span v;

	assert_int_equal(txn_get64(t, T_TEXTS, d.number, &v), 0);
	assert_int_equal(buf_add_span(&d.was, v), 0);
	txn_end(t);
	for (d.at = 0; d.at < d.was.len; d.at++) {
		struct buf b = {0};
		int r;

		scratch_write(s, damage, &d);
		t = scratch_read(s);
		r = text_get(t, d.number, &b);
		/* The mtime is in nobody's checksum; like may be another. */
		if (r == 0)
			assert_true(span_eq(buf_span(&b), text));
		else if (r != -EIO && r != -EPROTO)
			fail_msg("byte %zu: %d", d.at, r);
		buf_release(&b);
		txn_end(t);
	}
	buf_release(&d.was);
}

static void
test_get_like_lost(void **state)
{
	struct scratch *s = *state;
	struct buf b = release_of(1, 50);
	struct buf out = {0};
	uint64_t a = must_put(s, buf_span(&b), 0), n;
	struct txn *t;

	b.ptr[1] = 'X';
	n = must_put(s, buf_span(&b), a);
	scratch_write(s, forget_first, NULL);
	t = scratch_read(s);
	assert_int_equal(text_get(t, n, &out), -EIO);
	txn_end(t);
	buf_release(&out);
	buf_release(&b);
}

struct enter {
	struct digest sha256;
	struct content c;
};

static int
enter(struct txn *t, void *arg, struct error *err)
{
	struct enter *e = arg;

	(void)err;
	return content_put(t, &e->sha256, e->c);
}

/* A text takes the place of a blob, but not that of a list. */
static void
test_put_known_otherwise(void **state)
{
	static const struct {
		enum content_kind was, then;
	} cases[] = {
	    {CONTENT_BLOB, CONTENT_TEXT},
	    {CONTENT_LIST, CONTENT_LIST},
	    {CONTENT_FORM, CONTENT_FORM},
	};
	struct scratch *s = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char bytes[2] = {(char)('a' + i), '\n'};
		struct enter e = {.c = {cases[i].was, 9}};
		struct content c;
		struct txn *t;

		digest_of(bytes, sizeof(bytes), &e.sha256);
		scratch_write(s, enter, &e);
		(void)must_put(s, (struct span){bytes, sizeof(bytes)}, 0);
		t = scratch_read(s);
		assert_int_equal(content_find(t, &e.sha256, &c), 0);
		assert_int_equal(c.kind, cases[i].then);
		txn_end(t);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(test_put_get),
	    scratch_test(test_put_twice),
	    scratch_test(test_put_like),
	    scratch_test(test_put_like_chain),
	    scratch_test(test_put_errors),
	    scratch_test(test_get_unknown),
	    scratch_test(test_get_damaged),
	    scratch_test(test_get_like_lost),
	    scratch_test(test_put_known_otherwise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
