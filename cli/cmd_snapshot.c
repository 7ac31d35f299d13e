#include "cli/cmd_snapshot.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "algebra/derive.h"
#include "base/date.h"
#include "base/log.h"
#include "base/path.h"
#include "cli/cmd_fetch.h"
#include "cli/cmd_search.h"
#include "cli/out_state.h"
#include "cli/output.h"
#include "store/snapshots.h"
#include "store/uses.h"

static bool
is_from_mirror(char **args)
{
	return strcmp(args[0], "from") == 0 && strcmp(args[1], "mirror") == 0;
}

/* What it was made of; a capture, of its mirror. */
static json_t *
json_sources(const struct snapshot *s)
{
	json_t *a = json_array();

	if (s->mirror)
		(void)json_array_append_new(
		    a, json_pack(
			   "{s:s,s:s}", "kind", "mirror", "name", s->mirror));
	for (size_t i = 0; i < s->nsources; i++)
		(void)json_array_append_new(
		    a, json_pack("{s:s,s:s}", "kind",
			   source_kind_name[s->sources[i].kind], "name",
			   s->sources[i].name));
	return a;
}

static json_t *
json_snapshot(const struct snapshot *s, const struct state *state)
{
	return json_pack("{s:s,s:o,s:s,s:o,s:o,s:o,s:o,s:b}", "name", s->name,
	    "created", out_time(s->created), "description", s->description,
	    "mirror", out_str(s->mirror), "sources", json_sources(s), "suite",
	    out_str(state->suite), "date", out_time(state->date), "unsigned",
	    state->trusted_unsigned);
}

/* Loads a snapshot and what it holds. */
static int
load(struct txn *t, const char *name, struct snapshot *s, struct state *state,
    struct error *err)
{
	int r = snapshots_load(t, name, s, err);

	if (r < 0)
		return r;
	r = state_load(t, s->state, state);
	return r < 0 ? error_sys(err, r, "snapshot %s", s->name) : 0;
}

int
snapshot_print(struct cli *c, const char *name)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	CLEANUP(snapshot_release) struct snapshot s = {0};
	CLEANUP(state_release) struct state state = {0};
	struct error err = {0};
	int r = txn_read(c->store, &t, &err);

	if (r == 0)
		r = load(t, name, &s, &state, &err);
	if (r == 0)
		r = out_json(json_snapshot(&s, &state));
	return r < 0 ? cli_fail(r, &err) : EXIT_DONE;
}

/* NAME from mirror M, NAME empty, or from mirror M. */
int
cmd_snapshot_create(struct cli *c)
{
	const char *name = c->args[0];
	char dated[DATE_SIZE];
	struct error err = {0};
	bool empty = c->nargs == 2 && strcmp(c->args[1], "empty") == 0;
	bool by_date = c->nargs == 3 && is_from_mirror(c->args);
	int r;

	if (!empty && !by_date &&
	    (c->nargs != 4 || !is_from_mirror(c->args + 1)))
		return cli_usage(c, "say NAME from mirror M, from mirror M, or "
				    "NAME empty");
	/* Where there is no store, there is no mirror either. */
	if (cli_open_store(c, empty ? STORE_CREATE : 0) < 0)
		return EXIT_FAILED;
	if (empty)
		r = derive_empty(c->store, name, time(NULL), &err);
	else if (by_date) {
		r = snapshots_from_mirror_dated(
		    c->store, c->args[2], time(NULL), dated, &err);
		name = dated;
	} else
		r = snapshots_from_mirror(
		    c->store, name, c->args[3], time(NULL), &err);
	if (r < 0)
		return cli_fail(r, &err);
	log_info("snapshot %s created", name);
	return c->json ? snapshot_print(c, name) : EXIT_DONE;
}

static int
list_one(const struct snapshot *s, void *arg)
{
	struct out_list *l = arg;
	CLEANUP(state_release) struct state state = {0};
	char created[DATE_SIZE];
	int r = state_load(l->t, s->state, &state);

	if (r < 0)
		return r;
	if (l->json)
		return out_list_add(l, json_snapshot(s, &state));
	printf("%s %s %s%s\n", s->name, date_format_iso(s->created, created),
	    s->description, state.trusted_unsigned ? " unsigned" : "");
	return 0;
}

static int
list_all(struct out_list *l)
{
	return snapshot_each(l->t, list_one, l);
}

int
cmd_snapshot_list(struct cli *c)
{
	return out_list(c, list_all);
}

static void
show_source(size_t i, const struct snapshot_source *source)
{
	char text[NAME_MAX_LEN + 32];

	(void)snprintf(text, sizeof(text), "%s %s",
	    source_kind_name[source->kind], source->name);
	out_field(i == 0 ? "Sources" : "", text);
}

static int
show_lines(struct txn *t, const struct snapshot *s, const struct state *state,
    const struct pool_count *n)
{
	CLEANUP(buf_release) struct buf places = {0};
	int r = uses_names(t, SOURCE_SNAPSHOT, s->name, &places);

	if (r < 0)
		return r;
	out_field("Name", s->name);
	out_field_time("Created", s->created);
	out_field("From", s->description);
	for (size_t i = 0; i < s->nsources; i++)
		show_source(i, &s->sources[i]);
	out_field("Suite", state->suite);
	out_verified(state);
	out_field("Unsigned", state->trusted_unsigned ? "yes" : NULL);
	out_field("Published", places.len > 0 ? places.ptr : NULL);
	out_files(n);
	return out_state_lists(t, state);
}

static int
add_place(const struct publication *p, void *arg)
{
	json_t *place = json_pack(
	    "{s:s,s:s}", "prefix", p->prefix, "distribution", p->distribution);

	return json_array_append_new(arg, place) < 0 ? -ENOMEM : 0;
}

static json_t *
json_places(struct txn *t, const char *snapshot)
{
	json_t *places = json_array();

	if (publication_each_of(
		t, SOURCE_SNAPSHOT, snapshot, add_place, places) == 0)
		return places;
	json_decref(places);
	return NULL;
}

static int
show_json(struct txn *t, const struct snapshot *s, const struct state *state,
    const struct pool_count *n)
{
	json_t *j = json_snapshot(s, state);

	if (!j || out_json_verified(j, state) < 0 || out_json_files(j, n) < 0 ||
	    json_object_set_new(j, "published", json_places(t, s->name)) < 0 ||
	    json_object_set_new(j, "lists", out_json_lists(t, state)) < 0) {
		json_decref(j);
		j = NULL;
	}
	return out_json(j);
}

int
cmd_snapshot_show(struct cli *c)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	CLEANUP(snapshot_release) struct snapshot s = {0};
	CLEANUP(state_release) struct state state = {0};
	struct pool_count n = {0};
	struct error err = {0};
	int r = txn_read(c->store, &t, &err);

	if (r == 0)
		r = load(t, c->args[0], &s, &state, &err);
	if (r == 0 && cli_flag(c, "packages")) {
		r = out_packages(t, &state, c->json);
		return r < 0 ? cli_fail(r, &err) : EXIT_DONE;
	}
	if (r == 0)
		r = state_files(t, s.state, &n, &err);
	if (r == 0)
		r = c->json ? show_json(t, &s, &state, &n)
			    : show_lines(t, &s, &state, &n);
	return r < 0 ? cli_fail(r, &err) : EXIT_DONE;
}

/* For commands that work on the state of the snapshot that is named first. */
static int
with_state(struct cli *c, int (*run)(struct cli *c, uint64_t state))
{
	CLEANUP(snapshot_release) struct snapshot s = {0};
	struct txn *t = NULL;
	struct error err = {0};
	int r = txn_read(c->store, &t, &err);

	if (r == 0)
		r = snapshots_load(t, c->args[0], &s, &err);
	txn_end(t);
	return r < 0 ? cli_fail(r, &err) : run(c, s.state);
}

int
cmd_snapshot_fetch(struct cli *c)
{
	return with_state(c, fetch_state);
}

int
cmd_snapshot_search(struct cli *c)
{
	return with_state(c, search_state);
}

int
cmd_snapshot_rename(struct cli *c)
{
	struct error err = {0};
	int r = snapshots_rename(c->store, c->args[0], c->args[1], &err);

	return r < 0 ? cli_fail(r, &err) : EXIT_DONE;
}

int
cmd_snapshot_drop(struct cli *c)
{
	struct error err = {0};
	int r =
	    snapshots_drop(c->store, c->args[0], cli_flag(c, "force"), &err);

	return r < 0 ? cli_fail(r, &err) : EXIT_DONE;
}
