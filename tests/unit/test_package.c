#include "store/package.h"

#include <errno.h>

#include "scratch_store.h"
#include "store/blob.h"
#include "store/content.h"

static void
assert_span(struct span s, const char *expected)
{
	if (!span_eq(s, span_of(expected)))
		fail_msg("'%.*s' instead of '%s'", SPAN_ARG(s), expected);
}

/* Packages to be stored in one transaction. */
struct putting {
	struct package_new p[8];
	struct package_file files[8];
	struct buf light[8];
	size_t n;
	uint64_t numbers[8];
	int n_new;
};

static void
putting_release(struct putting *put)
{
	for (size_t i = 0; i < put->n; i++)
		buf_release(&put->light[i]);
}

/* A package whose stanza and file have such names and such a size. */
static void
add(struct putting *put, const char *name, const char *file, uint64_t size)
{
	CLEANUP(record_writer_release) struct record_writer w;
	struct light l = {.name = span_of(name), .nfiles = 1};
	size_t i = put->n++;
	struct span bytes;

	put->files[i].path = span_of(file);
	put->files[i].size = size;
	digest_of(file, strlen(file), &put->files[i].sha256);
	l.files = &put->files[i];
	record_writer_init(&w);
	assert_int_equal(light_encode(&l, &w, &bytes), 0);
	assert_int_equal(buf_add_span(&put->light[i], bytes), 0);
	digest_of(name, strlen(name), &put->p[i].digest);
	put->p[i].light = buf_span(&put->light[i]);
	put->p[i].heavy = SPAN("heavy");
	put->p[i].files = &put->files[i];
	put->p[i].nfiles = 1;
}

static int
put_all(struct txn *t, void *arg, struct error *err)
{
	struct putting *put = arg;

	put->n_new = package_put_all(t, put->p, put->n, put->numbers, err);
	return put->n_new;
}

static int
put_one(struct txn *t, void *arg, struct error *err)
{
	struct putting *put = arg;

	(void)err;
	return package_put(t, &put->p[0], &put->numbers[0]);
}

static void
test_package_put_numbers_in_order(void **state)
{
	CLEANUP(putting_release) struct putting put = {.n = 0};
	CLEANUP(package_release) struct package p = {0};
	struct scratch *s = *state;
	struct txn *t;
	uint64_t number;

	add(&put, "one", "f1", 1);
	add(&put, "two", "f2", 1);
	add(&put, "one", "f1", 1);
	add(&put, "three", "f3", 1);
	scratch_write(s, put_all, &put);
	assert_int_equal(put.n_new, 3);
	assert_int_equal(put.numbers[0], 1);
	assert_int_equal(put.numbers[1], 2);
	assert_int_equal(put.numbers[2], 1);
	assert_int_equal(put.numbers[3], 3);

	t = scratch_read(s);
	assert_int_equal(package_find(t, &put.p[3].digest, &number), 0);
	assert_int_equal(number, 3);
	assert_int_equal(package_light(t, 3, &p), 0);
	assert_int_equal(p.number, 3);
	assert_span(p.light.name, "three");
	assert_int_equal(package_light(t, 1, &p), 0);
	assert_span(p.light.name, "one");
	assert_int_equal(package_light(t, 4, &p), -ENOENT);
	assert_int_equal(
	    package_find(t, &put.files[0].sha256, &number), -ENOENT);
	txn_end(t);
}

static void
test_package_put_finds_known(void **state)
{
	CLEANUP(putting_release) struct putting first = {.n = 0};
	CLEANUP(putting_release) struct putting second = {.n = 0};
	struct scratch *s = *state;

	add(&first, "one", "f1", 1);
	scratch_write(s, put_one, &first);
	assert_int_equal(first.numbers[0], 1);
	scratch_write(s, put_one, &first);
	assert_int_equal(first.numbers[0], 1);

	add(&second, "zero", "f0", 1);
	add(&second, "one", "f1", 1);
	add(&second, "zero", "f0", 1);
	scratch_write(s, put_all, &second);
	assert_int_equal(second.n_new, 1);
	assert_int_equal(second.numbers[0], 2);
	assert_int_equal(second.numbers[1], 1);
	assert_int_equal(second.numbers[2], 2);
	scratch_write(s, put_all, &second);
	assert_int_equal(second.n_new, 0);
	assert_int_equal(second.numbers[1], 1);
	assert_int_equal(second.numbers[2], 2);
}

static void
test_package_put_blobs(void **state)
{
	CLEANUP(putting_release) struct putting first = {.n = 0};
	CLEANUP(putting_release) struct putting second = {.n = 0};
	struct scratch *s = *state;
	CLEANUP(blob_release) struct blob b = {0};
	int64_t mtime;
	struct content c;
	struct txn *t;

	add(&first, "one", "f1", 11);
	add(&first, "other one", "f1", 11);
	add(&first, "two", "f2", 22);
	scratch_write(s, put_all, &first);
	add(&second, "one more", "f1", 11);
	scratch_write(s, put_all, &second);

	t = scratch_read(s);
	assert_int_equal(content_find(t, &first.files[0].sha256, &c), 0);
	assert_int_equal(c.kind, CONTENT_BLOB);
	assert_int_equal(c.number, 1);
	assert_int_equal(blob_load(t, 1, &b), 0);
	assert_int_equal(b.size, 11);
	assert_true(digest_eq(&b.sha256, &first.files[0].sha256));
	assert_int_equal(b.nsources, 3);
	assert_int_equal(b.sources[0].package, 1);
	assert_int_equal(b.sources[1].package, 2);
	assert_int_equal(b.sources[2].package, 4);
	mtime = b.mtime;
	blob_release(&b);
	assert_int_equal(content_find(t, &first.files[2].sha256, &c), 0);
	assert_int_equal(c.number, 2);
	assert_int_equal(blob_load(t, 2, &b), 0);
	assert_int_equal(b.size, 22);
	assert_int_equal(b.nsources, 1);
	assert_int_not_equal(b.mtime, mtime);
	txn_end(t);
}

static void
test_package_put_size_differs(void **state)
{
	CLEANUP(putting_release) struct putting put = {.n = 0};
	CLEANUP(putting_release) struct putting same = {.n = 0};
	CLEANUP(putting_release) struct putting other = {.n = 0};
	struct scratch *s = *state;
	uint64_t count;
	struct txn *t;

	add(&put, "one", "f1", 11);
	scratch_write(s, put_all, &put);
	add(&other, "two", "f1", 12);
	scratch_write(s, put_all, &other);
	add(&same, "three", "f3", 1);
	add(&same, "four", "f3", 2);
	scratch_write(s, put_all, &same);

	t = scratch_read(s);
	assert_int_equal(txn_count(t, T_LIGHT, &count), 0);
	assert_int_equal(count, 4);
	assert_int_equal(txn_count(t, T_BLOBS, &count), 0);
	assert_int_equal(count, 4);
	txn_end(t);
}

static int
note_list(struct txn *t, void *arg, struct error *err)
{
	(void)err;
	return content_put(t, arg, (struct content){CONTENT_LIST, 9});
}

static void
test_package_put_content_of_other_kind(void **state)
{
	CLEANUP(putting_release) struct putting put = {.n = 0};
	struct scratch *s = *state;
	struct content c;
	uint64_t count;
	struct txn *t;

	add(&put, "one", "f1", 11);
	scratch_write(s, note_list, &put.files[0].sha256);
	scratch_write(s, put_all, &put);
	t = scratch_read(s);
	assert_int_equal(content_find(t, &put.files[0].sha256, &c), 0);
	assert_int_equal(c.kind, CONTENT_LIST);
	assert_int_equal(txn_count(t, T_BLOBS, &count), 0);
	assert_int_equal(count, 0);
	txn_end(t);
}

static int
damage_light(struct txn *t, void *arg, struct error *err)
{
	(void)arg, (void)err;
	return txn_put64(t, T_LIGHT, 1, SPAN("\x93\x01"));
}

static void
test_package_light_damaged(void **state)
{
	CLEANUP(package_release) struct package p = {0};
	struct scratch *s = *state;
	struct txn *t;

	scratch_write(s, damage_light, NULL);
	t = scratch_read(s);
	assert_int_equal(package_light(t, 1, &p), -EIO);
	txn_end(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(test_package_put_numbers_in_order),
	    scratch_test(test_package_put_finds_known),
	    scratch_test(test_package_put_blobs),
	    scratch_test(test_package_put_size_differs),
	    scratch_test(test_package_put_content_of_other_kind),
	    scratch_test(test_package_light_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
