#ifndef CLI_OUT_STATE_H
#define CLI_OUT_STATE_H

/* What the commands that show a mirror or a snapshot print of its state: when
 * and by what it was verified, and how much of it is here. */

#include <jansson.h>

#include "cli/command.h"
#include "mirror/pool.h"
#include "store/state.h"

/* Counts the files of a state, the pool's and those that Release lists. */
int state_files(struct txn *t, uint64_t state, struct pool_count *ret,
    struct error *err) MUST_CHECK;
/* Both together. */
struct file_count state_files_sum(const struct pool_count *n);

/* Date, Valid-Until, Verified, the keys and the keyrings. */
void out_verified(const struct state *state);
/* How many files are present, remote and gone. */
void out_files(const struct pool_count *n);

/* Adds the same to an object: "valid_until", "expired", "verified",
 * "signed_by", "keyrings", "keyring_sha256" and the counts, of all files and,
 * below "pool" and "listed", of the two kinds.  -ENOMEM. */
int out_json_verified(json_t *object, const struct state *state) MUST_CHECK;
int out_json_files(json_t *object, const struct pool_count *n) MUST_CHECK;

#endif
