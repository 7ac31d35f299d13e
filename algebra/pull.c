#include "algebra/pull.h"

#include <errno.h>
#include <stdlib.h>

#include "algebra/candidates.h"
#include "algebra/closure.h"
#include "algebra/index_merge.h"
#include "algebra/words.h"
#include "base/version.h"
#include "store/bits.h"

enum { BEFORE, SOURCE, INPUTS };

/* A package that the query named. */
struct match {
	uint64_t number;
	uint32_t key;	  /* word: kind, name, architecture */
	uint32_t version; /* word */
};

/* An index in the making. */
struct part {
	struct index_merge merge;
	/* Indexes of one architecture and kind differ in component alone: a
	 * package is in one of them. */
	size_t group;
	bool changes;
};

struct pull {
	struct store *store;
	struct derive *derive;
	const struct derive_opts *names;
	const struct pull_opts *opts;
	struct strs architectures; /* of what may come */
	struct strs all;	   /* of the result */
	struct words words;
	struct match *matches;
	size_t nmatches, matches_cap;
	struct bits chosen;
	struct words keys; /* of what is chosen */
	struct buf key;
	struct index_plan plan;
	struct part *parts; /* plan.n */
	struct bits *have;  /* by group: the chosen ones that are there */
};

static void
pull_release(struct pull *u)
{
	for (size_t i = 0; i < u->plan.n; i++) {
		if (u->parts)
			index_merge_release(&u->parts[i].merge);
		if (u->have)
			bits_release(&u->have[i]);
	}
	free(u->parts);
	free(u->have);
	derive_free(u->derive);
	strs_release(&u->architectures);
	strs_release(&u->all);
	words_release(&u->words);
	free(u->matches);
	bits_release(&u->chosen);
	words_release(&u->keys);
	buf_release(&u->key);
	index_plan_release(&u->plan);
}

/* What is replaced by one another: kind, name and architecture, and version
 * where old versions stay. */
static int
make_key(struct pull *u, const struct light *l, bool version)
{
	static const char kinds[] = {[PACKAGE_BINARY] = 'b',
	    [PACKAGE_SOURCE] = 's',
	    [PACKAGE_UDEB] = 'u'};

	buf_clear(&u->key);
	return buf_addf(&u->key, "%c %.*s %.*s %.*s", kinds[l->kind],
	    SPAN_ARG(l->name), SPAN_ARG(l->architecture),
	    version ? (int)l->version.len : 0, l->version.ptr);
}

/* --- architectures -------------------------------------------------------- */

static int
add_arches_of(struct pull *u, struct txn *t, size_t input, struct strs *ret)
{
	CLEANUP(index_plan_release) struct index_plan plan = {0};
	struct index_source s = {derive_source(u->derive, input),
	    derive_source_no_arch_all(u->derive, input)};
	int r = index_plan_make(t, &s, 1, NULL, &plan);

	for (size_t i = 0; i < plan.n && r == 0; i++) {
		struct span arch = span_of(plan.v[i].architecture);

		if (!strs_has(ret, arch))
			r = strs_add(ret, arch);
	}
	return r;
}

static int
choose_arches(struct pull *u, struct txn *t)
{
	const struct strs *named = u->opts->architectures;
	int r = add_arches_of(u, t, BEFORE, &u->all);

	if (r == 0 && u->all.n == 0)
		r = add_arches_of(u, t, SOURCE, &u->all);
	if (r == 0)
		r = strs_add_all(
		    &u->architectures, named && named->n > 0 ? named : &u->all);
	for (size_t i = 0; i < u->architectures.n && r == 0; i++)
		if (!strs_has(&u->all, span_of(u->architectures.v[i])))
			r = strs_add(&u->all, span_of(u->architectures.v[i]));
	return r;
}

/* --- what the query names ------------------------------------------------- */

struct matching {
	struct pull *pull;
	struct txn *t;
	struct query_run *run;
	struct error *err;
};

static int
add_match(struct pull *u, const struct package *p)
{
	struct match m = {.number = p->number};
	int r = make_key(u, &p->light, false);

	if (r == 0)
		r = words_add(&u->words, buf_span(&u->key), &m.key);
	if (r == 0)
		r = words_add(&u->words, p->light.version, &m.version);
	if (r < 0)
		return r;
	if (u->nmatches == u->matches_cap) {
		size_t cap = u->matches_cap ? 2 * u->matches_cap : 64;
		struct match *v = reallocarray(u->matches, cap, sizeof(*v));

		if (!v)
			return -ENOMEM;
		u->matches = v;
		u->matches_cap = cap;
	}
	u->matches[u->nmatches++] = m;
	return 0;
}

static int
match_one(const struct package *p, uint64_t listed, void *arg)
{
	struct matching *m = arg;
	int r;

	(void)listed;
	if (!index_architecture_wanted(
		&m->pull->architectures, p->light.architecture))
		return 0;
	r = query_match(m->run, m->t, p, m->err);
	return r > 0 ? add_match(m->pull, p) : r;
}

static int
newest_first(const void *a, const void *b, void *arg)
{
	const struct match *x = a, *y = b;
	const struct pull *u = arg;
	int r = (x->key > y->key) - (x->key < y->key);

	if (r == 0 && x->version != y->version)
		r = version_cmp(words_get(&u->words, y->version),
		    words_get(&u->words, x->version));
	return r != 0 ? r : (x->number > y->number) - (x->number < y->number);
}

/* Of each key the newest, unless all of them. */
static int
choose_matches(struct pull *u)
{
	if (u->nmatches > 0)
		qsort_r(u->matches, u->nmatches, sizeof(*u->matches),
		    newest_first, u);
	for (size_t i = 0; i < u->nmatches; i++) {
		int r;

		if (!u->opts->all_matches && i > 0 &&
		    u->matches[i].key == u->matches[i - 1].key)
			continue;
		r = bits_set(&u->chosen, u->matches[i].number);
		if (r < 0)
			return r;
	}
	return 0;
}

static int
match_all(struct pull *u, struct txn *t, struct error *err)
{
	CLEANUP(candidates_cleanup) struct candidates *c = NULL;
	CLEANUP(query_run_cleanup) struct query_run *run = NULL;
	unsigned kinds =
	    1u << PACKAGE_BINARY | 1u << PACKAGE_UDEB | 1u << PACKAGE_SOURCE;
	struct matching m = {.pull = u, .t = t, .err = err};
	int r = candidates_new(&c);

	if (r == 0)
		r = query_run_new(u->store, u->opts->query, &run);
	m.run = run;
	if (r == 0)
		r = candidates_each_listed(c, t,
		    derive_source(u->derive, SOURCE), &u->architectures, kinds,
		    match_one, &m);
	return r == 0 ? choose_matches(u) : r;
}

/* --- what these need ------------------------------------------------------ */

static int
add_needed(struct pull *u, struct txn *t, struct error *err)
{
	const struct state *from = derive_source(u->derive, SOURCE);
	struct closure_opts opts = {
	    .architectures = &u->architectures,
	    .from = &from,
	    .nfrom = 1,
	    .present = derive_source(u->derive, BEFORE),
	    .keep_old = u->opts->no_remove,
	    .recommends = u->opts->recommends,
	    .suggests = u->opts->suggests,
	};

	if (u->opts->no_deps)
		return 0;
	return closure_add(t, &opts, &u->chosen, err);
}

/* Counts what is chosen. */
static int
add_keys(struct pull *u, struct txn *t, uint64_t *ret)
{
	CLEANUP(package_release) struct package p = {0};
	uint64_t n = bits_next(&u->chosen, 0);
	uint32_t word;

	for (*ret = 0; n != UINT64_MAX; n = bits_next(&u->chosen, n + 1)) {
		int r = package_light(t, n, &p);

		if (r == 0)
			r = make_key(u, &p.light, u->opts->no_remove);
		if (r == 0)
			r = words_add(&u->keys, buf_span(&u->key), &word);
		if (r < 0)
			return r == -ENOENT ? -EIO : r;
		++*ret;
	}
	return 0;
}

static uint64_t
count(const struct bits *b)
{
	uint64_t n = 0;

	for (uint64_t i = bits_next(b, 0); i != UINT64_MAX;
	     i = bits_next(b, i + 1))
		n++;
	return n;
}

/* For calls that give a text of their own to some errors only. */
static int
explain(struct error *err, int r, const char *what)
{
	if (r >= 0 || (err && err->text[0]))
		return r;
	return error_sys(err, r, "%s", what);
}

static int
choose(struct pull *u, struct pull_result *ret, struct error *err)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	uint64_t chosen = 0;
	int r = txn_read(u->store, &t, err);

	if (r < 0)
		return r;
	r = choose_arches(u, t);
	if (r == 0)
		r = match_all(u, t, err);
	ret->matches = count(&u->chosen);
	if (r == 0)
		r = add_needed(u, t, err);
	if (r == 0)
		r = add_keys(u, t, &chosen);
	ret->needed = chosen - ret->matches;
	txn_trim(t);
	return explain(err, r, "cannot choose packages");
}

/* --- the indexes ---------------------------------------------------------- */

/* What a walk through the lists of an index works on. */
struct making {
	struct pull *pull;
	size_t at; /* in plan and parts */
};

static bool
is_before(const struct making *m, size_t part)
{
	return m->pull->plan.v[m->at].parts[part].source == BEFORE;
}

/* Is the index of an architecture of which something may come? */
static bool
is_open(const struct making *m)
{
	const struct index_plan_item *item = &m->pull->plan.v[m->at];

	return index_architecture_wanted(
	    &m->pull->architectures, span_of(item->architecture));
}

/* Does it come, to this index? */
static bool
comes(const struct making *m, const struct package *p)
{
	return is_open(m) && bits_has(&m->pull->chosen, p->number);
}

/* 1: it gives way to what came. */
static int
is_old(const struct making *m, const struct light *l)
{
	struct pull *u = m->pull;
	int r;

	if (!is_open(m))
		return 0;
	r = make_key(u, l, u->opts->no_remove);
	if (r < 0)
		return r;
	return words_find(&u->keys, buf_span(&u->key)) != WORD_NONE;
}

static int
look(struct txn *t, size_t part, const struct package *p, void *arg)
{
	struct making *m = arg;
	struct pull *u = m->pull;
	struct part *at = &u->parts[m->at];
	int r;

	(void)t;
	if (!is_before(m, part)) {
		at->changes |= comes(m, p);
		return 0;
	}
	if (bits_has(&u->chosen, p->number)) {
		r = bits_set(&u->have[at->group], p->number);
		return r < 0 ? r : 0;
	}
	r = is_old(m, &p->light);
	at->changes |= r > 0;
	return r < 0 ? r : 0;
}

static int
take(struct txn *t, size_t part, const struct package *p, void *arg)
{
	struct making *m = arg;
	struct pull *u = m->pull;
	struct bits *have = &u->have[u->parts[m->at].group];
	int r;

	(void)t;
	if (!is_before(m, part)) /* 1 where it is not there yet */
		return comes(m, p) ? bits_set(have, p->number) : 0;
	if (bits_has(&u->chosen, p->number))
		return 1;
	r = is_old(m, &p->light);
	return r < 0 ? r : r == 0;
}

/* The list that makes up an index of the first snapshot, alone; 0: none. */
static uint64_t
list_before(const struct index_plan_item *item)
{
	uint64_t list = 0;

	for (size_t i = 0; i < item->nparts; i++) {
		const struct index_part *p = &item->parts[i];

		if (p->source != BEFORE || p->share == INDEX_HIDDEN)
			continue;
		if (list != 0 || p->share != INDEX_WHOLE)
			return 0;
		list = p->list;
	}
	return list;
}

static int
make_list(struct pull *u, size_t at, struct error *err)
{
	CLEANUP(run_packages_release) struct run_packages out = {0};
	const struct index_plan_item *item = &u->plan.v[at];
	struct derive_list l = {
	    .component = item->component,
	    .architecture = item->architecture,
	    .kind = item->kind,
	    .like = list_before(item),
	};
	struct making m = {u, at};
	int r;

	l.whole = !u->parts[at].changes && l.like != 0;
	if (!l.whole) {
		r = index_merge_collect(
		    &u->parts[at].merge, take, &m, &out, err);
		if (r < 0)
			return r;
		l.packages = out.v;
		l.n = out.n;
	}
	return derive_list(u->derive, &l, err);
}

static size_t
group_of(const struct index_plan *plan, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (plan->v[i].kind == plan->v[at].kind &&
		    strcmp(plan->v[i].architecture, plan->v[at].architecture) ==
			0)
			return i;
	return at;
}

static int
make_lists(struct pull *u, struct error *err)
{
	int r = derive_plan(u->derive, &u->all, &u->plan, err);

	if (r < 0)
		return r;
	u->parts = calloc(u->plan.n + 1, sizeof(*u->parts));
	u->have = calloc(u->plan.n + 1, sizeof(*u->have));
	if (!u->parts || !u->have)
		return error_sys(err, -ENOMEM, "cannot pull");
	for (size_t i = 0; i < u->plan.n && r == 0; i++) {
		struct making m = {u, i};

		u->parts[i] = (struct part){
		    .merge = {.store = u->store,
			.cancel = u->names->cancel,
			.item = &u->plan.v[i]},
		    .group = group_of(&u->plan, i),
		};
		r = index_merge_walk(&u->parts[i].merge, look, &m, err);
	}
	for (size_t i = 0; i < u->plan.n && r == 0; i++)
		r = make_list(u, i, err);
	return r;
}

static int
tell(struct pull *u, struct error *err)
{
	int r;

	if (!u->opts->changed)
		return 0;
	r = u->opts->changed(u->store, derive_source(u->derive, BEFORE),
	    derive_state(u->derive), u->opts->arg);
	return explain(err, r, "cannot compare");
}

int
pull_snapshot(struct store *s, const struct derive_opts *derive,
    const struct pull_opts *opts, struct pull_result *ret, struct error *err)
{
	CLEANUP(pull_release)
	struct pull u = {.store = s, .names = derive, .opts = opts};
	int r = derive_new(s, derive, &u.derive, err);

	if (r == 0)
		r = choose(&u, ret, err);
	if (r == 0)
		r = make_lists(&u, err);
	if (r == 0)
		r = opts->dry_run ? derive_check(u.derive, err)
				  : derive_end(u.derive, err);
	if (r < 0)
		return r;
	derive_count(u.derive, &ret->packages, &ret->indexes);
	return tell(&u, err);
}
