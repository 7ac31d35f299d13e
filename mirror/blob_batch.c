#include "mirror/blob_batch.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "store/gone.h"

#define UNDER_WAY 64  /* requests at once */
#define LOOK_MS	  100 /* how often *cancel is looked at */

/* The lock covers what the queue's threads touch: this, and the batch. */
struct blob_run {
	pthread_mutex_t lock;
	pthread_cond_t ended; /* one of those under way */
	size_t under_way;
	bool hopeless; /* no further file can be written */
	struct error hopeless_err;
	const atomic_bool *cancel;
};

static void
count_failed(struct blob_batch *b, struct blob_item *item, const char *why)
{
	if (item->r == -ENOSPC && !b->run->hopeless) {
		b->run->hopeless = true;
		(void)error_set(&b->run->hopeless_err, item->r, "%s", why);
	}
	if (item->r == -EINTR)
		return; /* not the file's fault */
	b->failed_files++;
	/* A full disk ends the run and is told as the reason. */
	if (b->failed && item->r != -ENOSPC)
		b->failed(b->arg, item, why);
}

static void
file_done(void *ctx, int r, const char *why)
{
	struct blob_item *item = ctx;
	struct blob_batch *b = item->batch;
	struct blob_run *run = b->run;

	(void)pthread_mutex_lock(&run->lock);
	item->r = r;
	if (r < 0) {
		count_failed(b, item, why);
	} else {
		b->fetched_files++;
		b->fetched_bytes += item->size;
	}
	run->under_way--;
	(void)pthread_cond_signal(&run->ended);
	(void)pthread_mutex_unlock(&run->lock);
}

static bool
is_cancelled(const struct blob_run *run)
{
	return run->cancel && atomic_load(run->cancel);
}

/* Waits until at most n are under way; false where the run is to stop. */
static bool
wait_for(struct blob_run *run, size_t n)
{
	bool goes_on;

	(void)pthread_mutex_lock(&run->lock);
	while (run->under_way > n && !run->hopeless && !is_cancelled(run)) {
		struct timespec until = clock_in(LOOK_MS);

		(void)pthread_cond_clockwait(
		    &run->ended, &run->lock, CLOCK_MONOTONIC, &until);
	}
	goes_on = !run->hopeless && !is_cancelled(run);
	(void)pthread_mutex_unlock(&run->lock);
	return goes_on;
}

static void
ask_for(struct blob_run *run, struct blob_queue *q, struct blob_item *item)
{
	struct blob_requests *rq = blob_queue_requests(q);

	(void)pthread_mutex_lock(&run->lock);
	run->under_way++;
	(void)pthread_mutex_unlock(&run->lock);
	rq->request(rq->arg, item->blob, file_done, item);
}

/* Hands everything to the queue; what is still under way ends with it. */
static int
fetch_all(struct store *s, struct blob_batch *b,
    const struct blob_queue_opts *opts, struct error *err)
{
	struct blob_queue *q = NULL;
	int r = blob_queue_new(s, opts, &q, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < b->n; i++) {
		if (!wait_for(b->run, UNDER_WAY - 1))
			break;
		ask_for(b->run, q, &b->v[i]);
	}
	(void)wait_for(b->run, 0);
	blob_queue_free(q);
	if (b->run->hopeless)
		return error_set(err, -ENOSPC, "%s", b->run->hopeless_err.text);
	if (is_cancelled(b->run))
		return error_set(err, -EINTR, "stopped");
	return 0;
}

/* What has become known of blobs that are gone, or were. */
struct notes {
	uint64_t *gone, *back;
	size_t ngone, nback;
};

static int
put_notes(struct txn *t, void *arg, struct error *err)
{
	const struct notes *n = arg;
	int r = gone_put(t, n->gone, n->ngone, store_now(txn_store(t)));

	if (r == 0)
		r = gone_forget(t, n->back, n->nback);
	return r < 0 ? error_sys(err, r, "cannot note which files are gone")
		     : 0;
}

static int
take_notes(struct store *s, const struct blob_batch *b, struct notes *n,
    struct error *err)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	int r = txn_read(s, &t, err);

	for (size_t i = 0; r == 0 && i < b->n; i++) {
		const struct blob_item *item = &b->v[i];

		if (item->r == -ENOENT)
			n->gone[n->ngone++] = item->blob;
		else if (item->r == 0 && gone_find(t, item->blob, NULL) == 0)
			n->back[n->nback++] = item->blob;
	}
	return r;
}

/* Writes only where there is something to be written. */
static int
note(struct store *s, const struct blob_batch *b, struct error *err)
{
	CLEANUP_FREE uint64_t *gone = calloc(b->n + 1, sizeof(*gone));
	CLEANUP_FREE uint64_t *back = calloc(b->n + 1, sizeof(*back));
	struct notes n = {gone, back, 0, 0};
	int r;

	if (!gone || !back)
		return error_sys(
		    err, -ENOMEM, "cannot note which files are gone");
	r = take_notes(s, b, &n, err);
	if (r < 0 || n.ngone + n.nback == 0)
		return r;
	return store_write(s, put_notes, &n, err);
}

int
blob_batch_fetch(struct store *s, struct blob_batch *b,
    const struct blob_queue_opts *opts, const atomic_bool *cancel,
    struct error *err)
{
	struct blob_run run = {.cancel = cancel};
	struct error note_err;
	int r, noted;

	b->fetched_files = b->fetched_bytes = b->failed_files = 0;
	for (size_t i = 0; i < b->n; i++) {
		b->v[i].batch = b;
		b->v[i].r = -ECANCELED;
	}
	if (b->n == 0)
		return 0;
	/* With default attributes these can't fail. */
	(void)pthread_mutex_init(&run.lock, NULL);
	(void)pthread_cond_init(&run.ended, NULL);
	b->run = &run;
	r = fetch_all(s, b, opts, err);
	b->run = NULL;
	(void)pthread_cond_destroy(&run.ended);
	(void)pthread_mutex_destroy(&run.lock);
	noted = note(s, b, &note_err);
	if (r == 0 && noted < 0)
		return error_set(err, noted, "%s", note_err.text);
	return r;
}
