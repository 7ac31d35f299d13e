/* What can't be had after all: which mirrors, snapshots and publications lack
 * what, by what was found. */

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/check_run.h"
#include "store/content.h"
#include "store/listing.h"
#include "store/mirror.h"
#include "store/publication.h"
#include "store/render.h"
#include "store/snapshot.h"
#include "store/state.h"

struct suffering {
	struct check *check;
	struct txn *txn;
	const char *what; /* "snapshot one" */
};

static void tell(const struct suffering *s, const char *fmt, ...)
    PRINTF_LIKE(2, 3);

static void
tell(const struct suffering *s, const char *fmt, ...)
{
	char text[CHECK_TEXT_SIZE];
	struct check_finding f = {
	    .what = s->what, .text = text, .consequence = true};
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	check_tell(s->check, &f);
}

static bool
is_suspect(const struct suffering *s, enum table table, uint64_t number)
{
	return bits_has(&s->check->suspects[table], number);
}

static int
tell_package(
    const struct suffering *s, const struct state_list *l, uint64_t package)
{
	CLEANUP(buf_release) struct buf name = {0};
	struct check *c = s->check;
	int r = package_light(s->txn, package, &c->package);

	if (r == 0)
		r = package_add_name(&c->package.light, &name);
	if (r == -ENOMEM)
		return r;
	if (r == 0)
		tell(s, "%s can't be had: the stanza of %s is lost", l->path,
		    name.ptr);
	else
		tell(s, "%s can't be had: package %" PRIu64 " is lost", l->path,
		    package);
	return 0;
}

/* 1 where it was told what the list lacks. */
static int
look_at_run(const struct suffering *s, const struct state_list *l, uint64_t run)
{
	struct check *c = s->check;
	uint64_t package = 0;
	int r = run_load(s->txn, run, &c->run);

	if (is_damage(r)) {
		tell(s, "%s can't be had: run %" PRIu64 " of it is damaged",
		    l->path, run);
		return 1;
	}
	buf_clear(&c->stanza);
	if (r == 0)
		r = render_packages(
		    c->heavy, s->txn, &c->run, &c->stanza, &package);
	if (!is_damage(r))
		return r;
	r = tell_package(s, l, package);
	return r < 0 ? r : 1;
}

static int
look_at_list(const struct suffering *s, const struct state_list *l)
{
	CLEANUP(list_release) struct list list = {0};
	int r;

	if (!is_suspect(s, T_LISTS, l->list))
		return 0;
	r = list_load(s->txn, l->list, &list);
	if (is_damage(r)) {
		tell(s, "%s can't be had: list %" PRIu64 " is damaged", l->path,
		    l->list);
		return 0;
	}
	for (size_t i = 0; r == 0 && i < list.nruns; i++)
		r = look_at_run(s, l, list.runs[i].run);
	return r < 0 ? r : 0;
}

/* The files that Release lists and that are forms. */
static int
look_at_forms(const struct suffering *s, uint64_t listing)
{
	CLEANUP(listing_release) struct listing l = {0};
	int r = listing_load(s->txn, listing, &l);

	if (r < 0)
		return is_damage(r) ? 0 : r;
	for (size_t i = 0; i < l.release.nfiles; i++) {
		const struct release_file *f = &l.release.files[i];
		struct content c;

		r = content_find_file(s->txn, &f->sha256, f->size, &c);
		if (r == -ENOENT || (r == 0 && c.kind == CONTENT_FORM &&
					is_suspect(s, T_FORMS, c.number)))
			tell(s,
			    "%.*s can't be had: publish it again, to make it "
			    "anew",
			    SPAN_ARG(f->path));
	}
	return 0;
}

static void
look_at_texts(const struct suffering *s, const struct state *st)
{
	const struct {
		uint64_t text;
		const char *name;
	} texts[] = {
	    {st->in_release, "InRelease"},
	    {st->release, "Release"},
	    {st->release_gpg, "Release.gpg"},
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (is_suspect(s, T_TEXTS, texts[i].text))
			tell(s, "%s can't be had", texts[i].name);
}

static int
look_at_state(const struct suffering *s, uint64_t number)
{
	CLEANUP(state_release) struct state st = {0};
	int r = number == 0 ? 0 : state_load(s->txn, number, &st);

	if (number == 0)
		return 0;
	if (r < 0 && (is_damage(r))) {
		tell(s, "can't be had: its state is damaged");
		return 0;
	}
	if (st.origin && is_suspect(s, T_ORIGINS, st.origin))
		tell(s,
		    "what is not here can't be fetched: where it came from is "
		    "lost");
	look_at_texts(s, &st);
	for (size_t i = 0; r == 0 && st.origin == 0 && i < st.signers.n; i++) {
		struct span name = span_of(st.signers.v[i]), key;

		if (st.in_release != 0 && txn_get(s->txn, T_KEYS, name.ptr,
					      name.len, &key) == -ENOENT)
			tell(s,
			    "the public key %s is lost: publish it again, to "
			    "have it back",
			    st.signers.v[i]);
	}
	for (size_t i = 0; r == 0 && i < st.nlists; i++)
		r = look_at_list(s, &st.lists[i]);
	if (r == 0 && bits_next(&s->check->suspects[T_FORMS], 1) != UINT64_MAX)
		r = look_at_forms(s, st.listing);
	return r;
}

/* --- heads ---------------------------------------------------------------- */

static int
state_of_mirror(struct txn *t, const char *key, const char *rest, uint64_t *ret)
{
	CLEANUP(mirror_release) struct mirror m = {0};
	int r = mirror_load(t, key, &m);

	(void)rest;
	*ret = m.state;
	return r;
}

static int
state_of_snapshot(
    struct txn *t, const char *key, const char *rest, uint64_t *ret)
{
	CLEANUP(snapshot_release) struct snapshot s = {0};
	int r = snapshot_load(t, key, &s);

	(void)rest;
	*ret = s.state;
	return r;
}

static int
state_of_publication(
    struct txn *t, const char *key, const char *rest, uint64_t *ret)
{
	CLEANUP(publication_release) struct publication p = {0};
	int r = publication_load(t, key, rest, &p);

	*ret = p.state;
	return r;
}

struct heads {
	struct check *check;
	struct txn *txn;
	const char *what;
	int (*state_of)(
	    struct txn *t, const char *key, const char *rest, uint64_t *ret);
};

static int
look_at_head(struct span key, struct span value, void *arg)
{
	const struct heads *h = arg;
	struct suffering s = {.check = h->check, .txn = h->txn};
	CLEANUP_FREE char *copy = calloc(1, key.len + 2);
	const char *rest;
	char what[512];
	uint64_t state;
	int r;

	(void)value;
	if (!copy)
		return -ENOMEM;
	memcpy(copy, key.ptr, key.len);
	rest = copy + strlen(copy) + 1;
	if (strcmp(h->what, "publication") == 0)
		(void)snprintf(what, sizeof(what), "%s %s/%s", h->what,
		    *copy ? copy : ".", rest);
	else
		(void)snprintf(what, sizeof(what), "%s %s", h->what, copy);
	s.what = what;
	r = h->state_of(h->txn, copy, rest, &state);
	/* That the head itself is damaged was told. */
	if (r < 0)
		return is_damage(r) ? 0 : r;
	r = look_at_state(&s, state);
	return r < 0 ? r : 0;
}

int
check_suffering(struct check *c)
{
	static const struct {
		enum table table;
		struct heads heads;
	} tables[] = {
	    {T_MIRRORS, {.what = "mirror", .state_of = state_of_mirror}},
	    {T_SNAPSHOTS, {.what = "snapshot", .state_of = state_of_snapshot}},
	    {T_PUBLICATIONS,
		{.what = "publication", .state_of = state_of_publication}},
	};
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	int r = txn_read(c->store, &t, c->err);

	for (size_t i = 0; i < ARRAY_LEN(tables) && r >= 0; i++) {
		struct heads h = tables[i].heads;

		h.check = c;
		h.txn = t;
		r = txn_each(
		    t, tables[i].table, (struct span){0}, look_at_head, &h);
	}
	return r < 0 && !is_damage(r) ? r : 0;
}
