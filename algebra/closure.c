#include "algebra/closure.h"

#include <errno.h>

#include "algebra/candidates.h"
#include "algebra/words.h"

/* A package to be looked at, on behalf of an architecture. */
struct item {
	uint32_t index; /* of the candidate */
	uint32_t arch;
};

struct closure {
	struct txn *t;
	const struct closure_opts *opts;
	struct bits *chosen;
	struct candidates *from, *present;
	struct words groups;   /* that were met, with their asker's kind */
	struct words replaced; /* "name architecture" of what is chosen */
	/* By group: the architectures for which it has been seen to. */
	uint64_t *seen;
	size_t seen_cap;
	struct item *queue; /* of which the first `done` are done */
	size_t n, done, cap;
	struct bits queued; /* index * CANDIDATES_MAX_ARCHES + arch */
	struct buf key;
	bool grew; /* something was added since the last round began */
};

static void
closure_release(struct closure *c)
{
	candidates_free(c->from);
	candidates_free(c->present);
	words_release(&c->groups);
	words_release(&c->replaced);
	free(c->seen);
	free(c->queue);
	bits_release(&c->queued);
	buf_release(&c->key);
}

static int
enqueue(struct closure *c, size_t index, size_t arch)
{
	int r = bits_set(&c->queued, index * CANDIDATES_MAX_ARCHES + arch);

	if (r <= 0)
		return r;
	if (c->n == c->cap) {
		size_t cap = c->cap ? 2 * c->cap : 1024;
		struct item *queue =
		    reallocarray(c->queue, cap, sizeof(*queue));

		if (!queue)
			return -ENOMEM;
		c->queue = queue;
		c->cap = cap;
	}
	c->queue[c->n++] = (struct item){(uint32_t)index, (uint32_t)arch};
	return 0;
}

/* Where the dependencies of a candidate count that meets one of `arch`. */
static int
enqueue_for(struct closure *c, const struct candidate *p, size_t arch)
{
	if (!span_eq(p->architecture, SPAN("all"))) {
		int r = candidates_arch(c->from, p->architecture, &arch);

		if (r < 0)
			return r;
	}
	return enqueue(c, p->index, arch);
}

static int
key_of(struct closure *c, const struct candidate *p)
{
	int r;

	buf_clear(&c->key);
	r = buf_add_span(&c->key, p->name);
	if (r == 0)
		r = buf_add_char(&c->key, ' ');
	return r == 0 ? buf_add_span(&c->key, p->architecture) : r;
}

static int
replace(struct closure *c, const struct candidate *p)
{
	uint32_t word;
	int r = key_of(c, p);

	return r == 0 ? words_add(&c->replaced, buf_span(&c->key), &word) : r;
}

static int
choose(struct closure *c, const struct candidate *p, size_t arch)
{
	int r = bits_set(c->chosen, p->number);

	if (r > 0) {
		c->grew = true;
		r = replace(c, p);
	}
	return r < 0 ? r : enqueue_for(c, p, arch);
}

/* Does something that is there, and stays, meet it? */
static int
present_meets(
    struct closure *c, const struct dep *d, struct span arch, bool udeb)
{
	struct candidate_walk w;
	struct candidate p;

	if (!c->present)
		return 0;
	candidates_find(c->present, d, arch, udeb, &w);
	while (candidates_next(&w, &p)) {
		int r;

		if (c->opts->keep_old || bits_has(c->chosen, p.number))
			return 1;
		r = key_of(c, &p);
		if (r < 0)
			return r;
		if (words_find(&c->replaced, buf_span(&c->key)) == WORD_NONE)
			return 1;
	}
	return 0;
}

struct asker {
	size_t arch;
	struct span arch_name;
	bool udeb;
};

/* Cuts the next alternative that counts. */
static bool
next_alternative(struct span *group, const struct asker *a, struct dep *ret)
{
	const char *why;

	while (dep_next(group, ret, &why) > 0)
		if (dep_concerns(ret, a->arch_name) &&
		    dep_in_profiles(ret, NULL))
			return true;
	return false;
}

/* 1: met by what is chosen or present. */
static int
is_met(struct closure *c, struct span group, const struct asker *a)
{
	struct candidate_walk w;
	struct candidate p;
	struct dep d;

	while (next_alternative(&group, a, &d)) {
		int r = present_meets(c, &d, a->arch_name, a->udeb);

		if (r != 0)
			return r;
		candidates_find(c->from, &d, a->arch_name, a->udeb, &w);
		while (candidates_next(&w, &p)) {
			if (!bits_has(c->chosen, p.number))
				continue;
			/* It may be of "all", and new to this architecture. */
			r = enqueue_for(c, &p, a->arch);
			return r < 0 ? r : 1;
		}
	}
	return 0;
}

static int
meet(struct closure *c, struct span group, const struct asker *a)
{
	struct candidate_walk w;
	struct candidate p;
	struct dep d;

	while (next_alternative(&group, a, &d)) {
		candidates_find(c->from, &d, a->arch_name, a->udeb, &w);
		while (candidates_next(&w, &p)) {
			int r = choose(c, &p, a->arch);

			if (r < 0 || !c->opts->all_variants)
				return r;
		}
	}
	return 0;
}

/* Has this group been seen to for this architecture?  From now on it has. */
static int
mark_seen(struct closure *c, struct span group, const struct asker *a)
{
	uint64_t bit = UINT64_C(1) << a->arch;
	uint32_t number = 0;
	int r;

	buf_clear(&c->key);
	r = buf_add_char(&c->key, a->udeb ? 'u' : 'b');
	if (r == 0)
		r = buf_add_span(&c->key, group);
	if (r == 0)
		r = words_add(&c->groups, buf_span(&c->key), &number);
	if (r < 0)
		return r;
	if (number >= c->seen_cap) {
		size_t cap = c->seen_cap ? 2 * c->seen_cap : 1024;
		uint64_t *seen = reallocarray(c->seen, cap, sizeof(*seen));

		if (!seen)
			return -ENOMEM;
		memset(
		    seen + c->seen_cap, 0, (cap - c->seen_cap) * sizeof(*seen));
		c->seen = seen;
		c->seen_cap = cap;
	}
	if (c->seen[number] & bit)
		return 1;
	c->seen[number] |= bit;
	return 0;
}

static int
one_field(struct closure *c, struct span field, const struct asker *a)
{
	struct span group;

	while (dep_cut_group(&field, &group)) {
		int r = mark_seen(c, group, a);

		if (r == 0)
			r = is_met(c, group, a);
		if (r == 0 || (r == 1 && c->opts->all_variants))
			r = meet(c, group, a);
		if (r < 0)
			return r;
	}
	return 0;
}

static int
one_binary(struct closure *c, const struct light *l, const struct asker *a)
{
	int r = one_field(c, l->relations[REL_PRE_DEPENDS], a);

	if (r == 0)
		r = one_field(c, l->relations[REL_DEPENDS], a);
	if (r == 0 && c->opts->recommends)
		r = one_field(c, l->relations[REL_RECOMMENDS], a);
	if (r == 0 && c->opts->suggests)
		r = one_field(c, l->relations[REL_SUGGESTS], a);
	return r;
}

static int
one_source(const struct package *p, uint64_t listed, void *arg)
{
	struct closure *c = arg;
	const struct light *l = &p->light;
	int r = 0;

	(void)listed;
	if (!bits_has(c->chosen, p->number))
		return 0;
	for (size_t i = 0; r == 0 && i < candidates_arches(c->from); i++) {
		struct asker a = {i, candidates_arch_name(c->from, i), false};

		r = one_field(c, l->relations[REL_BUILD_DEPENDS], &a);
		if (r == 0)
			r = one_field(
			    c, l->relations[REL_BUILD_DEPENDS_INDEP], &a);
		if (r == 0)
			r = one_field(
			    c, l->relations[REL_BUILD_DEPENDS_ARCH], &a);
	}
	return r;
}

/* What is chosen now is where the round begins. */
static int
begin(struct closure *c)
{
	const struct closure_opts *o = c->opts;
	int r = 0;

	if (c->seen)
		memset(c->seen, 0, c->seen_cap * sizeof(*c->seen));
	bits_release(&c->queued);
	c->n = c->done = 0;
	c->grew = false;
	for (size_t i = 0; r == 0 && i < candidates_count(c->from); i++) {
		struct candidate p = candidates_at(c->from, i);

		if (!bits_has(c->chosen, p.number))
			continue;
		r = replace(c, &p);
		for (size_t a = 0; r == 0 && a < candidates_arches(c->from);
		     a++)
			if (p.listed >> a & 1)
				r = enqueue(c, i, a);
	}
	for (size_t i = 0; r == 0 && o->build && i < o->nfrom; i++)
		r = candidates_each_listed(c->from, c->t, o->from[i],
		    o->architectures, 1u << PACKAGE_SOURCE, one_source, c);
	return r;
}

/* Packages between two times that the records' pages are given back. */
#define TRIM_PACKAGES 16384

static int
run_round(struct closure *c)
{
	CLEANUP(package_release) struct package p = {0};
	int r = begin(c);

	while (r == 0 && c->done < c->n) {
		struct item it = c->queue[c->done++];
		struct candidate found = candidates_at(c->from, it.index);
		struct asker a = {it.arch,
		    candidates_arch_name(c->from, it.arch), found.udeb};

		r = package_light(c->t, found.number, &p);
		if (r == 0)
			r = one_binary(c, &p.light, &a);
		if (c->done % TRIM_PACKAGES == 0)
			txn_trim(c->t);
	}
	return r == -ENOENT ? -EIO : r;
}

static int
load(struct closure *c)
{
	const struct closure_opts *o = c->opts;
	int r = candidates_new(&c->from);

	for (size_t i = 0; r == 0 && i < o->nfrom; i++)
		r = candidates_add_state(
		    c->from, c->t, o->from[i], o->architectures);
	if (r == 0)
		r = candidates_sort(c->from);
	if (r < 0 || !o->present)
		return r;
	r = candidates_new(&c->present);
	if (r == 0)
		r = candidates_add_state(
		    c->present, c->t, o->present, o->architectures);
	return r == 0 ? candidates_sort(c->present) : r;
}

int
closure_add(struct txn *t, const struct closure_opts *opts, struct bits *chosen,
    struct error *err)
{
	static const struct strs any = {0};
	struct closure_opts o = *opts;
	CLEANUP(closure_release)
	struct closure c = {.t = t, .opts = &o, .chosen = chosen};
	int r;

	if (!o.architectures)
		o.architectures = &any;
	r = load(&c);
	/* What was added may have replaced what was counted on before. */
	do {
		if (r == 0)
			r = run_round(&c);
	} while (r == 0 && c.grew && o.present && !o.keep_old);
	if (r == -E2BIG)
		return error_set(err, r, "more than %d architectures",
		    CANDIDATES_MAX_ARCHES);
	return r < 0 ? error_sys(err, r, "cannot follow dependencies") : 0;
}
