#include "cli/cmd_mirror.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <time.h>

#include "algebra/query.h"
#include "base/log.h"
#include "cli/cmd_fetch.h"
#include "cli/cmd_search.h"
#include "cli/out_state.h"
#include "cli/output.h"
#include "mirror/fetch.h"
#include "mirror/wanted.h"
#include "store/mirrors.h"

/* Replaces *field by a copy of value. */
static int
set_str(char **field, const char *value)
{
	char *copy = span_dup(span_of(value));

	if (!copy)
		return -ENOMEM;
	free(*field);
	*field = copy;
	return 0;
}

/* An archive's URL always ends in a slash; NULL: out of memory. */
static char *
with_slash(const char *url)
{
	size_t len = strlen(url);
	char *copy = NULL;

	if (asprintf(&copy, "%s%s", url,
		len > 0 && url[len - 1] == '/' ? "" : "/") < 0)
		return NULL;
	return copy;
}

static int
set_url(struct origin *o, const char *url, struct error *err)
{
	int r = fetch_global_init(err);
	const char *why;
	char *copy;

	if (r < 0)
		return r;
	why = fetch_url_check(url);
	if (why)
		return error_set(err, -EINVAL, "URL %s: %s", url, why);
	copy = with_slash(url);
	if (!copy)
		return -ENOMEM;
	free(o->url);
	o->url = copy;
	return 0;
}

static int
add_fallback(struct origin *o, const char *url, struct error *err)
{
	int r = fetch_global_init(err);
	const char *why;
	CLEANUP_FREE char *copy = NULL;

	if (r < 0)
		return r;
	why = fetch_fallback_check(url);
	if (why)
		return error_set(err, -EINVAL, "fallback %s: %s", url, why);
	copy = strstr(url, ORIGIN_HASH) ? strdup(url) : with_slash(url);
	if (!copy)
		return -ENOMEM;
	if (strs_has(&o->fallbacks, span_of(copy)))
		return 0;
	return strs_add(&o->fallbacks, span_of(copy));
}

static int
add_fallbacks(const struct cli *c, struct origin *o, struct error *err)
{
	CLEANUP(strs_release) struct strs urls = {0};
	int r = cli_values(c, "fallback", &urls);

	for (size_t i = 0; r == 0 && i < urls.n; i++)
		r = add_fallback(o, urls.v[i], err);
	return r;
}

/* The file that an option names, as an absolute path. */
static int
set_file(const struct cli *c, const char *option, char **field)
{
	CLEANUP(strs_release) struct strs files = {0};
	int r = cli_files(c, option, &files);

	if (r < 0 || files.n == 0)
		return r;
	return set_str(field, files.v[files.n - 1]);
}

static int
set_tls(const struct cli *c, struct origin *o)
{
	int r = set_file(c, "ca", &o->ca);

	if (r == 0)
		r = set_file(c, "cert", &o->cert);
	return r < 0 ? r : set_file(c, "key", &o->key);
}

/* What is given replaces what was there; "--indexes=" leaves the default. */
static int
set_indexes(const struct cli *c, struct mirror *m)
{
	CLEANUP(strs_release) struct strs globs = {0};
	int r = 0;

	if (!cli_flag(c, "indexes") && !cli_flag(c, "no-indexes"))
		return 0;
	m->no_translations = cli_flag(c, "no-indexes");
	strs_release(&m->indexes);
	r = cli_values(c, "indexes", &globs);
	for (size_t i = 0; r == 0 && i < globs.n; i++) {
		if (globs.v[i][0])
			r = strs_add(&m->indexes, span_of(globs.v[i]));
	}
	return r;
}

static int
set_pool(const struct cli *c, struct mirror *m, struct error *err)
{
	const char *pool = cli_value(c, "pool");

	if (!pool)
		return 0;
	m->whole_pool = strcmp(pool, "all") == 0;
	if (m->whole_pool || strcmp(pool, "on-demand") == 0)
		return 0;
	return error_set(
	    err, -EINVAL, "--pool=%s is neither on-demand nor all", pool);
}

/* "--filter=" takes it away. */
static int
set_filter(const struct cli *c, struct mirror *m, struct error *err)
{
	CLEANUP(query_cleanup) struct query *q = NULL;
	const char *filter = cli_value(c, "filter");
	int r;

	if (!filter)
		return 0;
	if (!*filter) {
		free(TAKE(m->filter));
		return 0;
	}
	r = query_parse(span_of(filter), &q, err);
	return r < 0 ? error_prefix(err, r, "--filter")
		     : set_str(&m->filter, filter);
}

static int
fill_new(
    const struct cli *c, struct mirror *m, struct origin *o, struct error *err)
{
	int r = set_url(o, c->args[1], err);

	if (r < 0)
		return r;
	m->name = span_dup(span_of(c->args[0]));
	m->suite = span_dup(span_of(c->args[2]));
	if (!m->name || !m->suite)
		return -ENOMEM;
	for (size_t i = 3; r == 0 && i < c->nargs; i++)
		r = strs_add(&m->components, span_of(c->args[i]));
	if (r == 0)
		r = cli_list(c, "arch", &m->architectures);
	if (r == 0)
		r = cli_files(c, "keyring", &m->keyrings);
	m->sources = cli_flag(c, "source");
	m->udebs = cli_flag(c, "udeb");
	m->allow_unsigned = cli_flag(c, "allow-unsigned");
	m->filter_deps = cli_flag(c, "filter-with-deps");
	m->created = time(NULL);
	if (r == 0)
		r = add_fallbacks(c, o, err);
	if (r == 0)
		r = set_indexes(c, m);
	if (r == 0)
		r = set_pool(c, m, err);
	if (r == 0)
		r = set_filter(c, m, err);
	return r < 0 ? r : set_tls(c, o);
}

int
cmd_mirror_create(struct cli *c)
{
	CLEANUP(mirror_release) struct mirror m = {0};
	CLEANUP(origin_release) struct origin o = {0};
	struct error err = {0};
	int r = fill_new(c, &m, &o, &err);

	if (r == -EINVAL && !err.text[0])
		return EXIT_USAGE; /* said already */
	if (r < 0)
		return cli_fail(r, &err);
	if (m.keyrings.n == 0 && !m.allow_unsigned)
		return cli_usage(c,
		    "--keyring=FILE is missing (the keys that sign this "
		    "archive; --allow-unsigned trusts it without)");
	if (suite_is_flat(m.suite) && m.components.n > 0)
		return cli_usage(c,
		    "%s ends in '/': a flat archive has no components",
		    m.suite);
	r = mirrors_create(c->store, &m, &o, &err);
	if (r < 0)
		return cli_fail(r, &err);
	log_info("mirror %s created; fetch its packages' lists with: suitefs "
		 "mirror update %s",
	    m.name, m.name);
	return EXIT_DONE;
}

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

/* --source and --no-source, and the like. */
static void
set_flag(const struct cli *c, const char *yes, const char *no, bool *field)
{
	if (cli_flag(c, yes))
		*field = true;
	if (cli_flag(c, no))
		*field = false;
}

/* A list that is given replaces the old one; "--arch=" empties it. */
static int
set_list(const struct cli *c, const char *option, struct strs *field)
{
	if (!cli_flag(c, option))
		return 0;
	strs_release(field);
	return cli_list(c, option, field);
}

/* An edit; the files that its options name are looked at before. */
struct edit {
	const struct cli *cli;
	struct strs keyrings;
	struct origin tls;
};

static void
edit_release(struct edit *e)
{
	strs_release(&e->keyrings);
	origin_release(&e->tls);
}

static int
edit_files(const struct edit *e, struct mirror *m, struct origin *o)
{
	int r = 0;

	if (e->keyrings.n > 0) {
		strs_release(&m->keyrings);
		r = strs_add_all(&m->keyrings, &e->keyrings);
	}
	if (r == 0 && e->tls.ca)
		r = set_str(&o->ca, e->tls.ca);
	if (r == 0 && e->tls.cert)
		r = set_str(&o->cert, e->tls.cert);
	if (r == 0 && e->tls.key)
		r = set_str(&o->key, e->tls.key);
	return r;
}

static int
edit(struct mirror *m, struct origin *o, void *arg, struct error *err)
{
	const struct edit *e = arg;
	const struct cli *c = e->cli;
	int r = 0;

	if (cli_value(c, "url"))
		r = set_url(o, cli_value(c, "url"), err);
	if (r == 0 && cli_value(c, "suite"))
		r = set_str(&m->suite, cli_value(c, "suite"));
	if (r == 0)
		r = set_list(c, "component", &m->components);
	if (r == 0)
		r = set_list(c, "arch", &m->architectures);
	if (cli_flag(c, "no-fallback"))
		strs_release(&o->fallbacks);
	if (r == 0)
		r = add_fallbacks(c, o, err);
	if (r == 0)
		r = set_indexes(c, m);
	if (r == 0)
		r = set_pool(c, m, err);
	if (r == 0)
		r = set_filter(c, m, err);
	if (r == 0)
		r = edit_files(e, m, o);
	if (r < 0)
		return r;
	set_flag(c, "source", "no-source", &m->sources);
	set_flag(c, "udeb", "no-udeb", &m->udebs);
	set_flag(c, "allow-unsigned", "no-allow-unsigned", &m->allow_unsigned);
	set_flag(c, "filter-with-deps", "no-filter-with-deps", &m->filter_deps);
	if (suite_is_flat(m->suite) && m->components.n > 0)
		return error_set(err, -EINVAL,
		    "%s ends in '/': a flat archive has no components "
		    "(--component= takes them away)",
		    m->suite);
	if (m->keyrings.n == 0 && !m->allow_unsigned)
		return error_set(err, -EINVAL,
		    "mirror %s would have neither a keyring nor "
		    "--allow-unsigned",
		    m->name);
	return 0;
}

int
cmd_mirror_edit(struct cli *c)
{
	CLEANUP(edit_release) struct edit e = {.cli = c};
	struct error err = {0};
	int r;

	if (c->ngiven == 0)
		return cli_usage(c, "nothing to change was given");
	r = cli_files(c, "keyring", &e.keyrings);
	if (r == 0)
		r = set_tls(c, &e.tls);
	if (r == -EINVAL)
		return EXIT_USAGE; /* said already */
	if (r == 0)
		r = mirrors_edit(c->store, c->args[0], edit, &e, &err);
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
