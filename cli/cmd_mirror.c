#include "cli/cmd_mirror.h"

#include <errno.h>
#include <stdio.h>

#include "cli/cmd_fetch.h"
#include "cli/cmd_search.h"
#include "cli/out_state.h"
#include "cli/output.h"
#include "store/mirrors.h"

static json_t *
json_mirror(const struct mirror *m, const struct origin *o)
{
	return json_pack("{s:s,s:s,s:o,s:s,s:o,s:o,s:b,s:b,s:o,s:b,s:s,s:o,s:b,"
			 "s:b,s:b,s:o,s:o,s:o}",
	    "name", m->name, "url", o->url, "fallbacks",
	    out_strs(&o->fallbacks), "suite", m->suite, "components",
	    out_strs(&m->components), "architectures",
	    out_strs(&m->architectures), "source", m->sources, "udeb", m->udebs,
	    "indexes", out_strs(&m->indexes), "translations",
	    !m->no_translations, "pool", m->whole_pool ? "all" : "on-demand",
	    "filter", out_str(m->filter), "filter_with_deps", m->filter_deps,
	    "filtered", m->whole != 0, "unsigned", m->allow_unsigned,
	    "keyrings", out_strs(&m->keyrings), "created", out_time(m->created),
	    "updated", out_time(m->updated));
}

static void
print_mirror(const struct mirror *m, const struct origin *o)
{
	CLEANUP_FREE char *components = strs_join(&m->components, " ");
	CLEANUP_FREE char *archs = strs_join(&m->architectures, " ");

	printf("%s %s %s%s%s", m->name, o->url, m->suite,
	    m->components.n ? " " : "", components ? components : "");
	if (m->architectures.n)
		printf(" [%s]", archs ? archs : "");
	printf("%s%s%s%s%s\n", m->sources ? " source" : "",
	    m->udebs ? " udeb" : "", m->filter ? " filtered" : "",
	    m->allow_unsigned ? " unsigned" : "",
	    m->root ? "" : " (never updated)");
}

static int
list_one(const struct mirror *m, void *arg)
{
	struct out_list *l = arg;
	CLEANUP(origin_release) struct origin o = {0};
	int r = origin_load(l->t, m->origin, &o);

	if (r < 0)
		return r;
	if (l->json)
		return out_list_add(l, json_mirror(m, &o));
	print_mirror(m, &o);
	return 0;
}

static int
list_all(struct out_list *l)
{
	return mirror_each(l->t, list_one, l);
}

int
cmd_mirror_list(struct cli *c)
{
	return out_list(c, list_all);
}

/* What mirror show prints. */
struct shown {
	struct txn *t;
	struct mirror mirror;
	struct origin origin;
	struct state state; /* of a mirror that has one */
	struct pool_count files;
};

static void
shown_release(struct shown *s)
{
	txn_end(s->t);
	mirror_release(&s->mirror);
	origin_release(&s->origin);
	state_release(&s->state);
}

static int
show_lines(const struct shown *s)
{
	const struct mirror *m = &s->mirror;
	const struct origin *o = &s->origin;

	out_field("Name", m->name);
	out_field("URL", o->url);
	out_field_strs("Fallbacks", &o->fallbacks);
	out_field("Suite", m->suite);
	out_field_strs("Components", &m->components);
	out_field_strs("Architectures", &m->architectures);
	out_field("Pool", m->whole_pool ? "all" : NULL);
	out_field_strs("Indexes", &m->indexes);
	out_field("Translations", m->no_translations ? "no" : NULL);
	out_field("Source", m->sources ? "yes" : NULL);
	out_field("Udeb", m->udebs ? "yes" : NULL);
	out_field("Filter", m->filter);
	if (m->filter && m->filter_deps)
		out_field("", "and what these packages depend on");
	if (m->whole)
		out_field("Verbatim", "no: a filter has chosen packages, "
				      "which no Release of the archive lists");
	out_field_strs("Keyrings", &m->keyrings);
	out_field("Unsigned", m->allow_unsigned ? "allowed" : NULL);
	out_field("CA", o->ca);
	out_field("Certificate", o->cert);
	out_field_time("Created", m->created);
	if (!m->state) {
		out_field("Updated", "never");
		return 0;
	}
	out_field_time("Updated", m->updated);
	out_verified(&s->state);
	out_files(&s->files);
	return out_state_lists(s->t, &s->state);
}

static json_t *
json_state(const struct shown *s)
{
	json_t *j = json_pack("{s:o,s:o,s:o}", "date", out_time(s->state.date),
	    "taken", out_time(s->state.taken), "lists",
	    out_json_lists(s->t, &s->state));

	if (j && out_json_verified(j, &s->state) == 0 &&
	    out_json_files(j, &s->files) == 0)
		return j;
	json_decref(j);
	return NULL;
}

static int
show_json(const struct shown *s)
{
	json_t *j = json_mirror(&s->mirror, &s->origin);

	if (j && s->mirror.state &&
	    json_object_set_new(j, "state", json_state(s)) < 0) {
		json_decref(j);
		j = NULL;
	}
	return out_json(j);
}

static int
load_shown(struct cli *c, struct shown *s, struct error *err)
{
	int r = txn_read(c->store, &s->t, err);

	if (r == 0)
		r = mirrors_load(s->t, c->args[0], &s->mirror, err);
	if (r == 0)
		r = origin_load(s->t, s->mirror.origin, &s->origin);
	if (r == 0 && s->mirror.state)
		r = state_load(s->t, s->mirror.state, &s->state);
	if (r == 0 && s->mirror.state && !cli_flag(c, "packages"))
		r = state_files(s->t, s->mirror.state, &s->files, err);
	return r;
}

int
cmd_mirror_show(struct cli *c)
{
	CLEANUP(shown_release) struct shown s = {0};
	struct error err = {0};
	int r = load_shown(c, &s, &err);

	if (r == 0 && cli_flag(c, "packages"))
		r = out_packages(s.t, &s.state, c->json);
	else if (r == 0)
		r = c->json ? show_json(&s) : show_lines(&s);
	return r < 0 ? cli_fail(r, &err) : EXIT_DONE;
}

int
cmd_mirror_rename(struct cli *c)
{
	struct error err = {0};
	int r = mirrors_rename(c->store, c->args[0], c->args[1], &err);

	return r < 0 ? cli_fail(r, &err) : EXIT_DONE;
}

int
cmd_mirror_drop(struct cli *c)
{
	struct error err = {0};
	int r = mirrors_drop(c->store, c->args[0], cli_flag(c, "force"), &err);

	return r < 0 ? cli_fail(r, &err) : EXIT_DONE;
}

/* For commands that work on the newest state of the mirror that is named first.
 */
static int
with_state(struct cli *c, int (*run)(struct cli *c, uint64_t state))
{
	CLEANUP(mirror_release) struct mirror m = {0};
	struct txn *t = NULL;
	struct error err = {0};
	int r = txn_read(c->store, &t, &err);

	if (r == 0)
		r = mirrors_load(t, c->args[0], &m, &err);
	if (r == 0 && m.state == 0)
		r = error_set(
		    &err, -ENOENT, "mirror %s has never been updated", m.name);
	txn_end(t);
	return r < 0 ? cli_fail(r, &err) : run(c, m.state);
}

int
cmd_mirror_fetch(struct cli *c)
{
	return with_state(c, fetch_state);
}

int
cmd_mirror_search(struct cli *c)
{
	return with_state(c, search_state);
}
