#include "cli/cmd_search.h"

#include <errno.h>
#include <stdio.h>

#include "algebra/holders.h"
#include "algebra/search.h"
#include "cli/format.h"
#include "cli/output.h"
#include "store/heavy.h"
#include "store/state.h"

/* Between two times that pages of the database are given back. */
#define TRIM_PACKAGES 4096

/* One search, from the arguments to what is printed. */
struct searching {
	struct cli *cli;
	struct txn *t;
	struct error err;
	struct strs architectures;
	struct query *query;
	struct format *format; /* or NULL */
	struct search *search;
	struct heavy *heavy;
	struct package package;
	struct buf text;
	size_t printed;
};

static void
release(struct searching *s)
{
	search_free(s->search);
	txn_end(s->t);
	strs_release(&s->architectures);
	query_free(s->query);
	format_free(s->format);
	heavy_free(s->heavy);
	package_release(&s->package);
	buf_release(&s->text);
}

static int
begin(struct searching *s, size_t first_query)
{
	struct cli *c = s->cli;
	const char *format = cli_value(c, "format");
	struct strs texts = {
	    .v = c->args + first_query, .n = c->nargs - first_query};
	struct search_opts opts = {.architectures = &s->architectures};
	int r = cli_list(c, "arch", &s->architectures);

	if (r == 0)
		r = query_parse_any(&texts, &s->query, &s->err);
	if (r == 0 && format)
		r = format_parse(format, &s->format, &s->err);
	opts.query = s->query;
	if (r == 0)
		r = search_new(c->store, &opts, &s->search);
	if (r == 0)
		r = heavy_new(c->store, &s->heavy);
	return r == 0 ? txn_read(c->store, &s->t, &s->err) : r;
}

static int
add_state(struct searching *s, uint64_t number, bool deps)
{
	CLEANUP(state_release) struct state state = {0};
	int r = state_load(s->t, number, &state);

	if (r < 0)
		return error_sys(&s->err, r == -ENOENT ? -EIO : r,
		    "cannot read what %s has", s->cli->args[0]);
	r = search_add_state(s->search, s->t, &state, &s->err);
	if (r == 0 && deps)
		r = search_add_deps(s->search, s->t, &state, &s->err);
	return r;
}

static int
add_name(struct buf *b, const struct search_hit *hit)
{
	buf_clear(b);
	return buf_addf(b, "%.*s_%.*s_%.*s", SPAN_ARG(hit->name),
	    SPAN_ARG(hit->version), SPAN_ARG(hit->architecture));
}

/* The text that --format makes of a package, or its name. */
static int
make_text(struct searching *s, const struct search_hit *hit)
{
	int r;

	if (!s->format)
		return add_name(&s->text, hit);
	buf_clear(&s->text);
	r = package_light(s->t, hit->package, &s->package);
	if (r < 0)
		return r == -ENOENT ? -EIO : r;
	return format_add(s->format, s->heavy, s->t, &s->package, &s->text);
}

static int
print_json(struct searching *s, const struct search_hit *hit)
{
	CLEANUP(buf_release) struct buf name = {0};
	int r = add_name(&name, hit);
	json_t *j = json_pack("{s:o,s:o,s:o,s:o,s:s}", "package",
	    out_json_foreign(buf_span(&name)), "name",
	    out_json_foreign(hit->name), "version",
	    out_json_foreign(hit->version), "architecture",
	    out_json_foreign(hit->architecture), "type",
	    out_package_type(hit->kind));

	if (j && s->format &&
	    json_object_set_new(
		j, "text", out_json_foreign(buf_span(&s->text))) < 0)
		r = -ENOMEM;
	if (!j)
		return -ENOMEM;
	printf("%s\n  ", s->printed > 0 ? "," : "");
	if (r == 0 && json_dumpf(j, stdout, JSON_COMPACT) < 0)
		r = -EIO;
	json_decref(j);
	return r;
}

static int
print_one(struct searching *s, size_t i)
{
	struct search_hit hit = search_at(s->search, i);
	int r;

	/* Their names say the same. */
	if (!s->format && search_is_again(s->search, i))
		return 0;
	r = make_text(s, &hit);
	if (r < 0)
		return r;
	if (s->cli->json) {
		r = print_json(s, &hit);
	} else if (s->format) {
		(void)fwrite(s->text.ptr, 1, s->text.len, stdout);
	} else {
		out_foreign(buf_span(&s->text));
		(void)putchar('\n');
	}
	s->printed++;
	return r;
}

static int
print_all(struct searching *s)
{
	int r = search_sort(s->search, s->t, &s->err);

	if (r < 0)
		return r;
	if (s->cli->json)
		(void)putchar('[');
	for (size_t i = 0; r == 0 && i < search_count(s->search); i++) {
		r = print_one(s, i);
		if (i % TRIM_PACKAGES == TRIM_PACKAGES - 1)
			txn_trim(s->t);
	}
	if (s->cli->json)
		printf("%s]\n", s->printed > 0 ? "\n" : "");
	return r < 0 ? error_sys(&s->err, r, "cannot print packages") : 0;
}

static int
end(struct searching *s, int r)
{
	int status;

	if (r == 0)
		r = print_all(s);
	if (r < 0)
		status = cli_fail(r, &s->err);
	else
		status = s->printed > 0 ? EXIT_DONE : EXIT_NO;
	release(s);
	return status;
}

int
search_state(struct cli *c, uint64_t state)
{
	struct searching s = {.cli = c};
	int r = begin(&s, 1);

	if (r == 0)
		r = add_state(&s, state, cli_flag(c, "with-deps"));
	return end(&s, r);
}

static int
add_holder(const struct holder *h, void *arg)
{
	return add_state(arg, h->state, false);
}

int
cmd_package_search(struct cli *c)
{
	struct searching s = {.cli = c};
	int r = begin(&s, 0);

	if (r == 0)
		r = holders_each(s.t, add_holder, &s);
	return end(&s, r);
}
