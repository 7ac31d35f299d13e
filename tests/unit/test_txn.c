#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/store.h"
#include "store/txn.h"

#define MIB ((size_t)1 << 20)

struct fixture {
	char dir[64];
	struct store *s;
	struct error err;
	int64_t now;
};

static int64_t
test_clock(void *arg)
{
	return *(const int64_t *)arg;
}

static struct store *
open_store(struct fixture *f, unsigned flags, size_t map)
{
	struct store *s = NULL;

	if (store_open(f->dir, flags, map, &s, &f->err) != 0)
		fail_msg("store_open: %s", f->err.text);
	return s;
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	strcpy(f->dir, "/tmp/test_txn.XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	f->s = open_store(f, STORE_CREATE, 1 * MIB);
	store_set_clock(f->s, test_clock, &f->now);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	char cmd[128];

	store_close(f->s);
	(void)snprintf(cmd, sizeof(cmd), "rm -rf '%s'", f->dir);
	free(f);
	return system(cmd);
}

static void
must_write(struct fixture *f, txn_fn *fn, void *arg)
{
	int r = store_write(f->s, fn, arg, &f->err);

	if (r < 0)
		fail_msg("store_write: %d: %s", r, f->err.text);
}

static struct txn *
must_read(struct fixture *f)
{
	struct txn *t = NULL;

	if (txn_read(f->s, &t, &f->err) != 0)
		fail_msg("txn_read: %s", f->err.text);
	return t;
}

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

struct fill {
	unsigned from, n;
	size_t len;
	unsigned runs; /* how often fn ran */
	bool swallow;  /* goes on after an error */
};

static int
fill(struct txn *t, void *arg, struct error *err)
{
	struct fill *w = arg;
	char *bytes = calloc(1, w->len);
	int r = bytes ? 0 : -ENOMEM;

	(void)err;
	w->runs++;
	for (unsigned i = 0; i < w->n && r == 0; i++)
		r = txn_put64(
		    t, T_TEXTS, w->from + i, (struct span){bytes, w->len});
	free(bytes);
	return w->swallow ? 0 : r;
}

static void
assert_texts(struct fixture *f, struct store *s, uint64_t want)
{
	struct txn *t = NULL;
	uint64_t n = 0;

	assert_int_equal(txn_read(s, &t, &f->err), 0);
	assert_int_equal(txn_count(t, T_TEXTS, &n), 0);
	assert_int_equal(n, want);
	txn_end(t);
}

static void
test_write_grows_map(void **state)
{
	struct fixture *f = *state;
	struct fill w = {.from = 1, .n = 100, .len = 100000};

	/* 10 MB into a map of 1 MiB. */
	must_write(f, fill, &w);
	assert_int_equal(w.runs, 5);
	assert_texts(f, f->s, 100);
	w = (struct fill){.from = 101, .n = 100, .len = 100000};
	w.swallow = true;
	must_write(f, fill, &w);
	assert_int_equal(w.runs, 2);
	assert_texts(f, f->s, 200);
}

/* Readers in other threads come and go while the map grows. */
struct reading {
	struct fixture *f;
	int stop;
	int r;
};

static void *
read_on(void *arg)
{
	struct reading *rd = arg;
	struct txn *t;
	struct span v;

	while (!__atomic_load_n(&rd->stop, __ATOMIC_RELAXED) && rd->r == 0) {
		rd->r = txn_read(rd->f->s, &t, NULL);
		if (rd->r < 0)
			break;
		rd->r = txn_get64(t, T_TEXTS, 1, &v);
		if (rd->r == 0 && v.ptr[v.len - 1] != '\0')
			rd->r = -EIO;
		txn_end(t);
		(void)store_last_commit(rd->f->s);
	}
	return NULL;
}

static void *
write_on(void *arg)
{
	struct reading *rd = arg;

	for (unsigned i = 0; i < 20 && rd->r == 0; i++) {
		struct fill w = {.from = 10000 + i, .n = 1, .len = 100000};

		rd->r = store_write(rd->f->s, fill, &w, NULL);
	}
	return NULL;
}

static void
test_write_grows_beside_readers(void **state)
{
	struct fixture *f = *state;
	struct reading rd[4] = {{f, 0, 0}, {f, 0, 0}, {f, 0, 0}, {f, 0, 0}};
	pthread_t thread[4];
	struct fill w = {.from = 1, .n = 1, .len = 1000};

	must_write(f, fill, &w);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&thread[i], NULL,
				     i < 3 ? read_on : write_on, &rd[i]),
		    0);
	for (unsigned i = 1; i < 100; i++) {
		w = (struct fill){.from = i * 3, .n = 3, .len = 40000};
		must_write(f, fill, &w);
	}
	for (size_t i = 0; i < 4; i++) {
		__atomic_store_n(&rd[i].stop, 1, __ATOMIC_RELAXED);
		assert_int_equal(pthread_join(thread[i], NULL), 0);
		assert_int_equal(rd[i].r, 0);
	}
	assert_texts(f, f->s, 1 + 99 * 3 + 20);
}

static void *
fill_on(void *arg)
{
	struct reading *rd = arg;
	struct fill w = {.from = 10000, .n = 20, .len = 100000};

	rd->r = store_write(rd->f->s, fill, &w, NULL);
	return NULL;
}

/* A reader that trims may not wait for a writer who waits for the reader. */
static void
test_trim_while_map_grows(void **state)
{
	const struct timespec moment = {.tv_nsec = 200000000};
	struct fixture *f = *state;
	struct reading rd = {.f = f};
	struct fill w = {.from = 1, .n = 1, .len = 1000};
	struct txn *t;
	struct span v;
	pthread_t thread;

	must_write(f, fill, &w);
	t = must_read(f);
	assert_int_equal(txn_get64(t, T_TEXTS, 1, &v), 0);
	assert_int_equal(pthread_create(&thread, NULL, fill_on, &rd), 0);
	/* Until the map is full and the writer waits; if it does not yet, the
	 * test passes without having tested anything. */
	(void)nanosleep(&moment, NULL);
	txn_trim(t);
	/* What was lent is still there. */
	assert_int_equal(v.ptr[v.len - 1], '\0');
	txn_end(t);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(rd.r, 0);
	assert_texts(f, f->s, 21);
}

static int
trim_in_write(struct txn *t, void *arg, struct error *err)
{
	struct span v;

	(void)arg;
	(void)err;
	assert_int_equal(txn_put64(t, T_TEXTS, 1, SPAN("one")), 0);
	txn_trim(t);
	assert_int_equal(txn_get64(t, T_TEXTS, 1, &v), 0);
	assert_true(span_eq(v, SPAN("one")));
	return 0;
}

static void
test_trim_in_write(void **state)
{
	struct fixture *f = *state;

	must_write(f, trim_in_write, NULL);
	assert_texts(f, f->s, 1);
}

/* Another process has made the map larger. */
static void
test_read_adopts_map(void **state)
{
	struct fixture *f = *state;
	int status = -1;
	pid_t pid;

	/* Only the child opens the store twice in its life. */
	store_close(f->s);
	f->s = NULL;
	for (unsigned round = 0; round < 2; round++) {
		int go[2];
		char c = 0;

		assert_int_equal(pipe(go), 0);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			struct fill w = {
			    .from = 1 + round * 1000, .n = 100, .len = 100000};

			if (read(go[0], &c, 1) != 1)
				_exit(2);
			f->s = open_store(f, 0, 1 * MIB);
			must_write(f, fill, &w);
			store_close(f->s);
			_exit(0);
		}
		f->s = open_store(f, 0, 1 * MIB);
		assert_texts(f, f->s, round * 100);
		assert_int_equal(write(go[1], "g", 1), 1);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		if (round == 0) {
			assert_texts(f, f->s, 100);
		} else {
			struct fill w = {.from = 5000, .n = 1, .len = 10};

			must_write(f, fill, &w);
			assert_texts(f, f->s, 201);
		}
		store_close(f->s);
		f->s = NULL;
		(void)close(go[0]);
		(void)close(go[1]);
	}
}

/* A full disk is told with the database's path, and the store stays good. */
static void
test_write_disk_full(void **state)
{
	struct fixture *f = *state;
	int status = -1;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct rlimit limit = {500000, 500000};
		struct fill w = {.from = 1, .n = 9, .len = 100000};
		struct store *s;
		int r;

		/* A limit on the file's size is the nearest thing to a full
		 * disk that any user has. */
		(void)signal(SIGXFSZ, SIG_IGN);
		s = open_store(f, 0, 0);
		(void)setrlimit(RLIMIT_FSIZE, &limit);
		r = store_write(s, fill, &w, &f->err);
		if ((r != -EFBIG && r != -EIO) || !strstr(f->err.text, "/db: "))
			_exit(1);
		w = (struct fill){.from = 1, .n = 1, .len = 1000};
		r = store_write(s, fill, &w, &f->err);
		_exit(r == 0 ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_texts(f, f->s, 1);
}

/* More idle transactions than the pool keeps, and all readers' slots. */
static void
test_read_many(void **state)
{
	enum { MOST = 512 };
	struct fixture *f = *state;
	struct txn *t[MOST + 1] = {0};
	size_t n;
	int r = 0;

	for (int round = 0; round < 2; round++) {
		for (n = 0; n <= MOST; n++) {
			r = txn_read(f->s, &t[n], &f->err);
			if (r < 0)
				break;
		}
		assert_int_equal(n, MOST);
		assert_int_equal(r, -EAGAIN);
		assert_non_null(strstr(f->err.text, "512 readers"));
		while (n > 0)
			txn_end(t[--n]);
	}
	assert_texts(f, f->s, 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

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
	    TEST(test_take),
	    TEST(test_take_stamps),
	    TEST(test_write_grows_map),
	    TEST(test_write_grows_beside_readers),
	    TEST(test_trim_while_map_grows),
	    TEST(test_trim_in_write),
	    TEST(test_read_adopts_map),
	    TEST(test_write_disk_full),
	    TEST(test_read_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
