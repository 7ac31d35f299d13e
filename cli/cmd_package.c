#include "cli/cmd_package.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "algebra/holdings.h"
#include "algebra/search.h"
#include "cli/output.h"
#include "store/blob.h"
#include "store/content.h"
#include "store/gone.h"
#include "store/heavy.h"
#include "store/state.h"

struct showing {
	struct cli *cli;
	struct txn *t;
	struct error err;
	struct strs architectures;
	struct query *query;
	struct search *search;
	struct holdings *holdings;
	struct heavy *heavy;
	/* The package in hand. */
	struct package package;
	struct buf stanza;
	struct strs where[HOLDER_KINDS];
};

static void
release(struct showing *s)
{
	holdings_free(s->holdings);
	search_free(s->search);
	txn_end(s->t);
	strs_release(&s->architectures);
	query_free(s->query);
	heavy_free(s->heavy);
	package_release(&s->package);
	buf_release(&s->stanza);
	for (size_t i = 0; i < HOLDER_KINDS; i++)
		strs_release(&s->where[i]);
}

static int
search_holder(const struct holder *h, void *arg)
{
	struct showing *s = arg;
	CLEANUP(state_release) struct state state = {0};
	int r = state_load(s->t, h->state, &state);

	if (r < 0)
		return error_sys(&s->err, r == -ENOENT ? -EIO : r,
		    "cannot read what %s has", h->name);
	return search_add_state(s->search, s->t, &state, &s->err);
}

static int
find(struct showing *s)
{
	struct cli *c = s->cli;
	struct strs texts = {.v = c->args, .n = c->nargs};
	struct search_opts opts = {.architectures = &s->architectures};
	int r = cli_list(c, "arch", &s->architectures);

	if (r == 0)
		r = query_parse_any(&texts, &s->query, &s->err);
	opts.query = s->query;
	if (r == 0)
		r = search_new(c->store, &opts, &s->search);
	if (r == 0)
		r = heavy_new(c->store, &s->heavy);
	if (r == 0)
		r = txn_read(c->store, &s->t, &s->err);
	if (r == 0)
		r = holders_each(s->t, search_holder, s);
	if (r == 0)
		r = search_sort(s->search, s->t, &s->err);
	if (r == 0)
		r = holdings_find(
		    s->t, search_packages(s->search), &s->holdings, &s->err);
	return r;
}

static int
add_where(const struct holder *h, void *arg)
{
	struct showing *s = arg;

	return strs_add(&s->where[h->kind], span_of(h->name));
}

static int
load(struct showing *s, uint64_t number)
{
	int r = package_light(s->t, number, &s->package);

	buf_clear(&s->stanza);
	for (size_t i = 0; i < HOLDER_KINDS; i++)
		strs_release(&s->where[i]);
	if (r == 0)
		r = heavy_stanza(s->heavy, s->t, number, &s->stanza);
	if (r == 0)
		r = holdings_each(s->holdings, number, add_where, s);
	return r == -ENOENT ? -EIO : r;
}

/* "present", "remote", or "gone": nobody had it when it was last asked for;
 * NULL where it can't be told (*reterr). */
static const char *
file_state(struct showing *s, const struct package_file *f, int *reterr)
{
	struct content c;
	int r = content_find_file(s->t, &f->sha256, f->size, &c);

	/* What is not a blob is made by the store. */
	if (r == 0 && c.kind != CONTENT_BLOB)
		return "present";
	if (r == 0)
		r = blob_present(s->cli->store, &f->sha256);
	if (r > 0)
		return "present";
	if (r == 0)
		r = gone_find(s->t, c.number, NULL);
	if (r == 0)
		return "gone";
	if (r == -ENOENT)
		return "remote";
	*reterr = r;
	return NULL;
}

static int
print_file(const char *label, const struct package_file *f, const char *state)
{
	CLEANUP_FREE char *text = NULL;

	if (asprintf(&text, "%.*s %" PRIu64 " %s", SPAN_ARG(f->path), f->size,
		state) < 0)
		return -ENOMEM;
	out_field(label, text);
	return 0;
}

/* The stanza as it is, but for control characters. */
static void
print_stanza(struct span text)
{
	struct span line;

	while (span_cut(&text, '\n', &line)) {
		struct span part;
		bool first = true;

		while (span_cut(&line, '\t', &part)) {
			if (!first)
				(void)putchar('\t');
			first = false;
			out_foreign(part);
		}
		(void)putchar('\n');
	}
}

static int
show_lines(struct showing *s)
{
	static const char *const labels[HOLDER_KINDS] = {
	    "Mirrors", "Snapshots", "Publications"};
	const struct light *l = &s->package.light;
	int r = 0;

	print_stanza(buf_span(&s->stanza));
	(void)putchar('\n');
	for (size_t i = 0; i < HOLDER_KINDS; i++)
		out_field_strs(labels[i], &s->where[i]);
	for (size_t i = 0; i < l->nfiles && r == 0; i++) {
		const char *state = file_state(s, &l->files[i], &r);

		if (state)
			r = print_file(
			    i == 0 ? "Files" : "", &l->files[i], state);
	}
	return r;
}

static json_t *
json_files(struct showing *s, int *reterr)
{
	const struct light *l = &s->package.light;
	json_t *files = json_array();

	for (size_t i = 0; i < l->nfiles; i++) {
		const struct package_file *f = &l->files[i];
		char hex[DIGEST_HEX_SIZE];
		const char *state = file_state(s, f, reterr);

		if (!state)
			break;
		/* One that can't be made is missed by json_pack(), below. */
		if (json_array_append_new(files,
			json_pack("{s:o,s:I,s:s,s:s}", "path",
			    out_json_foreign(f->path), "size",
			    (json_int_t)f->size, "sha256",
			    digest_hex(&f->sha256, hex), "state", state)) < 0)
			*reterr = -ENOMEM;
	}
	return files;
}

static int
show_json(struct showing *s, const struct search_hit *hit)
{
	CLEANUP(buf_release) struct buf name = {0};
	int r = package_add_name(&s->package.light, &name);
	json_t *j = json_pack("{s:o,s:o,s:o,s:o,s:s,s:o,s:o,s:o,s:o,s:o}",
	    "package", out_json_foreign(buf_span(&name)), "name",
	    out_json_foreign(hit->name), "version",
	    out_json_foreign(hit->version), "architecture",
	    out_json_foreign(hit->architecture), "type",
	    out_package_type(s->package.light.kind), "mirrors",
	    out_strs(&s->where[HOLDER_MIRROR]), "snapshots",
	    out_strs(&s->where[HOLDER_SNAPSHOT]), "publications",
	    out_strs(&s->where[HOLDER_PUBLICATION]), "files", json_files(s, &r),
	    "stanza", out_json_foreign(buf_span(&s->stanza)));

	if (!j)
		return -ENOMEM;
	if (r == 0 && json_dumpf(j, stdout, JSON_INDENT(2)) < 0)
		r = -EIO;
	json_decref(j);
	return r;
}

static int
show_one(struct showing *s, size_t i)
{
	struct search_hit hit = search_at(s->search, i);
	int r = load(s, hit.package);

	if (r < 0)
		return r;
	if (i > 0)
		printf(s->cli->json ? ",\n" : "\n");
	return s->cli->json ? show_json(s, &hit) : show_lines(s);
}

static int
show_all(struct showing *s)
{
	int r = 0;

	if (s->cli->json)
		printf("[\n");
	for (size_t i = 0; i < search_count(s->search) && r == 0; i++)
		r = show_one(s, i);
	if (s->cli->json)
		printf("\n]\n");
	return r < 0 ? error_sys(&s->err, r, "cannot show packages") : 0;
}

int
cmd_package_show(struct cli *c)
{
	struct showing s = {.cli = c};
	int status, r = find(&s);

	if (r == 0)
		r = show_all(&s);
	if (r < 0)
		status = cli_fail(r, &s.err);
	else
		status = search_count(s.search) > 0 ? EXIT_DONE : EXIT_NO;
	release(&s);
	return status;
}
