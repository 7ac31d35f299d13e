#include "algebra/index_plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/list.h"

struct planning {
	struct txn *t;
	const struct index_source *sources;
	size_t n;
	const struct strs *wanted;
	struct strs components; /* in the order of the states */
	struct strs *in_flat;	/* of each state: architectures of its list */
	struct index_plan *plan;
};

void
index_plan_release(struct index_plan *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->v[i].component);
		free(p->v[i].architecture);
		free(p->v[i].parts);
	}
	free(p->v);
	*p = (struct index_plan){0};
}

static void
planning_release(struct planning *p)
{
	strs_release(&p->components);
	for (size_t i = 0; p->in_flat && i < p->n; i++)
		strs_release(&p->in_flat[i]);
	free(p->in_flat);
}

bool
index_architecture_wanted(const struct strs *wanted, struct span architecture)
{
	if (!wanted || wanted->n == 0 || strs_has(wanted, architecture))
		return true;
	return span_eq(architecture, SPAN("all")) &&
	       !(wanted->n == 1 && strs_has(wanted, SPAN("source")));
}

bool
index_part_has(const struct index_plan_item *item,
    const struct index_part *part, struct span architecture)
{
	if (part->share == INDEX_WHOLE)
		return true;
	if (span_eq(architecture, SPAN("all")))
		return true;
	return part->share == INDEX_ARCH &&
	       span_eq(architecture, span_of(item->architecture));
}

static const char *
component_of(const struct state_list *l)
{
	return l->component[0] ? l->component : "main";
}

static bool
is_flat(const struct state_list *l)
{
	return l->architecture[0] == '\0';
}

static struct index_plan_item *
find_item(const struct index_plan *plan, const char *component,
    enum package_kind kind, const char *architecture)
{
	for (size_t i = 0; i < plan->n; i++) {
		struct index_plan_item *item = &plan->v[i];

		if (item->kind == kind &&
		    strcmp(item->component, component) == 0 &&
		    strcmp(item->architecture, architecture) == 0)
			return item;
	}
	return NULL;
}

static int
add_item(struct planning *p, const struct state_list *l, const char *arch)
{
	struct index_plan *plan = p->plan;
	struct index_plan_item *v, *item;

	if (!index_architecture_wanted(p->wanted, span_of(arch)) ||
	    find_item(plan, component_of(l), l->kind, arch))
		return 0;
	v = reallocarray(plan->v, plan->n + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	plan->v = v;
	item = &v[plan->n++];
	*item = (struct index_plan_item){.component = strdup(component_of(l)),
	    .architecture = strdup(arch),
	    .kind = l->kind};
	return item->component && item->architecture ? 0 : -ENOMEM;
}

static int
note_architecture(const struct package *package, void *arg)
{
	struct strs *found = arg;
	struct span a = package->light.architecture;

	return strs_has(found, a) ? 0 : strs_add(found, a);
}

/*
 * The architectures that the list of a flat archive is for: "all" is one of
 * its own only where there is no other.
 */
static int
load_flat(struct planning *p, const struct state_list *l, struct strs *ret)
{
	CLEANUP(list_release) struct list list = {0};
	CLEANUP(strs_release) struct strs found = {0};
	int r;

	if (l->kind == PACKAGE_SOURCE)
		return strs_add(ret, SPAN("source"));
	r = list_load(p->t, l->list, &list);
	if (r == 0)
		r = list_each(p->t, &list, note_architecture, &found);
	strs_sort(&found);
	for (size_t i = 0; i < found.n && r == 0; i++) {
		struct span a = span_of(found.v[i]);

		if (found.n > 1 && span_eq(a, SPAN("all")))
			continue;
		if (!strs_has(ret, a))
			r = strs_add(ret, a);
	}
	return r < 0 ? r : 0;
}

/* Every index that a list of the state belongs to. */
static int
add_items(struct planning *p, size_t source)
{
	const struct state *s = p->sources[source].state;
	int r = 0;

	for (size_t i = 0; i < s->nlists && r == 0; i++) {
		const struct state_list *l = &s->lists[i];
		CLEANUP(strs_release) struct strs archs = {0};

		if (!strs_has(&p->components, span_of(component_of(l))))
			r = strs_add(&p->components, span_of(component_of(l)));
		if (r < 0)
			return r;
		if (!is_flat(l)) {
			r = add_item(p, l, l->architecture);
			continue;
		}
		r = load_flat(p, l, &archs);
		for (size_t k = 0; k < archs.n && r == 0; k++)
			r = add_item(p, l, archs.v[k]);
		if (r == 0)
			r = strs_add_all(&p->in_flat[source], &archs);
	}
	return r;
}

/* The state's list of the item's component and kind, and of that architecture
 * (NULL: any). */
static const struct state_list *
find_list(const struct state *s, const struct index_plan_item *item,
    const char *architecture)
{
	for (size_t i = 0; i < s->nlists; i++) {
		const struct state_list *l = &s->lists[i];

		if (l->kind == item->kind &&
		    strcmp(component_of(l), item->component) == 0 &&
		    (!architecture ||
			strcmp(l->architecture, architecture) == 0))
			return l;
	}
	return NULL;
}

static int
add_part(struct index_plan_item *item, uint64_t list, size_t source,
    enum index_share share)
{
	struct index_part *v =
	    reallocarray(item->parts, item->nparts + 1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	item->parts = v;
	v[item->nparts++] = (struct index_part){list, source, share};
	return 0;
}

/*
 * The share of a state that has packages for any architecture, but not in a
 * list of the item's own.
 */
static int
add_all_part(struct planning *p, struct index_plan_item *item, size_t source,
    bool has_own)
{
	const struct state *s = p->sources[source].state;
	const struct state_list *all = find_list(s, item, "all");
	bool apart = all && !p->sources[source].no_arch_all;

	if (item->kind == PACKAGE_SOURCE)
		return 0;
	if (apart)
		return add_part(item, all->list, source, INDEX_HIDDEN);
	if (has_own)
		return 0;
	if (!all)
		all = find_list(s, item, NULL);
	return all ? add_part(item, all->list, source, INDEX_ALL) : 0;
}

static int
add_parts(struct planning *p, struct index_plan_item *item, size_t source)
{
	const struct state *s = p->sources[source].state;
	const struct state_list *own = find_list(s, item, item->architecture);
	enum index_share share = INDEX_WHOLE;
	int r;

	if (!own) {
		own = find_list(s, item, "");
		if (own &&
		    !strs_has(&p->in_flat[source], span_of(item->architecture)))
			own = NULL;
		share = INDEX_ARCH;
	}
	r = own ? add_part(item, own->list, source, share) : 0;
	if (r < 0 || (own && strcmp(item->architecture, "all") == 0))
		return r;
	return add_all_part(p, item, source, own != NULL);
}

/* Where packages for any architecture stand apart in each state, nothing of
 * theirs can stand in the way of anything. */
static void
drop_hidden(struct index_plan_item *item)
{
	size_t n = 0;

	for (size_t i = 0; i < item->nparts; i++)
		if (item->parts[i].share != INDEX_HIDDEN)
			item->parts[n++] = item->parts[i];
	item->nparts = n;
}

static int
fill_item(struct planning *p, struct index_plan_item *item)
{
	bool mixed = false;
	int r = 0;

	for (size_t i = 0; i < p->n && r == 0; i++) {
		r = add_parts(p, item, i);
		mixed = mixed || p->sources[i].no_arch_all;
	}
	if (!mixed)
		drop_hidden(item);
	return r;
}

int
index_place_cmp(const struct index_place *a, const struct index_place *b,
    const struct strs *components)
{
	int c = strcmp(a->component, b->component);

	for (size_t i = 0; c != 0 && i < components->n; i++) {
		if (strcmp(components->v[i], a->component) == 0)
			return -1;
		if (strcmp(components->v[i], b->component) == 0)
			return 1;
	}
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return strcmp(a->architecture, b->architecture);
}

static int
item_cmp(const void *a, const void *b, void *components)
{
	const struct index_plan_item *x = a, *y = b;

	return index_place_cmp(
	    &(struct index_place){x->component, x->architecture, x->kind},
	    &(struct index_place){y->component, y->architecture, y->kind},
	    components);
}

int
index_plan_make(struct txn *t, const struct index_source *sources, size_t n,
    const struct strs *architectures, struct index_plan *ret)
{
	CLEANUP(index_plan_release) struct index_plan plan = {0};
	CLEANUP(planning_release)
	struct planning p = {.t = t,
	    .sources = sources,
	    .n = n,
	    .wanted = architectures,
	    .plan = &plan};
	int r = 0;

	p.in_flat = calloc(n + 1, sizeof(*p.in_flat));
	if (!p.in_flat)
		return -ENOMEM;
	for (size_t i = 0; i < n && r == 0; i++)
		r = add_items(&p, i);
	for (size_t i = 0; i < plan.n && r == 0; i++)
		r = fill_item(&p, &plan.v[i]);
	if (r < 0)
		return r == -ENOENT ? -EIO : r;
	if (plan.n > 1)
		qsort_r(
		    plan.v, plan.n, sizeof(*plan.v), item_cmp, &p.components);
	*ret = plan;
	plan = (struct index_plan){0};
	return 0;
}
