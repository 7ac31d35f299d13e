#include "algebra/index_merge.h"

#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/version.h"

#define IN_TRANSACTION 4096 /* packages */

static void
close_all(struct index_merge *m)
{
	for (size_t i = 0; m->cursors && i < m->item->nparts; i++)
		list_cursor_release(&m->cursors[i]);
	free(TAKE(m->cursors));
	txn_end(TAKE(m->t));
}

void
index_merge_release(struct index_merge *m)
{
	close_all(m);
}

static int
begin(struct index_merge *m, struct error *err)
{
	m->n = 0;
	m->cursors = calloc(m->item->nparts + 1, sizeof(*m->cursors));
	if (!m->cursors)
		return error_sys(err, -ENOMEM, "cannot read packages");
	return txn_read(m->store, &m->t, err);
}

/* Begins anew with the transaction where it has read much. */
static int
renew(struct index_merge *m, struct error *err)
{
	int r;

	if (m->cancel && atomic_load(m->cancel))
		return error_set(err, -EINTR, "stopped");
	if (++m->n < IN_TRANSACTION)
		return 0;
	m->n = 0;
	txn_trim(m->t);
	txn_end(TAKE(m->t));
	r = txn_read(m->store, &m->t, err);
	for (size_t i = 0; i < m->item->nparts && r == 0; i++) {
		struct list_cursor *c = &m->cursors[i];

		if (c->list.number != 0)
			r = list_cursor_renew(m->t, c);
	}
	return r;
}

static bool
is_shown(const struct index_merge *m, size_t part)
{
	return m->item->parts[part].share != INDEX_HIDDEN;
}

static struct span
source_of(const struct light *l)
{
	return l->source.len > 0 ? l->source : l->name;
}

/* The order that Debian's indexes have. */
struct sorted {
	struct buf source, name; /* of the package before */
	bool so_far;
};

static int
check_sorted(struct sorted *s, const struct light *l)
{
	int c = span_cmp(buf_span(&s->source), source_of(l));

	if (c > 0 || (c == 0 && span_cmp(buf_span(&s->name), l->name) > 0))
		s->so_far = false;
	buf_clear(&s->source);
	buf_clear(&s->name);
	(void)buf_add_span(&s->source, source_of(l));
	(void)buf_add_span(&s->name, l->name);
	return s->source.failed || s->name.failed ? -ENOMEM : 0;
}

static int
walk_part(struct index_merge *m, size_t part, struct sorted *s,
    index_merge_fn *fn, void *arg, struct error *err)
{
	const struct index_part *p = &m->item->parts[part];
	struct list_cursor *c = &m->cursors[part];
	int r = list_cursor_open(m->t, p->list, c);

	while (r == 0 && !c->end) {
		const struct light *l = &c->package.light;

		if (index_part_has(m->item, p, l->architecture))
			r = fn(m->t, part, &c->package, arg);
		if (r >= 0 && s->so_far)
			r = check_sorted(s, l);
		if (r >= 0)
			r = list_cursor_next(m->t, c);
		if (r < 0)
			return error_sys(err, r, "cannot read packages");
		r = renew(m, err);
	}
	list_cursor_release(c);
	return r;
}

/* Notes in which order the largest list is, too. */
static int
walk_parts(
    struct index_merge *m, index_merge_fn *fn, void *arg, struct error *err)
{
	uint64_t largest = 0;
	int r = begin(m, err);

	for (size_t i = 0; i < m->item->nparts && r == 0; i++) {
		struct sorted s = {.so_far = true};
		uint64_t size;
		int64_t mtime;
		struct digest sha256;

		r = list_info(
		    m->t, m->item->parts[i].list, &size, &mtime, &sha256);
		if (r < 0)
			return error_sys(err, r, "cannot read a list");
		r = walk_part(m, i, &s, fn, arg, err);
		buf_release(&s.source);
		buf_release(&s.name);
		if (!is_shown(m, i) || size <= largest)
			continue;
		largest = size;
		m->by_source = s.so_far;
	}
	return r;
}

int
index_merge_walk(
    struct index_merge *m, index_merge_fn *fn, void *arg, struct error *err)
{
	int r = walk_parts(m, fn, arg, err);

	close_all(m);
	return r;
}

static int
place_cmp(
    const struct index_merge *m, const struct light *a, const struct light *b)
{
	int c = m->by_source ? span_cmp(source_of(a), source_of(b)) : 0;

	if (c == 0)
		c = span_cmp(a->name, b->name);
	return c != 0 ? c : version_cmp(a->version, b->version);
}

/* The part whose cursor stands at the first package; nparts: all are over. */
static size_t
first_part(const struct index_merge *m)
{
	size_t first = m->item->nparts;

	for (size_t i = 0; i < m->item->nparts; i++) {
		const struct list_cursor *c = &m->cursors[i];

		if (!is_shown(m, i) || c->end)
			continue;
		if (first == m->item->nparts ||
		    place_cmp(m, &c->package.light,
			&m->cursors[first].package.light) < 0)
			first = i;
	}
	return first;
}

static int
add(struct run_packages *out, uint64_t package)
{
	if (out->n == out->cap) {
		size_t cap = out->cap ? 2 * out->cap : 1024;
		uint64_t *v = reallocarray(out->v, cap, sizeof(*v));

		if (!v)
			return -ENOMEM;
		out->v = v;
		out->cap = cap;
	}
	out->v[out->n++] = package;
	return 0;
}

static int
open_shown(struct index_merge *m, struct error *err)
{
	int r = begin(m, err);

	for (size_t i = 0; i < m->item->nparts && r == 0; i++) {
		if (!is_shown(m, i))
			continue;
		r = list_cursor_open(
		    m->t, m->item->parts[i].list, &m->cursors[i]);
		if (r < 0)
			return error_sys(err, r, "cannot read packages");
	}
	return r;
}

/* The package at a cursor is taken, or not, and left behind. */
static int
one(struct index_merge *m, size_t part, index_merge_fn *fn, void *arg,
    struct run_packages *out)
{
	struct list_cursor *c = &m->cursors[part];
	const struct package *p = &c->package;
	int r = 0;

	if (index_part_has(
		m->item, &m->item->parts[part], p->light.architecture))
		r = fn(m->t, part, p, arg);
	if (r > 0)
		r = add(out, p->number);
	return r < 0 ? r : list_cursor_next(m->t, c);
}

int
index_merge_collect(struct index_merge *m, index_merge_fn *fn, void *arg,
    struct run_packages *out, struct error *err)
{
	int r = open_shown(m, err);
	size_t part = m->item->nparts;

	while (r == 0 && (part = first_part(m)) < m->item->nparts) {
		r = one(m, part, fn, arg, out);
		r = r < 0 ? error_sys(err, r, "cannot read packages")
			  : renew(m, err);
	}
	close_all(m);
	return r;
}
