#ifndef STORE_MEND_RUN_H
#define STORE_MEND_RUN_H

/* What the parts of one mending share: private to store/mend*.c. */

#include "base/release.h"
#include "store/damage.h"
#include "store/heavy.h"
#include "store/list.h"
#include "store/mend.h"
#include "store/reach.h"
#include "store/state.h"

#define MEND_KINDS (PACKAGE_UDEB + 1)

/* Changes of entries that wait for a transaction. */
struct mend_edit {
	enum table table;
	bool remove;
	size_t key, key_len, value, value_len; /* in bytes */
};

struct mend {
	struct store *store;
	const struct mend_opts *opts;
	struct error *err;
	struct reach reach; /* of what could be read */
	bool unreadable;    /* not all is known that is reached */

	struct mend_edit *edits;
	size_t nedits, edits_cap;
	struct buf bytes;

	/* The kind of the lists that they stand in. */
	struct bits package_kinds[MEND_KINDS], run_kinds[MEND_KINDS];
	struct bits by_hash; /* packages that some hash leads to */
	struct bits lost;    /* packages whose stanza is not known */
	/* Dictionaries that stanzas need; all where one can't be read. */
	struct bits dicts;
	bool dicts_unknown;

	/* Scratch. */
	struct heavy *heavy;
	struct package package;
	struct light light;
	struct record_writer writer;
	struct run_packages run;
	struct buf stanza;
	struct hash *hash;
};

/* The parts, in their order. */
int mend_counters(struct mend *m) MUST_CHECK;
int mend_heads(struct mend *m) MUST_CHECK;
int mend_packages(struct mend *m) MUST_CHECK;
int mend_lists(struct mend *m) MUST_CHECK;
int mend_ids(struct mend *m) MUST_CHECK;
int mend_files(struct mend *m) MUST_CHECK;
int mend_forms(struct mend *m) MUST_CHECK;
int mend_hints(struct mend *m) MUST_CHECK; /* paths, sightings, gone, dropped */
int mend_garbage(struct mend *m) MUST_CHECK;

static inline bool
mend_is_suspect(const struct mend *m, enum table table, uint64_t number)
{
	return bits_has(&m->opts->suspects[table], number);
}
static inline uint64_t
mend_next(const struct mend *m, enum table table, uint64_t from)
{
	return bits_next(&m->opts->suspects[table], from);
}
/* bits_set() for a number that is, or is said to be, one of the table's; -E2BIG
 * beyond its limit. */
int mend_set(const struct mend *m, enum table table, struct bits *b,
    uint64_t number) MUST_CHECK;
int mend_stopped(const struct mend *m) MUST_CHECK;

/* Puts or removes an entry at the next mend_flush(), which the caller calls
 * where no transaction is open. */
int mend_put(struct mend *m, enum table table, struct span key,
    struct span value) MUST_CHECK;
int mend_put64(struct mend *m, enum table table, uint64_t key,
    struct span value) MUST_CHECK;
int mend_remove(struct mend *m, enum table table, struct span key) MUST_CHECK;
int mend_remove64(struct mend *m, enum table table, uint64_t key) MUST_CHECK;
bool mend_is_full(const struct mend *m); /* it is time to flush */
int mend_flush(struct mend *m) MUST_CHECK;

/* Goes through a table; fn queues changes. */
typedef int mend_each_fn(
    struct mend *m, struct txn *t, struct span key, struct span value);
int mend_each(struct mend *m, enum table table, mend_each_fn *fn) MUST_CHECK;

/* Finds out again what is reached. */
int mend_mark(struct mend *m) MUST_CHECK;

/* Replaces the light record by what the stanza says. */
int mend_light(struct mend *m, uint64_t number, struct span stanza,
    enum package_kind kind) MUST_CHECK;
/* The kind of the lists that a package or run stands in; 1 or 0: in none. */
int mend_kind(const struct bits kinds[MEND_KINDS], uint64_t number,
    enum package_kind *ret);

/* 1 where the list's stanzas are those that its hash says, else 0. */
int mend_list_is_sound(struct mend *m, uint64_t number) MUST_CHECK;

/* --- indexes ------------------------------------------------------------- */

/* A file of a state that is an index of it, compressed or not. */
struct mend_index {
	struct digest sha256; /* of the file */
	uint64_t size;
	enum codec codec;
	/* Of the plain index, where Release has it. */
	bool has_plain;
	struct digest plain;
	uint64_t limit;	     /* bytes of the plain index, at most */
	uint64_t form, blob; /* what it is in the store; one of them, or none */
};
#define MEND_FORMS 5

/* The forms in which a state has the index with that path, those that need not
 * be fetched first; *ret_n of them. */
int mend_index_find(struct mend *m, uint64_t state, const char *path,
    struct mend_index ret[MEND_FORMS], size_t *ret_n) MUST_CHECK;
/*
 * Calls fn for each stanza of an index; 0 where the file and the plain index
 * are those that Release says.  -EBADMSG: they are not; -ENOENT: the file can't
 * be had.  fn's errors.
 */
typedef int mend_stanza_fn(void *arg, struct span stanza);
int mend_index_read(struct mend *m, const struct mend_index *ix,
    mend_stanza_fn *fn, void *arg) MUST_CHECK;

#endif
