#ifndef CLI_CMD_DERIVE_H
#define CLI_CMD_DERIVE_H

/* Snapshots made of others: suitefs snapshot merge, filter. */

#include "algebra/derive.h"
#include "cli/command.h"

int cmd_snapshot_merge(struct cli *c);
int cmd_snapshot_filter(struct cli *c);

/* What an argument means as a source: a snapshot, or a mirror where no snapshot
 * has the name.  -ENOENT: neither has. */
int derive_input_of(struct cli *c, const char *arg, struct derive_input *ret,
    struct error *err) MUST_CHECK;
/* Says on standard error that the snapshot has been made. */
void derive_log_made(const char *name, uint64_t packages);
/* Says that the snapshot has been made, as lines or as JSON; an exit status. */
int derive_made(struct cli *c, const char *name, uint64_t packages);

#endif
