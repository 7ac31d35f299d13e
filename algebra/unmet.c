#include "algebra/unmet.h"

#include <errno.h>

#include "algebra/candidates.h"
#include "algebra/words.h"

/* A group of alternatives, as many packages may have it. */
struct group {
	/* Of packages and of udebs: architectures for which it is asked, and
	 * where something is missing. */
	uint64_t asked[2], missing[2];
	const char *fault;
};

/* A row to be: one alternative, with one who asks for it. */
struct miss {
	uint32_t text;	/* word of texts */
	uint32_t asker; /* likewise, or WORD_NONE */
	uint8_t arch;
	uint8_t relation;
};

struct unmet_run {
	struct txn *t;
	const struct unmet_opts *opts;
	struct candidates *c;
	struct words words; /* groups, as they stand in the fields */
	struct group *groups;
	size_t groups_cap;
	size_t narches; /* those that are asked for */
	struct words texts;
	struct miss *misses;
	size_t n, cap;
	struct buf buf;
};

static void
unmet_run_release(struct unmet_run *u)
{
	candidates_free(u->c);
	words_release(&u->words);
	free(u->groups);
	words_release(&u->texts);
	free(u->misses);
	buf_release(&u->buf);
}

/* --- asking --------------------------------------------------------------- */

static bool
is_asked(const struct unmet_opts *o, enum package_kind kind, size_t relation)
{
	switch (relation) {
	case REL_PRE_DEPENDS:
	case REL_DEPENDS:
		return kind != PACKAGE_SOURCE;
	case REL_RECOMMENDS:
		return kind != PACKAGE_SOURCE && o->recommends;
	case REL_SUGGESTS:
		return kind != PACKAGE_SOURCE && o->suggests;
	case REL_BUILD_DEPENDS:
	case REL_BUILD_DEPENDS_INDEP:
	case REL_BUILD_DEPENDS_ARCH:
		return kind == PACKAGE_SOURCE && o->build;
	default:
		return false;
	}
}

static const char *
fault_of(struct span group)
{
	const char *why = NULL;
	struct dep d;
	int r;

	if (group.len == 0)
		return "a name is missing";
	do
		r = dep_next(&group, &d, &why);
	while (r > 0);
	return r < 0 ? why : NULL;
}

static int
tell_fault(struct unmet_run *u, const struct package *p, const char *field,
    struct span group, const char *why)
{
	struct unmet_fault f = {.field = field, .group = group, .why = why};
	int r;

	if (!u->opts->fault)
		return 0;
	buf_clear(&u->buf);
	r = package_add_name(&p->light, &u->buf);
	if (r < 0)
		return r;
	f.package = buf_span(&u->buf);
	u->opts->fault(&f, u->opts->arg);
	return 0;
}

static int
add_group(struct unmet_run *u, struct span text, struct group **ret)
{
	size_t before = u->words.n;
	uint32_t number = 0;
	int r = words_add(&u->words, text, &number);

	if (r < 0)
		return r;
	if (number >= u->groups_cap) {
		size_t cap = u->groups_cap ? 2 * u->groups_cap : 1024;
		struct group *groups =
		    reallocarray(u->groups, cap, sizeof(*groups));

		if (!groups)
			return -ENOMEM;
		u->groups = groups;
		u->groups_cap = cap;
	}
	*ret = &u->groups[number];
	if (number == before)
		**ret = (struct group){.fault = fault_of(text)};
	return 0;
}

static int
ask(struct unmet_run *u, const struct package *p, size_t relation,
    uint64_t listed, bool tell)
{
	struct span rest = p->light.relations[relation], text;

	while (dep_cut_group(&rest, &text)) {
		struct group *g;
		int r = add_group(u, text, &g);

		if (r < 0)
			return r;
		g->asked[p->light.kind == PACKAGE_UDEB] |= listed;
		if (!g->fault || !tell)
			continue;
		r = tell_fault(u, p, relation_field[relation], text, g->fault);
		if (r < 0)
			return r;
	}
	return 0;
}

static int
take(const struct package *p, uint64_t listed, void *arg)
{
	struct unmet_run *u = arg;
	const char *why = NULL;
	int is_new = 1, r = 0;

	if (p->light.kind != PACKAGE_SOURCE)
		is_new = candidates_add(u->c, p, listed, &why);
	if (is_new < 0)
		return is_new;
	if (why)
		r = tell_fault(u, p, relation_field[REL_PROVIDES],
		    p->light.relations[REL_PROVIDES], why);
	for (size_t i = 0; r == 0 && i < REL_COUNT; i++)
		if (is_asked(u->opts, p->light.kind, i))
			r = ask(u, p, i, listed, is_new);
	return r;
}

/* --- looking -------------------------------------------------------------- */

static int
add_miss(struct unmet_run *u, const struct dep *d, struct miss m)
{
	int r;

	if (u->n == u->cap) {
		size_t cap = u->cap ? 2 * u->cap : 256;
		struct miss *misses =
		    reallocarray(u->misses, cap, sizeof(*misses));

		if (!misses)
			return -ENOMEM;
		u->misses = misses;
		u->cap = cap;
	}
	buf_clear(&u->buf);
	r = dep_add_text(d, &u->buf);
	if (r == 0)
		r = words_add(&u->texts, buf_span(&u->buf), &m.text);
	if (r == 0)
		u->misses[u->n++] = m;
	return r;
}

/*
 * Looks at a group for one architecture; m has that and the asker.  1 where
 * something is missing, which is added where asked for.
 */
static int
look(struct unmet_run *u, struct span group, bool udeb, bool add, struct miss m)
{
	struct span arch = candidates_arch_name(u->c, m.arch);
	size_t before = u->n;
	bool met = false, unmet = false;
	const char *why;
	struct dep d;

	while (dep_next(&group, &d, &why) > 0) {
		int r;

		if (!dep_concerns(&d, arch) || !dep_in_profiles(&d, NULL))
			continue;
		if (candidates_meet(u->c, &d, arch, udeb)) {
			met = true;
			if (!u->opts->all_variants)
				break;
			continue;
		}
		unmet = true;
		r = add ? add_miss(u, &d, m) : 0;
		if (r < 0)
			return r;
	}
	if (met && !u->opts->all_variants) {
		u->n = before;
		return 0;
	}
	return unmet;
}

static int
look_at_all(struct unmet_run *u)
{
	for (uint32_t i = 0; i < u->words.n; i++) {
		struct group *g = &u->groups[i];
		struct span text = words_get(&u->words, i);

		for (size_t a = 0; !g->fault && a < 2 * u->narches; a++) {
			struct miss m = {0, WORD_NONE, (uint8_t)(a / 2), 0};
			int r;

			if (!(g->asked[a % 2] >> m.arch & 1))
				continue;
			r = look(u, text, a % 2, !u->opts->why, m);
			if (r < 0)
				return r;
			if (r > 0)
				g->missing[a % 2] |= UINT64_C(1) << m.arch;
		}
	}
	return 0;
}

/* --- who asks ------------------------------------------------------------- */

static int
ask_again(struct unmet_run *u, const struct package *p, size_t relation,
    uint64_t listed)
{
	struct span rest = p->light.relations[relation], text;
	bool udeb = p->light.kind == PACKAGE_UDEB;

	while (dep_cut_group(&rest, &text)) {
		uint32_t number = words_find(&u->words, text);
		uint64_t missing = 0;
		struct miss m = {.relation = (uint8_t)relation};
		int r = 0;

		if (number != WORD_NONE)
			missing = u->groups[number].missing[udeb] & listed;
		if (missing == 0)
			continue;
		buf_clear(&u->buf);
		r = package_add_name(&p->light, &u->buf);
		if (r == 0)
			r = words_add(&u->texts, buf_span(&u->buf), &m.asker);
		for (size_t a = 0; r >= 0 && a < u->narches; a++) {
			m.arch = (uint8_t)a;
			if (missing >> a & 1)
				r = look(u, text, udeb, true, m);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

static int
take_again(const struct package *p, uint64_t listed, void *arg)
{
	struct unmet_run *u = arg;
	int r = 0;

	for (size_t i = 0; r == 0 && i < REL_COUNT; i++)
		if (is_asked(u->opts, p->light.kind, i))
			r = ask_again(u, p, i, listed);
	return r;
}

/* --- telling -------------------------------------------------------------- */

static int
by_text(const struct unmet_run *u, uint32_t a, uint32_t b)
{
	if (a == b)
		return 0;
	if (a == WORD_NONE || b == WORD_NONE)
		return a == WORD_NONE ? -1 : 1;
	return span_cmp(words_get(&u->texts, a), words_get(&u->texts, b));
}

static int
by_row(const struct unmet_run *u, const struct miss *x, const struct miss *y)
{
	int r = by_text(u, x->text, y->text);

	if (r == 0 && x->arch != y->arch)
		r = span_cmp(candidates_arch_name(u->c, x->arch),
		    candidates_arch_name(u->c, y->arch));
	return r;
}

static int
compare(const void *a, const void *b, void *arg)
{
	const struct miss *x = a, *y = b;
	int r = by_row(arg, x, y);

	if (r == 0)
		r = by_text(arg, x->asker, y->asker);
	return r != 0 ? r : (int)x->relation - (int)y->relation;
}

/* The row that begins at *at, which is moved behind it. */
static int
tell_row(struct unmet_run *u, size_t *at)
{
	CLEANUP_FREE struct unmet_asker *askers = NULL;
	const struct miss *first = &u->misses[*at];
	size_t end = *at, n = 0;
	struct unmet row = {
	    .dependency = words_get(&u->texts, first->text),
	    .architecture = candidates_arch_name(u->c, first->arch),
	};

	while (end < u->n && by_row(u, first, &u->misses[end]) == 0)
		end++;
	askers = calloc(end - *at, sizeof(*askers));
	if (!askers)
		return -ENOMEM;
	for (size_t i = *at; i < end; i++) {
		const struct miss *m = &u->misses[i];

		if (m->asker == WORD_NONE ||
		    (i > *at && compare(m, m - 1, u) == 0))
			continue;
		askers[n++] = (struct unmet_asker){
		    words_get(&u->texts, m->asker), m->relation};
	}
	row.askers = askers;
	row.naskers = n;
	*at = end;
	return u->opts->fn(&row, u->opts->arg);
}

static int
tell(struct unmet_run *u)
{
	int rows = 0, r = 0;

	if (u->n > 0)
		qsort_r(u->misses, u->n, sizeof(*u->misses), compare, u);
	for (size_t at = 0; r == 0 && at < u->n; rows++)
		r = tell_row(u, &at);
	return r < 0 ? r : rows;
}

/* --- all of it ------------------------------------------------------------ */

static bool
has_list_for(const struct state *s, struct span arch)
{
	for (size_t i = 0; i < s->nlists; i++) {
		struct span a = span_of(s->lists[i].architecture);

		/* One for all, or of a flat archive, may have any. */
		if (a.len == 0 || span_eq(a, arch) || span_eq(a, SPAN("all")))
			return true;
	}
	return s->nlists == 0;
}

/* The architectures that were named come first. */
static int
name_arches(struct unmet_run *u, struct error *err)
{
	const struct strs *named = u->opts->architectures;
	int r = 0;

	for (size_t i = 0; r == 0 && i < named->n; i++) {
		size_t number;

		if (!has_list_for(u->opts->state, span_of(named->v[i])))
			return error_set(err, -EINVAL,
			    "there is nothing for the architecture %s",
			    named->v[i]);
		r = candidates_arch(u->c, span_of(named->v[i]), &number);
	}
	return r;
}

static int
fill(struct unmet_run *u, struct error *err)
{
	const struct unmet_opts *o = u->opts;
	unsigned kinds = 1u << PACKAGE_BINARY | 1u << PACKAGE_UDEB;
	int r = candidates_new(&u->c);

	if (r == 0)
		r = name_arches(u, err);
	if (o->build)
		kinds |= 1u << PACKAGE_SOURCE;
	if (r == 0)
		r = candidates_each_listed(
		    u->c, u->t, o->state, o->architectures, kinds, take, u);
	if (r < 0)
		return r;
	u->narches = candidates_arches(u->c);
	if (u->narches == 0 && u->words.n > 0)
		return error_set(err, -EINVAL,
		    "all packages are for any architecture: say for which "
		    "ones (--arch)");
	for (size_t i = 0; r == 0 && i < o->nsources; i++)
		r = candidates_add_state(
		    u->c, u->t, o->sources[i], o->architectures);
	return r == 0 ? candidates_sort(u->c) : r;
}

int
unmet_find(struct txn *t, const struct unmet_opts *opts, struct error *err)
{
	CLEANUP(unmet_run_release)
	struct unmet_run u = {.t = t, .opts = opts};
	unsigned kinds = 1u << PACKAGE_BINARY | 1u << PACKAGE_UDEB |
			 (opts->build ? 1u << PACKAGE_SOURCE : 0);
	bool missing = false;
	int r = fill(&u, err);

	if (r == -EINVAL)
		return r;
	if (r == 0)
		r = look_at_all(&u);
	for (size_t i = 0; r == 0 && !missing && i < u.words.n; i++)
		missing = u.groups[i].missing[0] || u.groups[i].missing[1];
	if (r == 0 && opts->why && missing)
		r = candidates_each_listed(u.c, t, opts->state,
		    opts->architectures, kinds, take_again, &u);
	if (r == -E2BIG)
		return error_set(err, r, "more than %d architectures",
		    CANDIDATES_MAX_ARCHES);
	if (r == 0)
		r = tell(&u);
	return r < 0 ? error_sys(err, r, "cannot look at dependencies") : r;
}
