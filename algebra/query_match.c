#include <errno.h>
#include <stdlib.h>

#include "algebra/depends.h"
#include "algebra/query_tree.h"
#include "base/deb822.h"
#include "base/glob.h"
#include "base/version.h"
#include "store/heavy.h"

struct query_run {
	const struct query *query;
	struct store *store;
	struct heavy *heavy;	       /* made when it is wanted first */
	struct regex_run *regex;       /* likewise */
	const struct package *package; /* the one in hand */
	struct buf stanza;	       /* its stanza, where it has been read */
	struct buf name;	       /* name_version_architecture */
	bool read;
	uint64_t stanzas;
	struct error *err;
};

/* What a part of a query says: also that only the stanza can tell.  Errors are
 * negative. */
enum { NO = 0, YES = 1, OPEN = 2 };

int
query_run_new(struct store *s, const struct query *q, struct query_run **ret)
{
	struct query_run *run = calloc(1, sizeof(*run));

	if (!run)
		return -ENOMEM;
	run->query = q;
	run->store = s;
	*ret = run;
	return 0;
}

void
query_run_free(struct query_run *run)
{
	if (!run)
		return;
	heavy_free(run->heavy);
	regex_run_free(run->regex);
	buf_release(&run->stanza);
	buf_release(&run->name);
	free(run);
}

uint64_t
query_run_stanzas(const struct query_run *run)
{
	return run->stanzas;
}

static int
no_memory(struct query_run *run)
{
	return error_sys(run->err, -ENOMEM, "cannot match a query");
}

/* The field of the stanza: YES with *ret (empty where there is none), or OPEN.
 */
static int
stanza_field(const struct query_run *run, const char *name, struct span *ret)
{
	if (!run->read)
		return OPEN;
	*ret = (struct span){0};
	(void)deb822_get(buf_span(&run->stanza), span_of(name), ret);
	return YES;
}

/* Source packages have none. */
static struct span
source_of(const struct light *l)
{
	if (l->kind == PACKAGE_SOURCE)
		return (struct span){0};
	return l->source.len > 0 ? l->source : l->name;
}

static struct span
source_version_of(const struct light *l)
{
	if (l->kind == PACKAGE_SOURCE)
		return (struct span){0};
	return l->source_version.len > 0 ? l->source_version : l->version;
}

static struct span
type_of(const struct light *l)
{
	switch (l->kind) {
	case PACKAGE_SOURCE:
		return SPAN("source");
	case PACKAGE_UDEB:
		return SPAN("udeb");
	default:
		return SPAN("deb");
	}
}

/* The light record knows whether it is "yes", in any case of letters. */
static int
essential(
    const struct query_run *run, const struct query_node *n, struct span *ret)
{
	if (n->op == QUERY_EQUAL && !run->package->light.essential &&
	    span_eq_nocase(span_of(n->value), SPAN("yes"))) {
		*ret = (struct span){0};
		return YES;
	}
	return stanza_field(run, "Essential", ret);
}

static int
field_value(
    const struct query_run *run, const struct query_node *n, struct span *ret)
{
	const struct light *l = &run->package->light;

	switch (n->field) {
	case QUERY_F_NAME:
		*ret = l->name;
		return YES;
	case QUERY_F_VERSION:
	case QUERY_F_DPKG_VERSION:
		*ret = l->version;
		return YES;
	case QUERY_F_ARCHITECTURE:
		if (l->kind == PACKAGE_SOURCE)
			return stanza_field(run, "Architecture", ret);
		/* fall through */
	case QUERY_F_MATCHED_ARCHITECTURE:
		*ret = l->architecture;
		return YES;
	case QUERY_F_MULTI_ARCH:
		*ret = l->multi_arch;
		return YES;
	case QUERY_F_ESSENTIAL:
		return essential(run, n, ret);
	case QUERY_F_RELATION:
		*ret = l->relations[n->relation];
		return YES;
	case QUERY_F_SOURCE:
		*ret = source_of(l);
		return YES;
	case QUERY_F_SOURCE_VERSION:
		*ret = source_version_of(l);
		return YES;
	case QUERY_F_TYPE:
		*ret = type_of(l);
		return YES;
	default:
		return stanza_field(run, n->name, ret);
	}
}

static int
regex_matches(
    struct query_run *run, const struct query_node *n, struct span value)
{
	int r = run->regex ? 0 : regex_run_new(0, &run->regex);

	if (r < 0)
		return no_memory(run);
	return regex_match(n->regex, run->regex, value, run->err);
}

static bool
in_order(enum query_op op, int order)
{
	switch (op) {
	case QUERY_EQUAL:
		return order == 0;
	case QUERY_LESS:
		return order < 0;
	case QUERY_LESS_EQUAL:
		return order <= 0;
	case QUERY_GREATER:
		return order > 0;
	default:
		return order >= 0;
	}
}

typedef int compare_fn(struct span a, struct span b);

/* Does the value meet the condition?  YES, NO, or an error. */
static int
meets(struct query_run *run, const struct query_node *n, struct span value,
    compare_fn *compare)
{
	switch (n->op) {
	case QUERY_PRESENT:
		return value.len > 0;
	case QUERY_GLOB:
		return glob_match(span_of(n->value), value);
	case QUERY_REGEX:
		return regex_matches(run, n, value);
	default:
		return in_order(n->op, compare(value, span_of(n->value)));
	}
}

/* A package for all architectures is one of each, but no source package. */
static bool
is_of_architecture(const struct light *l, const char *architecture)
{
	return span_eq(l->architecture, span_of(architecture)) ||
	       (span_eq(l->architecture, SPAN("all")) &&
		   strcmp(architecture, "source") != 0);
}

static int
match_field(struct query_run *run, const struct query_node *n)
{
	bool versions = n->field == QUERY_F_DPKG_VERSION ||
			n->field == QUERY_F_SOURCE_VERSION;
	struct span value;
	int r;

	if (n->field == QUERY_F_MATCHED_ARCHITECTURE && n->op == QUERY_EQUAL)
		return is_of_architecture(&run->package->light, n->value);
	r = field_value(run, n, &value);
	if (r != YES)
		return r;
	return meets(run, n, value, versions ? version_cmp : span_cmp);
}

/* One that is provided without a version meets no condition. */
static int
match_provides(struct query_run *run, const struct query_node *n)
{
	struct span field = run->package->light.relations[REL_PROVIDES];
	struct dep_offer offer = {0};
	struct span name;
	const char *why;
	int r = NO;

	/* What can't be read provides nothing. */
	while (r == NO && dep_next_provided(&field, &name, &offer, &why) > 0) {
		if (!span_eq(name, span_of(n->name)))
			continue;
		if (n->op == QUERY_PRESENT)
			r = YES;
		else if (offer.version.len > 0)
			r = meets(run, n, offer.version, version_cmp);
	}
	return r;
}

static int
match_package(struct query_run *run, const struct query_node *n)
{
	const struct light *l = &run->package->light;
	int r = NO;

	if (n->architecture && !is_of_architecture(l, n->architecture))
		return NO;
	if (span_eq(l->name, span_of(n->name)))
		r = meets(run, n, l->version, version_cmp);
	if (r == NO && l->relations[REL_PROVIDES].len > 0)
		r = match_provides(run, n);
	return r;
}

static int
match_ref(struct query_run *run, const struct query_node *n)
{
	buf_clear(&run->name);
	if (package_add_name(&run->package->light, &run->name) < 0)
		return no_memory(run);
	return span_eq(buf_span(&run->name), span_of(n->name));
}

static int match(struct query_run *run, const struct query_node *n);

/* all: every one of the children, else any of them. */
static int
match_children(struct query_run *run, const struct query_node *n, bool all)
{
	int r = all ? YES : NO;

	for (n = n->children; n; n = n->next) {
		int one = match(run, n);

		if (one < 0 || one == (all ? NO : YES))
			return one;
		if (one == OPEN)
			r = OPEN;
	}
	return r;
}

static int
match(struct query_run *run, const struct query_node *n)
{
	int r;

	switch (n->kind) {
	case QUERY_AND:
		return match_children(run, n, true);
	case QUERY_OR:
		return match_children(run, n, false);
	case QUERY_NOT:
		r = match(run, n->children);
		return r == YES ? NO : r == NO ? YES : r;
	case QUERY_FIELD:
		return match_field(run, n);
	case QUERY_PACKAGE:
		return match_package(run, n);
	default:
		return match_ref(run, n);
	}
}

static int
read_stanza(struct query_run *run, struct txn *t)
{
	int r = run->heavy ? 0 : heavy_new(run->store, &run->heavy);

	if (r == 0)
		r = heavy_stanza(
		    run->heavy, t, run->package->number, &run->stanza);
	if (r < 0)
		return error_sys(run->err, r == -ENOENT ? -EIO : r,
		    "cannot read package %.*s",
		    SPAN_ARG(run->package->light.name));
	run->read = true;
	run->stanzas++;
	return 0;
}

int
query_match(struct query_run *run, struct txn *t, const struct package *p,
    struct error *err)
{
	int r;

	if (!run->query)
		return YES;
	run->package = p;
	run->err = err;
	run->read = false;
	buf_clear(&run->stanza);
	r = match(run, run->query->root);
	if (r != OPEN)
		return r;
	r = read_stanza(run, t);
	return r < 0 ? r : match(run, run->query->root);
}
