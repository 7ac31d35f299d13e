#include "mirror/pool.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "store/blob.h"
#include "store/content.h"
#include "store/list.h"
#include "store/state.h"

#define UNDER_WAY 64	     /* requests at once */
#define LOOK_MS	  100	     /* how often *cancel is looked at */
#define BLOBS_MAX (1u << 31) /* numbers that the set takes */

struct run;

/* A file to be fetched. */
struct missing {
	struct run *run; /* that it is part of */
	uint64_t blob;	 /* number */
	uint64_t size;	 /* bytes */
};

/* The walk over what is wanted; each file is seen once. */
struct walk {
	struct txn *txn;
	const struct pool_want *want;
	unsigned char *seen; /* bit per blob number */
	size_t seen_size;    /* bytes */
	struct buf name;     /* of the package in hand */
	bool *known;	     /* per name wanted: a package has it; NULL: all */
	struct pool_count count;
	/* What is missing, for a run; NULL: it is only counted. */
	struct run *run;
	struct missing *missing;
	size_t nmissing, cap;
};

static void
walk_release(struct walk *w)
{
	txn_end(w->txn);
	free(w->seen);
	free(w->missing);
	free(w->known);
	buf_release(&w->name);
}

/* 1 where the number was not in the set yet. */
static int
see(struct walk *w, uint64_t number)
{
	size_t at = (size_t)(number / 8);
	unsigned char bit = (unsigned char)(1u << (number % 8));

	if (number >= BLOBS_MAX)
		return -E2BIG;
	if (at >= w->seen_size) {
		size_t size = 2 * at + 1024;
		unsigned char *seen = realloc(w->seen, size);

		if (!seen)
			return -ENOMEM;
		memset(seen + w->seen_size, 0, size - w->seen_size);
		w->seen = seen;
		w->seen_size = size;
	}
	if (w->seen[at] & bit)
		return 0;
	w->seen[at] |= bit;
	return 1;
}

static int
add_missing(struct walk *w, uint64_t number, uint64_t size)
{
	if (!w->run)
		return 0;
	if (w->nmissing == w->cap) {
		size_t cap = w->cap ? 2 * w->cap : 1024;
		struct missing *missing =
		    reallocarray(w->missing, cap, sizeof(*missing));

		if (!missing)
			return -ENOMEM;
		w->missing = missing;
		w->cap = cap;
	}
	w->missing[w->nmissing++] = (struct missing){w->run, number, size};
	return 0;
}

static int
walk_file(struct walk *w, const struct package_file *file)
{
	struct content c;
	int r = content_find_file(w->txn, &file->sha256, file->size, &c);

	if (r < 0)
		return r == -ENOENT ? -EIO : r;
	/* Bytes that the store can make need no fetching. */
	if (c.kind != CONTENT_BLOB)
		return 0;
	r = see(w, c.number);
	if (r <= 0)
		return r;
	w->count.files++;
	w->count.bytes += file->size;
	r = blob_present(txn_store(w->txn), &file->sha256);
	if (r != 0)
		return r < 0 ? r : 0;
	w->count.missing_files++;
	w->count.missing_bytes += file->size;
	return add_missing(w, c.number, file->size);
}

/* True where the name is wanted. */
static bool
note_name(struct walk *w, struct span name)
{
	const struct strs *names = w->want->names;
	bool found = false;

	for (size_t i = 0; i < names->n; i++) {
		if (span_eq(name, span_of(names->v[i]))) {
			w->known[i] = true;
			found = true;
		}
	}
	return found;
}

/* Is the package wanted by name?  1, 0, or -ENOMEM. */
static int
name_wanted(struct walk *w, const struct light *l)
{
	bool by_name, in_full;

	if (!w->known)
		return 1;
	buf_clear(&w->name);
	if (package_add_name(l, &w->name) < 0)
		return -ENOMEM;
	by_name = note_name(w, l->name);
	in_full = note_name(w, buf_span(&w->name));
	return by_name || in_full;
}

/*
 * Packages of architecture all serve every architecture.  Sources stand among
 * the architectures as "source".
 */
static bool
architecture_wanted(const struct walk *w, struct span architecture)
{
	const struct strs *wanted = w->want->architectures;

	return !wanted || wanted->n == 0 || strs_has(wanted, architecture) ||
	       (span_eq(architecture, SPAN("all")) &&
		   !(wanted->n == 1 && strs_has(wanted, SPAN("source"))));
}

static int
walk_package(const struct package *p, void *arg)
{
	struct walk *w = arg;
	int r = 0;

	if (architecture_wanted(w, p->light.architecture))
		r = name_wanted(w, &p->light);
	if (r <= 0)
		return r;
	r = 0;
	for (size_t i = 0; r == 0 && i < p->light.nfiles; i++)
		r = walk_file(w, &p->light.files[i]);
	return r;
}

static int
walk_list(struct walk *w, const struct state_list *l)
{
	CLEANUP(list_release) struct list list = {0};
	struct span architecture = span_of(l->architecture);
	int r;

	/* The index of a flat archive has packages of any. */
	if (architecture.len > 0 && !architecture_wanted(w, architecture))
		return 0;
	r = list_load(w->txn, l->list, &list);
	return r < 0 ? r : list_each(w->txn, &list, walk_package, w);
}

static int
begin_names(struct walk *w)
{
	const struct strs *names = w->want->names;

	if (!names || names->n == 0)
		return 0;
	w->known = calloc(names->n, sizeof(*w->known));
	return w->known ? 0 : -ENOMEM;
}

static void
note_unknown(struct walk *w)
{
	const struct strs *names = w->want->names;

	for (size_t i = 0; w->known && i < names->n; i++) {
		if (!w->known[i]) {
			w->count.unknown = names->v[i];
			return;
		}
	}
}

static int
walk_state(struct walk *w, struct store *s, const struct pool_want *want,
    struct error *err)
{
	CLEANUP(state_release) struct state state = {0};
	int r = txn_read(s, &w->txn, err);

	if (r < 0)
		return r;
	w->want = want;
	r = begin_names(w);
	if (r == 0)
		r = state_load(w->txn, want->state, &state);
	for (size_t i = 0; r == 0 && i < state.nlists; i++)
		r = walk_list(w, &state.lists[i]);
	txn_end(TAKE(w->txn));
	if (r == 0)
		note_unknown(w);
	return r < 0 ? error_sys(err, r, "cannot count the pool's files") : 0;
}

int
pool_count(struct store *s, const struct pool_want *want,
    struct pool_count *ret, struct error *err)
{
	CLEANUP(walk_release) struct walk w = {0};
	int r = walk_state(&w, s, want, err);

	if (r < 0)
		return r;
	*ret = w.count;
	return 0;
}

/* A run of pool_fetch(); the lock covers what the queue's threads touch. */
struct run {
	pthread_mutex_t lock;
	pthread_cond_t ended; /* one of those under way */
	size_t under_way;
	struct pool_result result;
	bool hopeless; /* no further file can be written */
	int hopeless_status;
	struct error hopeless_err;
	pool_failed_fn *tell;
	void *tell_arg;
};

static void
count_failed(struct run *run, int r, const char *why)
{
	if (r == -ENOSPC && !run->hopeless) {
		run->hopeless = true;
		run->hopeless_status =
		    error_set(&run->hopeless_err, r, "%s", why);
	}
	if (r == -EINTR)
		return; /* not the file's fault */
	run->result.failed_files++;
	/* A full disk ends the run and is told as the reason. */
	if (run->tell && r != -ENOSPC)
		run->tell(run->tell_arg, why);
}

static void
file_done(void *ctx, int r, const char *why)
{
	const struct missing *m = ctx;
	struct run *run = m->run;

	(void)pthread_mutex_lock(&run->lock);
	if (r < 0) {
		count_failed(run, r, why);
	} else {
		run->result.fetched_files++;
		run->result.fetched_bytes += m->size;
	}
	run->under_way--;
	(void)pthread_cond_signal(&run->ended);
	(void)pthread_mutex_unlock(&run->lock);
}

static struct timespec
in_a_moment(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts); /* can't fail */
	ts.tv_nsec += LOOK_MS * 1000000L;
	if (ts.tv_nsec >= 1000000000L) {
		ts.tv_nsec -= 1000000000L;
		ts.tv_sec++;
	}
	return ts;
}

static bool
is_cancelled(const atomic_bool *cancel)
{
	return cancel && atomic_load(cancel);
}

/* Waits until at most n are under way; false where the run is to stop. */
static bool
wait_for(struct run *run, size_t n, const atomic_bool *cancel)
{
	bool goes_on;

	(void)pthread_mutex_lock(&run->lock);
	while (run->under_way > n && !run->hopeless && !is_cancelled(cancel)) {
		struct timespec until = in_a_moment();

		(void)pthread_cond_clockwait(
		    &run->ended, &run->lock, CLOCK_MONOTONIC, &until);
	}
	goes_on = !run->hopeless && !is_cancelled(cancel);
	(void)pthread_mutex_unlock(&run->lock);
	return goes_on;
}

static void
ask_for(struct run *run, struct blob_queue *q, struct missing *m)
{
	struct blob_requests *rq = blob_queue_requests(q);

	(void)pthread_mutex_lock(&run->lock);
	run->under_way++;
	(void)pthread_mutex_unlock(&run->lock);
	rq->request(rq->arg, m->blob, file_done, m);
}

/* Hands everything to the queue; what is still under way ends with it. */
static void
fetch_all(struct run *run, struct blob_queue *q, const struct walk *w,
    const atomic_bool *cancel)
{
	for (size_t i = 0; i < w->nmissing; i++) {
		if (!wait_for(run, UNDER_WAY - 1, cancel))
			return;
		ask_for(run, q, &w->missing[i]);
	}
	(void)wait_for(run, 0, cancel); /* outcome() says how it ended */
}

static int
outcome(const struct run *run, const atomic_bool *cancel, struct error *err)
{
	if (run->hopeless)
		return error_set(
		    err, run->hopeless_status, "%s", run->hopeless_err.text);
	if (is_cancelled(cancel))
		return error_set(err, -EINTR, "stopped");
	if (run->result.failed_files > 0)
		return error_set(err, -EIO,
		    "%" PRIu64 " files could not be fetched",
		    run->result.failed_files);
	return 0;
}

static int
fetch_missing(struct store *s, struct run *run, const struct walk *w,
    const struct blob_queue_opts *opts, const atomic_bool *cancel,
    struct error *err)
{
	struct blob_queue *q = NULL;
	int r = blob_queue_new(s, opts, &q, err);

	if (r < 0)
		return r;
	fetch_all(run, q, w, cancel);
	blob_queue_free(q);
	return 0;
}

int
pool_fetch(struct store *s, const struct pool_want *want,
    const struct blob_queue_opts *opts, const atomic_bool *cancel,
    pool_failed_fn *failed, void *arg, struct pool_result *ret,
    struct error *err)
{
	struct run run = {.tell = failed, .tell_arg = arg};
	CLEANUP(walk_release) struct walk w = {.run = &run};
	int r = walk_state(&w, s, want, err);

	*ret = (struct pool_result){0};
	if (r < 0 || w.nmissing == 0)
		return r;
	(void)pthread_mutex_init(&run.lock, NULL);
	(void)pthread_cond_init(&run.ended, NULL);
	progress_stage(opts->progress, "pool", w.count.missing_bytes,
	    w.count.missing_files);
	r = fetch_missing(s, &run, &w, opts, cancel, err);
	progress_end(opts->progress);
	(void)pthread_cond_destroy(&run.ended);
	(void)pthread_mutex_destroy(&run.lock);
	*ret = run.result;
	return r < 0 ? r : outcome(&run, cancel, err);
}
