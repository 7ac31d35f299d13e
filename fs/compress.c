#include "fs/compress.h"

#include <errno.h>
#include <libdeflate.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <zstd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/hash.h"
#include "fs/render.h"
#include "store/heavy.h"
#include "store/list.h"
#include "store/text.h"
#include "store/txn.h"

#define THREADS_MAX 4
#define WINDOW	    32		      /* pieces made ahead of storing */
#define BATCH_BYTES (4 * 1024 * 1024) /* of pieces in a transaction, about */
#define TRIM_BYTES  (4 * 1024 * 1024) /* rendered between txn_trim()s */
#define TRIES	    3		      /* see store_batch() */

/* One thread's tools. */
struct compressor {
	enum codec codec;
	struct libdeflate_compressor *gz;
	ZSTD_CCtx *zst;
};

static int
compressor_init(struct compressor *c, enum codec codec)
{
	*c = (struct compressor){.codec = codec};
	if (codec == CODEC_GZ) {
		c->gz = libdeflate_alloc_compressor(COMPRESS_GZ_LEVEL);
		return c->gz ? 0 : -ENOMEM;
	}
	c->zst = ZSTD_createCCtx();
	return c->zst ? 0 : -ENOMEM;
}

static void
compressor_release(struct compressor *c)
{
	libdeflate_free_compressor(c->gz);
	(void)ZSTD_freeCCtx(c->zst);
}

/* Puts text, compressed, in the place of what out has. */
static int
compressor_run(struct compressor *c, struct span text, struct buf *out)
{
	size_t room = c->gz ? libdeflate_gzip_compress_bound(c->gz, text.len)
			    : ZSTD_compressBound(text.len);
	size_t len;

	buf_clear(out);
	if (buf_reserve(out, room) < 0)
		return -ENOMEM;
	if (c->gz) {
		len = libdeflate_gzip_compress(
		    c->gz, text.ptr, text.len, out->ptr, room);
		if (len == 0)
			return -EIO;
	} else {
		len = ZSTD_compressCCtx(c->zst, out->ptr, room, text.ptr,
		    text.len, COMPRESS_ZST_LEVEL);
		if (ZSTD_isError(len))
			return -ENOMEM;
	}
	out->len = len;
	return 0;
}

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
	const struct list *list;
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
	while (j->status == 0 && j->next < j->list->nruns &&
	       j->next >= j->done + WINDOW)
		(void)pthread_cond_wait(&j->moved, &j->lock);
	more = j->status == 0 && j->next < j->list->nruns;
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

		announce(j, slot, make_piece(&w, j->list->runs[i].run, slot));
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
collect(struct job *j, struct batch *b, struct hash *h, struct progress *p,
    struct error *err)
{
	struct form *f = b->form;

	for (size_t i = 0; i < j->list->nruns; i++) {
		struct slot *slot;
		struct span piece;
		int r = await_slot(j, &slot);

		if (r < 0)
			return error_sys(err, r, "cannot compress a list");
		piece = buf_span(&slot->bytes);
		hash_add(h, piece.ptr, piece.len);
		f->run[i] = j->list->runs[i].run;
		f->offset[i + 1] = f->offset[i] + piece.len;
		if (!slot->stored && add_to_batch(b, f->run[i], piece) < 0)
			return error_sys(
			    err, -ENOMEM, "cannot compress a list");
		free_slot(j, slot);
		progress_add(p, list_run_bytes(j->list, i), 0);
		if (b->bytes.len < BATCH_BYTES)
			continue;
		r = flush_batch(j->store, b, err);
		if (r < 0)
			return r;
	}
	return flush_batch(j->store, b, err);
}

static unsigned
thread_count(const struct list *l)
{
	size_t n = (size_t)get_nprocs();

	n = n < THREADS_MAX ? n : THREADS_MAX;
	n = n < l->nruns ? n : l->nruns;
	return n ? (unsigned)n : 1;
}

/* Runs collect() beside the threads that make what it collects. */
static int
run_threads(struct job *j, struct batch *b, struct hash *h, struct progress *p,
    struct error *err)
{
	pthread_t thread[THREADS_MAX];
	unsigned wanted = thread_count(j->list), n = 0;
	int r = 0;

	while (n < wanted && r == 0) {
		r = pthread_create(&thread[n], NULL, work, j);
		if (r == 0)
			n++;
	}
	/* One is enough. */
	if (n == 0)
		return error_sys(err, -r, "cannot start a thread");
	r = collect(j, b, h, p, err);
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
form_alloc(struct form *f, const struct list *l, enum codec codec)
{
	*f = (struct form){
	    .list = l->number, .codec = codec, .npieces = l->nruns};
	f->run = calloc(l->nruns, sizeof(*f->run));
	f->offset = calloc(l->nruns + 1, sizeof(*f->offset));
	if (f->run && f->offset)
		return 0;
	form_release(f);
	return -ENOMEM;
}

/* Makes and stores the pieces; *f is complete but for what the store says. */
static int
make_pieces(struct store *s, const struct list *l, struct form *f,
    struct progress *p, struct error *err)
{
	CLEANUP(job_release)
	struct job j = {.store = s,
	    .list = l,
	    .codec = f->codec,
	    .lock = PTHREAD_MUTEX_INITIALIZER,
	    .moved = PTHREAD_COND_INITIALIZER};
	CLEANUP(batch_release) struct batch b = {.form = f};
	CLEANUP(hash_cleanup) struct hash *h = NULL;
	int r;

	b.v = calloc(l->nruns, sizeof(*b.v));
	if (!b.v || hash_new(&h) < 0)
		return error_sys(err, -ENOMEM, "cannot compress a list");
	r = run_threads(&j, &b, h, p, err);
	if (r < 0)
		return r;
	hash_end(h, &f->sha256);
	f->size = f->offset[f->npieces];
	return 0;
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

static int
empty_form(struct store *s, const struct list *l, enum codec codec,
    struct form *ret, struct error *err)
{
	CLEANUP(empty_file_release) struct empty_file e = {0};
	CLEANUP(compressor_release) struct compressor c = {0};
	int r = compressor_init(&c, codec);

	if (r >= 0)
		r = compressor_run(&c, SPAN(""), &e.bytes);
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
	CLEANUP(form_release) struct form f = {0};
	int r = form_alloc(&f, l, codec);

	if (r < 0)
		return error_sys(err, r, "cannot compress a list");
	r = make_pieces(s, l, &f, p, err);
	if (r < 0)
		return r;
	return store_write(s, store_form, &f, err);
}

bool
compress_can(enum codec codec)
{
	return codec == CODEC_GZ || codec == CODEC_ZST;
}

int
compress_list(struct store *s, uint64_t list, enum codec codec,
    struct progress *p, struct form *ret, struct error *err)
{
	CLEANUP(list_release) struct list l = {0};
	int r;

	if (!compress_can(codec))
		return error_set(err, -EINVAL,
		    "indexes can't be written as %s, only as gz and zst",
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
