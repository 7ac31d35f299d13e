#include "mirror/blob_queue.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "mirror/blob_fetch.h"
#include "mirror/rate.h"
#include "store/blob.h"

#define AT_ONCE_DEFAULT 4
#define THREADS_MAX	64
#define ORIGIN_MAX	48 /* of these, for one origin */
#define BUCKETS		256
#define FAILED_MAX	4096 /* failures that are remembered */
#define OWN_LACK_S	1

/* Somebody who waits for a job. */
struct waiter {
	struct waiter *next;
	blob_done_fn *done;
	void *ctx;
};

enum job_state {
	JOB_QUEUED,
	JOB_RUNNING,
	JOB_FAILED, /* remembered until `until`; nobody waits */
};

struct job {
	struct job *in_bucket; /* next in its bucket */
	struct job *in_line;   /* next in the queue, or of the failed */
	uint64_t blob;
	uint64_t origin; /* that is tried first, 0 where nobody knows */
	enum job_state state;
	struct waiter *waiters;
	int status;	 /* of a failed one */
	char *why;	 /* likewise; may be NULL */
	int64_t until_s; /* likewise, of clock_s() */
};

struct line {
	struct job *first, **end;
	size_t n;
};

struct worker {
	struct blob_queue *q;
	pthread_t thread;
	bool runs, ended; /* ended: only to be joined */
	bool busy;	  /* with a job of the origin */
	bool quiet;	  /* which hears nothing from the server */
	uint64_t origin;
};

/*
 * The lock covers all but store, opts and cancel; done is never called with
 * the lock held.
 *
 * An origin has so many jobs under way at once, beside those that have gone
 * quiet, and there is a thread for each of them: one that stalls keeps the
 * files of others from nobody.  Threads beyond the first end when they find
 * nothing to do.
 */
struct blob_queue {
	struct store *store;
	struct blob_queue_opts opts;
	struct blob_requests requests;
	pthread_mutex_t lock;
	pthread_cond_t work; /* a job was queued, or the end has come */
	struct worker workers[THREADS_MAX];
	atomic_bool cancel;
	struct job *buckets[BUCKETS];
	struct line queued;
	struct line failed; /* oldest first */
};

static void
line_add(struct line *l, struct job *j)
{
	if (!l->first)
		l->end = &l->first;
	j->in_line = NULL;
	*l->end = j;
	l->end = &j->in_line;
	l->n++;
}

/* Takes the job out that *at points to. */
static struct job *
line_take(struct line *l, struct job **at)
{
	struct job *j = *at;

	*at = j->in_line;
	if (l->end == &j->in_line)
		l->end = at;
	j->in_line = NULL;
	l->n--;
	return j;
}

static struct job *
line_pop(struct line *l)
{
	return l->first ? line_take(l, &l->first) : NULL;
}

static struct job **
bucket_of(struct blob_queue *q, uint64_t blob)
{
	struct job **at = &q->buckets[blob % BUCKETS];

	while (*at && (*at)->blob != blob)
		at = &(*at)->in_bucket;
	return at;
}

static void
job_free(struct blob_queue *q, struct job *j)
{
	struct job **at = bucket_of(q, j->blob);

	if (*at == j)
		*at = j->in_bucket;
	free(j->why);
	free(j);
}

/* Forgets failures that are old, and the oldest where there are too many. */
static void
forget_failures(struct blob_queue *q)
{
	int64_t now = clock_s();

	while (q->failed.first &&
	       (q->failed.first->until_s <= now || q->failed.n > FAILED_MAX))
		job_free(q, line_pop(&q->failed));
}

/* Behind one that is remembered for longer. */
static void
forget_failure(struct blob_queue *q, struct job *j)
{
	struct job **at = &q->failed.first;

	while (*at != j)
		at = &(*at)->in_line;
	job_free(q, line_take(&q->failed, at));
}

static void
call_waiters(struct waiter *w, int r, const char *why)
{
	while (w) {
		struct waiter *next = w->next;

		w->done(w->ctx, r, r < 0 ? why : NULL);
		free(w);
		w = next;
	}
}

/* What this machine has too little of is no fault of upstream's, and may be had
 * again in a moment. */
static int64_t
remember_s(int r)
{
	return r == -ENOSPC || r == -EDQUOT || r == -ENOMEM || r == -EMFILE
		   ? OWN_LACK_S
		   : BLOB_QUEUE_NEGATIVE_S;
}

/* A job has ended: who waited hears of it. */
static void
finish(struct blob_queue *q, struct job *j, int r, const char *why)
{
	struct waiter *waiters;
	bool remember = r < 0 && r != -EINTR && !q->opts.retry;

	(void)pthread_mutex_lock(&q->lock);
	waiters = TAKE(j->waiters);
	if (remember) {
		j->state = JOB_FAILED;
		j->status = r;
		j->why = strdup(why); /* without, the number has to do */
		j->until_s = clock_s() + remember_s(r);
		line_add(&q->failed, j);
		forget_failures(q);
	} else {
		job_free(q, j);
	}
	(void)pthread_mutex_unlock(&q->lock);
	call_waiters(waiters, r, why);
}

static unsigned
at_once(const struct blob_queue *q)
{
	return q->opts.threads ? q->opts.threads : AT_ONCE_DEFAULT;
}

/* So many with the quiet ones: others are left some threads. */
static unsigned
most(const struct blob_queue *q)
{
	unsigned n = (1 + BLOB_QUEUE_QUIET) * at_once(q);

	if (n > ORIGIN_MAX)
		n = ORIGIN_MAX;
	return n > at_once(q) ? n : at_once(q);
}

/* May one more job of an origin begin? */
static bool
may_begin(const struct blob_queue *q, uint64_t origin)
{
	unsigned moving = 0, quiet = 0;

	for (size_t i = 0; i < THREADS_MAX; i++) {
		const struct worker *w = &q->workers[i];

		if (!w->busy || w->origin != origin)
			continue;
		if (w->quiet)
			quiet++;
		else
			moving++;
	}
	return moving < at_once(q) && moving + quiet < most(q);
}

/* The place in the line of the first that may begin now. */
static struct job **
find_job(struct blob_queue *q)
{
	struct job **at = &q->queued.first;

	while (*at && !may_begin(q, (*at)->origin))
		at = &(*at)->in_line;
	return at;
}

/* That one, out of the line; or NULL. */
static struct job *
take_job(struct blob_queue *q)
{
	struct job **at = find_job(q);

	return *at ? line_take(&q->queued, at) : NULL;
}

/* The next job, or NULL where the thread is to end. */
static struct job *
next_job(struct worker *w)
{
	struct blob_queue *q = w->q;
	bool stays = w == &q->workers[0];
	struct job *j = NULL;

	(void)pthread_mutex_lock(&q->lock);
	w->busy = w->quiet = false;
	while (!atomic_load(&q->cancel)) {
		j = take_job(q);
		if (j || !stays)
			break;
		(void)pthread_cond_wait(&q->work, &q->lock);
	}
	if (j) {
		j->state = JOB_RUNNING;
		w->busy = true;
		w->origin = j->origin;
	} else {
		w->ended = true;
	}
	(void)pthread_mutex_unlock(&q->lock);
	return j;
}

static void *work(void *arg);

/* A place for one more thread, or NULL. */
static struct worker *
free_worker(struct blob_queue *q)
{
	for (size_t i = 0; i < THREADS_MAX; i++) {
		struct worker *w = &q->workers[i];

		if (w->ended)
			(void)pthread_join(w->thread, NULL); /* is ours */
		if (w->ended || !w->runs)
			return w;
	}
	return NULL;
}

/* Called with the lock held, or before there is anybody else. */
static int
start_worker(struct blob_queue *q)
{
	struct worker *w = free_worker(q);
	sigset_t all, old;
	int r;

	if (!w)
		return -EAGAIN;
	*w = (struct worker){.q = q};
	/* Signals are the caller's business, not our threads'. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_BLOCK, &all, &old);
	r = -pthread_create(&w->thread, NULL, work, w);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	w->runs = r == 0;
	return r;
}

/* Sees to it that somebody takes a job that was queued, if it may begin. */
static void
wake_worker(struct blob_queue *q, const struct job *j)
{
	if (!may_begin(q, j->origin))
		return;
	(void)pthread_cond_signal(&q->work);
	/* If no thread can be had, those that are there get to it. */
	if (q->workers[0].busy || q->queued.n > 1)
		(void)start_worker(q);
}

/* A transfer has gone quiet: another job may begin in its place. */
static void
worker_quiet(void *arg, bool quiet)
{
	struct worker *w = arg;
	struct blob_queue *q = w->q;
	struct job *j;

	(void)pthread_mutex_lock(&q->lock);
	w->quiet = quiet;
	j = quiet && !atomic_load(&q->cancel) ? *find_job(q) : NULL;
	if (j)
		wake_worker(q, j);
	(void)pthread_mutex_unlock(&q->lock);
}

static void *
work(void *arg)
{
	CLEANUP(fetcher_cleanup) struct fetcher *f = NULL;
	struct worker *w = arg;
	struct blob_queue *q = w->q;
	struct job *j = next_job(w);
	struct blob_queue_opts opts = q->opts;

	opts.quiet = worker_quiet;
	opts.quiet_arg = w;
	while (j) {
		struct error err = {""};
		int r = f ? 0 : fetcher_new(&f);

		if (r < 0)
			(void)error_sys(&err, r, "cannot fetch");
		else
			r = blob_fetch_with(
			    q->store, f, j->blob, &opts, &q->cancel, &err);
		finish(q, j, r, err.text);
		j = next_job(w);
	}
	return NULL;
}

static int
add_waiter(struct job *j, blob_done_fn *done, void *ctx)
{
	struct waiter *w = malloc(sizeof(*w));

	if (!w)
		return -ENOMEM;
	*w = (struct waiter){j->waiters, done, ctx};
	j->waiters = w;
	return 0;
}

static int
first_place(uint64_t origin, struct span path, void *arg)
{
	uint64_t *ret = arg;

	(void)path;
	*ret = origin;
	return 1;
}

/* The origin that a blob is fetched from, if all goes well; 0 where that can't
 * be told. */
static uint64_t
origin_of(struct store *s, uint64_t blob)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	CLEANUP(blob_release) struct blob b = {0};
	uint64_t origin = 0;
	int r = txn_read(s, &t, NULL);

	if (r == 0)
		r = blob_load(t, blob, &b);
	if (r == 0)
		r = blob_each_place(t, &b, first_place, &origin);
	return r < 0 ? 0 : origin;
}

/* What is asked for. */
struct wish {
	uint64_t blob, origin;
	blob_done_fn *done;
	void *ctx;
};

static int
new_job(struct blob_queue *q, const struct wish *wish)
{
	struct job *j = calloc(1, sizeof(*j));

	if (!j)
		return -ENOMEM;
	j->blob = wish->blob;
	j->origin = wish->origin;
	if (add_waiter(j, wish->done, wish->ctx) < 0) {
		free(j);
		return -ENOMEM;
	}
	*bucket_of(q, j->blob) = j;
	line_add(&q->queued, j);
	wake_worker(q, j);
	return 0;
}

/* 0: done will be called; otherwise the error to call it with, and in *why a
 * text for the caller to free. */
static int
join(struct blob_queue *q, const struct wish *wish, char **why)
{
	struct job *j;

	if (atomic_load(&q->cancel))
		return -EINTR;
	forget_failures(q);
	j = *bucket_of(q, wish->blob);
	if (j && j->state == JOB_FAILED && j->until_s <= clock_s()) {
		forget_failure(q, j);
		j = NULL;
	}
	if (!j)
		return new_job(q, wish);
	if (j->state != JOB_FAILED)
		return add_waiter(j, wish->done, wish->ctx);
	*why = j->why ? strdup(j->why) : NULL;
	return j->status;
}

static void
request(void *arg, uint64_t blob, blob_done_fn *done, void *ctx)
{
	CLEANUP_FREE char *why = NULL;
	struct blob_queue *q = arg;
	struct wish wish = {blob, origin_of(q->store, blob), done, ctx};
	int r;

	(void)pthread_mutex_lock(&q->lock);
	r = join(q, &wish, &why);
	(void)pthread_mutex_unlock(&q->lock);
	if (r < 0)
		done(ctx, r, why ? why : strerror(-r));
}

static int
forget(void *arg, uint64_t blob, void *ctx)
{
	struct blob_queue *q = arg;
	struct waiter **at = NULL, *found = NULL;
	struct job *j;

	(void)pthread_mutex_lock(&q->lock);
	j = *bucket_of(q, blob);
	for (at = j ? &j->waiters : NULL; at && *at; at = &(*at)->next) {
		if ((*at)->ctx == ctx) {
			found = *at;
			*at = found->next;
			break;
		}
	}
	(void)pthread_mutex_unlock(&q->lock);
	free(found);
	return found ? 1 : 0;
}

int
blob_queue_new(struct store *s, const struct blob_queue_opts *opts,
    struct blob_queue **ret, struct error *err)
{
	CLEANUP(blob_queue_cleanup) struct blob_queue *q = NULL;
	int r = fetch_global_init(err);

	if (r < 0)
		return r;
	q = calloc(1, sizeof(*q));
	if (!q)
		return error_sys(err, -ENOMEM, "cannot fetch files");
	q->store = s;
	if (opts)
		q->opts = *opts;
	q->opts.rate = NULL;
	q->requests = (struct blob_requests){q, request, forget};
	/* With default attributes these can't fail. */
	(void)pthread_mutex_init(&q->lock, NULL);
	(void)pthread_cond_init(&q->work, NULL);
	r = rate_new(q->opts.bytes_per_s, &q->opts.rate);
	if (r < 0)
		return error_sys(err, r, "cannot fetch files");
	r = start_worker(q);
	if (r < 0)
		return error_sys(err, r, "cannot start a thread");
	*ret = TAKE(q);
	return 0;
}

void
blob_queue_free(struct blob_queue *q)
{
	if (!q)
		return;
	(void)pthread_mutex_lock(&q->lock);
	atomic_store(&q->cancel, true);
	(void)pthread_cond_broadcast(&q->work);
	(void)pthread_mutex_unlock(&q->lock);
	for (size_t i = 0; i < THREADS_MAX; i++)
		if (q->workers[i].runs)
			(void)pthread_join(q->workers[i].thread, NULL);
	while (q->queued.first)
		finish(q, line_pop(&q->queued), -EINTR, "stopped");
	while (q->failed.first)
		job_free(q, line_pop(&q->failed));
	(void)pthread_cond_destroy(&q->work);
	(void)pthread_mutex_destroy(&q->lock);
	rate_free(q->opts.rate);
	free(q);
}

struct blob_requests *
blob_queue_requests(struct blob_queue *q)
{
	return &q->requests;
}
