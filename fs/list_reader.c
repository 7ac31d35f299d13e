#include "fs/list_reader.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "store/render.h"

/* Enough for a request of 1 MiB and what is ahead of it, in runs of Debian's
 * packages (36 KB). */
#define SLOTS  64
#define NO_RUN SIZE_MAX

/* Where a run is rendered. */
struct slot {
	size_t run;	/* its index in the list, or NO_RUN */
	bool ready;	/* else one thread is rendering it */
	unsigned users; /* threads that copy from it */
	uint64_t tick;	/* when it was last used */
	struct buf bytes;
	size_t counted; /* bytes that the pool knows of */
};

struct list_reader {
	struct read_pool *pool;
	uint64_t number;
	pthread_mutex_t lock; /* of the rest, but not of slots' bytes */
	pthread_cond_t moved; /* a run is ready, or a slot is free */
	bool loaded;
	struct list list;
	struct slot slots[SLOTS];
	uint64_t tick;
	/* The last read, and the runs that are wanted by it and, where reads
	 * come in order, soon. */
	uint64_t begin, next; /* its offset, and the one behind it */
	bool in_order;
	size_t first, end; /* the last run's index and 1 */
	bool ahead;	   /* a thread is rendering ahead */
};

/* One thread's work: a transaction, so that nobody who renders a run waits for
 * another that waits for it, and what renders once that is needed. */
struct turn {
	struct list_reader *l;
	struct txn *t;
	struct renderer *renderer;
};

static void
turn_release(struct turn *w)
{
	txn_end(w->t);
	if (w->renderer)
		read_pool_put(w->l->pool, w->renderer);
}

int
list_reader_new(struct read_pool *p, uint64_t number, struct list_reader **ret)
{
	struct list_reader *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->pool = p;
	l->number = number;
	for (size_t i = 0; i < SLOTS; i++)
		l->slots[i].run = NO_RUN;
	/* These do not fail with default attributes on Linux. */
	(void)pthread_mutex_init(&l->lock, NULL);
	(void)pthread_cond_init(&l->moved, NULL);
	*ret = l;
	return 0;
}

static void
slot_clear(struct list_reader *l, struct slot *slot)
{
	read_pool_count(l->pool, 0, slot->counted);
	slot->counted = 0;
	slot->run = NO_RUN;
	buf_release(&slot->bytes);
}

void
list_reader_free(struct list_reader *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < SLOTS; i++)
		slot_clear(l, &l->slots[i]);
	list_release(&l->list);
	(void)pthread_cond_destroy(&l->moved);
	(void)pthread_mutex_destroy(&l->lock);
	free(l);
}

static struct slot *
find(struct list_reader *l, size_t run)
{
	for (size_t i = 0; i < SLOTS; i++)
		if (l->slots[i].run == run)
			return &l->slots[i];
	return NULL;
}

static bool
is_busy(const struct slot *slot)
{
	return slot->run != NO_RUN && (!slot->ready || slot->users > 0);
}

/* Is it of use to the reads that are to be expected? */
static bool
is_wanted(const struct list_reader *l, const struct slot *slot)
{
	return slot->run != NO_RUN && slot->run >= l->first &&
	       slot->run < l->end;
}

/* The better one to be used next: that has memory, is empty, or was not used
 * for longer. */
static bool
is_better(const struct slot *a, const struct slot *b)
{
	if (!b || (a->bytes.cap > 0) != (b->bytes.cap > 0))
		return !b || a->bytes.cap > 0;
	if (a->run == NO_RUN || b->run == NO_RUN)
		return b->run != NO_RUN;
	return a->tick < b->tick;
}

/* A slot for another run.  NULL: all are in use, or, unless it is needed, hold
 * what will be wanted. */
static struct slot *
find_free(struct list_reader *l, bool needed)
{
	struct slot *best = NULL, *wanted = NULL;

	for (size_t i = 0; i < SLOTS; i++) {
		struct slot *slot = &l->slots[i];

		if (is_busy(slot))
			continue;
		if (is_wanted(l, slot)) {
			if (is_better(slot, wanted))
				wanted = slot;
		} else if (is_better(slot, best)) {
			best = slot;
		}
	}
	/* One for each reader, more where there is room. */
	if (best && best->bytes.cap == 0 && best != l->slots &&
	    !read_pool_has_room(l->pool))
		best = NULL;
	return best || !needed ? best : wanted;
}

static int
render(struct turn *w, size_t run, struct buf *out)
{
	const struct list *list = &w->l->list;
	int r = 0;

	if (!w->renderer)
		r = read_pool_take(w->l->pool, &w->renderer);
	buf_clear(out);
	if (r == 0)
		r = render_run(w->renderer->heavy, w->t, list->runs[run].run,
		    &w->renderer->packages, out);
	if (r == 0 && out->len != list_run_bytes(list, run))
		r = -EIO;
	return r;
}

/* Renders a run into a free slot; called with the lock, which it lets go
 * meanwhile.  On success the slot has a user more. */
static int
fill(struct turn *w, size_t run, struct slot *slot)
{
	struct list_reader *l = w->l;
	int r;

	slot->run = run;
	slot->ready = false;
	(void)pthread_mutex_unlock(&l->lock);
	r = render(w, run, &slot->bytes);
	read_pool_count(l->pool, slot->bytes.cap, slot->counted);
	slot->counted = slot->bytes.cap;
	(void)pthread_mutex_lock(&l->lock);
	slot->ready = true;
	slot->tick = ++l->tick;
	if (r < 0)
		slot->run = NO_RUN;
	else
		slot->users++;
	(void)pthread_cond_broadcast(&l->moved);
	return r;
}

static void
let_go(struct list_reader *l, struct slot *slot)
{
	slot->tick = ++l->tick;
	if (--slot->users == 0)
		(void)pthread_cond_broadcast(&l->moved);
}

/* The first of the runs from `from` on that nobody has rendered or is
 * rendering; called with the lock. */
static size_t
next_missing(struct list_reader *l, size_t from, size_t end)
{
	while (from < end && find(l, from))
		from++;
	return from;
}

/* Renders those of the runs that nobody does, as far as there is room; called
 * with the lock. */
static int
fill_missing(struct turn *w, size_t from, size_t end)
{
	struct list_reader *l = w->l;

	while ((from = next_missing(l, from, end)) < end) {
		struct slot *slot = find_free(l, false);
		int r = slot ? fill(w, from, slot) : -EAGAIN;

		if (r < 0)
			return r == -EAGAIN ? 0 : r;
		let_go(l, slot);
	}
	return 0;
}

/* The run's slot, with a user more, once it is ready; called with the lock. */
static int
await_run(struct turn *w, size_t run, struct slot **ret)
{
	struct list_reader *l = w->l;

	for (;;) {
		struct slot *slot = find(l, run);

		if (slot && slot->ready) {
			slot->users++;
			*ret = slot;
			return 0;
		}
		if (!slot) {
			*ret = find_free(l, true);
			if (*ret)
				return fill(w, run, *ret);
		}
		(void)pthread_cond_wait(&l->moved, &l->lock);
	}
}

/* A request under way: where the next byte goes and how many are wanted. */
struct want {
	char *ptr;
	size_t len;
	uint64_t offset;
};

/* Called with the lock, which it lets go meanwhile. */
static int
copy_run(struct turn *w, size_t run, struct want *want)
{
	struct list_reader *l = w->l;
	size_t skip = (size_t)(want->offset - l->list.runs[run].offset);
	struct slot *slot;
	size_t n;
	int r = await_run(w, run, &slot);

	if (r < 0)
		return r;
	n = slot->bytes.len - skip;
	if (n > want->len)
		n = want->len;
	(void)pthread_mutex_unlock(&l->lock);
	memcpy(want->ptr, slot->bytes.ptr + skip, n);
	(void)pthread_mutex_lock(&l->lock);
	let_go(l, slot);
	want->ptr += n;
	want->len -= n;
	want->offset += n;
	return 0;
}

/* The index behind the run that has the byte before an offset. */
static size_t
run_behind(const struct list *list, uint64_t offset)
{
	if (offset >= list->bytes)
		return list->nruns;
	return list_run_at(list, offset - 1) + 1;
}

/* Remembers where reading goes on; called with the lock. */
static void
note_read(struct list_reader *l, const struct want *want)
{
	/* The kernel's own read-ahead may change places. */
	l->in_order = want->offset > l->begin &&
		      want->offset <= l->next + LIST_READER_AHEAD;
	l->begin = want->offset;
	l->next = want->offset + want->len;
	l->first = list_run_at(&l->list, want->offset);
	l->end = run_behind(
	    &l->list, l->next + (l->in_order ? LIST_READER_AHEAD : 0));
}

/* All has been read: it is in the page cache now. */
static void
clear_if_done(struct list_reader *l)
{
	if (l->next < l->list.bytes)
		return;
	for (size_t i = 0; i < SLOTS; i++)
		if (!is_busy(&l->slots[i]))
			slot_clear(l, &l->slots[i]);
}

/* Called with the lock. */
static int
read_runs(struct turn *w, struct want *want)
{
	struct list_reader *l = w->l;
	size_t run;
	int r = 0;

	if (!l->loaded)
		r = list_load(w->t, l->number, &l->list);
	if (r < 0)
		return r;
	l->loaded = true;
	if (l->list.bytes < want->len ||
	    want->offset > l->list.bytes - want->len)
		return -EIO;
	note_read(l, want);
	run = l->first;
	if (l->in_order)
		r = fill_missing(
		    w, run, run_behind(&l->list, want->offset + want->len));
	while (r == 0 && want->len > 0)
		r = copy_run(w, run++, want);
	clear_if_done(l);
	return r;
}

int
list_reader_read(struct list_reader *l, char *ptr, size_t len, uint64_t offset)
{
	CLEANUP(turn_release) struct turn w = {.l = l};
	struct want want = {ptr, len, offset};
	int r;

	if (len == 0)
		return 0;
	r = txn_read(read_pool_store(l->pool), &w.t, NULL);
	if (r < 0)
		return r;
	(void)pthread_mutex_lock(&l->lock);
	r = read_runs(&w, &want);
	(void)pthread_mutex_unlock(&l->lock);
	return r;
}

bool
list_reader_begin_ahead(struct list_reader *l)
{
	bool begin;

	(void)pthread_mutex_lock(&l->lock);
	begin = l->in_order && !l->ahead &&
		next_missing(l, l->first, l->end) < l->end &&
		read_pool_begin_ahead(l->pool);
	l->ahead |= begin;
	(void)pthread_mutex_unlock(&l->lock);
	return begin;
}

/* Called with the lock.  What fails is left to the one who reads it. */
static void
go_ahead(struct turn *w)
{
	struct list_reader *l = w->l;
	struct slot *slot;
	size_t run;

	while ((run = next_missing(l, l->first, l->end)) < l->end) {
		slot = find_free(l, false);
		if (!slot || fill(w, run, slot) < 0)
			break;
		let_go(l, slot);
	}
	clear_if_done(l);
}

void
list_reader_ahead(struct list_reader *l)
{
	CLEANUP(turn_release) struct turn w = {.l = l};
	int r = txn_read(read_pool_store(l->pool), &w.t, NULL);

	(void)pthread_mutex_lock(&l->lock);
	if (r == 0)
		go_ahead(&w);
	l->ahead = false;
	(void)pthread_mutex_unlock(&l->lock);
	read_pool_end_ahead(l->pool);
}
