#include "store/reach.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/blob.h"
#include "store/list.h"
#include "store/listing.h"
#include "store/package.h"
#include "store/reach_heads.h"
#include "store/root.h"
#include "store/state.h"
#include "store/text.h"

#define IN_TRANSACTION 2048 /* records */

static const char damaged[] = "is damaged";

static const struct {
	const char *name;
	enum counter counter;
	enum table table;
} kinds[REACH_KINDS] = {
    [REACH_ROOT] = {"root", C_ROOT, T_ROOTS},
    [REACH_STATE] = {"state", C_STATE, T_STATES},
    [REACH_TEXT] = {"text", C_TEXT, T_TEXTS},
    [REACH_FORM] = {"form", C_FORM, T_FORMS},
    [REACH_LIST] = {"list", C_LIST, T_LISTS},
    [REACH_RUN] = {"run", C_RUN, T_RUNS},
    [REACH_PACKAGE] = {"package", C_PACKAGE, T_LIGHT},
    [REACH_BLOB] = {"blob", C_BLOB, T_BLOBS},
    [REACH_ORIGIN] = {"origin", C_ORIGIN, T_ORIGINS},
};

struct marking {
	struct store *store;
	const struct reach_opts *opts;
	struct reach *reach;
	struct bits visited[REACH_KINDS];
	struct txn *t;
	unsigned n; /* records read in it */
	bool more;  /* something was marked since this was false */
	int status; /* the first failure, which ends it all */
	struct error *err;
	struct package package; /* scratch */
	struct run_packages run;
};

static void
marking_release(struct marking *m)
{
	for (size_t i = 0; i < REACH_KINDS; i++)
		bits_release(&m->visited[i]);
	txn_end(m->t);
	package_release(&m->package);
	run_packages_release(&m->run);
}

void
reach_release(struct reach *r)
{
	for (size_t i = 0; i < REACH_KINDS; i++)
		bits_release(&r->bits[i]);
	for (size_t i = 0; i < REACH_CODECS; i++)
		bits_release(&r->pieces[i]);
	strs_release(&r->signers);
	*r = (struct reach){0};
}

bool
reach_has(const struct reach *r, enum reach_kind kind, uint64_t number)
{
	return number > r->last[kind] || bits_has(&r->bits[kind], number);
}

bool
reach_has_piece(const struct reach *r, uint64_t run, uint64_t codec)
{
	return run > r->last[REACH_RUN] || codec >= REACH_CODECS ||
	       bits_has(&r->pieces[codec], run);
}

bool
reach_has_content(const struct reach *r, struct content c)
{
	static const enum reach_kind of[] = {
	    [CONTENT_LIST] = REACH_LIST,
	    [CONTENT_FORM] = REACH_FORM,
	    [CONTENT_TEXT] = REACH_TEXT,
	    [CONTENT_BLOB] = REACH_BLOB,
	};

	return reach_has(r, of[c.kind], c.number);
}

static void
end_with(struct marking *m, int r)
{
	if (m->status == 0)
		m->status = error_sys(m->err, r, "%s: cannot find what is used",
		    store_dir(m->store));
}

static void
fault(struct marking *m, const struct reach_fault *f)
{
	if (m->opts->fault)
		m->opts->fault(m->opts->arg, f);
	else if (m->status == 0)
		m->status =
		    error_set(m->err, -EIO, "%s: %s %s: see suitefs db check",
			store_dir(m->store), f->what, f->text);
}

static void
number_fault(
    struct marking *m, enum reach_kind kind, uint64_t number, const char *text)
{
	char what[64];
	struct reach_fault f = {.what = what,
	    .text = text,
	    .kind = kinds[kind].name,
	    .number = number};

	(void)snprintf(
	    what, sizeof(what), "%s %" PRIu64, kinds[kind].name, number);
	f.unreadable = strcmp(text, damaged) == 0;
	fault(m, &f);
}

void
reach_head_fault(struct marking *m, const char *what, const char *text)
{
	struct reach_fault f = {.what = what, .text = text};

	fault(m, &f);
}

bool
reach_put(struct marking *m, enum reach_kind kind, uint64_t number)
{
	int r;

	if (number == 0)
		return false;
	if (number > m->reach->last[kind]) {
		number_fault(
		    m, kind, number, "is named, but was never given out");
		return false;
	}
	r = bits_set(&m->reach->bits[kind], number);
	if (r < 0)
		end_with(m, r);
	m->more |= r > 0;
	return r > 0;
}

static void
put_content(struct marking *m, struct content c)
{
	static const enum reach_kind of[] = {
	    [CONTENT_LIST] = REACH_LIST,
	    [CONTENT_FORM] = REACH_FORM,
	    [CONTENT_TEXT] = REACH_TEXT,
	    [CONTENT_BLOB] = REACH_BLOB,
	};

	(void)reach_put(m, of[c.kind], c.number);
}

struct naming {
	enum reach_kind kind;
	uint64_t number;
};

/*
 * The content that a file is.  Where its hash was announced
 * with another size first, that content too: it leads to this one.
 */
static int
put_file(struct marking *m, const struct naming *by, struct span path,
    const struct digest *sha256, uint64_t size)
{
	struct content c;
	char text[256];
	int r = content_find(m->t, sha256, &c);

	if (r == 0) {
		put_content(m, c);
		r = content_find_file(m->t, sha256, size, &c);
	}
	if (r == 0)
		put_content(m, c);
	if (r != -ENOENT)
		return r;
	(void)snprintf(text, sizeof(text),
	    "has a file that can't be found by its hash, %.*s", SPAN_ARG(path));
	number_fault(m, by->kind, by->number, text);
	return 0;
}

/* What each kind of record names. */

static int
visit_root(struct marking *m, uint64_t number)
{
	CLEANUP(root_release) struct root root = {0};
	int r = root_load(m->t, number, &root);

	if (r < 0)
		return r;
	(void)reach_put(m, REACH_STATE, root.state);
	for (size_t i = 0; i < ROOT_OLDER; i++)
		(void)reach_put(m, REACH_STATE, root.older[i]);
	for (size_t i = 0; i < root.ndists; i++)
		(void)reach_put(m, REACH_ROOT, root.dists[i].root);
	return 0;
}

static int
put_listing(struct marking *m, uint64_t text)
{
	const struct naming by = {REACH_TEXT, text};
	CLEANUP(listing_release) struct listing l = {0};
	int r = listing_load(m->t, text, &l);

	for (size_t i = 0; r == 0 && i < l.release.nfiles; i++) {
		const struct release_file *f = &l.release.files[i];

		r = put_file(m, &by, f->path, &f->sha256, f->size);
	}
	/* That it is missing is said where it is visited.  To take what a
	 * damaged one lists for garbage would be a loss. */
	if (r == -EIO)
		number_fault(m, REACH_TEXT, text, damaged);
	return r == -ENOENT || r == -EIO ? 0 : r;
}

static int
put_signers(struct marking *m, const struct strs *signers)
{
	struct strs *all = &m->reach->signers;
	int r = 0;

	for (size_t i = 0; r == 0 && i < signers->n; i++)
		if (!strs_has(all, span_of(signers->v[i])))
			r = strs_add(all, span_of(signers->v[i]));
	return r;
}

static int
visit_state(struct marking *m, uint64_t number)
{
	CLEANUP(state_release) struct state s = {0};
	int r = state_load(m->t, number, &s);

	if (r == 0)
		r = put_signers(m, &s.signers);
	if (r < 0)
		return r;
	(void)reach_put(m, REACH_TEXT, s.in_release);
	(void)reach_put(m, REACH_TEXT, s.release);
	(void)reach_put(m, REACH_TEXT, s.release_gpg);
	(void)reach_put(m, REACH_TEXT, s.listing);
	(void)reach_put(m, REACH_ORIGIN, s.origin);
	for (size_t i = 0; i < s.nlists; i++)
		(void)reach_put(m, REACH_LIST, s.lists[i].list);
	return put_listing(m, s.listing);
}

static int
visit_text(struct marking *m, uint64_t number)
{
	struct text_info info;
	int r = text_info(m->t, number, &info);

	if (r == 0)
		(void)reach_put(m, REACH_TEXT, info.like);
	return r;
}

static int
visit_form(struct marking *m, uint64_t number)
{
	CLEANUP(form_release) struct form f = {0};
	int r = form_load(m->t, number, &f);

	if (r < 0)
		return r;
	(void)reach_put(m, REACH_LIST, f.list);
	for (size_t i = 0; i < f.npieces; i++) {
		(void)reach_put(m, REACH_RUN, f.run[i]);
		if (f.run[i] > m->reach->last[REACH_RUN])
			continue;
		r = bits_set(&m->reach->pieces[f.codec], f.run[i]);
		if (r < 0)
			end_with(m, r);
	}
	return 0;
}

static int
visit_list(struct marking *m, uint64_t number)
{
	CLEANUP(list_release) struct list l = {0};
	int r = list_load(m->t, number, &l);

	for (size_t i = 0; r == 0 && i < l.nruns; i++)
		(void)reach_put(m, REACH_RUN, l.runs[i].run);
	return r;
}

static int
visit_run(struct marking *m, uint64_t number)
{
	int r = run_load(m->t, number, &m->run);

	for (size_t i = 0; r == 0 && i < m->run.n; i++)
		(void)reach_put(m, REACH_PACKAGE, m->run.v[i]);
	return r;
}

static int
visit_package(struct marking *m, uint64_t number)
{
	const struct naming by = {REACH_PACKAGE, number};
	const struct light *l = &m->package.light;
	int r = package_light(m->t, number, &m->package);

	for (size_t i = 0; r == 0 && i < l->nfiles; i++)
		r = put_file(m, &by, l->files[i].path, &l->files[i].sha256,
		    l->files[i].size);
	return r;
}

static int
visit_blob(struct marking *m, uint64_t number)
{
	CLEANUP(blob_release) struct blob b = {0};
	int r = blob_load(m->t, number, &b);

	if (r < 0)
		return r;
	for (size_t i = 0; i < b.nsisters; i++)
		(void)reach_put(m, REACH_BLOB, b.sisters[i].blob);
	for (size_t i = 0; i < b.nsources; i++)
		if (b.sources[i].package == 0)
			(void)reach_put(m, REACH_ORIGIN, b.sources[i].origin);
	return 0;
}

/* Origins name nothing; that they are there is for db check. */
static int (*const visitors[REACH_KINDS])(struct marking *, uint64_t) = {
    [REACH_ROOT] = visit_root,
    [REACH_STATE] = visit_state,
    [REACH_TEXT] = visit_text,
    [REACH_FORM] = visit_form,
    [REACH_LIST] = visit_list,
    [REACH_RUN] = visit_run,
    [REACH_PACKAGE] = visit_package,
    [REACH_BLOB] = visit_blob,
};

/* Has a transaction that is not too old. */
static int
begin(struct marking *m)
{
	if (m->opts->cancel && atomic_load(m->opts->cancel))
		return error_set(m->err, -EINTR, "stopped");
	if (m->t && ++m->n < IN_TRANSACTION)
		return 0;
	if (m->t)
		txn_trim(m->t);
	txn_end(TAKE(m->t));
	m->n = 0;
	return txn_read(m->store, &m->t, m->err);
}

static int
visit(struct marking *m, enum reach_kind kind, uint64_t number)
{
	int r = begin(m);

	if (r < 0)
		return r;
	r = visitors[kind](m, number);
	if (r == -ENOENT)
		number_fault(m, kind, number, "is missing");
	else if (r == -EIO || r == -EPROTO || r == -EBADMSG)
		number_fault(m, kind, number, damaged);
	else if (r < 0)
		end_with(m, r);
	return m->status;
}

static int
visit_kind(struct marking *m, enum reach_kind kind)
{
	const struct bits *todo = &m->reach->bits[kind];
	int r = 0;

	for (uint64_t n = bits_next(todo, 1); n != UINT64_MAX && r >= 0;
	     n = bits_next(todo, n + 1)) {
		r = bits_set(&m->visited[kind], n);
		if (r == 0)
			continue;
		if (r > 0)
			r = visit(m, kind, n);
		else
			end_with(m, r);
		progress_add(m->opts->progress, 0, 1);
	}
	return r < 0 ? r : m->status;
}

/* Kinds name kinds that come later, as a rule; where one does not (a pool
 * file that is an index as well) it takes another round. */
static int
visit_all(struct marking *m)
{
	int r = 0;

	do {
		m->more = false;
		for (size_t i = 0; i < REACH_KINDS && r >= 0; i++)
			if (visitors[i])
				r = visit_kind(m, (enum reach_kind)i);
	} while (r >= 0 && m->more);
	return r;
}

#define BLOCK_PACKAGES 8192 /* see suitefs-store(5), sightings */

/* An origin stays where a package was seen that stays. */
static int
visit_sighting(struct span key, struct span value, void *arg)
{
	struct marking *m = arg;
	const struct bits *packages = &m->reach->bits[REACH_PACKAGE];
	uint64_t from;

	if (key.len != 2 * sizeof(struct key64) ||
	    value.len != BLOCK_PACKAGES / 8) {
		struct reach_fault f = {.what = "table sightings",
		    .text = damaged,
		    .unreadable = true};

		fault(m, &f);
		return m->status;
	}
	from = key64_value(key.ptr + sizeof(struct key64)) * (value.len);
	for (size_t i = 0; i < value.len && from + i < packages->size; i++) {
		if ((unsigned char)value.ptr[i] & packages->v[from + i]) {
			(void)reach_put(m, REACH_ORIGIN, key64_value(key.ptr));
			break;
		}
	}
	return m->status;
}

static int
visit_sightings(struct marking *m)
{
	int r = begin(m);

	if (r < 0)
		return r;
	r = txn_each(m->t, T_SIGHTINGS, (struct span){0}, visit_sighting, m);
	if (r < 0)
		end_with(m, r);
	return m->status;
}

/* A page of these that is damaged, so that LMDB finds nothing on it, would let
 * much look like garbage. */
static int
check_counts(struct marking *m)
{
	static const enum table tables[] = {T_MIRRORS, T_SNAPSHOTS,
	    T_PUBLICATIONS, T_PREFIXES, T_DROPPED, T_CONTENTS, T_SIGHTINGS};
	struct reach_fault f = {.text = "has lost entries", .unreadable = true};
	char what[64];

	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		int r = txn_count_check(m->t, tables[i]);

		if (r > 0)
			continue;
		if (r < 0 && r != -EIO)
			return r;
		(void)snprintf(
		    what, sizeof(what), "table %s", txn_table_name(tables[i]));
		f.what = what;
		fault(m, &f);
	}
	return 0;
}

static int
read_last(struct marking *m, enum reach_kind kind)
{
	static const struct reach_fault f = {
	    .what = "counters", .text = damaged, .unreadable = true};
	uint64_t *last = &m->reach->last[kind];
	int r = txn_last(m->t, kinds[kind].counter, last);

	if (r != -EIO)
		return r;
	fault(m, &f);
	return m->status < 0 ? m->status
			     : txn_max64(m->t, kinds[kind].table, last);
}

static int
read_heads(struct marking *m)
{
	int r = begin(m);

	if (r >= 0)
		r = check_counts(m);

	for (size_t i = 0; r >= 0 && i < REACH_KINDS; i++)
		r = read_last(m, (enum reach_kind)i);
	if (r >= 0)
		r = reach_heads(
		    m, m->t, m->opts->dropped_since, &m->reach->dropped);
	if (r < 0)
		end_with(m, r);
	return m->status;
}

int
reach_mark(struct store *s, const struct reach_opts *opts, struct reach *ret,
    struct error *err)
{
	CLEANUP(reach_release) struct reach reach = {0};
	CLEANUP(marking_release)
	struct marking m = {
	    .store = s, .opts = opts, .reach = &reach, .err = err};
	int r = read_heads(&m);

	if (r >= 0)
		r = visit_all(&m);
	if (r >= 0)
		r = visit_sightings(&m);
	if (r < 0)
		return r;
	*ret = reach;
	reach = (struct reach){0};
	return 0;
}
