#include "store/list.h"

#include <errno.h>

#include "store/ints.h"
#include "store/list_record.h"
#include "store/record.h"

/* A damaged record is the store's fault, not the caller's input. */
static int
damage(int r)
{
	return r == -EBADMSG ? -EIO : r;
}

static int
parse(struct txn *t, enum table table, uint64_t number, struct record *record,
    struct record_view *ret)
{
	uint64_t version = table == T_LISTS ? LIST_VERSION : RUN_VERSION;
	struct span bytes;
	int r;

	r = txn_get64(t, table, number, &bytes);
	if (r < 0)
		return r;
	return damage(record_parse(record, bytes, version, ret));
}

void
list_release(struct list *l)
{
	free(l->runs);
	*l = (struct list){0};
}

static int
decode_head(const struct record_view *v, struct list *l)
{
	uint64_t kind = record_u64(v, 0);

	l->kind = kind <= PACKAGE_UDEB ? (enum package_kind)kind : 0;
	record_digest(v, 1, &l->sha256);
	l->mtime = record_i64(v, 2);
	l->packages = record_u64(v, 3);
	l->bytes = record_u64(v, 4);
	return kind > PACKAGE_UDEB ? -EIO : damage(*v->bad);
}

static bool
decode_run(
    struct span *text, uint64_t *number, uint64_t *bytes, uint32_t *packages)
{
	uint64_t count;
	int64_t step;

	if (!ints_cut_signed(text, &step) || !ints_cut(text, bytes) ||
	    !ints_cut(text, &count) || count > UINT32_MAX)
		return false;
	*number += (uint64_t)step;
	*packages = (uint32_t)count;
	return true;
}

/* The runs, which must add up to what the head says. */
static int
decode_runs(struct span text, uint64_t n, struct list *l)
{
	uint64_t offset = 0, packages = 0, bytes;
	uint64_t number = 0;

	if (n > text.len)
		return -EIO;
	l->runs = calloc(n + 1, sizeof(*l->runs));
	if (!l->runs)
		return -ENOMEM;
	for (l->nruns = 0; l->nruns < n; l->nruns++) {
		struct list_run *run = &l->runs[l->nruns];

		if (!decode_run(&text, &number, &bytes, &run->packages) ||
		    bytes > l->bytes - offset)
			return -EIO;
		run->run = number;
		run->offset = offset;
		offset += bytes;
		packages += run->packages;
	}
	return offset == l->bytes && packages == l->packages ? 0 : -EIO;
}

int
list_load(struct txn *t, uint64_t number, struct list *ret)
{
	CLEANUP(record_release) struct record record = {0};
	CLEANUP(list_release) struct list l = {.number = number};
	struct record_view v;
	uint64_t nruns;
	struct span runs;
	int r;

	r = parse(t, T_LISTS, number, &record, &v);
	if (r == 0)
		r = decode_head(&v, &l);
	if (r < 0)
		return r;
	nruns = record_u64(&v, 5);
	runs = record_span(&v, 6);
	r = damage(record.bad);
	if (r == 0)
		r = decode_runs(runs, nruns, &l);
	if (r < 0)
		return r;
	*ret = l;
	l = (struct list){0};
	return 0;
}

int
list_info(struct txn *t, uint64_t number, uint64_t *size, int64_t *mtime,
    struct digest *sha256)
{
	CLEANUP(record_release) struct record record = {0};
	struct list l = {0};
	struct record_view v;
	int r;

	r = parse(t, T_LISTS, number, &record, &v);
	if (r == 0)
		r = decode_head(&v, &l);
	if (r < 0)
		return r;
	*size = l.bytes;
	*mtime = l.mtime;
	*sha256 = l.sha256;
	return 0;
}

size_t
list_run_at(const struct list *l, uint64_t offset)
{
	size_t low = 0, high = l->nruns;

	/* The last run that begins at or before offset. */
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (l->runs[middle].offset <= offset)
			low = middle;
		else
			high = middle;
	}
	return low;
}

uint64_t
list_run_bytes(const struct list *l, size_t i)
{
	uint64_t end = i + 1 < l->nruns ? l->runs[i + 1].offset : l->bytes;

	return end - l->runs[i].offset;
}

void
run_packages_release(struct run_packages *r)
{
	free(r->v);
	*r = (struct run_packages){0};
}

static int
reserve(struct run_packages *r, uint64_t n)
{
	uint64_t *v;

	if (n <= r->cap)
		return 0;
	v = reallocarray(r->v, n, sizeof(*v));
	if (!v)
		return -ENOMEM;
	r->v = v;
	r->cap = n;
	return 0;
}

/* Reads n steps more; there is room for them. */
static int
read_steps(struct span *text, uint64_t n, struct run_packages *ret)
{
	uint64_t number = ret->n > 0 ? ret->v[ret->n - 1] : 0;
	int64_t step;

	for (size_t i = 0; i < n; i++) {
		if (!ints_cut_signed(text, &step))
			return -EIO;
		number += (uint64_t)step;
		ret->v[ret->n++] = number;
	}
	return 0;
}

int
run_load(struct txn *t, uint64_t run, struct run_packages *ret)
{
	CLEANUP(record_release) struct record record = {0};
	struct record_view v;
	struct span text;
	uint64_t n;
	int r;

	ret->n = 0;
	r = parse(t, T_RUNS, run, &record, &v);
	if (r < 0)
		return r;
	n = record_u64(&v, 1);
	text = record_span(&v, 2);
	r = damage(record.bad);
	if (r == 0)
		r = n > text.len ? -EIO : reserve(ret, n);
	return r != 0 ? r : read_steps(&text, n, ret);
}

int
run_steps(struct span text, struct run_packages *ret)
{
	int r = reserve(ret, text.len);

	ret->n = 0;
	while (r == 0 && text.len > 0)
		r = read_steps(&text, 1, ret);
	return r;
}

/* What a list names must be there. */
static int
named(int r)
{
	return r == -ENOENT ? -EIO : r;
}

/* Runs between two times that the records' pages are given back. */
#define TRIM_RUNS 256

int
list_each(struct txn *t, const struct list *l, list_each_fn *fn, void *arg)
{
	CLEANUP(run_packages_release) struct run_packages packages = {0};
	CLEANUP(package_release) struct package p = {0};
	int r = 0;

	for (size_t i = 0; i < l->nruns && r == 0; i++) {
		r = named(run_load(t, l->runs[i].run, &packages));
		for (size_t j = 0; j < packages.n && r == 0; j++) {
			r = named(package_light(t, packages.v[j], &p));
			if (r == 0)
				r = fn(&p, arg);
		}
		if (i % TRIM_RUNS == TRIM_RUNS - 1)
			txn_trim(t);
	}
	return r;
}
