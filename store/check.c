#include "store/check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "store/check_run.h"
#include "store/hold.h"
#include "store/path_index.h"
#include "store/walk.h"

void
check_tell(struct check *c, const struct check_finding *f)
{
	if (c->notes) {
		if (check_note(c->notes, f) < 0)
			c->notes->failed = -ENOMEM;
		return;
	}
	c->result->findings += !f->consequence;
	c->result->repaired += f->repaired;
	if (c->opts->found)
		c->opts->found(c->opts->arg, f);
}

void
check_found(
    struct check *c, const char *what, bool repaired, const char *fmt, ...)
{
	char text[CHECK_TEXT_SIZE];
	struct check_finding f = {
	    .what = what, .text = text, .repaired = repaired};
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	check_tell(c, &f);
}

static int
suspect(struct check *c, const char *what, uint64_t number)
{
	static const struct {
		const char *what;
		enum table table;
	} tables[] = {
	    {"package", T_LIGHT},
	    {"dictionary", T_DICTS},
	    {"run", T_RUNS},
	    {"list", T_LISTS},
	    {"form", T_FORMS},
	    {"text", T_TEXTS},
	    {"blob", T_BLOBS},
	    {"origin", T_ORIGINS},
	    {"state", T_STATES},
	    {"root", T_ROOTS},
	};

	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(tables) && r >= 0; i++)
		if (strcmp(what, tables[i].what) == 0 &&
		    number <= c->limits[tables[i].table])
			r = bits_set(&c->suspects[tables[i].table], number);
	/* A number beyond all that can be is not looked for. */
	return r == -ENOMEM ? r : 0;
}

int
check_found_number(
    struct check *c, const char *what, uint64_t number, const char *fmt, ...)
{
	char text[CHECK_TEXT_SIZE], name[64];
	struct check_finding f = {.what = name, .text = text};
	va_list args;

	(void)snprintf(name, sizeof(name), "%s %" PRIu64, what, number);
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	check_tell(c, &f);
	return suspect(c, what, number);
}

int
check_stopped(const struct check *c)
{
	if (c->opts->cancel && atomic_load(c->opts->cancel))
		return error_set(c->err, -EINTR, "stopped");
	return 0;
}

static void
reach_fault(void *arg, const struct reach_fault *f)
{
	struct check *c = arg;

	/* The walk through its table tells. */
	if (f->unreadable)
		return;
	if (f->number != 0)
		(void)check_found_number(c, f->kind, f->number, "%s", f->text);
	else
		check_found(c, f->what, false, "%s", f->text);
}

static int
check_reach(struct check *c)
{
	/* What was dropped just now is checked like the rest. */
	struct reach_opts opts = {
	    .dropped_since = INT64_MAX,
	    .fault = reach_fault,
	    .arg = c,
	    .progress = c->opts->progress,
	    .cancel = c->opts->cancel,
	};
	int r;

	progress_stage(opts.progress, "checking references", 0, 0);
	r = reach_mark(c->store, &opts, &c->reach, c->err);
	progress_end(opts.progress);
	return r;
}

static int
check_origins(struct check *c)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	const struct bits *origins = &c->reach.bits[REACH_ORIGIN];
	struct span bytes;
	int r = txn_read(c->store, &t, c->err);

	for (uint64_t n = bits_next(origins, 1); n != UINT64_MAX && r >= 0;
	     n = bits_next(origins, n + 1)) {
		r = txn_get64(t, T_ORIGINS, n, &bytes);
		if (r == -ENOENT)
			r = check_found_number(c, "origin", n, "is missing");
		else if (is_damage(r))
			r = 0; /* told where its table is gone through */
	}
	return r;
}

/* Tables of names are gone through by reach_mark(), and what T_HEAVY has by
 * way of T_PACKAGE_IDS and lists. */
static const struct {
	enum table table;
	check_entry_fn *fn;
} tables[] = {
    {T_META, check_meta},
    {T_DICTS, check_dict},
    {T_LIGHT, check_light},
    {T_PACKAGE_IDS, check_package_id},
    {T_RUNS, check_run},
    {T_RUN_IDS, check_run_id},
    {T_LISTS, check_list},
    {T_PIECES, check_piece},
    {T_FORMS, check_form},
    {T_FORM_IDS, check_form_id},
    {T_TEXTS, check_text},
    {T_BLOBS, check_blob},
    {T_GONE, check_gone},
    {T_CONTENTS, check_content},
    {T_SIGHTINGS, check_sighting},
    {T_PATHS, check_paths},
    {T_ORIGINS, check_origin},
    {T_STATES, check_state},
    {T_ROOTS, check_root},
    {T_DROPPED, check_dropped},
    {T_KEYS, check_public_key},
};

struct visit {
	struct check *check;
	check_entry_fn *fn;
	bool slow; /* an entry takes a transaction of its own */
};

static int
visit(struct txn *t, struct span key, struct span value, void *arg)
{
	const struct visit *v = arg;
	struct check *c = v->check;
	int r;

	r = check_stopped(c);
	if (r < 0)
		return r;
	c->result->records++;
	progress_add(c->opts->progress, 0, 1);
	r = v->fn(c, t, key, value);
	return r < 0 ? r : v->slow;
}

static int
count_entries(struct check *c, uint64_t *ret)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	uint64_t n;
	int r = txn_read(c->store, &t, c->err);

	*ret = 0;
	for (size_t i = 0; i < ARRAY_LEN(tables) && r >= 0; i++) {
		r = txn_count(t, tables[i].table, &n);
		if (r >= 0)
			*ret += n;
	}
	return r;
}

static int
check_count(struct check *c, enum table table)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	char what[64];
	int r = txn_read(c->store, &t, c->err);

	if (r < 0)
		return r;
	r = txn_count_check(t, table);
	txn_trim(t);
	if (r > 0)
		return 0;
	c->pages = true;
	(void)snprintf(what, sizeof(what), "table %s", txn_table_name(table));
	if (r == 0)
		check_found(c, what, false, "has lost entries");
	else if (r == -EIO)
		check_found(c, what, false, "can't be read");
	else
		return r;
	return 0;
}

static int
check_table(struct check *c, enum table table, check_entry_fn *fn)
{
	struct visit v = {c, fn, table == T_LISTS || table == T_FORMS};
	struct walk w = {.store = c->store,
	    .table = table,
	    .fn = visit,
	    .arg = &v,
	    .cancel = c->opts->cancel};
	int r;

	do {
		r = walk_on(&w, c->err);
	} while (r > 0);
	/* That the table can't be read was told by check_count(). */
	return r == -EIO ? 0 : r;
}

static int
check_tables(struct check *c)
{
	uint64_t n;
	int r = count_entries(c, &n);

	if (r < 0)
		return r;
	progress_stage(c->opts->progress, "checking records", 0, n);
	for (size_t i = 0; i < T_COUNT && r >= 0; i++)
		r = check_count(c, (enum table)i);
	for (size_t i = 0; i < ARRAY_LEN(tables) && r >= 0; i++)
		r = check_table(c, tables[i].table, tables[i].fn);
	if (r >= 0)
		r = check_lost(c);
	progress_end(c->opts->progress);
	return r;
}

static void
forget(struct check *c)
{
	reach_release(&c->reach);
	bits_release(&c->seen);
	for (size_t i = 0; i < REACH_KINDS; i++)
		bits_release(&c->by_hash[i]);
	for (size_t i = 0; i < T_COUNT; i++)
		bits_release(&c->suspects[i]);
	c->latest_text = c->latest_blob = 0;
}

int
check_records(struct check *c)
{
	int r;

	forget(c);
	c->result->records = 0;
	r = mend_limits(c->store, c->limits, c->err);
	if (r >= 0)
		r = check_reach(c);
	if (r >= 0)
		r = check_origins(c);
	return r < 0 ? r : check_tables(c);
}

static int
run(struct check *c)
{
	struct hold_wait wait = {c->opts->cancel, c->opts->progress};
	CLEANUP_FD int hold = -1;
	int r = hold_take(c->store, c->opts->repair ? HOLD_ALONE : HOLD_SHARED,
	    &wait, &hold, c->err);

	if (r < 0 || c->opts->repair)
		return r < 0 ? r : check_and_repair(c);
	r = check_records(c);
	return r < 0 || !c->opts->blobs ? r : check_files(c);
}

static void
check_release(struct check *c)
{
	forget(c);
	heavy_free(c->heavy);
	package_release(&c->package);
	light_release(&c->light);
	run_packages_release(&c->run);
	buf_release(&c->stanza);
	hash_free(c->hash);
	path_maker_free(c->paths);
}

int
check_store(struct store *s, const struct check_opts *opts,
    struct check_result *ret, struct error *err)
{
	CLEANUP(check_release)
	struct check c = {.store = s, .opts = opts, .result = ret, .err = err};
	int r = heavy_new(s, &c.heavy);

	*ret = (struct check_result){0};
	if (r == 0)
		r = hash_new(&c.hash);
	if (r == 0)
		r = path_maker_new(&c.paths);
	if (r < 0)
		return error_sys(err, r, "cannot check");
	r = run(&c);
	return r < 0 ? r : 0;
}
