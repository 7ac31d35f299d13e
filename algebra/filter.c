#include "algebra/filter.h"

#include <errno.h>

#include "algebra/closure.h"
#include "algebra/index_merge.h"
#include "store/bits.h"

struct filter {
	struct store *store;
	const struct derive_opts *derive;
	const struct filter_opts *opts;
	struct derive *d;
	struct index_plan plan;
	struct query_run *run;
	struct bits chosen;
	struct error *err;
};

static void
filter_release(struct filter *f)
{
	index_plan_release(&f->plan);
	query_run_free(f->run);
	bits_release(&f->chosen);
	derive_free(f->d);
}

static int
match(struct txn *t, size_t part, const struct package *p, void *arg)
{
	struct filter *f = arg;
	int r = query_match(f->run, t, p, f->err);

	(void)part;
	if (r > 0)
		r = bits_set(&f->chosen, p->number);
	return r < 0 ? r : 0;
}

static struct index_merge
merging(const struct filter *f, const struct index_plan_item *item)
{
	return (struct index_merge){
	    .store = f->store, .cancel = f->derive->cancel, .item = item};
}

static int
choose(struct filter *f, const struct index_plan_item *item)
{
	CLEANUP(index_merge_release) struct index_merge m = merging(f, item);

	return index_merge_walk(&m, match, f, f->err);
}

static int
add_deps(struct filter *f)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	const struct state *from = derive_source(f->d, 0);
	struct closure_opts opts = {
	    .architectures = f->opts->architectures, .from = &from, .nfrom = 1};
	int r = txn_read(f->store, &t, f->err);

	return r < 0 ? r : closure_add(t, &opts, &f->chosen, f->err);
}

static int
is_chosen(struct txn *t, size_t part, const struct package *p, void *arg)
{
	const struct filter *f = arg;

	(void)t, (void)part;
	return bits_has(&f->chosen, p->number);
}

static int
make_index(struct filter *f, const struct index_plan_item *item)
{
	CLEANUP(index_merge_release) struct index_merge m = merging(f, item);
	CLEANUP(run_packages_release) struct run_packages packages = {0};
	struct derive_list l = {.component = item->component,
	    .architecture = item->architecture,
	    .kind = item->kind,
	    .like = item->nparts > 0 ? item->parts[0].list : 0};
	int r = index_merge_collect(&m, is_chosen, f, &packages, f->err);

	if (r < 0)
		return r;
	index_merge_release(&m);
	l.packages = packages.v;
	l.n = packages.n;
	return derive_list(f->d, &l, f->err);
}

int
filter_snapshot(struct store *s, const struct derive_opts *derive,
    const struct filter_opts *opts, uint64_t *ret_packages, struct error *err)
{
	CLEANUP(filter_release)
	struct filter f = {
	    .store = s, .derive = derive, .opts = opts, .err = err};
	uint64_t indexes;
	int r = derive_new(s, derive, &f.d, err);

	if (r == 0)
		r = derive_plan(f.d, opts->architectures, &f.plan, err);
	if (r < 0)
		return r;
	r = query_run_new(s, opts->query, &f.run);
	if (r < 0)
		return error_sys(err, r, "cannot filter");
	for (size_t i = 0; i < f.plan.n && r == 0; i++)
		r = choose(&f, &f.plan.v[i]);
	if (r == 0 && opts->with_deps)
		r = add_deps(&f);
	for (size_t i = 0; i < f.plan.n && r == 0; i++)
		r = make_index(&f, &f.plan.v[i]);
	if (r == 0)
		r = derive_end(f.d, err);
	if (r < 0)
		return r;
	derive_count(f.d, ret_packages, &indexes);
	return 0;
}
