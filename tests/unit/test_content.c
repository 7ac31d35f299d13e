#include <errno.h>

#include "store/blob.h"
#include "store/content.h"
#include "store/list.h"
#include "store/package.h"
#include "tests/unit/scratch_store.h"

static struct digest
digest_n(uint64_t n)
{
	struct digest d;

	digest_of(&n, sizeof(n), &d);
	return d;
}

static int
put_contents(struct txn *t, void *arg, struct error *err)
{
	struct digest d;

	(void)arg, (void)err;
	for (uint64_t n = CONTENT_LIST; n <= CONTENT_BLOB; n++) {
		d = digest_n(n);
		assert_int_equal(
		    content_put(t, &d,
			(struct content){(enum content_kind)n, UINT64_MAX - n}),
		    0);
	}
	d = digest_n(CONTENT_BLOB);
	assert_int_equal(
	    content_put(t, &d, (struct content){CONTENT_LIST, 5}), 0);
	return 0;
}

static void
test_put_find(void **state)
{
	struct content c;
	struct txn *t;
	struct digest d;

	scratch_write(*state, put_contents, NULL);
	t = scratch_read(*state);
	for (uint64_t n = CONTENT_LIST; n < CONTENT_BLOB; n++) {
		d = digest_n(n);
		assert_int_equal(content_find(t, &d, &c), 0);
		assert_int_equal(c.kind, n);
		assert_true(c.number == UINT64_MAX - n);
	}
	d = digest_n(CONTENT_BLOB);
	assert_int_equal(content_find(t, &d, &c), 0);
	assert_int_equal(c.kind, CONTENT_LIST);
	assert_int_equal(c.number, 5);
	d = digest_n(77);
	assert_int_equal(content_find(t, &d, &c), -ENOENT);
	txn_end(t);
}

static int
put_bad(struct txn *t, void *arg, struct error *err)
{
	struct digest d = digest_n(1);

	(void)err;
	return txn_put(
	    t, T_CONTENTS, d.byte, sizeof(d.byte), *(const struct span *)arg);
}

static void
test_find_damaged(void **state)
{
	struct span bad[] = {SPAN(""), SPAN("\1\0\0\0\0\0\0\1"),
	    {"\0\0\0\0\0\0\0\0\1", 9}, {"\5\0\0\0\0\0\0\0\1", 9},
	    {"\377\0\0\0\0\0\0\0\1", 9}};
	struct digest d = digest_n(1);

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct content c;
		struct txn *t;

		scratch_write(*state, put_bad, &bad[i]);
		t = scratch_read(*state);
		assert_int_equal(content_find(t, &d, &c), -EIO);
		txn_end(t);
	}
}

static void
test_info_unknown(void **state)
{
	struct txn *t = scratch_read(*state);
	struct content_info info;

	for (int kind = 0; kind <= CONTENT_STANZA + 1; kind++)
		assert_int_equal(
		    content_info(
			t, (struct content){(enum content_kind)kind, 1}, &info),
		    -ENOENT);
	txn_end(t);
}

/* Two packages, a list of both. */
struct made {
	uint64_t package[2];
	uint64_t list;
	struct digest rendered;
	uint64_t bytes;
};

#define STANZA(name, hex)                                                      \
	"Package: " name "\nVersion: 1\nArchitecture: amd64\n"                 \
	"Filename: pool/" name ".deb\nSize: 5\nSHA256: " hex "\n"

#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static const char *const stanzas[2] = {
    STANZA("a", HEX_A), STANZA("beta", HEX_B)};

static int
put_package(struct txn *t, struct span stanza, uint64_t *ret)
{
	CLEANUP(light_release) struct light l = {0};
	struct package_new p = {.heavy = SPAN("not read here")};
	struct record_writer w;
	struct error err;
	int r;

	record_writer_init(&w);
	r = light_from_stanza(stanza, PACKAGE_BINARY, 1, &l, &err);
	if (r == 0)
		r = light_encode(&l, &w, &p.light);
	digest_of(stanza.ptr, stanza.len, &p.digest);
	p.files = l.files;
	p.nfiles = l.nfiles;
	if (r == 0)
		r = package_put(t, &p, ret);
	record_writer_release(&w);
	return r;
}

static int
make_list(struct txn *t, void *arg, struct error *err)
{
	struct made *m = arg;
	struct list_writer *w = NULL;
	int r = list_writer_new(PACKAGE_BINARY, &w);

	(void)err;
	m->bytes = 0;
	m->rendered = digest_n(4711);
	for (size_t i = 0; i < 2 && r == 0; i++) {
		struct span s = span_of(stanzas[i]);
		struct digest d;

		digest_of(s.ptr, s.len, &d);
		r = put_package(t, s, &m->package[i]);
		if (r == 0)
			r = list_writer_add(w, m->package[i], &d, s.len);
		m->bytes += s.len + 1;
	}
	if (r == 0)
		r = list_writer_end(w, t, &m->rendered, &m->list);
	list_writer_free(w);
	return r;
}

static void
test_info_list_and_stanza(void **state)
{
	struct made m = {0};
	struct content_info info, other;
	struct content c;
	struct txn *t;

	scratch_write(*state, make_list, &m);
	t = scratch_read(*state);
	assert_int_equal(content_find(t, &m.rendered, &c), 0);
	assert_int_equal(c.kind, CONTENT_LIST);
	assert_int_equal(content_info(t, c, &info), 0);
	assert_int_equal(info.size, m.bytes);
	assert_true(info.mtime > 0);
	assert_true(digest_eq(&info.sha256, &m.rendered));

	c = (struct content){CONTENT_STANZA, m.package[0]};
	assert_int_equal(content_info(t, c, &info), 0);
	assert_int_equal(info.size, strlen(stanzas[0]));
	c.number = m.package[1];
	assert_int_equal(content_info(t, c, &other), 0);
	assert_int_equal(other.size, strlen(stanzas[1]));
	assert_true(info.mtime != other.mtime);
	txn_end(t);
}

static int
put_blob(struct txn *t, void *arg, struct error *err)
{
	struct digest d = digest_n(3);

	(void)err;
	return blob_put(t, &d, 12345, arg);
}

static void
test_info_blob(void **state)
{
	struct digest d = digest_n(3);
	struct content_info info;
	struct content c;
	uint64_t number = 0;
	struct txn *t;

	scratch_write(*state, put_blob, &number);
	t = scratch_read(*state);
	assert_int_equal(content_find(t, &d, &c), 0);
	assert_int_equal(c.kind, CONTENT_BLOB);
	assert_int_equal(c.number, number);
	assert_int_equal(content_info(t, c, &info), 0);
	assert_int_equal(info.size, 12345);
	assert_true(info.mtime > 0);
	assert_true(digest_eq(&info.sha256, &d));
	txn_end(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(test_put_find),
	    scratch_test(test_find_damaged),
	    scratch_test(test_info_unknown),
	    scratch_test(test_info_list_and_stanza),
	    scratch_test(test_info_blob),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
