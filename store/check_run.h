#ifndef STORE_CHECK_RUN_H
#define STORE_CHECK_RUN_H

/* What the parts of one check share: private to store/check*.c. */

#include "store/check.h"
#include "store/damage.h"
#include "store/heavy.h"
#include "store/list.h"
#include "store/package.h"
#include "store/reach.h"

#define CHECK_TEXT_SIZE 512 /* of a finding */

/* Findings that wait until it is known what became of them. */
struct check_notes {
	struct check_note {
		char *what, *text;
	} * v;
	size_t n, cap;
	int failed; /* -ENOMEM: not all of them are here */
};
void check_notes_release(struct check_notes *n);
int check_note(struct check_notes *n, const struct check_finding *f) MUST_CHECK;

struct check {
	struct store *store;
	const struct check_opts *opts;
	struct check_result *result;
	struct reach reach;
	struct error *err;
	struct check_notes *notes; /* where findings go, or NULL */
	bool pages;		   /* of the database are damaged */
	/* What can be found by its hash, as far as that was looked at. */
	struct bits by_hash[REACH_KINDS];
	/* Where something is wrong: what mending looks at. */
	struct bits suspects[T_COUNT];	  /* by number */
	uint64_t limits[T_COUNT];	  /* see mend_limits() */
	int64_t latest_text, latest_blob; /* mtimes */
	struct bits seen; /* lists whose sightings were looked at */
	/* Scratch. */
	struct heavy *heavy;
	struct package package;
	struct light light;
	struct run_packages run;
	struct buf stanza;
	struct hash *hash;
	struct path_maker *paths;
};

/* One entry of a table.  A result other than 0 ends the check: it is for what
 * kept it from looking. */
typedef int check_entry_fn(
    struct check *c, struct txn *t, struct span key, struct span value);

check_entry_fn check_meta, check_content, check_package_id, check_light,
    check_dict, check_run_id, check_run, check_list, check_form, check_form_id,
    check_piece, check_text, check_blob, check_gone, check_sighting,
    check_paths, check_origin, check_state, check_root, check_dropped,
    check_public_key;

/* A key that is a number: what it is of. */
struct check_key {
	const char *what;
	enum counter counter;
	struct span key;
};
int check_number(struct check *c, struct txn *t, const struct check_key *k,
    uint64_t *ret) MUST_CHECK;

int check_files(struct check *c) MUST_CHECK;
int check_records(struct check *c) MUST_CHECK;
int check_and_repair(struct check *c) MUST_CHECK;
/* Who lacks what, by the last findings. */
int check_suffering(struct check *c) MUST_CHECK;
/* What is missing, and nothing says so but what it led to. */
int check_lost(struct check *c) MUST_CHECK;
/* -EINTR where it is to stop. */
int check_stopped(const struct check *c) MUST_CHECK;

/*
 * The ID of a run, of what it has: as it is in a list of some kind of packages.
 * wanted, 32 bytes or NULL: if it is that in a list of any kind.  Overwrites
 * c->run.  Damage and -ENOENT as they come.
 */
int check_run_hash(struct check *c, struct txn *t, uint64_t number,
    const char *wanted, struct digest *ret) MUST_CHECK;

void check_tell(struct check *c, const struct check_finding *f);
void check_found(struct check *c, const char *what, bool repaired,
    const char *fmt, ...) PRINTF_LIKE(4, 5);
/* The same about an entry of a table that has numbers. */
int check_found_number(struct check *c, const char *what, uint64_t number,
    const char *fmt, ...) PRINTF_LIKE(4, 5);

#endif
