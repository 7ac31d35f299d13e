#ifndef ALGEBRA_SEARCH_H
#define ALGEBRA_SEARCH_H

/*
 * The packages of some states that a query matches, each once, in order: name
 * ascending, version descending, architecture ascending.
 *
 * States are added one after another; what several of them share, a list, a
 * run, a package, is looked at once.  Memory is a name, a version and an
 * architecture for each package that is found, and a bit for every package.
 * The transactions are the caller's; one thread at a time.
 */

#include "algebra/query.h"
#include "base/error.h"
#include "base/strs.h"
#include "store/bits.h"
#include "store/state.h"

struct search;

struct search_opts {
	const struct query *query;	  /* NULL: all */
	const struct strs *architectures; /* NULL or empty: all */
};

/* What opts names must outlive it. */
int search_new(struct store *s, const struct search_opts *opts,
    struct search **ret) MUST_CHECK;
void search_free(struct search *s);
static inline void
search_cleanup(struct search **s)
{
	search_free(*s);
}

/* Errors are those of query_match(). */
int search_add_state(struct search *s, struct txn *t, const struct state *state,
    struct error *err) MUST_CHECK;
/* Adds what the packages that were found need of the state (algebra/closure.h).
 */
int search_add_deps(struct search *s, struct txn *t, const struct state *state,
    struct error *err) MUST_CHECK;
/* The numbers of the packages that were found until now. */
const struct bits *search_packages(const struct search *s);

/* Once everything has been added: puts them in order. */
int search_sort(struct search *s, struct txn *t, struct error *err) MUST_CHECK;

struct search_hit {
	uint64_t package; /* number */
	enum package_kind kind;
	struct span name, version, architecture;
};
size_t search_count(const struct search *s);
/* Lent until search_free(). */
struct search_hit search_at(const struct search *s, size_t i);
/* Is it of the same name, version and architecture as the one before, and so
 * another in content only? */
bool search_is_again(const struct search *s, size_t i);

#endif
