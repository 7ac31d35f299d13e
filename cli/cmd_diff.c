#include "cli/cmd_diff.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "algebra/diff.h"
#include "base/buf.h"
#include "cli/cmd_derive.h"
#include "cli/output.h"
#include "store/mirrors.h"
#include "store/snapshots.h"

struct printing {
	struct store *store;
	bool json;
	struct heavy *heavy; /* NULL: no --fields */
	uint64_t rows;
};

/* Has the package moved to another component? */
static bool
has_moved(const struct diff_row *row)
{
	return row->change == DIFF_CHANGED &&
	       strcmp(row->old_component, row->new_component) != 0;
}

static bool
has_other_content(const struct diff_row *row)
{
	return row->change == DIFF_CHANGED &&
	       row->old_package != row->new_package;
}

static void
print_version(struct span version)
{
	(void)putchar(' ');
	out_foreign(version.len > 0 ? version : SPAN("-"));
}

/* What has changed, beside the version: words with commas between them. */
static void
print_notes(const struct diff_row *row, const struct strs *fields)
{
	bool same_version = span_eq(row->old_version, row->new_version);
	char before = ' ';

	if (has_moved(row)) {
		(void)putchar(' ');
		out_foreign(span_of(row->old_component));
		printf("->");
		out_foreign(span_of(row->new_component));
		before = ',';
	}
	for (size_t i = 0; i < fields->n; i++) {
		(void)putchar(before);
		out_foreign(span_of(fields->v[i]));
		before = ',';
	}
	if (has_other_content(row) && same_version && fields->n == 0)
		printf("%ccontent", before);
}

static void
print_line(const struct diff_row *row, const struct strs *fields)
{
	static const char signs[] = {
	    [DIFF_ADDED] = '+', [DIFF_REMOVED] = '-', [DIFF_CHANGED] = '!'};

	printf("%c ", signs[row->change]);
	out_foreign(row->architecture);
	(void)putchar(' ');
	out_foreign(row->name);
	print_version(row->old_version);
	print_version(row->new_version);
	print_notes(row, fields);
	(void)putchar('\n');
}

static json_t *
json_span(struct span s)
{
	return s.len > 0 ? json_stringn_nocheck(s.ptr, s.len) : json_null();
}

static int
print_json(
    const struct printing *p, const struct diff_row *row, struct strs *fields)
{
	static const char *const kinds[] = {[PACKAGE_BINARY] = "binary",
	    [PACKAGE_SOURCE] = "source",
	    [PACKAGE_UDEB] = "udeb"};
	static const char *const signs[] = {
	    [DIFF_ADDED] = "+", [DIFF_REMOVED] = "-", [DIFF_CHANGED] = "!"};
	json_t *j = json_pack("{s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:b}", "change",
	    signs[row->change], "kind", kinds[row->kind], "architecture",
	    json_span(row->architecture), "name", json_span(row->name), "old",
	    json_span(row->old_version), "new", json_span(row->new_version),
	    "old_component", out_str(row->old_component), "new_component",
	    out_str(row->new_component), "content", has_other_content(row));
	int r = j ? 0 : -ENOMEM;

	if (r == 0 && p->heavy)
		r = json_object_set_new(j, "fields", out_strs(fields));
	printf("%s\n  ", p->rows > 0 ? "," : "");
	if (r == 0)
		r = json_dumpf(j, stdout, JSON_COMPACT);
	json_decref(j);
	return r < 0 ? -ENOMEM : 0;
}

/*
 * A transaction for each row: a pager may stand still for hours, and while one
 * is open no page of the database that is given up can be used again.  Of a
 * snapshot that is dropped meanwhile everything stays for an hour
 * (CLEANUP_GRACE), as this program has the store open.
 */
static int
load_fields(
    const struct printing *p, const struct diff_row *row, struct strs *ret)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	int r = txn_read(p->store, &t, NULL);

	return r < 0 ? r : diff_fields(p->heavy, t, row, ret);
}

static int
print_row(const struct diff_row *row, void *arg)
{
	struct printing *p = arg;
	CLEANUP(strs_release) struct strs fields = {0};
	int r = 0;

	if (p->heavy && has_other_content(row))
		r = load_fields(p, row, &fields);
	if (r < 0)
		return r;
	if (p->json)
		r = print_json(p, row, &fields);
	else
		print_line(row, &fields);
	p->rows++;
	return r;
}

int
diff_print(struct cli *c, const struct diff *d, struct heavy *heavy,
    uint64_t *ret_rows)
{
	struct printing p = {
	    .store = c->store, .json = c->json, .heavy = heavy};
	int r;

	if (p.json)
		(void)putchar('[');
	r = diff_each(d, print_row, &p);
	if (p.json)
		printf("%s]\n", p.rows > 0 ? "\n" : "");
	*ret_rows = p.rows;
	return r;
}

static int
load_state(struct txn *t, const struct derive_input *in, struct state *ret,
    struct error *err)
{
	uint64_t number = 0;
	int r = derive_input_state(t, in, &number, err);

	if (r < 0)
		return r;
	r = state_load(t, number, ret);
	return r < 0 ? error_sys(err, r == -ENOENT ? -EIO : r, "%s", in->name)
		     : 0;
}

/* Has the state an index that may have packages of the architecture? */
static bool
has_architecture(const struct state *s, const char *architecture)
{
	for (size_t i = 0; i < s->nlists; i++) {
		const char *a = s->lists[i].architecture;

		/* That of a flat archive has any. */
		if (*a == '\0' || strcmp(a, architecture) == 0)
			return true;
	}
	return strcmp(architecture, "all") == 0;
}

/* Nothing that is misspelled is the same on both sides. */
static int
check_architectures(const struct state *old, const struct state *new,
    const struct strs *archs, struct error *err)
{
	for (size_t i = 0; i < archs->n; i++)
		if (!has_architecture(old, archs->v[i]) &&
		    !has_architecture(new, archs->v[i]))
			return error_set(err, -EINVAL,
			    "neither has packages for the architecture %s",
			    archs->v[i]);
	return 0;
}

static int
compare(struct cli *c, struct txn *t, const struct derive_input *in,
    struct diff **ret, struct error *err)
{
	CLEANUP(state_release) struct state old = {0}, new = {0};
	CLEANUP(strs_release) struct strs archs = {0};
	struct diff_opts opts = {.architectures = &archs,
	    .only_matching = cli_flag(c, "only-matching")};
	int r = load_state(t, &in[0], &old, err);

	if (r == 0)
		r = load_state(t, &in[1], &new, err);
	if (r == 0)
		r = cli_list(c, "arch", &archs);
	if (r == 0)
		r = check_architectures(&old, &new, &archs, err);
	return r < 0 ? r : diff_new(t, &old, &new, &opts, ret);
}

int
cmd_snapshot_diff(struct cli *c)
{
	CLEANUP(diff_cleanup) struct diff *d = NULL;
	CLEANUP(heavy_cleanup) struct heavy *heavy = NULL;
	struct txn *t = NULL;
	struct derive_input in[2] = {0};
	struct error err = {0};
	uint64_t rows = 0;
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(in) && r == 0; i++)
		r = derive_input_of(c, c->args[i], &in[i], &err);
	if (r == 0 && cli_flag(c, "fields"))
		r = heavy_new(c->store, &heavy);
	if (r == 0)
		r = txn_read(c->store, &t, &err);
	if (r == 0)
		r = compare(c, t, in, &d, &err);
	txn_end(t);
	if (r == 0)
		r = diff_print(c, d, heavy, &rows);
	if (r < 0 && !err.text[0])
		r = error_sys(&err, r, "cannot compare %s and %s", in[0].name,
		    in[1].name);
	if (r < 0)
		return cli_fail(r, &err);
	return rows > 0 ? EXIT_NO : EXIT_DONE;
}
