/* What a mirror with a filter shows. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "algebra/derive.h"
#include "algebra/search.h"
#include "mirror/update_run.h"
#include "store/list.h"

/* The packages of a list that were chosen, in order. */
struct choosing {
	const struct bits *chosen;
	uint64_t *v;
	size_t n;
};

static int
choose(const struct package *p, void *arg)
{
	struct choosing *c = arg;

	if (bits_has(c->chosen, p->number))
		c->v[c->n++] = p->number;
	return 0;
}

static int
choose_of_list(
    struct update *u, uint64_t list, struct choosing *c, struct error *err)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	CLEANUP(list_release) struct list l = {0};
	int r = txn_read(u->store, &t, err);

	if (r < 0)
		return r;
	r = list_load(t, list, &l);
	if (r == 0)
		c->v = calloc(l.packages + 1, sizeof(*c->v));
	if (r == 0 && !c->v)
		r = -ENOMEM;
	if (r == 0)
		r = list_each(t, &l, choose, c);
	return r < 0 ? error_sys(err, r, "cannot filter") : 0;
}

/* All that the filter chooses of a state. */
static int
search(struct update *u, const struct state *whole, struct search *s,
    struct error *err)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	int r = txn_read(u->store, &t, err);

	if (r == 0)
		r = search_add_state(s, t, whole, err);
	if (r == 0 && u->mirror.filter_deps)
		r = search_add_deps(s, t, whole, err);
	return r;
}

static int
add_list(struct update *u, const struct state_list *from,
    const struct bits *chosen, struct state *ret, struct error *err)
{
	struct derive_opts opts = {.cancel = u->opts->cancel};
	struct choosing c = {.chosen = chosen};
	struct state_list l = *from;
	struct derive_list made;
	int r = choose_of_list(u, from->list, &c, err);

	/* Where all of them were, it is the same list. */
	made = (struct derive_list){
	    .kind = from->kind, .packages = c.v, .n = c.n, .like = from->list};
	if (r == 0)
		r = derive_make_list(u->store, &made, &opts, &l.list, err);
	free(c.v);
	if (r < 0)
		return r;
	u->result.packages += c.n;
	r = state_add_list(ret, &l);
	return r < 0 ? error_sys(err, r, "cannot filter") : 0;
}

static int
fill(const struct state *whole, struct state *ret)
{
	int r;

	ret->suite = strdup(whole->suite);
	ret->flat = whole->flat;
	ret->trusted_unsigned = whole->trusted_unsigned;
	ret->date = whole->date;
	ret->valid_until = whole->valid_until;
	ret->taken = whole->taken;
	r = strs_add_all(&ret->signers, &whole->signers);
	if (r == 0)
		r = strs_add_all(&ret->keyrings, &whole->keyrings);
	if (r == 0)
		r = strs_add_all(&ret->keyring_hashes, &whole->keyring_hashes);
	return ret->suite ? r : -ENOMEM;
}

int
filter_take(struct update *u, const struct state *whole, struct state *ret,
    struct error *err)
{
	CLEANUP(query_cleanup) struct query *q = NULL;
	CLEANUP(search_cleanup) struct search *s = NULL;
	struct search_opts opts = {0};
	int r = query_parse(span_of(u->mirror.filter), &q, err);

	if (r < 0)
		return error_prefix(
		    err, r, "the filter of mirror %s", u->mirror.name);
	opts.query = q;
	r = search_new(u->store, &opts, &s);
	if (r == 0)
		r = fill(whole, ret);
	if (r < 0)
		return error_sys(err, r, "cannot filter");
	r = search(u, whole, s, err);
	u->result.packages = 0;
	for (size_t i = 0; i < whole->nlists && r == 0; i++)
		r = add_list(u, &whole->lists[i], search_packages(s), ret, err);
	return r;
}

/* Strings of a Release. */
struct fields {
	char *origin, *label, *suite, *codename, *version, *description;
};

static void
fields_release(struct fields *f)
{
	free(f->origin);
	free(f->label);
	free(f->suite);
	free(f->codename);
	free(f->version);
	free(f->description);
}

/* An empty one is left out. */
static int
take(struct span value, char **field, const char **out)
{
	if (value.len == 0)
		return 0;
	*field = span_dup(value);
	*out = *field;
	return *field ? 0 : -ENOMEM;
}

static int
fill_fields(const struct release *rel, struct fields *f, struct release_out *o)
{
	int r = take(rel->origin, &f->origin, &o->origin);

	if (r == 0)
		r = take(rel->label, &f->label, &o->label);
	if (r == 0)
		r = take(rel->suite, &f->suite, &o->suite);
	if (r == 0)
		r = take(rel->codename, &f->codename, &o->codename);
	if (r == 0)
		r = take(rel->version, &f->version, &o->version);
	return r;
}

/* The tree has no other place to say why it is not the archive's own. */
static int
describe(const struct update *u, const struct release *rel, struct fields *f)
{
	CLEANUP(buf_release) struct buf b = {0};

	(void)buf_add_span(&b, rel->description); /* failing shows at the end */
	(void)buf_addf(&b, "%sfiltered%s: %s", b.len > 0 ? ", " : "",
	    u->mirror.filter_deps ? " with dependencies" : "",
	    u->mirror.filter);
	f->description = buf_take(&b);
	return f->description ? 0 : -ENOMEM;
}

int
filter_put(struct txn *t, const struct update *u, const struct release *rel,
    struct state *shown)
{
	CLEANUP(fields_release) struct fields f = {0};
	CLEANUP(release_out_free)
	struct release_out out = {.date = shown->date,
	    .valid_until = shown->valid_until,
	    .not_automatic = rel->not_automatic,
	    .but_automatic_upgrades = rel->but_automatic_upgrades,
	    .no_arch_all = rel->no_arch_all};
	int r = fill_fields(rel, &f, &out);

	if (r == 0)
		r = describe(u, rel, &f);
	out.description = f.description;
	return r < 0 ? r : derive_release(t, shown, &out);
}

int
filter_changed(const struct update *u)
{
	struct digest d;
	int r = mirror_filter_digest(&u->mirror, &d);

	return r < 0 ? r : !digest_eq(&d, &u->mirror.filtered);
}
