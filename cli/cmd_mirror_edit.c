#include "cli/cmd_mirror.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "algebra/query.h"
#include "base/log.h"
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

/* What create and edit do alike. */
static int
set_options(
    const struct cli *c, struct mirror *m, struct origin *o, struct error *err)
{
	int r = add_fallbacks(c, o, err);

	if (r == 0)
		r = set_indexes(c, m);
	if (r == 0)
		r = set_pool(c, m, err);
	return r < 0 ? r : set_filter(c, m, err);
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
		r = set_options(c, m, o, err);
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
	if (cli_open_store(c, STORE_CREATE) < 0)
		return EXIT_FAILED;
	r = mirrors_create(c->store, &m, &o, &err);
	if (r < 0)
		return cli_fail(r, &err);
	log_info("mirror %s created; fetch its packages' lists with: suitefs "
		 "mirror update %s",
	    m.name, m.name);
	return EXIT_DONE;
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
		r = set_options(c, m, o, err);
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
