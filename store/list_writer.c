#include <errno.h>

#include "store/content.h"
#include "store/ints.h"
#include "store/list.h"
#include "store/list_record.h"
#include "store/record.h"

/*
 * A run ends after a package whose digest ends in zero bits: many of them from
 * RUN_LEAST packages on, few from RUN_USUAL on; and after RUN_MOST.  So most
 * runs are about as long (46 packages on average).  With one number of bits,
 * lengths are spread so widely that changes meet the long runs: at the same
 * mean, twice as many bytes stand in runs that change.
 */
#define RUN_LEAST 24
#define RUN_USUAL 40
#define RUN_MOST  96
#define MANY_BITS 8
#define FEW_BITS  3

struct closed_run {
	struct digest id;
	uint64_t number; /* as of the last list_writer_store() */
	uint64_t bytes;	 /* rendered */
	uint32_t packages;
};

struct list_writer {
	enum package_kind kind;
	uint64_t packages, bytes; /* of the list */

	struct hash *hash;   /* of the run that is being filled */
	uint64_t open_bytes; /* rendered bytes of it */
	uint32_t open_packages;

	struct closed_run *runs; /* all, of which nstored are in the store */
	size_t nruns, runs_cap, nstored;
	/* The packages of the runs that are not, and of the open one. */
	struct run_packages waiting;
};

int
list_writer_new(enum package_kind kind, struct list_writer **ret)
{
	CLEANUP(list_writer_cleanup) struct list_writer *w = NULL;
	unsigned char byte = (unsigned char)kind;
	int r;

	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->kind = kind;
	r = hash_new(&w->hash);
	if (r < 0)
		return r;
	hash_add(w->hash, &byte, 1);
	*ret = TAKE(w);
	return 0;
}

void
list_writer_free(struct list_writer *w)
{
	if (!w)
		return;
	hash_free(w->hash);
	run_packages_release(&w->waiting);
	free(w->runs);
	free(w);
}

size_t
list_writer_waiting(const struct list_writer *w)
{
	return w->waiting.n;
}

/* Room for one more package, and for one more run that it may close. */
static int
reserve(struct list_writer *w)
{
	if (w->waiting.n == w->waiting.cap) {
		size_t cap = w->waiting.cap ? 2 * w->waiting.cap : 1024;
		uint64_t *v = reallocarray(w->waiting.v, cap, sizeof(*v));

		if (!v)
			return -ENOMEM;
		w->waiting.v = v;
		w->waiting.cap = cap;
	}
	/* Two: the open run may close before the package and after it. */
	if (w->nruns + 2 > w->runs_cap) {
		size_t cap = w->runs_cap ? 2 * w->runs_cap : 64;
		struct closed_run *runs =
		    reallocarray(w->runs, cap, sizeof(*runs));

		if (!runs)
			return -ENOMEM;
		w->runs = runs;
		w->runs_cap = cap;
	}
	return 0;
}

static void
close_run(struct list_writer *w)
{
	struct closed_run *run = &w->runs[w->nruns++];
	unsigned char byte = (unsigned char)w->kind;

	run->number = 0;
	run->bytes = w->open_bytes;
	run->packages = w->open_packages;
	hash_end(w->hash, &run->id);
	hash_add(w->hash, &byte, 1);
	w->open_bytes = 0;
	w->open_packages = 0;
}

/* Does a run of n packages end after the one with this digest? */
static bool
ends_run(uint32_t n, const struct digest *digest)
{
	unsigned bits = n < RUN_USUAL ? MANY_BITS : FEW_BITS;

	if (n < RUN_LEAST)
		return false;
	return n == RUN_MOST ||
	       (digest->byte[DIGEST_SIZE - 1] & ((1U << bits) - 1)) == 0;
}

int
list_writer_add(struct list_writer *w, uint64_t package,
    const struct digest *digest, uint64_t len)
{
	uint64_t rendered = len + 1;

	if (reserve(w) < 0)
		return -ENOMEM;
	if (w->open_packages > 0 && w->open_bytes + rendered > RUN_MAX_BYTES)
		close_run(w);
	w->waiting.v[w->waiting.n++] = package;
	hash_add(w->hash, digest->byte, DIGEST_SIZE);
	w->open_bytes += rendered;
	w->open_packages++;
	w->bytes += rendered;
	w->packages++;
	if (ends_run(w->open_packages, digest))
		close_run(w);
	return 0;
}

int
run_encode(const uint64_t *packages, size_t n, uint64_t rendered,
    struct record_writer *writer, struct span *ret)
{
	CLEANUP(buf_release) struct buf ints = {0};
	uint64_t before = 0;

	for (size_t i = 0; i < n; i++) {
		(void)ints_add_signed(
		    &ints, (int64_t)(packages[i] - before)); /* failed tells */
		before = packages[i];
	}
	if (ints.failed)
		return -ENOMEM;
	record_begin(writer, RUN_VERSION, RUN_ITEMS);
	record_put_u64(writer, rendered);
	record_put_u64(writer, n);
	record_put_bin(writer, ints.ptr, ints.len);
	return record_end(writer, ret);
}

static int
store_run(struct txn *t, const struct closed_run *run, const uint64_t *packages,
    struct record_writer *writer)
{
	struct key64 value = key64(run->number);
	struct span bytes;
	int r = run_encode(packages, run->packages, run->bytes, writer, &bytes);

	if (r == 0)
		r = txn_append64(t, T_RUNS, run->number, bytes);
	if (r == 0)
		r = txn_put(t, T_RUN_IDS, run->id.byte, DIGEST_SIZE,
		    (struct span){(char *)value.byte, sizeof(value.byte)});
	return r;
}

static int
find_run(struct txn *t, const struct digest *id, uint64_t *ret)
{
	struct span value;
	int r;

	r = txn_get(t, T_RUN_IDS, id->byte, DIGEST_SIZE, &value);
	if (r < 0)
		return r;
	if (value.len != sizeof(struct key64))
		return -EIO;
	*ret = key64_value(value.ptr);
	return 0;
}

int
list_writer_store(struct list_writer *w, struct txn *t)
{
	CLEANUP(record_writer_release) struct record_writer writer;
	const uint64_t *packages = w->waiting.v;
	int r = 0;

	record_writer_init(&writer);
	for (size_t i = w->nstored; i < w->nruns; i++) {
		struct closed_run *run = &w->runs[i];

		r = find_run(t, &run->id, &run->number);
		if (r == -ENOENT) {
			r = txn_take(t, C_RUN, 1, &run->number);
			if (r == 0)
				r = store_run(t, run, packages, &writer);
		}
		if (r < 0)
			return r;
		packages += run->packages;
	}
	return 0;
}

void
list_writer_stored(struct list_writer *w)
{
	size_t done = 0;

	for (; w->nstored < w->nruns; w->nstored++)
		done += w->runs[w->nstored].packages;
	if (done == 0)
		return;
	w->waiting.n -= done;
	memmove(w->waiting.v, w->waiting.v + done,
	    w->waiting.n * sizeof(*w->waiting.v));
}

static int
encode_runs(const struct list_writer *w, struct buf *ints)
{
	uint64_t before = 0;

	for (size_t i = 0; i < w->nruns; i++) {
		const struct closed_run *run = &w->runs[i];

		if (ints_add_signed(ints, (int64_t)(run->number - before)) <
			0 ||
		    ints_add(ints, run->bytes) < 0 ||
		    ints_add(ints, run->packages) < 0)
			return -ENOMEM;
		before = run->number;
	}
	return 0;
}

static int
store_list(const struct list_writer *w, struct txn *t,
    const struct digest *rendered, uint64_t number)
{
	CLEANUP(record_writer_release) struct record_writer writer;
	CLEANUP(buf_release) struct buf ints = {0};
	struct span bytes;
	int64_t mtime = 0;
	int r;

	record_writer_init(&writer);
	r = encode_runs(w, &ints);
	if (r == 0)
		r = txn_take_stamps(t, C_STAMP_TEXT, 1, &mtime);
	if (r < 0)
		return r;
	record_begin(&writer, LIST_VERSION, LIST_ITEMS);
	record_put_u64(&writer, w->kind);
	record_put_digest(&writer, rendered);
	record_put_i64(&writer, mtime);
	record_put_u64(&writer, w->packages);
	record_put_u64(&writer, w->bytes);
	record_put_u64(&writer, w->nruns);
	record_put_bin(&writer, ints.ptr, ints.len);
	r = record_end(&writer, &bytes);
	return r < 0 ? r : txn_put64(t, T_LISTS, number, bytes);
}

/* Closes the last run and stores what is not stored yet of the runs. */
static int
store_last_runs(struct list_writer *w, struct txn *t)
{
	if (w->open_packages > 0) {
		if (reserve(w) < 0)
			return -ENOMEM;
		close_run(w);
	}
	return list_writer_store(w, t);
}

int
list_writer_restore(struct list_writer *w, struct txn *t,
    const struct digest *rendered, uint64_t number)
{
	int r = store_last_runs(w, t);

	return r < 0 ? r : store_list(w, t, rendered, number);
}

int
list_writer_end(struct list_writer *w, struct txn *t,
    const struct digest *rendered, uint64_t *ret)
{
	struct content c;
	uint64_t number = 0;
	int r;

	r = content_find(t, rendered, &c);
	if (r == 0 && c.kind == CONTENT_LIST) {
		*ret = c.number;
		return 0;
	}
	if (r < 0 && r != -ENOENT)
		return r;
	r = store_last_runs(w, t);
	if (r == 0)
		r = txn_take(t, C_LIST, 1, &number);
	if (r == 0)
		r = store_list(w, t, rendered, number);
	/* Replaces a blob of the same bytes: a list needs no download. */
	if (r == 0)
		r = content_put(
		    t, rendered, (struct content){CONTENT_LIST, number});
	if (r == 0)
		*ret = number;
	return r;
}
