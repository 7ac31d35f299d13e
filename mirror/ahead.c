#include "mirror/ahead.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "mirror/rate.h"
#include "store/blob.h"

#define THREADS_MAX 64
#define LOOK_MS	    100 /* how often the reader looks at cancel */

enum job_state {
	JOB_WAITS,
	JOB_COMES,   /* a thread fetches it */
	JOB_ENDS,    /* all has come and is being proven */
	JOB_PRESENT, /* proven, under its name */
	JOB_LEFT,    /* to the reader */
};

struct job {
	struct ahead *a;
	const struct ahead_file *file;
	/* Under the lock. */
	enum job_state state;
	uint64_t have;		    /* bytes */
	struct blob_writer *writer; /* while it comes */
};

struct worker {
	struct ahead *a;
	pthread_t thread;
	struct fetcher *fetcher; /* made by the thread where it was not lent */
	bool lent;
};

struct ahead {
	struct ahead_opts opts;
	atomic_bool cancel;
	struct worker workers[THREADS_MAX];
	size_t nworkers;
	size_t njobs;

	pthread_mutex_t lock;
	pthread_cond_t room; /* for threads: another job may begin */
	pthread_cond_t came; /* for the reader: some job has got on */
	/* Under the lock. */
	size_t next;	  /* the first job that waits */
	uint64_t to_come; /* bytes of those under way */

	/* The reader's alone. */
	int fd; /* of the job that it reads, or -1 */
	size_t reads;

	struct job jobs[];
};

/* Called with the lock held. */
static void
set_state(struct job *j, enum job_state state)
{
	struct ahead *a = j->a;

	if (j->state == JOB_COMES)
		a->to_come -= j->file->size - j->have;
	if (state == JOB_COMES)
		a->to_come += j->file->size - j->have;
	j->state = state;
	(void)pthread_cond_broadcast(&a->room);
	(void)pthread_cond_signal(&a->came);
}

static void
change_state(struct job *j, enum job_state state)
{
	(void)pthread_mutex_lock(&j->a->lock);
	set_state(j, state);
	(void)pthread_mutex_unlock(&j->a->lock);
}

/* The next job, or NULL where there is none left. */
static struct job *
next_job(struct ahead *a)
{
	struct job *j = NULL;

	(void)pthread_mutex_lock(&a->lock);
	while (a->next < a->njobs && !atomic_load(&a->cancel) &&
	       a->to_come >= AHEAD_BYTES)
		(void)pthread_cond_wait(&a->room, &a->lock);
	if (a->next < a->njobs && !atomic_load(&a->cancel)) {
		j = &a->jobs[a->next++];
		set_state(j, JOB_COMES);
	}
	(void)pthread_mutex_unlock(&a->lock);
	return j;
}

static int
sink_begin(void *arg, uint64_t from)
{
	struct job *j = arg;
	int r = from == 0 ? blob_writer_restart(j->writer) : -EIO;

	if (r < 0)
		return r;
	(void)pthread_mutex_lock(&j->a->lock);
	j->a->to_come += j->have;
	j->have = 0;
	(void)pthread_mutex_unlock(&j->a->lock);
	return 0;
}

static int
sink_write(void *arg, const void *ptr, size_t len)
{
	struct job *j = arg;
	struct ahead *a = j->a;
	struct error ignored;
	int r = blob_writer_add(j->writer, ptr, len, &ignored);

	if (r < 0)
		return r;
	(void)pthread_mutex_lock(&a->lock);
	j->have += len;
	a->to_come -= len;
	if (a->to_come < AHEAD_BYTES)
		(void)pthread_cond_signal(&a->room);
	(void)pthread_cond_signal(&a->came);
	(void)pthread_mutex_unlock(&a->lock);
	progress_add(a->opts.progress, len, 0);
	return rate_pay(a->opts.rate, len, &a->cancel);
}

static int
transfer(struct job *j, struct fetcher *f)
{
	CLEANUP(fetch_answer_release) struct fetch_answer answer = {0};
	struct fetch_sink sink = {sink_begin, sink_write, j};
	struct fetch_request rq = j->a->opts.request;
	struct error ignored;

	rq.url = j->file->url;
	rq.max_bytes = j->file->size;
	rq.cancel = &j->a->cancel;
	rq.tries = 1;
	return fetch(f, &rq, &sink, &answer, &ignored);
}

/* 1: the file is here already. */
static int
open_writer(struct job *j, struct blob_writer **ret)
{
	struct blob_wish wish = {j->file->sha256, j->file->size, &j->a->cancel};
	struct error ignored;
	uint64_t have; /* is not looked at: it begins anew */
	int r = blob_writer_open(j->a->opts.store, &wish, ret, &have, &ignored);

	return r == -EEXIST ? 1 : r;
}

/* Proves what has come; nobody opens the writer's file meanwhile. */
static int
end_writer(struct job *j)
{
	struct error ignored;

	change_state(j, JOB_ENDS);
	return blob_writer_end(j->writer, &ignored);
}

static int
fetch_job(struct job *j, struct fetcher *f)
{
	struct blob_writer *w = NULL;
	int r = open_writer(j, &w);

	if (r > 0)
		progress_add(j->a->opts.progress, j->file->size, 0);
	if (r != 0)
		return r < 0 ? r : 0;
	(void)pthread_mutex_lock(&j->a->lock);
	j->writer = w;
	(void)pthread_mutex_unlock(&j->a->lock);
	r = transfer(j, f);
	if (r == 0)
		r = end_writer(j);
	(void)pthread_mutex_lock(&j->a->lock);
	j->writer = NULL;
	(void)pthread_mutex_unlock(&j->a->lock);
	blob_writer_free(w);
	return r;
}

/* About the file alone, not about the server. */
static bool
goes_on_after(int r)
{
	return r == 0 || r == -ENOENT || r == -EACCES || r == -EBADMSG ||
	       r == -E2BIG;
}

/* Where the server is in trouble, nothing more is begun. */
static void
end_job(struct job *j, int r)
{
	struct ahead *a = j->a;

	(void)pthread_mutex_lock(&a->lock);
	if (!goes_on_after(r)) {
		for (; a->next < a->njobs; a->next++)
			a->jobs[a->next].state = JOB_LEFT;
	}
	set_state(j, r == 0 ? JOB_PRESENT : JOB_LEFT);
	(void)pthread_mutex_unlock(&a->lock);
}

static void *
work(void *arg)
{
	struct worker *w = arg;
	struct job *j;

	while ((j = next_job(w->a)) != NULL) {
		int r = w->fetcher ? 0 : fetcher_new(&w->fetcher);

		end_job(j, r < 0 ? r : fetch_job(j, w->fetcher));
	}
	return NULL;
}

/* With fewer threads than wished for it is but slower. */
static int
start_workers(struct ahead *a)
{
	size_t n = a->opts.fetches ? a->opts.fetches : AHEAD_FETCHES;
	sigset_t all, old;
	int r = 0;

	if (n > THREADS_MAX)
		n = THREADS_MAX;
	if (n > a->njobs)
		n = a->njobs;
	/* Signals are the caller's business, not our threads'. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_BLOCK, &all, &old);
	while (r == 0 && a->nworkers < n) {
		struct worker *w = &a->workers[a->nworkers];

		w->a = a;
		w->lent = a->nworkers == 0 && a->opts.fetcher;
		w->fetcher = w->lent ? a->opts.fetcher : NULL;
		r = -pthread_create(&w->thread, NULL, work, w);
		if (r == 0)
			a->nworkers++;
	}
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return a->nworkers > 0 || n == 0 ? 0 : r;
}

int
ahead_new(const struct ahead_opts *opts, const struct ahead_file *files,
    size_t n, struct ahead **ret)
{
	CLEANUP(ahead_cleanup) struct ahead *a = NULL;
	int r;

	a = calloc(1, sizeof(*a) + n * sizeof(a->jobs[0]));
	if (!a)
		return -ENOMEM;
	a->opts = *opts;
	a->fd = -1;
	a->njobs = n;
	for (size_t i = 0; i < n; i++)
		a->jobs[i] = (struct job){.a = a, .file = &files[i]};
	/* With default attributes these can't fail. */
	(void)pthread_mutex_init(&a->lock, NULL);
	(void)pthread_cond_init(&a->room, NULL);
	(void)pthread_cond_init(&a->came, NULL);
	r = start_workers(a);
	if (r < 0)
		return r;
	*ret = TAKE(a);
	return 0;
}

void
ahead_free(struct ahead *a)
{
	if (!a)
		return;
	(void)pthread_mutex_lock(&a->lock);
	atomic_store(&a->cancel, true);
	(void)pthread_cond_broadcast(&a->room);
	(void)pthread_mutex_unlock(&a->lock);
	for (size_t i = 0; i < a->nworkers; i++) {
		struct worker *w = &a->workers[i];

		(void)pthread_join(w->thread, NULL); /* is ours */
		if (!w->lent)
			fetcher_free(w->fetcher);
	}
	if (a->fd >= 0)
		(void)close(a->fd);
	(void)pthread_cond_destroy(&a->came);
	(void)pthread_cond_destroy(&a->room);
	(void)pthread_mutex_destroy(&a->lock);
	free(a);
}

static bool
is_cancelled(const struct ahead *a)
{
	const atomic_bool *cancel = a->opts.request.cancel;

	return cancel && atomic_load(cancel);
}

/* Waits a moment for something to come; called with the lock held. */
static void
wait_a_moment(struct ahead *a)
{
	struct timespec until = clock_in(LOOK_MS);

	(void)pthread_cond_clockwait(
	    &a->came, &a->lock, CLOCK_MONOTONIC, &until);
}

/* Is it known how to go on reading from byte `at` on? */
static bool
may_read(const struct job *j, uint64_t at)
{
	switch (j->state) {
	case JOB_PRESENT:
	case JOB_LEFT:
		return true;
	case JOB_COMES:
		return j->have > at;
	case JOB_ENDS:
		/* Who has not opened it so far waits for its name. */
		return j->have > at && j->a->fd >= 0;
	default:
		return false;
	}
}

/* Opens the file of the job, as far as it has come; called with the lock
 * held. */
static int
open_job(struct job *j)
{
	struct ahead *a = j->a;

	if (a->fd >= 0)
		return 0;
	if (j->state == JOB_PRESENT)
		a->fd =
		    blob_open(a->opts.store, &j->file->sha256, j->file->size);
	else
		a->fd = blob_writer_reopen(j->writer);
	/* It is present: that it is not there is none of its fault. */
	return a->fd < 0 ? (a->fd == -ENOENT ? -EIO : a->fd) : 0;
}

/* Waits until something can be read; *ret_end: no more comes. */
static int
wait_for(struct job *j, uint64_t at, bool *ret_end)
{
	struct ahead *a = j->a;
	int r;

	(void)pthread_mutex_lock(&a->lock);
	while (!may_read(j, at) && !is_cancelled(a))
		wait_a_moment(a);
	*ret_end = j->state == JOB_PRESENT && at == j->file->size;
	if (is_cancelled(a))
		r = -EINTR;
	else if (j->state == JOB_LEFT)
		r = -ENOENT;
	else
		r = *ret_end ? 0 : open_job(j);
	(void)pthread_mutex_unlock(&a->lock);
	return r;
}

static void
close_job(struct ahead *a)
{
	if (a->fd >= 0)
		(void)close(a->fd);
	a->fd = -1;
}

ssize_t
ahead_read(struct ahead *a, size_t i, uint64_t at, void *ptr, size_t len)
{
	struct job *j = &a->jobs[i];
	bool end;
	ssize_t n;

	if (a->reads != i)
		close_job(a);
	a->reads = i;
	n = wait_for(j, at, &end);
	if (n == 0 && !end)
		n = file_pread_all(a->fd, ptr, len, (off_t)at);
	/* It has been seen to be longer. */
	if (n == 0 && !end)
		n = -EIO;
	/* Who fetches it himself needs the name. */
	if (n <= 0)
		close_job(a);
	return n;
}

uint64_t
ahead_bytes_of(struct ahead *a, size_t i)
{
	uint64_t bytes;

	(void)pthread_mutex_lock(&a->lock);
	bytes = a->jobs[i].have;
	(void)pthread_mutex_unlock(&a->lock);
	return bytes;
}

uint64_t
ahead_bytes(struct ahead *a)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < a->njobs; i++)
		bytes += ahead_bytes_of(a, i);
	return bytes;
}
