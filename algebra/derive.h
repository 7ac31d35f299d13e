#ifndef ALGEBRA_DERIVE_H
#define ALGEBRA_DERIVE_H

/*
 * Derived states: lists that are made here of packages that the store has, and
 * snapshots of such lists (merge, filter, pull; without any list: empty).
 *
 * A snapshot, in this order:
 *
 *   derive_new()    takes the hold (store/hold.h), loads the sources
 *   derive_source() what there is to choose from
 *   derive_list()   for each index: the packages that were chosen
 *   derive_end()    makes Release and the snapshot, in one transaction
 *
 * Nothing refers to what is made before derive_end() has succeeded.  No
 * transaction may be open in the thread that calls derive_new(), derive_list(),
 * derive_end() or derive_make_list().  One thread at a time.
 *
 * The state has no origin of its own: packages are found where they were
 * sighted, whichever origins that are.  Its Release is unsigned and lists the
 * plain indexes.  It takes Origin, Label, Suite, Codename (from one source:
 * Version and Description too) from the sources where they agree.  Flat and
 * empty sources have no say in the suite; where there is none, or several, it
 * is the snapshot's name.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "algebra/index_plan.h"
#include "base/error.h"
#include "base/progress.h"
#include "base/release_text.h"
#include "store/publication.h"
#include "store/state.h"

struct derive_input {
	enum source_kind kind;
	const char *name;
};

/* The state that it has now.  -ENOENT: there is no such snapshot or mirror, or
 * the mirror was never updated. */
int derive_input_state(struct txn *t, const struct derive_input *in,
    uint64_t *ret, struct error *err) MUST_CHECK;

struct derive_opts {
	const char *name;	 /* of the new snapshot */
	const char *description; /* "merge of a, b" */
	const struct derive_input *inputs;
	size_t ninputs;
	int64_t now;
	struct progress *progress; /* or NULL */
	const atomic_bool *cancel; /* or NULL */
};

struct derive;

/* -EINVAL: a bad name; -EEXIST: it is taken; -ENOENT: no such source, or a
 * mirror that was never updated; -E2BIG: too many sources. */
int derive_new(struct store *s, const struct derive_opts *opts,
    struct derive **ret, struct error *err) MUST_CHECK;
void derive_free(struct derive *d);
static inline void
derive_cleanup(struct derive **d)
{
	derive_free(*d);
}
/* The state of the input at that index, until derive_free(). */
const struct state *derive_source(const struct derive *d, size_t i);
/* Are all packages for any architecture in binary-<arch> too, so that nobody
 * has to read its binary-all?  True too where it has none. */
bool derive_source_no_arch_all(const struct derive *d, size_t i);
/* The indexes that the inputs' lists make up (algebra/index_plan.h).  -EINVAL
 * where nothing is of one of the architectures (NULL or none: all). */
int derive_plan(const struct derive *d, const struct strs *architectures,
    struct index_plan *ret, struct error *err) MUST_CHECK;

/*
 * One index, its packages in order.  Component and architecture are those of
 * struct state_list, neither empty: what comes of a flat archive is put into
 * "main", and by architecture.  No two calls with the same component,
 * architecture and kind.
 */
struct derive_list {
	const char *component, *architecture;
	enum package_kind kind;
	const uint64_t *packages; /* numbers */
	size_t n;
	/* A list that it is, perhaps: saves reading the stanzas; or 0. */
	uint64_t like;
	bool whole; /* all that `like` has, whatever packages says */
};
int derive_list(struct derive *d, const struct derive_list *l,
    struct error *err) MUST_CHECK;
/* What would keep derive_end() from making it: -EEXIST where packages of
 * different sources claim one path in the pool for different files. */
int derive_check(const struct derive *d, struct error *err) MUST_CHECK;
/* Checks that, too. */
int derive_end(struct derive *d, struct error *err) MUST_CHECK;
/* The whole of it, for a snapshot without packages. */
int derive_empty(struct store *s, const char *name, int64_t now,
    struct error *err) MUST_CHECK;
/* The state that is being made: its lists are there, all else comes with
 * derive_end(). */
const struct state *derive_state(const struct derive *d);
/* What was made. */
void derive_count(
    const struct derive *d, uint64_t *ret_packages, uint64_t *ret_indexes);

/*
 * A list alone: stores it, or finds it there.  Memory is a batch beside the
 * numbers; of opts only progress and cancel count.  The caller shares the hold
 * until something refers to the list.
 */
int derive_make_list(struct store *s, const struct derive_list *l,
    const struct derive_opts *opts, uint64_t *ret,
    struct error *err) MUST_CHECK;
/*
 * The Release of a state's lists: fills in out's files, architectures and
 * components, stores the text and lets s->release and s->listing name it.  The
 * other fields of out are the caller's.  For a write transaction, before
 * state_put().
 */
int derive_release(
    struct txn *t, struct state *s, struct release_out *out) MUST_CHECK;

#endif
