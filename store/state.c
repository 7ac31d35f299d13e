#include "store/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/path.h"
#include "store/head.h"
#include "store/record.h"

/*
 * T_STATES, version 1: suite, flat, taken without a signature, origin, numbers
 * of the texts InRelease, Release, Release.gpg and of the one that describes
 * the state, Date, Valid-Until, time taken, signers, keyrings, lists, SHA-256
 * of the keyrings (absent in the first records).  A list is an array of
 * component, architecture, kind, path and list number.
 */
#define STATE_VERSION  1
#define STATE_ITEMS    15
#define KEYRING_HASHES 14
#define LIST_ITEMS     5

static void
state_list_release(struct state_list *l)
{
	free(l->component);
	free(l->architecture);
	free(l->path);
	*l = (struct state_list){0};
}

void
state_release(struct state *s)
{
	free(s->suite);
	strs_release(&s->signers);
	strs_release(&s->keyrings);
	strs_release(&s->keyring_hashes);
	for (size_t i = 0; i < s->nlists; i++)
		state_list_release(&s->lists[i]);
	free(s->lists);
	*s = (struct state){0};
}

static int
load_list(const struct record_view *v, struct state_list *l)
{
	uint64_t kind = record_u64(v, 2);

	l->component = record_dup(v, 0);
	l->architecture = record_dup(v, 1);
	l->kind = (enum package_kind)kind;
	l->path = record_dup(v, 3);
	l->list = record_u64(v, 4);
	if (kind > PACKAGE_UDEB || !l->component || !l->architecture ||
	    !l->path)
		return head_damage(v);
	return 0;
}

static int
load_lists(const struct record_view *v, struct state *s)
{
	struct record_view lists = head_array(v, 13);

	if (lists.n == 0)
		return 0;
	s->lists = calloc(lists.n, sizeof(*s->lists));
	if (!s->lists)
		return -ENOMEM;
	for (size_t i = 0; i < lists.n; i++) {
		struct record_view l = record_array_at(&lists, i);
		int r;

		s->nlists = i + 1;
		r = load_list(&l, &s->lists[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

static int
load_items(const struct record_view *v, struct state *s)
{
	s->suite = record_dup(v, 0);
	s->flat = record_bool(v, 1);
	s->trusted_unsigned = record_bool(v, 2);
	s->origin = record_u64(v, 3);
	s->in_release = record_u64(v, 4);
	s->release = record_u64(v, 5);
	s->release_gpg = record_u64(v, 6);
	s->listing = record_u64(v, 7);
	s->date = record_i64(v, 8);
	s->valid_until = record_i64(v, 9);
	s->taken = record_i64(v, 10);
	record_strs(v, 11, &s->signers);
	record_strs(v, 12, &s->keyrings);
	if (v->n > KEYRING_HASHES)
		record_strs(v, KEYRING_HASHES, &s->keyring_hashes);
	return s->suite ? load_lists(v, s) : head_damage(v);
}

int
state_load(struct txn *t, uint64_t number, struct state *ret)
{
	CLEANUP(record_release) struct record rec = {0};
	CLEANUP(state_release) struct state s = {.number = number};
	struct record_view v;
	struct span bytes;
	int r = txn_get64(t, T_STATES, number, &bytes);

	if (r < 0)
		return r;
	r = head_parse(bytes, STATE_VERSION, &rec, &v);
	if (r < 0)
		return r;
	r = load_items(&v, &s);
	if (r < 0)
		return r;
	r = head_check(&rec);
	if (r < 0)
		return r;
	*ret = s;
	s = (struct state){0};
	return 0;
}

static void
put_list(struct record_writer *w, const struct state_list *l)
{
	record_array(w, LIST_ITEMS);
	record_put_cstr(w, l->component);
	record_put_cstr(w, l->architecture);
	record_put_u64(w, l->kind);
	record_put_cstr(w, l->path);
	record_put_u64(w, l->list);
}

static void
put_items(struct record_writer *w, const struct state *s)
{
	record_begin(w, STATE_VERSION, STATE_ITEMS);
	record_put_cstr(w, s->suite);
	record_put_bool(w, s->flat);
	record_put_bool(w, s->trusted_unsigned);
	record_put_u64(w, s->origin);
	record_put_u64(w, s->in_release);
	record_put_u64(w, s->release);
	record_put_u64(w, s->release_gpg);
	record_put_u64(w, s->listing);
	record_put_i64(w, s->date);
	record_put_i64(w, s->valid_until);
	record_put_i64(w, s->taken);
	record_put_strs(w, &s->signers);
	record_put_strs(w, &s->keyrings);
	record_array(w, s->nlists);
	for (size_t i = 0; i < s->nlists; i++)
		put_list(w, &s->lists[i]);
	record_put_strs(w, &s->keyring_hashes);
}

int
state_put(struct txn *t, struct state *s)
{
	CLEANUP(record_writer_release) struct record_writer w;
	uint64_t number;
	int r;

	record_writer_init(&w);
	if (s->nlists > HEAD_MAX_ITEMS)
		return -E2BIG;
	r = txn_take(t, C_STATE, 1, &number);
	if (r < 0)
		return r;
	put_items(&w, s);
	r = head_put64(t, T_STATES, number, &w);
	if (r < 0)
		return r;
	s->number = number;
	return 0;
}

/* The name of the plain index, as archives lay them out. */
static char *
index_path(const struct state_list *l)
{
	CLEANUP(buf_release) struct buf b = {0};
	bool source = l->kind == PACKAGE_SOURCE;

	/* buf_take() tells what fails here. */
	if (l->component[0]) {
		(void)buf_addf(&b, "%s/", l->component);
		if (l->kind == PACKAGE_UDEB)
			(void)buf_add_str(&b, "debian-installer/");
		if (source)
			(void)buf_add_str(&b, "source/");
		else
			(void)buf_addf(&b, "binary-%s/", l->architecture);
	}
	(void)buf_add_str(&b, source ? "Sources" : "Packages");
	return buf_take(&b);
}

int
state_add_list(struct state *s, const struct state_list *l)
{
	CLEANUP(state_list_release)
	struct state_list copy = {.kind = l->kind, .list = l->list};
	struct state_list *lists =
	    reallocarray(s->lists, s->nlists + 1, sizeof(*lists));

	if (!lists)
		return -ENOMEM;
	s->lists = lists;
	copy.component = strdup(l->component);
	copy.architecture = strdup(l->architecture);
	copy.path = l->path ? strdup(l->path) : index_path(l);
	if (!copy.component || !copy.architecture || !copy.path)
		return -ENOMEM;
	s->lists[s->nlists++] = copy;
	copy = (struct state_list){0};
	return 0;
}

char *
state_dir(const struct state *s)
{
	CLEANUP(buf_release) struct buf b = {0};
	struct span suite = span_of(s->suite);

	/* buf_take() tells what fails here. */
	if (!s->flat) {
		(void)buf_addf(&b, "dists/%s/", s->suite);
	} else {
		suite = path_strip_dot(suite);
		if (!span_eq(suite, SPAN("/")))
			(void)buf_add_span(&b, suite);
	}
	return buf_take(&b);
}
