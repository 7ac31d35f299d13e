#ifndef MIRROR_UPDATE_RUN_H
#define MIRROR_UPDATE_RUN_H

/*
 * What the stages of one update share; private to mirror/.  The stages, in
 * their order: release_get() gets and proves Release, wanted_find() chooses
 * the indexes, indexes_take() brings them into the store, files_take() makes
 * other files present, update_commit() moves the head.
 */

#include "base/buf.h"
#include "base/release.h"
#include "mirror/blob_queue.h"
#include "mirror/fetch.h"
#include "mirror/update.h"
#include "mirror/wanted.h"
#include "store/listing.h"
#include "store/release_files.h"
#include "store/state.h"

struct update {
	struct store *store;
	const struct update_opts *opts;
	struct fetcher *fetcher;
	struct rate *rate;    /* of indexes, all together; NULL: no limit */
	struct mirror mirror; /* as it was when the run began */
	struct origin origin;
	struct digest settings;
	/* force, or other settings than last time: nothing is taken to be
	 * unchanged. */
	bool anew;
	char *dir; /* of the suite below the origin: "dists/bookworm/", "" */
	/* The state before, all of it where the mirror shows a filtered one;
	 * number 0: there is none. */
	struct state old;
	/* What the old state lists, where it is of this origin and
	 * directory. */
	struct listing listed;
	/* What failed is that a file is not the one that Release says. */
	bool mismatch;
	struct digest listing; /* of the last Release that was taken on */
	struct update_result result;
};

/* A request with the run's options. */
struct fetch_request update_request(const struct update *u, const char *url);
struct blob_queue_opts update_fetching(const struct update *u);
/* The URL of a file below the suite's directory; NULL: out of memory. */
char *update_url(const struct update *u, struct span path);
/* The same for messages: without user and password. */
char *update_url_shown(const struct update *u, struct span path);
/* Where its Release comes from. */
static inline struct release_place
update_place(const struct update *u)
{
	return (struct release_place){.origin = u->mirror.origin,
	    .dir = u->dir,
	    .new_origin = u->old.origin != u->mirror.origin};
}
/* -EINTR where the run was cancelled. */
int update_cancelled(const struct update *u, struct error *err) MUST_CHECK;

/* What release_get() found. */
struct release_got {
	bool same; /* as the old state's; nothing else is filled in but etag */
	/* As they came; empty where there is none that counts. */
	struct buf in_release, release, release_gpg;
	struct buf listing; /* the proven text */
	bool is_unsigned;
	struct strs signers;
	struct strs keyring_hashes; /* of what it was proven with */
	char *etag;
	int64_t last_modified;
};

int release_get(
    struct update *u, struct release_got *ret, struct error *err) MUST_CHECK;
void release_got_free(struct release_got *g); /* the content */

/* A list of the store that is what the wanted index says, and its packages.
 * -ENOENT: it has to be fetched. */
int index_held(struct update *u, const struct wanted *w, uint64_t *ret_list,
    struct error *err) MUST_CHECK;
struct index_wish {
	const struct wanted *w;
	bool by_hash; /* the archive offers it */
	/* What fetches it from index_first_url(), as its file at; or NULL. */
	struct ahead *ahead;
	size_t at;
};
/* Fetches a wanted index into the store; *ret is its list, for the caller to
 * note as seen. */
int index_take(struct update *u, const struct index_wish *wish,
    uint64_t *ret_list, struct error *err) MUST_CHECK;
/* Where its best form is looked for first; NULL: out of memory. */
char *index_first_url(
    const struct update *u, const struct wanted *w, bool by_hash);
/* Takes all that have no list yet, of which lists[] has one for each wanted
 * index; several come at once. */
int indexes_take(struct update *u, const struct wanted_list *wanted,
    bool by_hash, uint64_t *lists, struct error *err) MUST_CHECK;

/* Notes that the archive has the packages of n lists, so that their files are
 * asked for there. */
int index_seen(struct update *u, const uint64_t *lists, size_t n,
    struct error *err) MUST_CHECK;

/* Makes the other files of Release present that the mirror is to have; what
 * nobody has is warned of. */
int files_take(struct update *u, const struct release *rel,
    const struct wanted_list *wanted, struct error *err) MUST_CHECK;

/*
 * The state that the mirror shows of all that was taken, which its filter makes
 * of it: its lists, of packages that are in the store, and no Release yet.
 * Counts its packages as those of the run.
 */
int filter_take(struct update *u, const struct state *whole, struct state *ret,
    struct error *err) MUST_CHECK;
/* Makes its Release, after the archive's, and stores it. */
int filter_put(struct txn *t, const struct update *u, const struct release *rel,
    struct state *shown) MUST_CHECK;
/* Is the filter another than the one that made what the mirror shows?  1, 0,
 * or -ENOMEM. */
int filter_changed(const struct update *u) MUST_CHECK;

/* What the state depends on: the mirror's settings, the URL too, for what
 * another server says of "not modified" is about its own files, and what is in
 * the keyrings. */
int update_settings(const struct mirror *m, const struct origin *o,
    struct digest *ret) MUST_CHECK;
struct update_commit {
	const struct release_got *got;
	const struct release *rel;
	const struct state *state; /* without numbers; NULL: the old one */
	/* What the filter makes of it, or of the old one; NULL: all of it, or
	 * nothing has changed. */
	const struct state *shown;
	bool unfiltered; /* the old state is shown in full from now on */
};
/* Sets u->result.changed. */
int update_commit(struct update *u, const struct update_commit *what,
    struct error *err) MUST_CHECK;

#endif
