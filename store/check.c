#include "store/check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "store/check_run.h"
#include "store/hold.h"
#include "store/walk.h"

#define TEXT_SIZE 512 /* of a finding */

void
check_tell(struct check *c, const struct check_finding *f)
{
	c->result->findings++;
	c->result->repaired += f->repaired;
	if (c->opts->found)
		c->opts->found(c->opts->arg, f);
}

void
check_found(
    struct check *c, const char *what, bool repaired, const char *fmt, ...)
{
	char text[TEXT_SIZE];
	struct check_finding f = {what, text, repaired, 0, 0};
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	check_tell(c, &f);
}

int
check_found_number(
    struct check *c, const char *what, uint64_t number, const char *fmt, ...)
{
	char text[TEXT_SIZE], name[64];
	struct check_finding f = {name, text, false, 0, 0};
	va_list args;

	(void)snprintf(name, sizeof(name), "%s %" PRIu64, what, number);
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	check_tell(c, &f);
	return 0;
}

bool
check_is_damage(int r)
{
	return r == -EIO || r == -EPROTO || r == -EBADMSG || r == -ENOENT;
}

static void
reach_fault(void *arg, const struct reach_fault *f)
{
	struct check *c = arg;

	/* The walk through its table tells. */
	if (!f->unreadable)
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

	if (c->opts->cancel && atomic_load(c->opts->cancel))
		return error_set(c->err, -EINTR, "stopped");
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
	progress_end(c->opts->progress);
	return r;
}

static int
run(struct check *c)
{
	struct hold_wait wait = {c->opts->cancel, c->opts->progress};
	CLEANUP_FD int hold = -1;
	int r = hold_take(c->store, HOLD_SHARED, &wait, &hold, c->err);

	if (r >= 0)
		r = check_reach(c);
	if (r >= 0)
		r = check_origins(c);
	if (r >= 0)
		r = check_tables(c);
	if (r >= 0 && c->opts->blobs)
		r = check_files(c);
	return r;
}

static void
check_release(struct check *c)
{
	reach_release(&c->reach);
	heavy_free(c->heavy);
	package_release(&c->package);
	light_release(&c->light);
	run_packages_release(&c->run);
	buf_release(&c->stanza);
	hash_free(c->hash);
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
	if (r < 0)
		return error_sys(err, r, "cannot check");
	r = run(&c);
	return r < 0 ? r : 0;
}
