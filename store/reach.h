#ifndef STORE_REACH_H
#define STORE_REACH_H

/*
 * What the heads reach: mirrors, snapshots, publications, prefixes, and roots
 * that were dropped a short while ago.
 *
 *   root     its states, the older generations too; a prefix's archives
 *   state    its texts, its lists, its origin, every content that its
 *            Release lists, whatever makes it, and the keys that signed it
 *   list     its runs;  run: its packages
 *   form     its list, its runs and their pieces
 *   text     the text it is compressed against
 *   package  the blobs of its files
 *   blob     the blobs it can be made of, the origins it names
 *   origin   is reached too where a package that is reached was seen: while
 *            something is left that can be fetched there, it stays
 *
 * Light records are read, stanzas never.  Memory is a bit for every number
 * that was ever given out, twice.  Dictionaries are not counted: which are
 * needed is known to those who read stanzas.
 *
 * The heads are read in one transaction, what they reach in many short ones:
 * the caller has the hold (store/hold.h), so that nothing of it goes away.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/progress.h"
#include "base/strs.h"
#include "store/bits.h"
#include "store/content.h"
#include "store/form.h"
#include "store/txn.h"

enum reach_kind {
	REACH_ROOT,
	REACH_STATE,
	REACH_TEXT,
	REACH_FORM,
	REACH_LIST,
	REACH_RUN,
	REACH_PACKAGE,
	REACH_BLOB,
	REACH_ORIGIN,
	REACH_KINDS
};
#define REACH_CODECS (CODEC_BZ2 + 1)

struct reach {
	struct bits bits[REACH_KINDS];
	struct bits pieces[REACH_CODECS]; /* by run */
	/* The last number of each kind when it began: what is beyond counts
	 * as reached. */
	uint64_t last[REACH_KINDS];
	uint64_t dropped;    /* roots that nothing else reaches first */
	struct strs signers; /* fingerprints of keys that signed states */
};

/* Something that is named is missing, or damaged. */
struct reach_fault {
	const char *what; /* "list 12", "snapshot monday" */
	const char *text; /* "is missing" */
	/* Where it is a record that has a number: "list", 12; else NULL, 0. */
	const char *kind;
	uint64_t number;
	/* A record that has a number, or a table, can't be read, so that not
	 * all is known that it names. */
	bool unreadable;
};
typedef void reach_fault_fn(void *arg, const struct reach_fault *f);

struct reach_opts {
	/* Roots that were dropped at this time or later count as heads;
	 * INT64_MAX: none do. */
	int64_t dropped_since;
	reach_fault_fn *fault; /* NULL: the first fault is an error */
	void *arg;
	struct progress *progress;
	const atomic_bool *cancel; /* or NULL */
};

/* -EIO: a fault, as the text says; -EINTR. */
int reach_mark(struct store *s, const struct reach_opts *opts,
    struct reach *ret, struct error *err) MUST_CHECK;
void reach_release(struct reach *r);

bool reach_has(const struct reach *r, enum reach_kind kind, uint64_t number);
bool reach_has_piece(const struct reach *r, uint64_t run, uint64_t codec);
bool reach_has_content(const struct reach *r, struct content c);

#endif
