#include "mirror/places.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

struct finding {
	struct txn *t;
	struct places *p;
};

static int
add_own(uint64_t origin, struct span path, void *arg)
{
	struct finding *f = arg;
	struct places *p = f->p;
	int r = origin_load(f->t, origin, &p->own[p->nown].origin);

	if (r == -ENOENT)
		return 0; /* the archive is gone for good */
	if (r < 0)
		return r;
	p->own[p->nown].path = span_dup(path);
	p->nown++;
	if (!p->own[p->nown - 1].path)
		return -ENOMEM;
	return p->nown == PLACES_OWN_MAX ? 1 : 0;
}

/* Takes url, unless it is there already. */
static int
add_url(struct places *p, const struct origin *origin, char *url)
{
	if (!url)
		return -ENOMEM;
	for (size_t i = 0; i < p->n; i++) {
		if (strcmp(p->v[i].url, url) == 0) {
			free(url);
			return 0;
		}
	}
	if (p->n == PLACES_MAX) {
		free(url);
		return 0;
	}
	p->v[p->n++] = (struct place){origin, url};
	return 0;
}

/* The fallbacks of one of the origins, each by all of its paths. */
static int
add_fallbacks(struct places *p, size_t which, const struct digest *sha256)
{
	const struct origin *o = &p->own[which].origin;
	int r = 0;

	for (size_t i = 0; i < which; i++) {
		if (p->own[i].origin.number == o->number)
			return 0; /* added with that one */
	}
	for (size_t f = 0; f < o->fallbacks.n; f++) {
		for (size_t i = which; r == 0 && i < p->nown; i++) {
			if (p->own[i].origin.number != o->number)
				continue;
			r = add_url(p, NULL,
			    origin_fallback(
				o, f, span_of(p->own[i].path), sha256));
		}
	}
	return r;
}

int
places_find(struct txn *t, const struct blob *b, struct places *ret)
{
	struct finding f = {t, ret};
	int r = blob_each_place(t, b, add_own, &f);

	for (size_t i = 0; r >= 0 && i < ret->nown; i++)
		r = add_url(ret, &ret->own[i].origin,
		    origin_url(&ret->own[i].origin, span_of(ret->own[i].path)));
	for (size_t i = 0; r >= 0 && i < ret->nown; i++)
		r = add_fallbacks(ret, i, &b->sha256);
	return r < 0 ? r : 0;
}

void
places_release(struct places *p)
{
	for (size_t i = 0; i < p->nown; i++) {
		origin_release(&p->own[i].origin);
		free(p->own[i].path);
	}
	for (size_t i = 0; i < p->n; i++)
		free(p->v[i].url);
	*p = (struct places){0};
}
