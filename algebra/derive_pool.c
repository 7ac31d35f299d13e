/*
 * Do the files of a derived snapshot fit into one pool?  Archives may claim one
 * path for different files (foo 1.0 and foo 1:1.0 both are foo_1.0_amd64.deb).
 */

#include "algebra/derive_pool.h"

#include <errno.h>

#include "algebra/merge_table.h"
#include "base/path.h"
#include "store/list.h"

#define IN_TRANSACTION 128 /* runs */

struct claims {
	struct store *store;
	const atomic_bool *cancel;
	struct merge_table paths; /* package and index of the file */
	struct txn *t;
	struct package package, other;
	struct run_packages run;
	struct error *err;
};

static void
claims_release(struct claims *c)
{
	merge_table_release(&c->paths);
	txn_end(c->t);
	package_release(&c->package);
	package_release(&c->other);
	run_packages_release(&c->run);
}

static int
clash(struct claims *c, const struct package_file *f)
{
	CLEANUP(buf_release) struct buf names = {0};
	int r = package_add_name(&c->other.light, &names);

	if (r == 0)
		r = buf_add_str(&names, " and ");
	if (r == 0)
		r = package_add_name(&c->package.light, &names);
	if (r < 0)
		return r;
	return error_set(c->err, -EEXIST,
	    "%.*s: %s claim it with different content: one snapshot can't have "
	    "both",
	    SPAN_ARG(f->path), names.ptr);
}

/* Notes that the package claims the path of its i-th file. */
static int
claim(struct claims *c, uint32_t i)
{
	const struct package_file *f = &c->package.light.files[i], *o;
	struct merge_key key =
	    merge_key_of(path_strip_dot(f->path), SPAN(""), SPAN(""));
	struct merge_entry *e = merge_table_at(&c->paths, &key);
	int r;

	if (!e)
		return -ENOMEM;
	if (e->package == 0) {
		e->package = c->package.number;
		e->part = i;
		return 0;
	}
	if (e->package == c->package.number)
		return 0;
	r = package_light(c->t, e->package, &c->other);
	if (r < 0)
		return r;
	if (e->part >= c->other.light.nfiles)
		return -EIO;
	o = &c->other.light.files[e->part];
	return o->size == f->size && digest_eq(&o->sha256, &f->sha256)
		   ? 0
		   : clash(c, f);
}

static int
claim_run(struct claims *c, uint64_t run)
{
	int r = run_load(c->t, run, &c->run);

	for (size_t i = 0; i < c->run.n && r == 0; i++) {
		r = package_light(c->t, c->run.v[i], &c->package);
		for (uint32_t k = 0; r == 0 && k < c->package.light.nfiles; k++)
			r = claim(c, k);
	}
	return r;
}

static int
claim_list(struct claims *c, uint64_t number)
{
	CLEANUP(list_release) struct list l = {0};
	int r = list_load(c->t, number, &l);

	for (size_t i = 0; i < l.nruns && r == 0; i++) {
		if (i % IN_TRANSACTION == IN_TRANSACTION - 1) {
			txn_trim(c->t);
			txn_end(TAKE(c->t));
			r = txn_read(c->store, &c->t, c->err);
		}
		if (c->cancel && atomic_load(c->cancel))
			return error_set(c->err, -EINTR, "stopped");
		if (r == 0)
			r = claim_run(c, l.runs[i].run);
	}
	return r;
}

int
derive_check_pool(struct store *s, const struct state *state,
    const atomic_bool *cancel, struct error *err)
{
	CLEANUP(claims_release)
	struct claims c = {.store = s, .cancel = cancel, .err = err};
	int r;

	if (err)
		err->text[0] = '\0';
	r = txn_read(s, &c.t, err);
	for (size_t i = 0; i < state->nlists && r == 0; i++)
		r = claim_list(&c, state->lists[i].list);
	if (r >= 0 || (err && err->text[0]))
		return r;
	return error_sys(err, r == -ENOENT ? -EIO : r, "cannot read packages");
}
