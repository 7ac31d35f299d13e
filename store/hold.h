#ifndef STORE_HOLD_H
#define STORE_HOLD_H

/*
 * What keeps those who store things and the one who takes garbage away from
 * each other, beyond LMDB's own locks: two flock(2)s of the store's
 * directories, which end with the process that has them.
 *
 * The hold, of DIR/tmp.  An update or a publish stores packages, lists and
 * blobs in many transactions that nothing refers to before the last one moves
 * a head, and it refers to what it finds by hash, which may be garbage.  So it
 * shares the hold from before its first look until its head has moved.  Who
 * takes garbage away, and who checks that nothing is missing, needs to know
 * that this stands still: the first has the hold alone, the second shares it.
 *
 *   - Garbage stays garbage while the collector has the hold: what only a
 *     single transaction does (freezing a mirror's state, renaming, dropping)
 *     refers to nothing but what a head refers to already and what it stores
 *     itself, under numbers that were not given out before.
 *   - Mounts and single transactions never wait for the hold.
 *
 * Presence, of DIR/blobs/sha256: every program that has the store open shares
 * it (see store_open()).  It tells the collector whether anybody may still be
 * looking at what was dropped just now.
 */

#include <stdatomic.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/progress.h"
#include "store/store.h"

enum hold {
	HOLD_SHARED,
	HOLD_ALONE,
};

/* While it waits. */
struct hold_wait {
	const atomic_bool *cancel; /* ends it: -EINTR; or NULL */
	struct progress *progress; /* shows it; or NULL */
};

/* Takes the hold; closing *ret_fd gives it back.  A process may share it many
 * times. */
int hold_take(struct store *s, enum hold kind, const struct hold_wait *wait,
    int *ret_fd, struct error *err) MUST_CHECK;

/* For store_open(): marks the store as open, until blobs_fd is closed. */
int hold_enter(int blobs_fd) MUST_CHECK;
/* Is the store open in this process alone, by one struct store? */
bool hold_is_alone(struct store *s);

#endif
