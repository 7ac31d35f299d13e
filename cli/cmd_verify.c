#include "cli/cmd_verify.h"

#include <errno.h>
#include <stdio.h>

#include "algebra/unmet.h"
#include "base/log.h"
#include "cli/cmd_derive.h"
#include "cli/output.h"

/* How much of a group that can't be read is quoted. */
#define QUOTE_MAX 100

struct verify {
	struct cli *c;
	struct strs architectures;
	struct derive_input *inputs; /* the snapshot, then the sources */
	struct state *states;	     /* theirs */
	const struct state **sources;
	bool first; /* nothing has been printed */
};

static void
verify_release(struct verify *v)
{
	for (size_t i = 0; v->states && i < v->c->nargs; i++)
		state_release(&v->states[i]);
	free(v->inputs);
	free(v->states);
	free((void *)v->sources);
	strs_release(&v->architectures);
}

static int
name_inputs(struct verify *v, struct error *err)
{
	size_t n = v->c->nargs;
	int r = 0;

	v->inputs = calloc(n, sizeof(*v->inputs));
	v->states = calloc(n, sizeof(*v->states));
	v->sources = calloc(n, sizeof(const struct state *));
	if (!v->inputs || !v->states || !v->sources)
		return -ENOMEM;
	v->inputs[0] = (struct derive_input){SOURCE_SNAPSHOT, v->c->args[0]};
	for (size_t i = 1; i < n && r == 0; i++)
		r = derive_input_of(v->c, v->c->args[i], &v->inputs[i], err);
	return r;
}

static int
load(struct verify *v, struct txn *t, struct error *err)
{
	for (size_t i = 0; i < v->c->nargs; i++) {
		uint64_t number = 0;
		int r = derive_input_state(t, &v->inputs[i], &number, err);

		if (r < 0)
			return r;
		r = state_load(t, number, &v->states[i]);
		if (r < 0)
			return error_sys(err, r == -ENOENT ? -EIO : r, "%s",
			    v->inputs[i].name);
		if (i > 0)
			v->sources[i - 1] = &v->states[i];
	}
	return 0;
}

static void
warn(const struct unmet_fault *f, void *arg)
{
	struct span group = f->group;

	(void)arg;
	if (group.len > QUOTE_MAX)
		group.len = QUOTE_MAX;
	log_warn("%.*s: %s: %s: \"%.*s\"", SPAN_ARG(f->package), f->field,
	    f->why, SPAN_ARG(group));
}

static json_t *
json_askers(const struct unmet *u)
{
	json_t *a = json_array();

	for (size_t i = 0; i < u->naskers; i++)
		(void)json_array_append_new(
		    a, json_pack("{s:s%,s:s}", "package",
			   u->askers[i].package.ptr, u->askers[i].package.len,
			   "field", relation_field[u->askers[i].relation]));
	return a;
}

static int
print_json(struct verify *v, const struct unmet *u)
{
	json_t *j = json_pack("{s:s%,s:s%}", "dependency", u->dependency.ptr,
	    u->dependency.len, "architecture", u->architecture.ptr,
	    u->architecture.len);
	int r = j ? 0 : -ENOMEM;

	if (r == 0 && cli_flag(v->c, "why"))
		r = json_object_set_new(j, "packages", json_askers(u));
	printf("%s\n  ", v->first ? "" : ",");
	if (r == 0)
		r = json_dumpf(j, stdout, JSON_COMPACT);
	json_decref(j);
	return r < 0 ? -ENOMEM : 0;
}

static int
print_row(const struct unmet *u, void *arg)
{
	struct verify *v = arg;
	int r = 0;

	if (v->c->json) {
		r = print_json(v, u);
		v->first = false;
		return r;
	}
	out_foreign(u->dependency);
	printf(" [");
	out_foreign(u->architecture);
	printf("]\n");
	for (size_t i = 0; i < u->naskers; i++) {
		printf("  ");
		out_foreign(u->askers[i].package);
		printf(" %s\n", relation_field[u->askers[i].relation]);
	}
	return 0;
}

static int
find(struct verify *v, struct txn *t, struct error *err)
{
	struct cli *c = v->c;
	struct unmet_opts opts = {
	    .state = &v->states[0],
	    .sources = v->sources,
	    .nsources = c->nargs - 1,
	    .architectures = &v->architectures,
	    .recommends = cli_flag(c, "recommends"),
	    .suggests = cli_flag(c, "suggests"),
	    .build = cli_flag(c, "build"),
	    .all_variants = cli_flag(c, "all-variants"),
	    .why = cli_flag(c, "why"),
	    .fault = warn,
	    .fn = print_row,
	    .arg = v,
	};
	int r;

	if (c->json)
		(void)putchar('[');
	r = unmet_find(t, &opts, err);
	if (c->json)
		printf("%s]\n", v->first ? "" : "\n");
	return r;
}

int
cmd_snapshot_verify(struct cli *c)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	CLEANUP(verify_release) struct verify v = {.c = c, .first = true};
	struct error err = {0};
	int r = cli_list(c, "arch", &v.architectures);

	if (r == 0)
		r = name_inputs(&v, &err);
	if (r == 0)
		r = txn_read(c->store, &t, &err);
	if (r == 0)
		r = load(&v, t, &err);
	if (r == 0)
		r = find(&v, t, &err);
	if (r < 0)
		return cli_fail(r, &err);
	if (r > 0)
		log_info(r == 1 ? "%d dependency is not met"
				: "%d dependencies are not met",
		    r);
	return r > 0 ? EXIT_NO : EXIT_DONE;
}
