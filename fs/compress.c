#include "fs/compress.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/hash.h"
#include "fs/compressor.h"
#include "fs/pieces.h"
#include "store/heavy.h"
#include "store/list.h"
#include "store/render.h"
#include "store/text.h"
#include "store/txn.h"

#define THREADS_MAX 4
#define WINDOW	    32		      /* pieces made ahead of storing */
#define BATCH_BYTES (4 * 1024 * 1024) /* of pieces in a transaction, about */
#define TRIM_BYTES  (4 * 1024 * 1024) /* rendered between txn_trim()s */
#define TRIES	    3		      /* see store_batch() */

struct slot {
	bool ready;
	bool stored; /* the store has the piece; bytes is a copy of it */
	struct buf bytes;
};

/*
 * Pieces under way: workers take indexes of runs in order and put the pieces
 * into slots, the calling thread empties the slots in order.
 */
struct job {
	struct store *store;
	const struct pieces *pieces;
	enum codec codec;
	pthread_mutex_t lock;
	pthread_cond_t moved; /* any of the fields below has */
	size_t next;	      /* index of the run that the next worker takes */
	size_t done;	      /* index of the run whose piece is awaited */
	int status;	      /* the first failure, which ends all work */
	struct slot slots[WINDOW];
};

struct worker {
	struct job *job;
	struct compressor compressor;
	struct heavy *heavy;
	struct run_packages scratch;
	struct buf text;
	size_t rendered; /* bytes since the last txn_trim() */
};

static void
worker_release(struct worker *w)
{
	compressor_release(&w->compressor);
	heavy_free(w->heavy);
	run_packages_release(&w->scratch);
	buf_release(&w->text);
}

static int
make_piece(struct worker *w, uint64_t run, struct slot *slot)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	struct span piece;
	int r = txn_read(w->job->store, &t, NULL);

	if (r < 0)
		return r;
	r = piece_get(t, run, w->job->codec, &piece);
	slot->stored = r >= 0;
	if (r >= 0) {
		buf_clear(&slot->bytes);
		return buf_add_span(&slot->bytes, piece);
	}
	if (r != -ENOENT)
		return r;
	buf_clear(&w->text);
	r = render_run(w->heavy, t, run, &w->scratch, &w->text);
	if (r < 0)
		return r;
	w->rendered += w->text.len;
	if (w->rendered >= TRIM_BYTES) {
		txn_trim(t);
		w->rendered = 0;
	}
	txn_end(TAKE(t));
	return compressor_run(&w->compressor, buf_span(&w->text), &slot->bytes);
}

/* The index of the run to work on, once there is a free slot for it; false:
 * nothing is left to do. */
static bool
take_run(struct job *j, size_t *ret)
{
	bool more;

	(void)pthread_mutex_lock(&j->lock);
	while (j->status == 0 && j->next < j->pieces->n &&
	       j->next >= j->done + WINDOW)
		(void)pthread_cond_wait(&j->moved, &j->lock);
	more = j->status == 0 && j->next < j->pieces->n;
	if (more)
		*ret = j->next++;
	(void)pthread_mutex_unlock(&j->lock);
	return more;
}

/* A slot has been filled, or (r < 0) something failed. */
static void
announce(struct job *j, struct slot *slot, int r)
{
	(void)pthread_mutex_lock(&j->lock);
	if (r < 0 && j->status == 0)
		j->status = r;
	if (r >= 0)
		slot->ready = true;
	(void)pthread_cond_broadcast(&j->moved);
	(void)pthread_mutex_unlock(&j->lock);
}

static void *
work(void *arg)
{
	struct job *j = arg;
	CLEANUP(worker_release) struct worker w = {.job = j};
	size_t i;
	int r = compressor_init(&w.compressor, j->codec);

	if (r >= 0)
		r = heavy_new(j->store, &w.heavy);
	if (r < 0)
		announce(j, NULL, r);
	while (take_run(j, &i)) {
		struct slot *slot = &j->slots[i % WINDOW];

		announce(j, slot, make_piece(&w, j->pieces->run[i], slot));
	}
	return NULL;
}

/* The slot of the run that comes next, or the failure. */
static int
await_slot(struct job *j, struct slot **ret)
{
	struct slot *slot = &j->slots[j->done % WINDOW];
	int r;

	(void)pthread_mutex_lock(&j->lock);
	while (j->status == 0 && !slot->ready)
		(void)pthread_cond_wait(&j->moved, &j->lock);
	r = j->status;
	(void)pthread_mutex_unlock(&j->lock);
	*ret = slot;
	return r;
}

static void
free_slot(struct job *j, struct slot *slot)
{
	(void)pthread_mutex_lock(&j->lock);
	slot->ready = false;
	j->done++;
	(void)pthread_cond_broadcast(&j->moved);
	(void)pthread_mutex_unlock(&j->lock);
}

/* New pieces of a form that wait to be stored. */
struct batch {
	struct form *form;
	struct buf bytes;
	struct batch_piece {
		uint64_t run;
		size_t offset, len; /* in bytes */
	} * v;
	size_t n;
};

static void
batch_release(struct batch *b)
{
	buf_release(&b->bytes);
	free(b->v);
}

/* A form being made. */
struct making {
	struct batch batch;
	struct frame *frame;
	struct hash *hash;
	struct progress *progress;
};

static void
making_release(struct making *m)
{
	batch_release(&m->batch);
	frame_free(m->frame);
	hash_free(m->hash);
}

/*
 * Another process may have stored the same piece since we looked.  If it made
 * other bytes of it (another version of the compressor), what was hashed here
 * isn't what will be served: the form is made again, of its pieces.
 */
static int
store_batch(struct txn *t, void *arg, struct error *err)
{
	const struct batch *b = arg;

	(void)err;
	for (size_t i = 0; i < b->n; i++) {
		struct span bytes = {
		    b->bytes.ptr + b->v[i].offset, b->v[i].len};
		struct span there;
		int r = piece_get(t, b->v[i].run, b->form->codec, &there);

		if (r >= 0 && !span_eq(there, bytes))
			return -EAGAIN;
		if (r == -ENOENT)
			r = piece_put(t, b->v[i].run, b->form->codec, bytes);
		if (r < 0)
			return r;
	}
	return 0;
}

static int
flush_batch(struct store *s, struct batch *b, struct error *err)
{
	int r = b->n > 0 ? store_write(s, store_batch, b, err) : 0;

	b->n = 0;
	buf_clear(&b->bytes);
	return r;
}

static int
add_to_batch(struct batch *b, uint64_t run, struct span piece)
{
	if (buf_add_span(&b->bytes, piece) < 0)
		return -ENOMEM;
	b->v[b->n++] =
	    (struct batch_piece){run, b->bytes.len - piece.len, piece.len};
	return 0;
}

/* Hashes the pieces in order, stores the new ones, and fills in the form. */
static int
collect(struct job *j, struct making *m, struct error *err)
{
	struct batch *b = &m->batch;
	struct form *f = b->form;

	for (size_t i = 0; i < f->npieces; i++) {
		struct slot *slot;
		struct span piece;
		int r = await_slot(j, &slot);

		if (r < 0)
			return error_sys(err, r, "cannot compress a list");
		piece = buf_span(&slot->bytes);
		r = frame_add(m->frame, piece);
		hash_add(m->hash, piece.ptr, piece.len);
		f->offset[i + 1] = f->offset[i] + piece.len;
		if (r == 0 && !slot->stored)
			r = add_to_batch(b, f->run[i], piece);
		if (r < 0)
			return error_sys(err, r, "cannot compress a list");
		free_slot(j, slot);
		progress_add(m->progress, j->pieces->bytes[i], 0);
		if (b->bytes.len < BATCH_BYTES)
			continue;
		r = flush_batch(j->store, b, err);
		if (r < 0)
			return r;
	}
	return flush_batch(j->store, b, err);
}

static unsigned
thread_count(const struct pieces *p)
{
	size_t n = (size_t)get_nprocs();

	n = n < THREADS_MAX ? n : THREADS_MAX;
	n = n < p->n ? n : p->n;
	return n ? (unsigned)n : 1;
}

/* Runs collect() beside the threads that make what it collects. */
static int
run_threads(struct job *j, struct making *m, struct error *err)
{
	pthread_t thread[THREADS_MAX];
	unsigned wanted = thread_count(j->pieces), n = 0;
	int r = 0;

	while (n < wanted && r == 0) {
		r = pthread_create(&thread[n], NULL, work, j);
		if (r == 0)
			n++;
	}
	/* One is enough. */
	if (n == 0)
		return error_sys(err, -r, "cannot start a thread");
	r = collect(j, m, err);
	if (r < 0)
		announce(j, NULL, r);
	while (n > 0)
		(void)pthread_join(thread[--n], NULL);
	return r;
}

static void
job_release(struct job *j)
{
	for (size_t i = 0; i < WINDOW; i++)
		buf_release(&j->slots[i].bytes);
	(void)pthread_cond_destroy(&j->moved);
	(void)pthread_mutex_destroy(&j->lock);
}

static int
form_alloc(struct form *f, const struct pieces *p)
{
	f->npieces = p->n;
	f->run = calloc(p->n, sizeof(*f->run));
	f->offset = calloc(p->n + 1, sizeof(*f->offset));
	if (!f->run || !f->offset)
		return -ENOMEM;
	memcpy(f->run, p->run, p->n * sizeof(*f->run));
	return 0;
}

static int
begin_form(struct making *m, struct form *f, const struct pieces *p)
{
	int r = form_alloc(f, p);

	if (r == 0)
		r = frame_new(f->codec, &m->frame);
	if (r == 0)
		r = hash_new(&m->hash);
	if (r == 0)
		r = frame_head(m->frame, &f->head);
	if (r < 0)
		return r;
	m->batch.form = f;
	m->batch.v = calloc(p->n, sizeof(*m->batch.v));
	hash_add(m->hash, f->head.ptr, f->head.len);
	f->offset[0] = f->head.len;
	return m->batch.v ? 0 : -ENOMEM;
}

static int
end_form(struct making *m, struct form *f)
{
	int r = frame_tail(m->frame, &f->tail);

	if (r < 0)
		return r;
	hash_add(m->hash, f->tail.ptr, f->tail.len);
	hash_end(m->hash, &f->sha256);
	f->size = f->offset[f->npieces] + f->tail.len;
	return 0;
}

/* Makes and stores the pieces; *f is complete but for what the store says. */
static int
make_pieces(struct store *s, const struct pieces *pieces, struct form *f,
    struct progress *p, struct error *err)
{
	CLEANUP(job_release)
	struct job j = {.store = s,
	    .pieces = pieces,
	    .codec = f->codec,
	    .lock = PTHREAD_MUTEX_INITIALIZER,
	    .moved = PTHREAD_COND_INITIALIZER};
	CLEANUP(making_release) struct making m = {.progress = p};
	int r = begin_form(&m, f, pieces);

	if (r < 0)
		return error_sys(err, r, "cannot compress a list");
	r = run_threads(&j, &m, err);
	if (r < 0)
		return r;
	r = end_form(&m, f);
	return r < 0 ? error_sys(err, r, "cannot compress a list") : 0;
}

static int
store_form(struct txn *t, void *arg, struct error *err)
{
	struct form *f = arg;
	uint64_t number;
	int r = form_find(t, f->list, f->codec, &number);

	if (r != -ENOENT)
		return r < 0 ? error_sys(err, r, "cannot store a form") : 1;
	r = form_put(t, f);
	return r < 0 ? error_sys(err, r, "cannot store a form") : 0;
}

/* 1 and *ret where the store has the form, else 0. */
static int
find_form(struct store *s, uint64_t list, enum codec codec, struct form *ret,
    struct error *err)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	uint64_t number;
	int r = txn_read(s, &t, err);

	if (r < 0)
		return r;
	r = form_find(t, list, codec, &number);
	if (r == -ENOENT)
		return 0;
	if (r >= 0)
		r = form_load(t, number, ret);
	return r < 0 ? error_sys(err, r, "cannot read a form") : 1;
}

struct empty_file {
	struct buf bytes;
	uint64_t text;
	struct text_info info;
};

static int
store_empty_file(struct txn *t, void *arg, struct error *err)
{
	struct empty_file *e = arg;
	int r = text_put(t, buf_span(&e->bytes), 0, &e->text);

	if (r >= 0)
		r = text_info(t, e->text, &e->info);
	return r < 0 ? error_sys(err, r, "cannot store an index") : 0;
}

static void
empty_file_release(struct empty_file *e)
{
	buf_release(&e->bytes);
}

/* No piece at all, only what stands around them; where nothing does, one of
 * nothing. */
static int
compress_nothing(enum codec codec, struct buf *out)
{
	CLEANUP(compressor_release) struct compressor c = {0};
	CLEANUP(frame_cleanup) struct frame *f = NULL;
	int r = frame_new(codec, &f);

	if (r == 0)
		r = compressor_init(&c, codec);
	if (r < 0)
		return r;
	if (!f)
		return compressor_run(&c, SPAN(""), out);
	r = frame_head(f, out);
	return r < 0 ? r : frame_tail(f, out);
}

static int
empty_form(struct store *s, const struct list *l, enum codec codec,
    struct form *ret, struct error *err)
{
	CLEANUP(empty_file_release) struct empty_file e = {0};
	int r = compress_nothing(codec, &e.bytes);

	if (r < 0)
		return error_sys(err, r, "cannot compress a list");
	r = store_write(s, store_empty_file, &e, err);
	if (r < 0)
		return r;
	*ret = (struct form){.list = l->number,
	    .codec = codec,
	    .size = e.info.size,
	    .mtime = e.info.mtime,
	    .sha256 = e.info.sha256};
	return 0;
}

static int
load_list(struct store *s, uint64_t number, struct list *ret, struct error *err)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	int r = txn_read(s, &t, err);

	if (r < 0)
		return r;
	r = list_load(t, number, ret);
	return r < 0 ? error_sys(err, r, "cannot read a list") : 0;
}

static int
make_form(struct store *s, const struct list *l, enum codec codec,
    struct progress *p, struct error *err)
{
	CLEANUP(form_release)
	struct form f = {.list = l->number, .codec = codec};
	CLEANUP(pieces_release) struct pieces pieces = {0};
	int r = pieces_plan(s, l, codec, &pieces, err);

	if (r >= 0)
		r = make_pieces(s, &pieces, &f, p, err);
	return r < 0 ? r : store_write(s, store_form, &f, err);
}

int
compress_list(struct store *s, uint64_t list, enum codec codec,
    struct progress *p, struct form *ret, struct error *err)
{
	CLEANUP(list_release) struct list l = {0};
	int r;

	if (!compressor_can(codec))
		return error_set(err, -EINVAL,
		    "indexes can't be written as %s, only as gz, xz and zst",
		    codec_suffix(codec));
	r = find_form(s, list, codec, ret, err);
	if (r != 0)
		return r < 0 ? r : 0;
	r = load_list(s, list, &l, err);
	if (r < 0)
		return r;
	if (l.nruns == 0)
		return empty_form(s, &l, codec, ret, err);
	progress_expect(p, l.bytes, 0);
	for (unsigned try = 0; try < TRIES; try++) {
		r = make_form(s, &l, codec, p, err);
		if (r != -EAGAIN)
			break;
	}
	if (r == -EAGAIN)
		return error_set(err, -EIO,
		    "another program compresses the same list in another way");
	if (r < 0)
		return r;
	r = find_form(s, list, codec, ret, err);
	if (r == 0)
		return error_set(err, -EIO, "a form has gone");
	return r < 0 ? r : 0;
}
