#include "algebra/holders.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/mirror.h"
#include "store/publication.h"
#include "store/snapshot.h"

struct each {
	holders_fn *fn;
	void *arg;
};

static int
each_mirror(const struct mirror *m, void *arg)
{
	const struct each *e = arg;
	struct holder h = {HOLDER_MIRROR, m->name, m->state};

	return m->state != 0 ? e->fn(&h, e->arg) : 0;
}

static int
each_snapshot(const struct snapshot *s, void *arg)
{
	const struct each *e = arg;
	struct holder h = {HOLDER_SNAPSHOT, s->name, s->state};

	return e->fn(&h, e->arg);
}

static int
each_publication(const struct publication *p, void *arg)
{
	const struct each *e = arg;
	CLEANUP_FREE char *name = NULL;
	struct holder h = {.kind = HOLDER_PUBLICATION, .state = p->state};

	if (asprintf(&name, "%s/%s", p->prefix[0] ? p->prefix : ".",
		p->distribution) < 0)
		return -ENOMEM;
	h.name = name;
	return e->fn(&h, e->arg);
}

int
holders_each(struct txn *t, holders_fn *fn, void *arg)
{
	struct each e = {fn, arg};
	int r = mirror_each(t, each_mirror, &e);

	if (r == 0)
		r = snapshot_each(t, each_snapshot, &e);
	return r == 0 ? publication_each(t, each_publication, &e) : r;
}
