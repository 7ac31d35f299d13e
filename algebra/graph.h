#ifndef ALGEBRA_GRAPH_H
#define ALGEBRA_GRAPH_H

/*
 * What is made of what: mirrors, snapshots and publications, with an edge from
 * each source to what was made of it.  A zeroed struct is empty.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/txn.h"

enum graph_kind {
	GRAPH_MIRROR,
	GRAPH_SNAPSHOT,
	GRAPH_PUBLICATION,
	GRAPH_KINDS
};

struct graph_node {
	enum graph_kind kind;
	/* It is not there any more, or another has its name. */
	bool gone;
	char
	    *name; /* of a publication: prefix/distribution, "./" at the root */
	char *detail; /* "file:/srv/debian/ bookworm", "merge of a, b" */
	uint64_t state;
};

struct graph_edge {
	size_t from, to; /* indexes of nodes */
};

struct graph {
	struct graph_node *nodes; /* mirrors, snapshots, publications, by name;
				   * then those that are gone */
	size_t nnodes;
	struct graph_edge *edges;
	size_t nedges;
};

/* -EIO: damaged. */
int graph_load(struct txn *t, struct graph *ret) MUST_CHECK;
void graph_release(struct graph *g);
extern const char *const graph_kind_name[GRAPH_KINDS]; /* "mirror", ... */

#endif
