/* The packages of a state, list by list; see candidates.h. */

#include <errno.h>

#include "algebra/candidates.h"
#include "store/list.h"

struct walking {
	struct candidates *c;
	const struct strs *architectures;
	uint64_t list; /* the mask of the list */
	candidates_each_fn *fn;
	void *arg;
};

static bool
is_wanted(const struct strs *architectures, struct span arch)
{
	return architectures->n == 0 || strs_has(architectures, arch);
}

/* Is it a list of one architecture? */
static bool
has_arch(const struct state_list *l)
{
	return l->kind != PACKAGE_SOURCE && *l->architecture &&
	       strcmp(l->architecture, "all") != 0;
}

static bool
is_list_wanted(const struct state_list *l, const struct strs *architectures)
{
	return !has_arch(l) ||
	       is_wanted(architectures, span_of(l->architecture));
}

static int
one_package(const struct package *p, void *arg)
{
	struct walking *w = arg;
	struct span arch = p->light.architecture;
	size_t number;
	int r;

	if (p->light.kind == PACKAGE_SOURCE)
		return w->fn(p, CANDIDATES_ANY_ARCH, w->arg);
	if (span_eq(arch, SPAN("all")))
		return w->fn(p, w->list, w->arg);
	if (!is_wanted(w->architectures, arch))
		return 0;
	r = candidates_arch(w->c, arch, &number);
	return r < 0 ? r : w->fn(p, UINT64_C(1) << number, w->arg);
}

static int
one_list(struct walking *w, struct txn *t, const struct state_list *sl)
{
	CLEANUP(list_release) struct list l = {0};
	size_t number;
	int r;

	w->list = CANDIDATES_ANY_ARCH;
	if (has_arch(sl)) {
		r = candidates_arch(w->c, span_of(sl->architecture), &number);
		if (r < 0)
			return r;
		w->list = UINT64_C(1) << number;
	}
	r = list_load(t, sl->list, &l);
	if (r == 0)
		r = list_each(t, &l, one_package, w);
	return r == -ENOENT ? -EIO : r;
}

int
candidates_each_listed(struct candidates *c, struct txn *t,
    const struct state *state, const struct strs *architectures, unsigned kinds,
    candidates_each_fn *fn, void *arg)
{
	struct walking w = {
	    .c = c, .architectures = architectures, .fn = fn, .arg = arg};
	int r = 0;

	for (size_t i = 0; i < state->nlists && r >= 0; i++) {
		const struct state_list *l = &state->lists[i];
		size_t number;

		if (has_arch(l) && is_list_wanted(l, architectures))
			r = candidates_arch(
			    c, span_of(l->architecture), &number);
	}
	for (size_t i = 0; i < state->nlists && r >= 0; i++) {
		const struct state_list *l = &state->lists[i];

		if ((kinds & 1u << l->kind) && is_list_wanted(l, architectures))
			r = one_list(&w, t, l);
	}
	return r;
}

static int
add_one(const struct package *p, uint64_t listed, void *arg)
{
	const char *why = NULL;
	int r = candidates_add(arg, p, listed, &why);

	return r < 0 ? r : 0;
}

int
candidates_add_state(struct candidates *c, struct txn *t,
    const struct state *state, const struct strs *architectures)
{
	unsigned kinds = 1u << PACKAGE_BINARY | 1u << PACKAGE_UDEB;

	return candidates_each_listed(
	    c, t, state, architectures, kinds, add_one, c);
}
