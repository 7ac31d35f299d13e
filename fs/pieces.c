#include "fs/pieces.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "store/run_join.h"
#include "store/txn.h"

#define JOIN_LEAST 128 /* packages; see joined_to() */

void
pieces_release(struct pieces *p)
{
	free(p->run);
	free(p->bytes);
}

/* One piece for each run. */
static int
pieces_init(struct pieces *p, const struct list *l)
{
	p->run = calloc(l->nruns, sizeof(*p->run));
	p->bytes = calloc(l->nruns, sizeof(*p->bytes));
	if (!p->run || !p->bytes)
		return -ENOMEM;
	for (p->n = 0; p->n < l->nruns; p->n++) {
		p->run[p->n] = l->runs[p->n].run;
		p->bytes[p->n] = list_run_bytes(l, p->n);
	}
	return 0;
}

struct join {
	const struct list *list;
	struct pieces *pieces;
};

/* Half of all runs, whatever stands before them. */
static bool
may_end(uint64_t run)
{
	return run * UINT64_C(0x9e3779b97f4a7c15) >> 63 == 0;
}

/*
 * The end of the runs that are joined from one on: as many as make JOIN_LEAST
 * packages and end with a run that may, but no more than a run may have.
 */
static size_t
joined_to(const struct list *l, size_t from)
{
	uint64_t packages = 0, bytes = 0;
	size_t i = from;

	for (; i < l->nruns; i++) {
		packages += l->runs[i].packages;
		bytes += list_run_bytes(l, i);
		if (i > from &&
		    (packages > RUN_MAX_PACKAGES || bytes > RUN_MAX_BYTES))
			return i;
		if (packages >= JOIN_LEAST && may_end(l->runs[i].run))
			return i + 1;
	}
	return i;
}

static int
join_runs(struct txn *t, void *arg, struct error *err)
{
	const struct join *j = arg;
	const struct list *l = j->list;
	CLEANUP_FREE uint64_t *runs = calloc(l->nruns, sizeof(*runs));
	struct pieces *p = j->pieces;
	size_t to;

	if (!runs)
		return error_sys(err, -ENOMEM, "cannot compress a list");
	for (size_t i = 0; i < l->nruns; i++)
		runs[i] = l->runs[i].run;
	p->n = 0;
	for (size_t i = 0; i < l->nruns; i = to) {
		struct run_join all = {.runs = runs + i};
		int r = 0;

		to = joined_to(l, i);
		all.n = to - i;
		for (size_t k = i; k < to; k++)
			all.bytes += list_run_bytes(l, k);
		p->run[p->n] = runs[i];
		p->bytes[p->n] = all.bytes;
		if (all.n > 1)
			r = run_join(t, &all, &p->run[p->n]);
		if (r < 0)
			return error_sys(err, r, "cannot compress a list");
		p->n++;
	}
	return 0;
}

int
pieces_plan(struct store *s, const struct list *l, enum codec codec,
    struct pieces *p, struct error *err)
{
	struct join join = {l, p};

	if (pieces_init(p, l) < 0)
		return error_sys(err, -ENOMEM, "cannot compress a list");
	return codec == CODEC_XZ ? store_write(s, join_runs, &join, err) : 0;
}
