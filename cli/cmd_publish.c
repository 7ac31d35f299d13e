#include "cli/cmd_publish.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/date.h"
#include "base/log.h"
#include "base/path.h"
#include "cli/output.h"
#include "fs/publish.h"
#include "store/unknown.h"

/* The --prefix as the store knows it: "." and "" are the root. */
static int
get_prefix(const struct cli *c, char **ret)
{
	const char *value = cli_value(c, "prefix");
	struct span s = path_strip_dot(span_of(value ? value : ""));
	const char *why;

	while (span_ends(s, SPAN("/")))
		s.len--;
	if (span_eq(s, SPAN(".")))
		s.len = 0;
	why = s.len > 0 ? prefix_check(s) : NULL;
	if (why) {
		(void)cli_usage(c, "--prefix=%s %s", value, why);
		return -EINVAL;
	}
	*ret = span_dup(s);
	return *ret ? 0 : -ENOMEM;
}

/* A string option that is absent leaves the field alone. */
static int
get_str(const struct cli *c, const char *option, char **field)
{
	const char *value = cli_value(c, option);

	if (!value)
		return 0;
	*field = span_dup(span_of(value));
	return *field ? 0 : -ENOMEM;
}

static int
get_strings(const struct cli *c, struct publication *p)
{
	const struct {
		const char *option;
		char **field;
	} strings[] = {
	    {"distribution", &p->distribution},
	    {"passphrase-file", &p->passphrase_file},
	    {"origin", &p->origin},
	    {"label", &p->label},
	    {"suite", &p->suite},
	    {"codename", &p->codename},
	    {"description", &p->description},
	    {"version", &p->version},
	    {"snapshots-url", &p->snapshots_url},
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(strings); i++)
		r = get_str(c, strings[i].option, strings[i].field);
	return r;
}

static int
get_lists(const struct cli *c, struct publication *p)
{
	int r = cli_list(c, "component", &p->components);

	if (r == 0)
		r = cli_list(c, "gpg-key", &p->keys);
	if (r == 0)
		r = cli_list(c, "arch", &p->architectures);
	if (r == 0)
		r = cli_list(c, "compress", &p->compress);
	for (size_t i = 0; r == 0 && i < c->nargs; i++)
		r = strs_add(&p->sources, span_of(c->args[i]));
	return r;
}

static int
get_valid_for(const struct cli *c, struct publication *p)
{
	const char *value = cli_value(c, "valid-for");

	if (!value)
		return 0;
	if (duration_parse(span_of(value), &p->valid_for) == 0)
		return 0;
	(void)cli_usage(
	    c, "--valid-for=%s is no duration such as 7d or 12h", value);
	return -EINVAL;
}

static int
fill(const struct cli *c, enum source_kind kind, struct publication *p)
{
	int r = get_prefix(c, &p->prefix);

	p->kind = kind;
	p->verbatim = cli_flag(c, "verbatim");
	p->skip_signing = cli_flag(c, "skip-signing");
	p->not_automatic = cli_flag(c, "not-automatic");
	p->but_automatic_upgrades = cli_flag(c, "but-automatic-upgrades");
	if (r == 0)
		r = get_strings(c, p);
	if (r == 0)
		r = get_lists(c, p);
	return r < 0 ? r : get_valid_for(c, p);
}

static json_t *
json_publication(const struct publication *p)
{
	return json_pack("{s:s,s:s,s:s,s:o,s:o,s:o,s:b,s:b,s:o,s:o,s:I,s:o,"
			 "s:o,s:o}",
	    "prefix", p->prefix, "distribution", p->distribution, "kind",
	    source_kind_name[p->kind], "sources", out_strs(&p->sources),
	    "components", out_strs(&p->components), "architectures",
	    out_strs(&p->architectures), "verbatim", p->verbatim, "signed",
	    !p->skip_signing, "gpg_keys", out_strs(&p->keys), "compress",
	    out_strs(&p->compress), "valid_for", (json_int_t)p->valid_for,
	    "snapshots_url", out_str(p->snapshots_url), "created",
	    out_time(p->created), "updated", out_time(p->updated));
}

/* What was done, and what to put into sources.list. */
static int
report(struct cli *c, const char *prefix, const char *distribution,
    const struct publish_result *result)
{
	char date[DATE_SIZE];

	if (*result->note)
		log_warn("%s", result->note);
	if (c->json)
		return out_json(json_pack("{s:s,s:s,s:b,s:I,s:i,s:o}", "prefix",
		    prefix, "distribution", distribution, "changed",
		    result->changed, "packages", (json_int_t)result->packages,
		    "indexes", (int)result->indexes, "date",
		    out_time(result->date)));
	if (!result->changed)
		log_info("%s/%s is up to date", *prefix ? prefix : ".",
		    distribution);
	else
		log_info("%s/%s published: %" PRIu64
			 " package%s, Release of %s",
		    *prefix ? prefix : ".", distribution, result->packages,
		    PLURAL(result->packages), date_format(result->date, date));
	return 0;
}

static int
publish(struct cli *c, enum source_kind kind)
{
	CLEANUP(publication_release) struct publication p = {0};
	CLEANUP(progress_cleanup) struct progress *progress = progress_new();
	struct publish_opts opts = {.now = time(NULL), .progress = progress};
	struct publish_result result = {0};
	struct error err = {0};
	int r = fill(c, kind, &p);

	if (r == -EINVAL)
		return EXIT_USAGE; /* said already */
	if (r == 0)
		r = publish_new(c->store, &p, &opts, &result, &err);
	progress_end(progress);
	if (r == 0)
		r = report(c, p.prefix, p.distribution, &result);
	return r < 0 ? cli_fail(r, &err) : EXIT_DONE;
}

int
cmd_publish_snapshot(struct cli *c)
{
	return publish(c, SOURCE_SNAPSHOT);
}

int
cmd_publish_mirror(struct cli *c)
{
	return publish(c, SOURCE_MIRROR);
}

int
cmd_publish_switch(struct cli *c)
{
	CLEANUP_FREE char *prefix = NULL;
	CLEANUP(strs_release) struct strs components = {0};
	CLEANUP(progress_cleanup) struct progress *progress = progress_new();
	struct strs sources = {.v = c->args + 1, .n = c->nargs - 1};
	struct publish_opts opts = {.now = time(NULL), .progress = progress};
	struct publish_result result = {0};
	struct error err = {0};
	int r = get_prefix(c, &prefix);

	if (r == -EINVAL)
		return EXIT_USAGE;
	if (r == 0)
		r = cli_list(c, "component", &components);
	if (r == 0)
		r = publish_switch(c->store, prefix, c->args[0], &sources,
		    &components, &opts, &result, &err);
	progress_end(progress);
	if (r == 0)
		r = report(c, prefix, c->args[0], &result);
	return r < 0 ? cli_fail(r, &err) : EXIT_DONE;
}

int
cmd_publish_update(struct cli *c)
{
	CLEANUP_FREE char *prefix = NULL;
	CLEANUP(progress_cleanup) struct progress *progress = progress_new();
	struct publish_opts opts = {.now = time(NULL), .progress = progress};
	struct publish_result result = {0};
	struct error err = {0};
	int r = get_prefix(c, &prefix);

	if (r == -EINVAL)
		return EXIT_USAGE;
	opts.force = cli_flag(c, "force");
	if (r == 0)
		r = publish_update(
		    c->store, prefix, c->args[0], &opts, &result, &err);
	progress_end(progress);
	if (r == 0)
		r = report(c, prefix, c->args[0], &result);
	return r < 0 ? cli_fail(r, &err) : EXIT_DONE;
}

static void
print_publication(const struct publication *p)
{
	CLEANUP_FREE char *components = strs_join(&p->components, " ");
	CLEANUP_FREE char *archs = strs_join(&p->architectures, " ");
	CLEANUP_FREE char *sources = strs_join(&p->sources, " ");

	printf("%s/%s", *p->prefix ? p->prefix : ".", p->distribution);
	if (p->components.n)
		printf(" (%s)", components ? components : "");
	if (p->architectures.n)
		printf(" [%s]", archs ? archs : "");
	printf(" %s %s%s%s\n", source_kind_name[p->kind],
	    sources ? sources : "", p->verbatim ? " verbatim" : "",
	    p->skip_signing ? " unsigned" : "");
}

static int
list_one(const struct publication *p, void *arg)
{
	struct out_list *l = arg;

	if (l->json)
		return out_list_add(l, json_publication(p));
	print_publication(p);
	return 0;
}

static int
list_all(struct out_list *l)
{
	return publication_each(l->t, list_one, l);
}

int
cmd_publish_list(struct cli *c)
{
	return out_list(c, list_all);
}

static int
load(struct cli *c, struct txn *t, const char *prefix, struct publication *p,
    struct error *err)
{
	int r = publication_load(t, prefix, c->args[0], p);

	if (r == -ENOENT)
		return unknown_publication(t, prefix, c->args[0], err);
	return r;
}

static int
show_lines(
    struct txn *t, const struct publication *p, const struct state *state)
{
	out_field("Prefix", *p->prefix ? p->prefix : ".");
	out_field("Distribution", p->distribution);
	out_field("Kind", source_kind_name[p->kind]);
	out_field_strs("Sources", &p->sources);
	out_field_strs("Components", &p->components);
	out_field_strs("Architectures", &p->architectures);
	out_field("Release", p->verbatim       ? "upstream's own"
			     : p->skip_signing ? "not signed"
					       : "signed here");
	out_field_strs("Keys", &p->keys);
	out_field_strs("Compressed", &p->compress);
	out_field("Snapshots", p->snapshots_url);
	out_field_strs("Signed-By", &state->signers);
	out_field_time("Date", state->date);
	out_valid_until(state);
	out_field_time("Created", p->created);
	out_field_time("Updated", p->updated);
	return out_state_lists(t, state);
}

static int
show_json(struct txn *t, const struct publication *p, const struct state *state)
{
	json_t *j = json_publication(p);
	json_t *more = json_pack("{s:o,s:o,s:b,s:o,s:o}", "date",
	    out_time(state->date), "valid_until", out_time(state->valid_until),
	    "expired", out_expired(state), "signed_by",
	    out_strs(&state->signers), "lists", out_json_lists(t, state));

	if (j && more)
		(void)json_object_update(j, more);
	json_decref(more);
	return out_json(j);
}

int
cmd_publish_show(struct cli *c)
{
	CLEANUP_FREE char *prefix = NULL;
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	CLEANUP(publication_release) struct publication p = {0};
	CLEANUP(state_release) struct state state = {0};
	struct error err = {0};
	int r = get_prefix(c, &prefix);

	if (r == -EINVAL)
		return EXIT_USAGE;
	if (r == 0)
		r = txn_read(c->store, &t, &err);
	if (r == 0)
		r = load(c, t, prefix, &p, &err);
	if (r == 0)
		r = state_load(t, p.state, &state);
	if (r == 0)
		r = c->json ? show_json(t, &p, &state)
			    : show_lines(t, &p, &state);
	return r < 0 ? cli_fail(r, &err) : EXIT_DONE;
}

struct drop {
	const char *prefix;
	const char *distribution;
};

static int
drop(struct txn *t, void *arg, struct error *err)
{
	const struct drop *d = arg;
	int r = publication_delete(t, d->prefix, d->distribution);

	if (r == -ENOENT)
		return unknown_publication(t, d->prefix, d->distribution, err);
	return r;
}

int
cmd_publish_drop(struct cli *c)
{
	CLEANUP_FREE char *prefix = NULL;
	struct drop d = {.distribution = c->args[0]};
	struct error err = {0};
	int r = get_prefix(c, &prefix);

	if (r == -EINVAL)
		return EXIT_USAGE;
	d.prefix = prefix;
	if (r == 0)
		r = store_write(c->store, drop, &d, &err);
	return r < 0 ? cli_fail(r, &err) : EXIT_DONE;
}
