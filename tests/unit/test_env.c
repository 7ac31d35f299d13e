#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "txn_fixture.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
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
