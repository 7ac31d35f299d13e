#ifndef STORE_STATE_H
#define STORE_STATE_H

/*
 * States: what one suite of an archive looked like at one time.  A state has
 * the Release texts that describe it and the lists of packages that its
 * indexes hold.  Mirrors take states in, publications make their own; both
 * are immutable and served by the same code.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/strs.h"
#include "store/package.h"
#include "store/txn.h"

struct state_list {
	char *component;    /* "main"; "" in a flat archive */
	char *architecture; /* "amd64", "source"; "" in a flat archive */
	enum package_kind kind;
	char *path; /* of the plain index below the suite's directory:
		     * "main/binary-amd64/Packages" */
	uint64_t list;
};

struct state {
	uint64_t number;
	char *suite; /* "bookworm", "stable/updates"; flat: "./" or "dir/" */
	bool flat;   /* indexes lie in suite itself, not in dists/suite */
	bool trusted_unsigned; /* taken without a checked signature */
	uint64_t origin;       /* whence its files come; 0: made here */
	/* Numbers of the texts that are served; 0 where there is none. */
	uint64_t in_release, release, release_gpg;
	/* The text that describes the state: the verified part of InRelease,
	 * or Release.  0 in a state that has no Release yet. */
	uint64_t listing;
	int64_t date, valid_until; /* as in Release */
	int64_t taken;		   /* when it was verified or made */
	struct strs signers;	   /* fingerprints of good signatures' keys */
	struct strs keyrings;	   /* files it was verified against */
	/* The SHA-256 that each of these had then, as hexadecimal; empty where
	 * that was not recorded. */
	struct strs keyring_hashes;
	struct state_list *lists; /* in the order of Release's components */
	size_t nlists;
};

int state_load(struct txn *t, uint64_t number, struct state *ret) MUST_CHECK;
/* Takes a number and stores. */
int state_put(struct txn *t, struct state *s) MUST_CHECK;
void state_release(struct state *s);
/* Adds a list; strings are copied, an index path is made where NULL. */
int state_add_list(struct state *s, const struct state_list *l) MUST_CHECK;
/* The directory of the state's indexes below the archive's root, with a slash
 * at its end or empty: "dists/bookworm/", ""; for the caller to free. */
char *state_dir(const struct state *s);

#endif
