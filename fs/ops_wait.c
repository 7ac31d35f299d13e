#include <assert.h>
#include <errno.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "fs/inode.h"
#include "fs/ops_internal.h"
#include "fs/reader.h"

/* Failures of one file within this time are told once. */
#define SAME_FAILURE_MS 2000
/* What comes so soon after a process before us may have been asked of it, and
 * is waited for so long only: how long it has waited is not known. */
#define RESUMED_MS	2000
#define RESUMED_WAIT_MS 3000

/*
 * An open that waits for its file.  It is answered by whoever takes it from
 * waiting to not waiting, under the lock: the side that brings the file, or
 * the interrupt.  libfuse may call the interrupt function at any time until
 * the request is gone, even while an answer is under way, so that function
 * never gets this struct: it looks for the request among those that wait.
 *
 * Two hold it: the open, until it is answered, and the request for the file,
 * until done is called or the request is forgotten.
 */
struct waiting {
	LIST_ENTRY(waiting) link;
	struct ops *ops;
	fuse_req_t req;
	struct fuse_file_info fi;
	uint64_t ino;
	int64_t since_ms; /* when it began to wait */
	bool waiting;
	/* Until armed, libfuse may hold the request's lock in the thread that
	 * makes the request: no answer then, only a note. */
	bool armed, interrupted;
	unsigned users;
};

static void
drop(struct waiting *w)
{
	struct ops *ops = w->ops;
	bool last;

	(void)pthread_mutex_lock(&ops->lock);
	last = --w->users == 0;
	if (last)
		LIST_REMOVE(w, link);
	(void)pthread_mutex_unlock(&ops->lock);
	if (last)
		free(w);
}

/* True for the one who is to answer. */
static bool
claim(struct waiting *w)
{
	bool mine;

	(void)pthread_mutex_lock(&w->ops->lock);
	mine = w->waiting;
	w->waiting = false;
	(void)pthread_mutex_unlock(&w->ops->lock);
	return mine;
}

static uint64_t
blob_of(const struct waiting *w)
{
	return w->ino & INO_LOW;
}

static bool
is_new_failure(struct ops *ops, uint64_t blob)
{
	const int64_t ms = clock_ms();
	bool same;

	(void)pthread_mutex_lock(&ops->lock);
	same =
	    ops->failed_blob == blob && ms - ops->failed_ms < SAME_FAILURE_MS;
	ops->failed_blob = blob;
	ops->failed_ms = ms;
	(void)pthread_mutex_unlock(&ops->lock);
	return !same;
}

static void
answer(struct waiting *w, int r, const char *why)
{
	struct opening o = {.ino = w->ino, .fetched = true};

	if (r < 0) {
		if (is_new_failure(w->ops, blob_of(w)))
			log_error("%s", why ? why : "a file can't be had");
		(void)fuse_reply_err(w->req, EIO);
		return;
	}
	r = reader_open(w->ops->pool, ino_content(w->ino), &o.reader);
	if (r < 0)
		ops_fail(w->req, r == -EREMOTE ? -EIO : r,
		    "cannot open what was fetched", NULL);
	else
		ops_reply_open(w->req, &o, &w->fi);
}

/* blob_done_fn: the file has come, or can't be had. */
static void
on_done(void *ctx, int r, const char *why)
{
	struct waiting *w = ctx;

	if (claim(w)) {
		answer(w, r, why);
		drop(w);
	}
	drop(w);
}

/* The one that waits for an answer to a request and may be given it. */
static struct waiting *
claim_request(struct ops *ops, fuse_req_t req)
{
	struct waiting *w, *found = NULL;

	(void)pthread_mutex_lock(&ops->lock);
	LIST_FOREACH (w, &ops->waiting, link)
		if (w->waiting && w->req == req)
			found = w;
	if (found && found->armed) {
		found->waiting = false;
	} else if (found) {
		found->interrupted = true;
		found = NULL;
	}
	(void)pthread_mutex_unlock(&ops->lock);
	return found;
}

/* The reader gives up; the fetch goes on for others. */
static void
on_interrupt(fuse_req_t req, void *data)
{
	struct ops *ops = data;
	struct blob_requests *requests = ops->opts.requests;
	struct waiting *w = claim_request(ops, req);

	if (!w)
		return;
	(void)fuse_reply_err(req, EINTR);
	if (requests->forget(requests->arg, blob_of(w), w))
		drop(w);
	drop(w);
}

/* --- those that wait for too long --- */

void
ops_resumed(struct ops *ops)
{
	ops->resumed_ms = clock_ms();
}

static int64_t
wait_began(const struct ops *ops)
{
	const int64_t now = clock_ms();

	if (ops->resumed_ms == 0 || now - ops->resumed_ms > RESUMED_MS ||
	    ops->opts.wait_ms < RESUMED_WAIT_MS)
		return now;
	return now - (ops->opts.wait_ms - RESUMED_WAIT_MS);
}

/* One of them, for the caller to answer, or NULL. */
static struct waiting *
claim_late(struct ops *ops)
{
	const int64_t until = clock_ms() - ops->opts.wait_ms;
	struct waiting *w, *found = NULL;

	(void)pthread_mutex_lock(&ops->lock);
	LIST_FOREACH (w, &ops->waiting, link)
		if (w->waiting && w->armed && w->since_ms <= until)
			found = w;
	if (found)
		found->waiting = false;
	(void)pthread_mutex_unlock(&ops->lock);
	return found;
}

static void
answer_late(struct waiting *w)
{
	CLEANUP(buf_release) struct buf url = {0};

	if (!is_new_failure(w->ops, blob_of(w)))
		;
	else if (ops_add_origin(w->ops, w->ino, &url) == 0)
		log_error("%.*s: not there within %.3g s; the fetch goes on",
		    SPAN_ARG(buf_span(&url)),
		    (double)w->ops->opts.wait_ms / 1000);
	else
		log_error(
		    "a file is not there within %.3g s; its fetch goes on",
		    (double)w->ops->opts.wait_ms / 1000);
	(void)fuse_reply_err(w->req, EIO);
}

bool
ops_expire(struct ops *ops)
{
	struct blob_requests *requests = ops->opts.requests;
	struct waiting *w;

	if (ops->opts.wait_ms == 0 || !requests)
		return false;
	while ((w = claim_late(ops)) != NULL) {
		answer_late(w);
		if (requests->forget(requests->arg, blob_of(w), w))
			drop(w);
		drop(w);
	}
	return true;
}

/* False where the interrupt came before the request was made. */
static bool
arm(struct waiting *w)
{
	bool go;

	(void)pthread_mutex_lock(&w->ops->lock);
	w->armed = true;
	if (w->interrupted)
		w->waiting = false;
	go = !w->interrupted;
	(void)pthread_mutex_unlock(&w->ops->lock);
	return go;
}

void
ops_wait(fuse_req_t req, fuse_ino_t ino, const struct fuse_file_info *fi)
{
	struct ops *ops = ops_of(req);
	struct blob_requests *requests = ops->opts.requests;
	struct waiting *w;

	if (!requests) {
		ops_fail(req, -EIO, "nothing here fetches remote files", NULL);
		return;
	}
	w = calloc(1, sizeof(*w));
	if (!w) {
		ops_fail(req, -ENOMEM, "cannot open", NULL);
		return;
	}
	w->ops = ops;
	w->req = req;
	w->fi = *fi;
	w->ino = ino;
	w->since_ms = wait_began(ops);
	w->waiting = true;
	w->users = 2;
	(void)pthread_mutex_lock(&ops->lock);
	LIST_INSERT_HEAD(&ops->waiting, w, link);
	(void)pthread_mutex_unlock(&ops->lock);
	fuse_req_interrupt_func(req, on_interrupt, ops);
	if (arm(w)) {
		requests->request(requests->arg, blob_of(w), on_done, w);
		return;
	}
	(void)fuse_reply_err(req, EINTR);
	drop(w);
	drop(w);
}

void
ops_waiting_free(struct ops *ops)
{
	struct waiting *w;

	while ((w = LIST_FIRST(&ops->waiting)) != NULL) {
		LIST_REMOVE(w, link);
		free(w);
	}
}
