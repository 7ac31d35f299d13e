#include "algebra/graph.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/url.h"
#include "store/mirror.h"
#include "store/origin.h"
#include "store/publication.h"
#include "store/snapshot.h"

const char *const graph_kind_name[GRAPH_KINDS] = {
    [GRAPH_MIRROR] = "mirror",
    [GRAPH_SNAPSHOT] = "snapshot",
    [GRAPH_PUBLICATION] = "publication",
};

struct loading {
	struct txn *t;
	struct graph *graph;
	size_t next; /* the node whose edges come next */
};

void
graph_release(struct graph *g)
{
	for (size_t i = 0; i < g->nnodes; i++) {
		free(g->nodes[i].name);
		free(g->nodes[i].detail);
	}
	free(g->nodes);
	free(g->edges);
	*g = (struct graph){0};
}

/* Adds a node; takes the strings of n, which may be NULL for want of memory. */
static int
add_node(struct graph *g, const struct graph_node *n)
{
	struct graph_node *v = NULL;

	if (n->name && n->detail)
		v = reallocarray(g->nodes, g->nnodes + 1, sizeof(*v));
	if (!v) {
		free(n->name);
		free(n->detail);
		return -ENOMEM;
	}
	g->nodes = v;
	v[g->nnodes++] = *n;
	return 0;
}

/* One that is there is not added again: edges to a node stand together. */
static int
add_edge(struct graph *g, size_t from, size_t to)
{
	struct graph_edge *v;

	for (size_t i = g->nedges; i > 0 && g->edges[i - 1].to == to; i--)
		if (g->edges[i - 1].from == from)
			return 0;
	v = reallocarray(g->edges, g->nedges + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	g->edges = v;
	v[g->nedges++] = (struct graph_edge){from, to};
	return 0;
}

/* Nodes. */

static int
add_mirror(const struct mirror *m, void *arg)
{
	struct loading *l = arg;
	CLEANUP(origin_release) struct origin o = {0};
	CLEANUP(buf_release) struct buf detail = {0};
	struct graph_node n = {.kind = GRAPH_MIRROR, .state = m->state};
	int r = origin_load(l->t, m->origin, &o);

	if (r < 0)
		return r;
	/* buf_take() tells what fails here. */
	(void)url_add_shown(&detail, o.url);
	(void)buf_addf(&detail, " %s", m->suite);
	n.name = strdup(m->name);
	n.detail = buf_take(&detail);
	return add_node(l->graph, &n);
}

static int
add_snapshot(const struct snapshot *s, void *arg)
{
	struct loading *l = arg;
	struct graph_node n = {.kind = GRAPH_SNAPSHOT,
	    .state = s->state,
	    .name = strdup(s->name),
	    .detail = strdup(s->description ? s->description : "")};

	return add_node(l->graph, &n);
}

static int
add_publication(const struct publication *p, void *arg)
{
	struct loading *l = arg;
	CLEANUP(buf_release) struct buf name = {0};
	struct graph_node n = {.kind = GRAPH_PUBLICATION, .state = p->state};

	(void)buf_addf(
	    &name, "%s/%s", *p->prefix ? p->prefix : ".", p->distribution);
	n.name = buf_take(&name);
	n.detail = strdup(p->verbatim ? "verbatim" : "");
	return add_node(l->graph, &n);
}

/* Edges.  The tables are walked again, in the same order. */

static bool
is_node(const struct graph_node *n, const struct graph_node *wanted)
{
	if (n->kind != wanted->kind || n->gone != wanted->gone ||
	    strcmp(n->name, wanted->name) != 0)
		return false;
	/* A name may stand for another snapshot by now; a mirror goes on. */
	return n->kind == GRAPH_MIRROR || wanted->state == 0 ||
	       n->state == wanted->state;
}

static size_t
find(const struct graph *g, const struct graph_node *wanted)
{
	size_t i = 0;

	while (i < g->nnodes && !is_node(&g->nodes[i], wanted))
		i++;
	return i;
}

/* An edge from a source, which is added where it is gone.  state 0: any. */
static int
add_source(
    struct loading *l, enum source_kind kind, const char *name, uint64_t state)
{
	struct graph *g = l->graph;
	struct graph_node n = {
	    .kind = kind == SOURCE_MIRROR ? GRAPH_MIRROR : GRAPH_SNAPSHOT,
	    .name = (char *)(uintptr_t)name,
	    .state = state};
	size_t i = find(g, &n);
	int r = 0;

	if (i == g->nnodes) {
		n.gone = true;
		i = find(g, &n);
	}
	if (i == g->nnodes) {
		n.name = strdup(name);
		n.detail = strdup("");
		r = add_node(g, &n);
	}
	return r < 0 ? r : add_edge(g, i, l->next);
}

static int
add_snapshot_edges(const struct snapshot *s, void *arg)
{
	struct loading *l = arg;
	int r = 0;

	if (s->mirror)
		r = add_source(l, SOURCE_MIRROR, s->mirror, 0);
	for (size_t i = 0; i < s->nsources && r == 0; i++)
		r = add_source(l, s->sources[i].kind, s->sources[i].name,
		    s->sources[i].state);
	l->next++;
	return r;
}

static int
add_publication_edges(const struct publication *p, void *arg)
{
	struct loading *l = arg;
	int r = 0;

	for (size_t i = 0; i < p->sources.n && r == 0; i++) {
		uint64_t state = 0;

		if (p->kind == SOURCE_SNAPSHOT && i < p->nmade_of)
			state = p->made_of[i];
		r = add_source(l, p->kind, p->sources.v[i], state);
	}
	l->next++;
	return r;
}

int
graph_load(struct txn *t, struct graph *ret)
{
	CLEANUP(graph_release) struct graph g = {0};
	struct loading l = {.t = t, .graph = &g};
	int r = mirror_each(t, add_mirror, &l);

	l.next = g.nnodes;
	if (r == 0)
		r = snapshot_each(t, add_snapshot, &l);
	if (r == 0)
		r = publication_each(t, add_publication, &l);
	if (r == 0)
		r = snapshot_each(t, add_snapshot_edges, &l);
	if (r == 0)
		r = publication_each(t, add_publication_edges, &l);
	if (r < 0)
		return r == -ENOENT ? -EIO : r;
	*ret = g;
	g = (struct graph){0};
	return 0;
}
