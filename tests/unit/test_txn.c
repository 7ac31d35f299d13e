#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "txn_fixture.h"

static void
test_key64_orders(void **state)
{
	static const uint64_t n[] = {
	    0, 1, 255, 256, 65536, UINT64_C(1) << 40, UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(n); i++) {
		struct key64 k = key64(n[i]);

		assert_true(key64_value(k.byte) == n[i]);
		if (i > 0) {
			struct key64 before = key64(n[i - 1]);

			assert_true(memcmp(before.byte, k.byte, 8) < 0);
		}
	}
	assert_memory_equal(key64(258).byte, "\0\0\0\0\0\0\1\2", 8);
}

static int
put_some(struct txn *t, void *arg, struct error *err)
{
	(void)arg;
	(void)err;
	assert_int_equal(txn_put(t, T_MIRRORS, "a", 1, SPAN("one")), 0);
	assert_int_equal(txn_put(t, T_MIRRORS, "c", 1, SPAN("three")), 0);
	assert_int_equal(txn_put(t, T_MIRRORS, "b", 1, SPAN("two")), 0);
	assert_int_equal(txn_put(t, T_MIRRORS, "b", 1, SPAN("zwei")), 0);
	assert_int_equal(txn_put(t, T_MIRRORS, "d", 1, SPAN("")), 0);
	assert_int_equal(txn_put64(t, T_LIGHT, 7, SPAN("seven")), 0);
	assert_int_equal(txn_append64(t, T_LIGHT, 9, SPAN("nine")), 0);
	assert_int_equal(txn_append64(t, T_LIGHT, 9, SPAN("x")), -EEXIST);
	assert_int_equal(txn_append64(t, T_LIGHT, 8, SPAN("x")), -EEXIST);
	return 5;
}

static void
test_put_get(void **state)
{
	static const struct {
		const char *key, *value;
	} cases[] = {{"a", "one"}, {"b", "zwei"}, {"c", "three"}, {"d", ""},
	    {"e", NULL}, {"aa", NULL}, {"", NULL}};
	struct fixture *f = *state;
	struct txn *t;
	struct span v;
	uint64_t n;
	char big[600];

	assert_int_equal(store_write(f->s, put_some, NULL, &f->err), 5);
	t = must_read(f);
	assert_ptr_equal(txn_store(t), f->s);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int r = txn_get(
		    t, T_MIRRORS, cases[i].key, strlen(cases[i].key), &v);

		assert_int_equal(r, cases[i].value ? 0 : -ENOENT);
		if (r == 0)
			assert_true(span_eq(v, span_of(cases[i].value)));
	}
	memset(big, 'k', sizeof(big));
	assert_int_equal(txn_get(t, T_MIRRORS, big, sizeof(big), &v), -ENOENT);
	assert_int_equal(txn_get64(t, T_LIGHT, 9, &v), 0);
	assert_true(span_eq(v, SPAN("nine")));
	assert_int_equal(txn_get64(t, T_LIGHT, 8, &v), -ENOENT);
	assert_int_equal(txn_count(t, T_MIRRORS, &n), 0);
	assert_int_equal(n, 4);
	assert_int_equal(txn_count(t, T_KEYS, &n), 0);
	assert_int_equal(n, 0);
	txn_end(t);
}

static int
put_bad_keys(struct txn *t, void *arg, struct error *err)
{
	char big[512] = {0};

	(void)arg;
	(void)err;
	assert_int_equal(txn_put(t, T_MIRRORS, "", 0, SPAN("v")), -EINVAL);
	assert_int_equal(
	    txn_put(t, T_MIRRORS, big, sizeof(big), SPAN("v")), -EINVAL);
	assert_int_equal(
	    txn_put(t, T_MIRRORS, big, sizeof(big) - 1, SPAN("v")), 0);
	return 0;
}

static void
test_put_bad_keys(void **state)
{
	must_write(*state, put_bad_keys, NULL);
}

static int
del_some(struct txn *t, void *arg, struct error *err)
{
	(void)arg;
	(void)err;
	assert_int_equal(txn_del(t, T_MIRRORS, "a", 1), 0);
	assert_int_equal(txn_del(t, T_MIRRORS, "a", 1), -ENOENT);
	assert_int_equal(txn_del(t, T_MIRRORS, "", 0), -ENOENT);
	return 0;
}

static void
test_del(void **state)
{
	struct fixture *f = *state;
	struct txn *t;
	struct span v;

	must_write(f, put_some, NULL);
	must_write(f, del_some, NULL);
	t = must_read(f);
	assert_int_equal(txn_get(t, T_MIRRORS, "a", 1, &v), -ENOENT);
	assert_int_equal(txn_get(t, T_MIRRORS, "b", 1, &v), 0);
	txn_end(t);
}

struct walk {
	char seen[64];
	const char *stop;
	int how;
};

static int
walk_one(struct span key, struct span value, void *arg)
{
	struct walk *w = arg;

	strncat(w->seen, key.ptr, key.len);
	strcat(w->seen, "=");
	strncat(w->seen, value.ptr, value.len);
	strcat(w->seen, ";");
	return w->stop && span_eq(key, span_of(w->stop)) ? w->how : 0;
}

static void
test_each(void **state)
{
	static const struct {
		const char *from, *stop;
		int how;
		const char *want;
		int want_r;
	} cases[] = {
	    {"", NULL, 0, "a=one;b=zwei;c=three;d=;", 0},
	    {"b", NULL, 0, "b=zwei;c=three;d=;", 0},
	    {"bb", NULL, 0, "c=three;d=;", 0},
	    {"e", NULL, 0, "", 0},
	    {"", "b", 1, "a=one;b=zwei;", 1},
	    {"", "a", -EIO, "a=one;", -EIO},
	};
	struct fixture *f = *state;
	struct txn *t;

	must_write(f, put_some, NULL);
	t = must_read(f);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct walk w = {.stop = cases[i].stop, .how = cases[i].how};

		assert_int_equal(txn_each(t, T_MIRRORS, span_of(cases[i].from),
				     walk_one, &w),
		    cases[i].want_r);
		assert_string_equal(w.seen, cases[i].want);
	}
	txn_end(t);
}

static int
fail_after_put(struct txn *t, void *arg, struct error *err)
{
	const char *text = arg;
	int r = txn_put(t, T_MIRRORS, "a", 1, SPAN("one"));

	assert_int_equal(r, 0);
	return text ? error_set(err, -EBADMSG, "%s", text) : -EBADMSG;
}

static void
test_write_aborts(void **state)
{
	struct fixture *f = *state;
	char mine[] = "my own words";
	struct txn *t;
	uint64_t n;

	assert_int_equal(
	    store_write(f->s, fail_after_put, mine, &f->err), -EBADMSG);
	assert_string_equal(f->err.text, mine);
	assert_int_equal(
	    store_write(f->s, fail_after_put, NULL, &f->err), -EBADMSG);
	assert_non_null(strstr(f->err.text, f->dir));
	assert_int_equal(
	    store_write(f->s, fail_after_put, NULL, NULL), -EBADMSG);
	t = must_read(f);
	assert_int_equal(txn_count(t, T_MIRRORS, &n), 0);
	assert_int_equal(n, 0);
	txn_end(t);
}

/* A reader keeps seeing what was there when it began. */
static void
test_read_is_a_snapshot(void **state)
{
	struct fixture *f = *state;
	struct txn *t = must_read(f);
	uint64_t n;

	/* One thread may do both as long as the map has room. */
	must_write(f, put_some, NULL);
	assert_int_equal(txn_count(t, T_MIRRORS, &n), 0);
	assert_int_equal(n, 0);
	txn_end(t);
	t = must_read(f);
	assert_int_equal(txn_count(t, T_MIRRORS, &n), 0);
	assert_int_equal(n, 4);
	txn_end(t);
	txn_end(NULL);
}

enum { NUMBERS = 3000 };

/* Which numbers the table has, in each of two states of it. */
static bool
has_number(uint64_t n, uint64_t state)
{
	return n > 0 && n < NUMBERS && (n + state) % 7 > 1;
}

static int
put_numbers(struct txn *t, void *arg, struct error *err)
{
	const uint64_t *state = arg;

	(void)err;
	for (uint64_t n = 1; n < NUMBERS; n++) {
		struct key64 k = key64(n + *state);
		struct span value = {(const char *)k.byte, sizeof(k.byte)};
		int r = has_number(n, *state)
			    ? txn_put64(t, T_LIGHT, n, value)
			    : txn_del(t, T_LIGHT, key64(n).byte, 8);

		assert_true(r == 0 || r == -ENOENT);
	}
	return 0;
}

static void
check_number(struct txn *t, uint64_t n, uint64_t state)
{
	struct span value;
	int r = txn_get64(t, T_LIGHT, n, &value);

	if (!has_number(n, state)) {
		assert_int_equal(r, -ENOENT);
		return;
	}
	assert_int_equal(r, 0);
	assert_int_equal(value.len, 8);
	assert_int_equal(key64_value(value.ptr), n + state);
}

/* Neighbours, or not, are found all the same. */
static void
test_get64_in_any_order(void **state)
{
	struct fixture *f = *state;

	for (uint64_t round = 0; round < 3; round++) {
		struct txn *t;

		must_write(f, put_numbers, &round);
		t = must_read(f);
		for (uint64_t n = 0; n < NUMBERS + 3; n++)
			check_number(t, n, round);
		for (uint64_t n = NUMBERS + 3; n-- > 0;)
			check_number(t, n, round);
		for (uint64_t n = 1; n < NUMBERS; n++) {
			check_number(t, n * 977 % NUMBERS, round);
			check_number(t, n * 977 % NUMBERS + 1, round);
		}
		check_number(t, UINT64_MAX, round);
		check_number(t, 0, round);
		check_number(t, NUMBERS / 2, round);
		txn_end(t);
	}
}

struct take {
	enum counter counter;
	uint64_t n, got;
	int64_t stamp;
};

static int
take(struct txn *t, void *arg, struct error *err)
{
	struct take *k = arg;

	(void)err;
	if (k->counter == C_STAMP_BLOB || k->counter == C_STAMP_TEXT)
		return txn_take_stamps(t, k->counter, k->n, &k->stamp);
	return txn_take(t, k->counter, k->n, &k->got);
}

static void
test_take(void **state)
{
	static const struct {
		enum counter counter;
		uint64_t n, want;
	} cases[] = {{C_PACKAGE, 1, 1}, {C_PACKAGE, 10, 2}, {C_PACKAGE, 1, 12},
	    {C_RUN, 1, 1}, {C_PACKAGE, 0, 13}, {C_PACKAGE, 1, 13}};
	struct fixture *f = *state;
	struct take k = {.counter = C_PACKAGE};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		k = (struct take){cases[i].counter, cases[i].n, 0, 0};
		must_write(f, take, &k);
		assert_int_equal(k.got, cases[i].want);
	}
	k = (struct take){C_PACKAGE, UINT64_MAX, 0, 0};
	assert_int_equal(store_write(f->s, take, &k, &f->err), -E2BIG);
	/* Counters outlive the process. */
	store_close(f->s);
	f->s = open_store(f, 0, 0);
	k = (struct take){C_PACKAGE, 1, 0, 0};
	must_write(f, take, &k);
	assert_int_equal(k.got, 14);
}

static void
test_take_stamps(void **state)
{
	enum { DAY = 86400 };
	static const struct {
		int64_t now;
		enum counter counter;
		uint64_t n;
		int64_t want;
	} cases[] = {
	    {1000 * DAY, C_STAMP_TEXT, 1, 1000 * DAY},
	    {1000 * DAY, C_STAMP_TEXT, 1, 1000 * DAY + 1},
	    {1000 * DAY, C_STAMP_TEXT, 5, 1000 * DAY + 2},
	    {1000 * DAY, C_STAMP_TEXT, 1, 1000 * DAY + 7},
	    {1000 * DAY + 100, C_STAMP_TEXT, 1, 1000 * DAY + 100},
	    /* A clock that is put back. */
	    {900 * DAY, C_STAMP_TEXT, 1, 1000 * DAY + 101},
	    {1000 * DAY, C_STAMP_BLOB, 2000000, 976 * DAY},
	    {1000 * DAY, C_STAMP_BLOB, 1, 976 * DAY + 2000000},
	    {1100 * DAY, C_STAMP_BLOB, 1, 1076 * DAY},
	};
	struct fixture *f = *state;
	struct take k;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		f->now = cases[i].now;
		k = (struct take){cases[i].counter, cases[i].n, 0, 0};
		must_write(f, take, &k);
		assert_int_equal(k.stamp, cases[i].want);
	}
	/* Before 1970 they begin at 1. */
	f->now = -5;
	k = (struct take){C_STAMP_TEXT, (uint64_t)INT64_MAX, 0, 0};
	assert_int_equal(store_write(f->s, take, &k, &f->err), -E2BIG);
}

static int
put_one(struct txn *t, void *arg, struct error *err)
{
	(void)arg;
	(void)err;
	return txn_put(t, T_MIRRORS, "a", 1, SPAN("one"));
}

/* LMDB has one descriptor for the page that names the last commit. */
static int
find_durable_fd(void)
{
	for (int fd = 3; fd < 64; fd++) {
		int flags = fcntl(fd, F_GETFL);

		if (flags >= 0 && (flags & O_DSYNC))
			return fd;
	}
	fail_msg("no descriptor is O_DSYNC");
	return -1;
}

/* Whatever is tried after the last page could not be written, that is what is
 * said. */
static void
test_says_what_failed(void **state)
{
	static const char why[] = "db: cannot write: Bad file descriptor";
	struct fixture *f = *state;
	struct txn *t = NULL;
	int fd = find_durable_fd();
	int unwritable = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_true(unwritable >= 0);
	assert_true(dup2(unwritable, fd) == fd);
	(void)close(unwritable);
	assert_int_equal(store_write(f->s, put_one, NULL, &f->err), -EBADF);
	assert_non_null(strstr(f->err.text, why));
	f->err.text[0] = '\0';
	assert_int_equal(txn_read(f->s, &t, &f->err), -EBADF);
	assert_non_null(strstr(f->err.text, why));
	f->err.text[0] = '\0';
	assert_int_equal(store_write(f->s, put_one, NULL, &f->err), -EBADF);
	assert_non_null(strstr(f->err.text, why));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_key64_orders),
	    TEST(test_put_get),
	    TEST(test_put_bad_keys),
	    TEST(test_del),
	    TEST(test_each),
	    TEST(test_write_aborts),
	    TEST(test_read_is_a_snapshot),
	    TEST(test_get64_in_any_order),
	    TEST(test_take),
	    TEST(test_take_stamps),
	    TEST(test_says_what_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
