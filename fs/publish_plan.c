#include "fs/publish_job.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int
out_of_memory(struct error *err)
{
	return error_sys(err, -ENOMEM, "cannot plan the publication");
}

/* The index in the job's components, where it is added if it is new. */
static int
component_at(struct publish_job *j, const char *name, size_t *ret)
{
	for (size_t i = 0; i < j->components.n; i++) {
		if (strcmp(j->components.v[i], name) == 0) {
			*ret = i;
			return 0;
		}
	}
	*ret = j->components.n;
	return strs_add(&j->components, span_of(name));
}

static struct publish_list *
find_list(struct publish_job *j, size_t component, const char *architecture,
    enum package_kind kind)
{
	for (size_t i = 0; i < j->nlists; i++) {
		struct publish_list *l = &j->lists[i];

		if (l->component == component && l->kind == kind &&
		    strcmp(l->architecture, architecture) == 0)
			return l;
	}
	return NULL;
}

/* Finds or makes; NULL when out of memory. */
static struct publish_list *
list_at(struct publish_job *j, size_t component, const char *architecture,
    enum package_kind kind)
{
	struct publish_list *l = find_list(j, component, architecture, kind);
	struct publish_list *v;

	if (l)
		return l;
	v = reallocarray(j->lists, j->nlists + 1, sizeof(*v));
	if (!v)
		return NULL;
	j->lists = v;
	l = &v[j->nlists];
	*l = (struct publish_list){.component = component,
	    .architecture = strdup(architecture),
	    .kind = kind};
	if (!l->architecture)
		return NULL;
	j->nlists++;
	return l;
}

static int
add_input(struct publish_list *l, uint64_t list, size_t source)
{
	struct publish_input *v;

	for (size_t i = 0; i < l->ninputs; i++)
		if (l->inputs[i].list == list)
			return 0;
	v = reallocarray(l->inputs, l->ninputs + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	l->inputs = v;
	v[l->ninputs++] = (struct publish_input){list, source};
	return 0;
}

/* --arch names those that are wanted; packages for all go with any. */
static bool
wanted(const struct publication *p, const char *architecture)
{
	const struct strs *a = &p->architectures;

	if (a->n == 0 || strs_has(a, span_of(architecture)))
		return true;
	return strcmp(architecture, "all") == 0 &&
	       !(a->n == 1 && strs_has(a, SPAN("source")));
}

/* Which component a source's list goes into. */
static const char *
component_of(
    const struct publish_job *j, size_t source, const struct state_list *sl)
{
	if (j->pub->components.n > 0)
		return j->pub->components.v[source];
	return sl && sl->component[0] != '\0' ? sl->component : "main";
}

static int
plan_list(struct publish_job *j, size_t source, const struct state_list *sl,
    const char *architecture, bool split)
{
	struct publish_list *l;
	size_t component;
	int r;

	if (!wanted(j->pub, architecture))
		return 0;
	r = component_at(j, component_of(j, source, sl), &component);
	if (r < 0)
		return r;
	l = list_at(j, component, architecture, sl->kind);
	if (!l)
		return -ENOMEM;
	l->split = l->split || split;
	return add_input(l, sl->list, source);
}

/*
 * A flat archive has one Packages for all architectures: each gets its part
 * of it.  Where it has nothing but packages for all, --arch says which ones.
 */
static int
plan_flat(struct publish_job *j, size_t source, const struct state_list *sl)
{
	const struct strs *found = &j->sources[source].flat_architectures;
	const struct strs *a = found->n > 0 ? found : &j->pub->architectures;
	int r = 0;

	if (sl->kind == PACKAGE_SOURCE)
		return plan_list(j, source, sl, "source", false);
	if (a->n == 0)
		return plan_list(j, source, sl, "all", false);
	for (size_t i = 0; r == 0 && i < a->n; i++)
		if (strcmp(a->v[i], "source") != 0)
			r = plan_list(j, source, sl, a->v[i], true);
	return r;
}

static int
plan_source(struct publish_job *j, size_t source, struct error *err)
{
	const struct state *s = &j->sources[source].state;
	size_t component;
	int r = 0;

	/* A snapshot without packages still has its component. */
	if (s->nlists == 0)
		r = component_at(j, component_of(j, source, NULL), &component);
	for (size_t i = 0; r == 0 && i < s->nlists; i++) {
		const struct state_list *sl = &s->lists[i];

		r = s->flat ? plan_flat(j, source, sl)
			    : plan_list(j, source, sl, sl->architecture, false);
	}
	return r < 0 ? out_of_memory(err) : 0;
}

/* Does the source have a list in that component? */
static bool
has_component(const struct publish_job *j, size_t source, const char *name)
{
	const struct state *s = &j->sources[source].state;

	for (size_t i = 0; i < s->nlists; i++)
		if (strcmp(component_of(j, source, &s->lists[i]), name) == 0)
			return true;
	return false;
}

/* Without --component no two sources may have the same one: which packages
 * would win is the user's to say. */
static int
check_components(const struct publish_job *j, size_t source, struct error *err)
{
	for (size_t c = 0; c < j->components.n; c++) {
		const char *name = j->components.v[c];

		if (!has_component(j, source, name))
			continue;
		for (size_t i = 0; i < source; i++)
			if (has_component(j, i, name))
				return error_set(err, -EINVAL,
				    "%s and %s both have the component %s: "
				    "name one for each with --component=",
				    j->sources[i].name, j->sources[source].name,
				    name);
	}
	return 0;
}

static int
add_once(struct strs *s, const char *item)
{
	return strs_has(s, span_of(item)) ? 0 : strs_add(s, span_of(item));
}

/* The architectures that the publication has lists of. */
static int
collect_architectures(const struct publish_job *j, struct strs *ret)
{
	for (size_t i = 0; i < j->nlists; i++)
		if (add_once(ret, j->lists[i].architecture) < 0)
			return -ENOMEM;
	strs_sort(ret);
	return 0;
}

/* Those that the sources have, wanted or not, for a message: the caller frees.
 */
static char *
offered_architectures(const struct publish_job *j)
{
	CLEANUP(strs_release) struct strs all = {0};
	int r = 0;

	for (size_t i = 0; i < j->pub->sources.n; i++) {
		const struct publish_source *src = &j->sources[i];
		const struct state *s = &src->state;

		for (size_t k = 0; k < src->flat_architectures.n && r == 0; k++)
			r = add_once(&all, src->flat_architectures.v[k]);
		for (size_t k = 0; k < s->nlists && !s->flat && r == 0; k++)
			r = add_once(&all, s->lists[k].architecture);
	}
	strs_sort(&all);
	return r < 0 ? NULL : strs_join(&all, ", ");
}

static bool
all_empty(const struct publish_job *j)
{
	for (size_t i = 0; i < j->pub->sources.n; i++)
		if (j->sources[i].state.nlists > 0)
			return false;
	return true;
}

/* Every architecture that was asked for must be there to be had; packages for
 * all may stand with the others. */
static int
check_architectures(
    const struct publish_job *j, const struct strs *have, struct error *err)
{
	CLEANUP_FREE char *names = NULL;

	for (size_t i = 0; i < j->pub->architectures.n; i++) {
		const char *a = j->pub->architectures.v[i];

		if (strs_has(have, span_of(a)) || strcmp(a, "all") == 0)
			continue;
		names = offered_architectures(j);
		return error_set(err, -EINVAL,
		    "no source has packages for the architecture %s "
		    "(they have: %s)",
		    a, names && *names ? names : "none");
	}
	return 0;
}

/*
 * apt takes Components and Architectures of a Release as a promise that each
 * has an index in each: where there is none, an empty one stands in.
 */
static int
fill_gaps(struct publish_job *j, const struct strs *architectures)
{
	for (size_t c = 0; c < j->components.n; c++) {
		for (size_t i = 0; i < architectures->n; i++) {
			const char *a = architectures->v[i];
			enum package_kind kind = strcmp(a, "source") == 0
						     ? PACKAGE_SOURCE
						     : PACKAGE_BINARY;

			if (!list_at(j, c, a, kind))
				return -ENOMEM;
		}
	}
	return 0;
}

/* By component, then binary packages, sources, udebs, by architecture. */
static int
list_cmp(const void *a, const void *b)
{
	const struct publish_list *x = a, *y = b;

	if (x->component != y->component)
		return x->component < y->component ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return strcmp(x->architecture, y->architecture);
}

static int
complete(struct publish_job *j, struct strs *architectures, struct error *err)
{
	int r;

	if (collect_architectures(j, architectures) < 0)
		return out_of_memory(err);
	if (all_empty(j)) {
		if (j->pub->architectures.n == 0)
			return error_set(err, -EINVAL,
			    "%s has no packages: name the architectures to "
			    "publish with --arch= (and the component with "
			    "--component=)",
			    j->sources[0].name);
		if (strs_add_all(architectures, &j->pub->architectures) < 0)
			return out_of_memory(err);
	}
	r = check_architectures(j, architectures, err);
	if (r < 0)
		return r;
	return fill_gaps(j, architectures) < 0 ? out_of_memory(err) : 0;
}

int
publish_plan(struct publish_job *j, struct error *err)
{
	CLEANUP(strs_release) struct strs architectures = {0};
	int r;

	for (size_t i = 0; i < j->pub->sources.n; i++) {
		r = plan_source(j, i, err);
		if (r >= 0 && j->pub->components.n == 0)
			r = check_components(j, i, err);
		if (r < 0)
			return r;
	}
	r = complete(j, &architectures, err);
	if (r < 0)
		return r;
	if (j->nlists > 1)
		qsort(j->lists, j->nlists, sizeof(*j->lists), list_cmp);
	return 0;
}

void
publish_plan_free(struct publish_job *j)
{
	for (size_t i = 0; i < j->nlists; i++) {
		free(j->lists[i].architecture);
		free(j->lists[i].inputs);
	}
	free(j->lists);
	strs_release(&j->components);
	j->lists = NULL;
	j->nlists = 0;
}
