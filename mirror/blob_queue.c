#include "mirror/blob_queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mirror/blob_fetch.h"

#define THREADS_DEFAULT 4
#define THREADS_MAX	64
#define BUCKETS		256
#define FAILED_MAX	4096 /* failures that are remembered */

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
	enum job_state state;
	struct waiter *waiters;
	int status;	 /* of a failed one */
	char *why;	 /* likewise; may be NULL */
	int64_t until_s; /* likewise, CLOCK_MONOTONIC */
};

struct line {
	struct job *first, **end;
	size_t n;
};

/* The lock covers all but store, opts and cancel; done is never called with
 * the lock held. */
struct blob_queue {
	struct store *store;
	struct blob_queue_opts opts;
	struct blob_requests requests;
	pthread_mutex_t lock;
	pthread_cond_t work; /* a job was queued, or the end has come */
	pthread_t threads[THREADS_MAX];
	unsigned nthreads;
	atomic_bool cancel;
	struct job *buckets[BUCKETS];
	struct line queued;
	struct line failed; /* oldest first */
};

static int64_t
now_s(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts); /* can't fail */
	return ts.tv_sec;
}

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

static struct job *
line_pop(struct line *l)
{
	struct job *j = l->first;

	if (!j)
		return NULL;
	l->first = j->in_line;
	j->in_line = NULL;
	l->n--;
	return j;
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
	int64_t now = now_s();

	while (q->failed.first &&
	       (q->failed.first->until_s <= now || q->failed.n > FAILED_MAX))
		job_free(q, line_pop(&q->failed));
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

/* A job has ended: who waited hears of it. */
static void
finish(struct blob_queue *q, struct job *j, int r, const char *why)
{
	struct waiter *waiters;
	bool remember = r < 0 && r != -EINTR && !q->opts.retry;

	pthread_mutex_lock(&q->lock);
	waiters = TAKE(j->waiters);
	if (remember) {
		j->state = JOB_FAILED;
		j->status = r;
		j->why = strdup(why); /* without, the number has to do */
		j->until_s = now_s() + BLOB_QUEUE_NEGATIVE_S;
		line_add(&q->failed, j);
		forget_failures(q);
	} else {
		job_free(q, j);
	}
	pthread_mutex_unlock(&q->lock);
	call_waiters(waiters, r, why);
}

/* The next job, or NULL at the end. */
static struct job *
next_job(struct blob_queue *q)
{
	struct job *j = NULL;

	pthread_mutex_lock(&q->lock);
	while (!atomic_load(&q->cancel) && !q->queued.first)
		pthread_cond_wait(&q->work, &q->lock);
	if (!atomic_load(&q->cancel)) {
		j = line_pop(&q->queued);
		j->state = JOB_RUNNING;
	}
	pthread_mutex_unlock(&q->lock);
	return j;
}

static void *
work(void *arg)
{
	CLEANUP(fetcher_cleanup) struct fetcher *f = NULL;
	struct blob_queue *q = arg;
	struct job *j = next_job(q);

	while (j) {
		struct error err = {""};
		int r = f ? 0 : fetcher_new(&f);

		if (r < 0)
			(void)error_sys(&err, r, "cannot fetch");
		else
			r = blob_fetch_with(
			    q->store, f, j->blob, &q->opts, &q->cancel, &err);
		finish(q, j, r, err.text);
		j = next_job(q);
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

static struct job *
new_job(struct blob_queue *q, uint64_t blob, blob_done_fn *done, void *ctx)
{
	struct job *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->blob = blob;
	if (add_waiter(j, done, ctx) < 0) {
		free(j);
		return NULL;
	}
	*bucket_of(q, blob) = j;
	line_add(&q->queued, j);
	pthread_cond_signal(&q->work);
	return j;
}

/* 0: done will be called; otherwise the error to call it with, and in *why a
 * text for the caller to free. */
static int
join(struct blob_queue *q, uint64_t blob, blob_done_fn *done, void *ctx,
    char **why)
{
	struct job *j;

	if (atomic_load(&q->cancel))
		return -EINTR;
	forget_failures(q);
	j = *bucket_of(q, blob);
	if (!j)
		return new_job(q, blob, done, ctx) ? 0 : -ENOMEM;
	if (j->state != JOB_FAILED)
		return add_waiter(j, done, ctx);
	*why = j->why ? strdup(j->why) : NULL;
	return j->status;
}

static void
request(void *arg, uint64_t blob, blob_done_fn *done, void *ctx)
{
	CLEANUP_FREE char *why = NULL;
	struct blob_queue *q = arg;
	int r;

	pthread_mutex_lock(&q->lock);
	r = join(q, blob, done, ctx, &why);
	pthread_mutex_unlock(&q->lock);
	if (r < 0)
		done(ctx, r, why ? why : strerror(-r));
}

static int
forget(void *arg, uint64_t blob, void *ctx)
{
	struct blob_queue *q = arg;
	struct waiter **at = NULL, *found = NULL;
	struct job *j;

	pthread_mutex_lock(&q->lock);
	j = *bucket_of(q, blob);
	for (at = j ? &j->waiters : NULL; at && *at; at = &(*at)->next) {
		if ((*at)->ctx == ctx) {
			found = *at;
			*at = found->next;
			break;
		}
	}
	pthread_mutex_unlock(&q->lock);
	free(found);
	return found ? 1 : 0;
}

static int
start_threads(struct blob_queue *q, struct error *err)
{
	unsigned n = q->opts.threads ? q->opts.threads : THREADS_DEFAULT;

	if (n > THREADS_MAX)
		n = THREADS_MAX;
	while (q->nthreads < n) {
		int r =
		    -pthread_create(&q->threads[q->nthreads], NULL, work, q);

		if (r < 0)
			return error_sys(err, r, "cannot start a thread");
		q->nthreads++;
	}
	return 0;
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
	q->requests = (struct blob_requests){q, request, forget};
	/* With default attributes these can't fail. */
	(void)pthread_mutex_init(&q->lock, NULL);
	(void)pthread_cond_init(&q->work, NULL);
	r = start_threads(q, err);
	if (r < 0)
		return r;
	*ret = TAKE(q);
	return 0;
}

void
blob_queue_free(struct blob_queue *q)
{
	if (!q)
		return;
	pthread_mutex_lock(&q->lock);
	atomic_store(&q->cancel, true);
	pthread_cond_broadcast(&q->work);
	pthread_mutex_unlock(&q->lock);
	for (unsigned i = 0; i < q->nthreads; i++)
		(void)pthread_join(q->threads[i], NULL); /* they are ours */
	while (q->queued.first)
		finish(q, line_pop(&q->queued), -EINTR, "stopped");
	while (q->failed.first)
		job_free(q, line_pop(&q->failed));
	pthread_cond_destroy(&q->work);
	pthread_mutex_destroy(&q->lock);
	free(q);
}

struct blob_requests *
blob_queue_requests(struct blob_queue *q)
{
	return &q->requests;
}
