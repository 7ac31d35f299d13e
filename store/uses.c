#include "store/uses.h"

#include <errno.h>
#include <string.h>

static int
add_name(const struct publication *p, void *arg)
{
	struct buf *out = arg;

	return buf_addf(out, "%s%s/%s", out->len > 0 ? ", " : "",
	    *p->prefix ? p->prefix : ".", p->distribution);
}

int
uses_names(
    struct txn *t, enum source_kind kind, const char *source, struct buf *out)
{
	return publication_each_of(t, kind, source, add_name, out);
}

/* Prefix and distribution, one after the other. */
static int
add_place(const struct publication *p, void *arg)
{
	struct strs *places = arg;
	int r = strs_add(places, span_of(p->prefix));

	return r < 0 ? r : strs_add(places, span_of(p->distribution));
}

static int
replace(struct strs *s, const char *from, const char *to)
{
	for (size_t i = 0; i < s->n; i++) {
		char *copy;

		if (strcmp(s->v[i], from) != 0)
			continue;
		copy = span_dup(span_of(to));
		if (!copy)
			return -ENOMEM;
		free(s->v[i]);
		s->v[i] = copy;
	}
	return 0;
}

int
uses_rename(
    struct txn *t, enum source_kind kind, const char *from, const char *to)
{
	CLEANUP(strs_release) struct strs places = {0};
	/* The table must not change while it is walked. */
	int r = publication_each_of(t, kind, from, add_place, &places);

	for (size_t i = 0; r >= 0 && i + 1 < places.n; i += 2) {
		CLEANUP(publication_release) struct publication p = {0};

		r = publication_load(t, places.v[i], places.v[i + 1], &p);
		if (r == 0)
			r = replace(&p.sources, from, to);
		if (r == 0)
			r = publication_put(t, &p);
	}
	return r;
}
