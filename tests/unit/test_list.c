#include "store/list.h"

#include <errno.h>

#include "scratch_store.h"
#include "store/content.h"
#include "store/ints.h"

/* Packages of a list, whose digests are those of their numbers. */
struct writing {
	const uint64_t *packages;
	size_t n;
	uint64_t len; /* bytes of each stanza */
	struct digest rendered;
	bool no_ends;	 /* no digest ends a run */
	uint64_t number; /* of the list */
};

static struct digest
digest_of_number(uint64_t n)
{
	struct digest d;

	digest_of(&n, sizeof(n), &d);
	return d;
}

static int
write_list(struct txn *t, void *arg, struct error *err)
{
	CLEANUP(list_writer_cleanup) struct list_writer *w = NULL;
	struct writing *in = arg;
	int r;

	(void)err;
	r = list_writer_new(PACKAGE_BINARY, &w);
	for (size_t i = 0; i < in->n && r == 0; i++) {
		struct digest d = digest_of_number(in->packages[i]);

		if (in->no_ends)
			d.byte[DIGEST_SIZE - 1] |= 1;
		r = list_writer_add(w, in->packages[i], &d, in->len);
		/* Now and then, as a batch of an ingest does. */
		if (r == 0 && i % 100 == 99) {
			r = list_writer_store(w, t);
			if (r == 0)
				r = list_writer_store(w, t);
			list_writer_stored(w);
		}
	}
	return r == 0 ? list_writer_end(w, t, &in->rendered, &in->number) : r;
}

static struct writing
list_of(const uint64_t *packages, size_t n, const char *rendered)
{
	struct writing w = {.packages = packages, .n = n, .len = 9};

	digest_of(rendered, strlen(rendered), &w.rendered);
	return w;
}

/* 1, 3, 5, ...: for the caller to free. */
static uint64_t *
odd_numbers(size_t n)
{
	uint64_t *v = calloc(n, sizeof(*v));

	assert_non_null(v);
	for (size_t i = 0; i < n; i++)
		v[i] = 2 * i + 1;
	return v;
}

static void
load(struct scratch *s, uint64_t number, struct list *l)
{
	struct txn *t = scratch_read(s);

	assert_int_equal(list_load(t, number, l), 0);
	txn_end(t);
}

static void
test_list_load_what_was_written(void **state)
{
	CLEANUP(run_packages_release) struct run_packages run = {0};
	CLEANUP_FREE uint64_t *packages = odd_numbers(3000);
	struct writing w = list_of(packages, 3000, "x");
	CLEANUP(list_release) struct list l = {0};
	struct scratch *s = *state;
	uint64_t offset = 0;
	size_t at = 0;
	struct txn *t;

	scratch_write(s, write_list, &w);
	load(s, w.number, &l);
	assert_int_equal(l.number, w.number);
	assert_int_equal(l.kind, PACKAGE_BINARY);
	assert_true(digest_eq(&l.sha256, &w.rendered));
	assert_int_equal(l.packages, 3000);
	assert_int_equal(l.bytes, 30000);
	assert_true(l.nruns > 20 && l.nruns < 120);
	t = scratch_read(s);
	for (size_t i = 0; i < l.nruns; i++) {
		assert_int_equal(l.runs[i].offset, offset);
		assert_int_equal(run_load(t, l.runs[i].run, &run), 0);
		assert_int_equal(run.n, l.runs[i].packages);
		assert_in_range(run.n, 1, RUN_MAX_PACKAGES);
		assert_memory_equal(
		    run.v, packages + at, run.n * sizeof(*run.v));
		at += run.n;
		assert_int_equal(list_run_bytes(&l, i), 10 * run.n);
		offset += 10 * run.n;
	}
	assert_int_equal(at, 3000);
	txn_end(t);
}

static void
test_list_load_empty(void **state)
{
	CLEANUP(list_release) struct list l = {0};
	struct writing w = list_of(NULL, 0, "");
	struct scratch *s = *state;

	scratch_write(s, write_list, &w);
	load(s, w.number, &l);
	assert_int_equal(l.packages, 0);
	assert_int_equal(l.bytes, 0);
	assert_int_equal(l.nruns, 0);
}

/* From the 24th package on the last eight bits of a digest end a run where
 * they are 0, from the 40th on the last three do. */
static void
test_list_writer_cuts_by_digest(void **state)
{
	CLEANUP(run_packages_release) struct run_packages run = {0};
	CLEANUP_FREE uint64_t *packages = odd_numbers(3000);
	struct writing w = list_of(packages, 3000, "x");
	CLEANUP(list_release) struct list l = {0};
	struct scratch *s = *state;
	struct txn *t;

	scratch_write(s, write_list, &w);
	load(s, w.number, &l);
	t = scratch_read(s);
	for (size_t i = 0; i < l.nruns; i++) {
		assert_int_equal(run_load(t, l.runs[i].run, &run), 0);
		for (size_t j = 0; j < run.n; j++) {
			struct digest d = digest_of_number(run.v[j]);
			unsigned mask = j + 1 < 40 ? 255 : 7;
			bool ends = j + 1 >= 24 &&
				    (d.byte[DIGEST_SIZE - 1] & mask) == 0;
			bool last = j + 1 == run.n;

			if (i + 1 < l.nruns && run.n < 96)
				assert_int_equal(ends, last);
		}
	}
	txn_end(t);
}

static size_t
count_shared(const struct list *a, const struct list *b)
{
	size_t n = 0;

	for (size_t i = 0; i < a->nruns; i++)
		for (size_t j = 0; j < b->nruns; j++)
			n += a->runs[i].run == b->runs[j].run;
	return n;
}

static void
test_list_writer_shares_runs(void **state)
{
	CLEANUP_FREE uint64_t *packages = odd_numbers(3000);
	struct writing w = list_of(packages, 3000, "x");
	CLEANUP(list_release) struct list a = {0};
	CLEANUP(list_release) struct list b = {0};
	struct scratch *s = *state;
	uint64_t count;
	struct txn *t;

	scratch_write(s, write_list, &w);
	load(s, w.number, &a);
	packages[1500] = 1000000;
	w = list_of(packages, 3000, "y");
	scratch_write(s, write_list, &w);
	assert_int_equal(w.number, 2);
	load(s, w.number, &b);
	/* The changed package may have ended a run, or does now. */
	assert_true(count_shared(&a, &b) + 2 >= a.nruns);
	assert_true(count_shared(&a, &b) < a.nruns);
	t = scratch_read(s);
	assert_int_equal(txn_count(t, T_RUNS, &count), 0);
	assert_true(count <= a.nruns + 2);
	txn_end(t);
}

static void
test_list_writer_limits_runs(void **state)
{
	static const struct {
		uint64_t len, at_most;
	} cases[] = {
	    {9, 96},
	    {RUN_MAX_BYTES / 4 - 1, 4},
	    {RUN_MAX_BYTES / 4, 3},
	    {RUN_MAX_BYTES, 1},
	};
	CLEANUP_FREE uint64_t *packages = odd_numbers(2000);
	struct scratch *s = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(list_release) struct list l = {0};
		char rendered[] = {(char)('a' + i), '\0'};
		struct writing w = list_of(packages, 2000, rendered);
		uint64_t most = 0;

		w.len = cases[i].len;
		w.no_ends = true;
		scratch_write(s, write_list, &w);
		load(s, w.number, &l);
		assert_int_equal(l.bytes, 2000 * (cases[i].len + 1));
		for (size_t j = 0; j < l.nruns; j++)
			if (l.runs[j].packages > most)
				most = l.runs[j].packages;
		assert_int_equal(most, cases[i].at_most);
	}
}

static int
note_blob(struct txn *t, void *arg, struct error *err)
{
	struct writing *w = arg;

	(void)err;
	return content_put(t, &w->rendered, (struct content){CONTENT_BLOB, 77});
}

static void
test_list_writer_end_finds_list(void **state)
{
	static const uint64_t packages[] = {1, 2, 3};
	struct writing a = list_of(packages, 3, "x");
	struct writing again = list_of(packages, 3, "x");
	struct scratch *s = *state;
	struct content c;
	struct txn *t;

	/* A list takes the place of a blob with the same bytes. */
	scratch_write(s, note_blob, &a);
	scratch_write(s, write_list, &a);
	scratch_write(s, write_list, &again);
	assert_int_equal(again.number, a.number);
	t = scratch_read(s);
	assert_int_equal(content_find(t, &a.rendered, &c), 0);
	assert_int_equal(c.kind, CONTENT_LIST);
	assert_int_equal(c.number, a.number);
	txn_end(t);
}

static void
test_list_info(void **state)
{
	static const uint64_t packages[] = {1, 2, 3};
	CLEANUP(list_release) struct list l = {0};
	struct writing w = list_of(packages, 3, "x");
	struct scratch *s = *state;
	struct digest sha256;
	uint64_t size;
	int64_t mtime;
	struct txn *t;

	scratch_write(s, write_list, &w);
	load(s, w.number, &l);
	t = scratch_read(s);
	assert_int_equal(list_info(t, w.number, &size, &mtime, &sha256), 0);
	assert_int_equal(size, 30);
	assert_int_equal(mtime, l.mtime);
	assert_true(digest_eq(&sha256, &w.rendered));
	assert_int_equal(list_info(t, 99, &size, &mtime, &sha256), -ENOENT);
	txn_end(t);
}

static void
test_list_run_at(void **state)
{
	static const struct {
		uint64_t offset;
		size_t expected;
	} cases[] = {
	    {0, 0}, {9, 0}, {10, 1}, {11, 1}, {29, 1}, {30, 2}, {99, 2}};
	struct list_run runs[] = {
	    {.offset = 0}, {.offset = 10}, {.offset = 30}};
	struct list l = {.bytes = 100, .nruns = 3, .runs = runs};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(
		    list_run_at(&l, cases[i].offset), cases[i].expected);
	assert_int_equal(list_run_bytes(&l, 0), 10);
	assert_int_equal(list_run_bytes(&l, 1), 20);
	assert_int_equal(list_run_bytes(&l, 2), 70);
}

static int
write_lights(struct txn *t, void *arg, struct error *err)
{
	CLEANUP(record_writer_release) struct record_writer w;
	const uint64_t *packages = arg;
	int r = 0;

	(void)err;
	record_writer_init(&w);
	for (size_t i = 0; i < 2 && r == 0; i++) {
		struct light l = {.stanza_len = 100 + packages[i]};
		struct span bytes;

		r = light_encode(&l, &w, &bytes);
		if (r == 0)
			r = txn_put64(t, T_LIGHT, packages[i], bytes);
	}
	return r;
}

struct visits {
	uint64_t number[8], len[8];
	size_t n;
	uint64_t stop_at;
};

static int
visit(const struct package *p, void *arg)
{
	struct visits *v = arg;

	v->number[v->n] = p->number;
	v->len[v->n++] = p->light.stanza_len;
	return p->number == v->stop_at ? 5 : 0;
}

static void
test_list_each(void **state)
{
	static uint64_t packages[] = {8, 2};
	static const uint64_t with_missing[] = {8, 3};
	CLEANUP(list_release) struct list l = {0};
	CLEANUP(list_release) struct list broken = {0};
	struct writing w = list_of(packages, 2, "x");
	struct writing missing = list_of(with_missing, 2, "y");
	struct visits all = {.n = 0}, one = {.stop_at = 8}, none = {.n = 0};
	struct scratch *s = *state;
	struct txn *t;

	scratch_write(s, write_lights, packages);
	scratch_write(s, write_list, &w);
	scratch_write(s, write_list, &missing);
	load(s, w.number, &l);
	load(s, missing.number, &broken);
	t = scratch_read(s);
	assert_int_equal(list_each(t, &l, visit, &all), 0);
	assert_int_equal(all.n, 2);
	assert_int_equal(all.number[0], 8);
	assert_int_equal(all.len[0], 108);
	assert_int_equal(all.number[1], 2);
	assert_int_equal(list_each(t, &l, visit, &one), 5);
	assert_int_equal(one.n, 1);
	assert_int_equal(list_each(t, &broken, visit, &none), -EIO);
	txn_end(t);
}

/* A list record with bytes of our choice; the record of a run likewise. */
struct forged {
	uint64_t packages, bytes, nruns;
	const char *ints;
	size_t len;
};

static int
forge(struct txn *t, void *arg, struct error *err)
{
	CLEANUP(record_writer_release) struct record_writer w;
	const struct forged *f = arg;
	struct digest zero = {{0}};
	struct span bytes;
	int r;

	(void)err;
	record_writer_init(&w);
	record_begin(&w, 1, 7);
	record_put_u64(&w, PACKAGE_BINARY);
	record_put_digest(&w, &zero);
	record_put_i64(&w, 0);
	record_put_u64(&w, f->packages);
	record_put_u64(&w, f->bytes);
	record_put_u64(&w, f->nruns);
	record_put_bin(&w, f->ints, f->len);
	r = record_end(&w, &bytes);
	if (r == 0)
		r = txn_put64(t, T_LISTS, 1, bytes);
	record_begin(&w, 1, 3);
	record_put_u64(&w, f->bytes);
	record_put_u64(&w, f->packages);
	record_put_bin(&w, f->ints, f->len);
	if (r == 0)
		r = record_end(&w, &bytes);
	return r == 0 ? txn_put64(t, T_RUNS, 1, bytes) : r;
}

static void
test_list_load_damaged(void **state)
{
	static const struct {
		struct forged forged;
		int list, run;
	} cases[] = {
	    /* A run with number 1, 5 bytes, 2 packages: sound. */
	    {{2, 5, 1, "\2\5\2", 3}, 0, 0},
	    {{2, 6, 1, "\2\5\2", 3}, -EIO, 0},
	    {{3, 5, 1, "\2\5\2", 3}, -EIO, 0},
	    {{2, 4, 1, "\2\5\2", 3}, -EIO, 0},
	    {{2, 5, 1, "\2\5", 2}, -EIO, 0},
	    {{2, 5, 1, "\2", 1}, -EIO, -EIO},
	    {{2, 5, 1, "\xff\xff\xff", 3}, -EIO, -EIO},
	    {{2, 5, 2, "\2\5\2", 3}, -EIO, 0},
	    {{UINT64_MAX, UINT64_MAX, UINT64_MAX, "\2\5\2", 3}, -EIO, -EIO},
	};
	struct scratch *s = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(run_packages_release) struct run_packages run = {0};
		CLEANUP(list_release) struct list l = {0};
		struct forged f = cases[i].forged;
		struct txn *t;

		scratch_write(s, forge, &f);
		t = scratch_read(s);
		assert_int_equal(list_load(t, 1, &l), cases[i].list);
		assert_int_equal(run_load(t, 1, &run), cases[i].run);
		assert_int_equal(list_load(t, 2, &l), -ENOENT);
		txn_end(t);
	}
}

static void
test_ints_cut_what_was_added(void **state)
{
	static const int64_t cases[] = {0, 1, -1, 63, 64, -64, -65, 8191,
	    INT64_C(1) << 40, INT64_MAX, INT64_MIN};
	CLEANUP(buf_release) struct buf b = {0};
	struct span text;
	uint64_t u;
	int64_t v;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(ints_add_signed(&b, cases[i]), 0);
		assert_int_equal(ints_add(&b, (uint64_t)cases[i]), 0);
	}
	text = buf_span(&b);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_true(ints_cut_signed(&text, &v));
		assert_true(v == cases[i]);
		assert_true(ints_cut(&text, &u));
		assert_true(u == (uint64_t)cases[i]);
	}
	assert_false(ints_cut(&text, &u));
	text = SPAN("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
	assert_false(ints_cut(&text, &u));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(test_list_load_what_was_written),
	    scratch_test(test_list_load_empty),
	    scratch_test(test_list_writer_cuts_by_digest),
	    scratch_test(test_list_writer_shares_runs),
	    scratch_test(test_list_writer_limits_runs),
	    scratch_test(test_list_writer_end_finds_list),
	    scratch_test(test_list_info),
	    cmocka_unit_test(test_list_run_at),
	    scratch_test(test_list_each),
	    scratch_test(test_list_load_damaged),
	    cmocka_unit_test(test_ints_cut_what_was_added),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
