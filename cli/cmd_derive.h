#ifndef CLI_CMD_DERIVE_H
#define CLI_CMD_DERIVE_H

/* Snapshots made of others: suitefs snapshot merge, ... */

#include "cli/command.h"
#include "store/derive.h"

int cmd_snapshot_merge(struct cli *c);

/*
 * The source that an argument means: a snapshot, or "mirror:NAME" for the
 * newest state of a mirror, unless a snapshot is called so.  Whether it is
 * there is for others to say.  name points into arg.
 */
int derive_input_of(
    struct cli *c, const char *arg, struct derive_input *ret) MUST_CHECK;
/* Says that the snapshot has been made, as lines or as JSON; an exit status. */
int derive_made(struct cli *c, const char *name, uint64_t packages);

#endif
