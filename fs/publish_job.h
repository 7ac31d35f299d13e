#ifndef FS_PUBLISH_JOB_H
#define FS_PUBLISH_JOB_H

/*
 * One publication being made: what the stages of publishing hand on.  Only
 * fs/publish*.c includes this.
 *
 *   publish_check.c    checks what was asked for
 *   publish_sources.c  loads the states that are to be published
 *   publish_plan.c     decides which lists make up which index
 *   publish_lists.c    makes lists where the sources' own won't do
 *   publish_release.c  compresses the indexes, writes Release, signs it
 *   publish_fresh.c    finds out quickly that new packages fit into the pool
 *   publish_flip.c     checks the pool; flips the publication
 *   publish.c          the operations
 *
 * No read transaction is open while a stage writes.
 */

#include "base/release.h"
#include "fs/publish.h"
#include "fs/sign.h"
#include "store/form.h"
#include "store/state.h"

#define PUBLISH_MAX_SOURCES 64
#define PUBLISH_MAX_CODECS  4

struct publish_source {
	const char *name; /* the publication's */
	struct state state;
	struct strs flat_architectures; /* in a flat archive's Packages */
	struct buf text;		/* its Release, where it has one */
	struct release release;
	bool has_release;
};

struct publish_input {
	uint64_t list;
	size_t source; /* index */
};

/* One index of the publication. */
struct publish_list {
	size_t component; /* index in the job's components */
	char *architecture;
	enum package_kind kind;
	struct publish_input *inputs; /* none: it stays empty */
	size_t ninputs;
	/* Only packages of this architecture, and "all": the input is an index
	 * of a flat archive, which has them all. */
	bool split;
	uint64_t list; /* that is served; publish_lists_make() fills it in */
};

struct publish_key {
	char *fingerprint;
	struct buf bytes;
};

struct publish_job {
	struct store *store;
	const struct publish_opts *opts;
	struct publication *pub;       /* what is wanted */
	const struct publication *old; /* what stands there, or NULL */
	int64_t old_date;	       /* of its Release */
	/* Runs that stand in it, and packages of those of them that the sources
	 * don't have (any more): sorted, nothing has to be looked for there. */
	uint64_t *known, *left;
	size_t nknown, nleft;

	struct publish_source *sources; /* as many as pub->sources has */
	struct strs components;
	struct publish_list *lists;
	size_t nlists;

	struct state state; /* what will be served */
	struct buf release, in_release, release_gpg;
	struct publish_key *keys;
	size_t nkeys;
	uint64_t prefix_root; /* when the pool was checked; 0: none */
	struct publish_result result;
};

/* Is what is wanted possible at all?  -EINVAL; -E2BIG. */
int publish_check(const struct publication *p, struct error *err) MUST_CHECK;
int publish_check_place(
    const struct publication *p, struct error *err) MUST_CHECK;

/* Releases what the stages made, not pub and old. */
void publish_job_release(struct publish_job *j);

/* The state that a source has now.  -ENOENT: there is no such source, or a
 * mirror that has never been updated. */
int publish_source_state(struct txn *t, enum source_kind kind, const char *name,
    uint64_t *ret, struct error *err) MUST_CHECK;
/* Fills in sources, known and old_date; and pub's distribution where it has
 * none. */
int publish_sources_load(struct publish_job *j, struct error *err) MUST_CHECK;
void publish_sources_free(struct publish_job *j);
/* Does the run, or the package, stand in what was published? */
bool publish_known_run(const struct publish_job *j, uint64_t run);
bool publish_known_package(const struct publish_job *j, uint64_t package);

/* Fills in components and lists.  Pure. */
int publish_plan(struct publish_job *j, struct error *err) MUST_CHECK;
void publish_plan_free(struct publish_job *j);

/* Fills in the number of each list. */
int publish_lists_make(struct publish_job *j, struct error *err) MUST_CHECK;
/* Does every file of a state stand in pool/?  -EINVAL where not. */
int publish_lists_in_pool(
    struct publish_job *j, const struct state *s, struct error *err) MUST_CHECK;

/* Fills in the state's lists, without its Release. */
int publish_state(struct publish_job *j, struct error *err) MUST_CHECK;
/* Makes the compressed forms and Release. */
int publish_release(struct publish_job *j, struct error *err) MUST_CHECK;
/* Fills in the keys, unless gpg is to choose: publish_sign() does then.  May
 * run beside the stages above. */
int publish_keys(
    struct publish_job *j, struct signer *s, struct error *err) MUST_CHECK;
/* Makes its signatures. */
int publish_sign(
    struct publish_job *j, struct signer *s, struct error *err) MUST_CHECK;
/* The codecs of the publication's indexes; *n is how many.  -EINVAL. */
int publish_codecs(const struct publication *p,
    enum codec codecs[PUBLISH_MAX_CODECS], size_t *n,
    struct error *err) MUST_CHECK;

/*
 * 1 where a state certainly fits beside the other publications of its prefix,
 * since what stood there fitted and no path of what is new is known; 0 where
 * that has to be looked at.  path_index_update() has been called.
 */
int publish_fresh_fits(
    const struct publish_job *j, struct txn *t, uint64_t state) MUST_CHECK;
/* Does a state fit beside the other publications of its prefix? */
int publish_check_pool(
    struct publish_job *j, uint64_t state, struct error *err) MUST_CHECK;
/* Stores the Release and lets the publication point to the new state, in one
 * transaction.  -EBUSY: somebody else was faster, it has to be made again. */
int publish_flip(struct publish_job *j, struct error *err) MUST_CHECK;

#endif
