/*
 * A check that mends what it finds: it looks, mends, and looks again.  What it
 * found the first time and not the second is repaired, by the only proof that
 * counts.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/check_run.h"
#include "store/mend.h"

void
check_notes_release(struct check_notes *n)
{
	for (size_t i = 0; i < n->n; i++) {
		free(n->v[i].what);
		free(n->v[i].text);
	}
	free(n->v);
	*n = (struct check_notes){0};
}

int
check_note(struct check_notes *n, const struct check_finding *f)
{
	struct check_note *v;

	if (n->n == n->cap) {
		size_t cap = n->cap > 0 ? 2 * n->cap : 64;

		v = reallocarray(n->v, cap, sizeof(*v));
		if (!v)
			return -ENOMEM;
		n->v = v;
		n->cap = cap;
	}
	v = &n->v[n->n];
	v->what = strdup(f->what);
	v->text = strdup(f->text);
	n->n++;
	return v->what && v->text ? 0 : -ENOMEM;
}

static int
note_cmp(const void *a, const void *b)
{
	const struct check_note *x = *(const struct check_note *const *)a;
	const struct check_note *y = *(const struct check_note *const *)b;
	int r = strcmp(x->what, y->what);

	return r != 0 ? r : strcmp(x->text, y->text);
}

/* For the caller to free; NULL: out of memory. */
static const struct check_note **
sorted(const struct check_notes *n)
{
	const struct check_note **v =
	    calloc(n->n + 1, sizeof(struct check_note *));

	for (size_t i = 0; v && i < n->n; i++)
		v[i] = &n->v[i];
	if (v && n->n > 1)
		qsort(v, n->n, sizeof(struct check_note *), note_cmp);
	return v;
}

static bool
has_note(
    const struct check_note *const *v, size_t n, const struct check_note *note)
{
	return n > 0 &&
	       bsearch(&note, v, n, sizeof(struct check_note *), note_cmp);
}

/* Tells those of a that b has not. */
static int
tell_by(struct check *c, const struct check_notes *a,
    const struct check_notes *b, bool repaired)
{
	const struct check_note **v = sorted(b);

	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < a->n; i++) {
		struct check_finding f = {.what = a->v[i].what,
		    .text = a->v[i].text,
		    .repaired = repaired,
		    .mended = repaired};

		if (!has_note(v, b->n, &a->v[i]))
			check_tell(c, &f);
	}
	free(v);
	return 0;
}

static int
mend(struct check *c)
{
	struct mend_opts opts = {
	    .suspects = c->suspects,
	    .limits = c->limits,
	    .latest_text = c->latest_text,
	    .latest_blob = c->latest_blob,
	    .help = c->opts->help,
	    .progress = c->opts->progress,
	    .cancel = c->opts->cancel,
	};

	return mend_store(c->store, &opts, c->err);
}

/* Findings until they are told. */
static int
look(struct check *c, struct check_notes *notes)
{
	int r;

	c->notes = notes;
	r = check_records(c);
	c->notes = NULL;
	return r < 0 ? r : notes->failed;
}

int
check_and_repair(struct check *c)
{
	CLEANUP(check_notes_release) struct check_notes first = {0};
	CLEANUP(check_notes_release) struct check_notes second = {0};
	CLEANUP(check_notes_release) struct check_notes none = {0};
	int r = look(c, &first), r2;

	/* Before the indexes among them are read. */
	if (r >= 0)
		r = check_files(c);
	if (r >= 0 && first.n > 0 && !c->pages) {
		r = mend(c);
		if (r >= 0)
			r = look(c, &second);
	} else if (r >= 0) {
		/* A database whose pages are damaged is not written to. */
		r2 = tell_by(c, &first, &none, false);
		return r2 < 0 || !c->pages ? r2 : check_suffering(c);
	}
	if (r < 0) {
		/* What was mended until then, another check will tell. */
		(void)tell_by(c, &first, &none, false);
		return r;
	}
	r = tell_by(c, &first, &second, true);
	if (r >= 0)
		r = tell_by(c, &second, &none, false);
	return r < 0 || second.n == 0 ? r : check_suffering(c);
}
